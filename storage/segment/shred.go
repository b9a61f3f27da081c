package segment

import (
	"bytes"
	"sort"

	"github.com/allsource-db/allsource/vec/jsonb"
)

// The tags of jsonb's format: the low half of a value's first byte.
const (
	tagNull    = 0x0
	tagFalse   = 0x1
	tagTrue    = 0x2
	tagInteger = 0x3
	tagDecimal = 0x4
	tagBig     = 0x5
	tagString  = 0x6
	tagArray   = 0x7
	tagObject  = 0x8
)

var emptyObject = jsonb.Value{0x18, 0}

// shred takes the value that begins with tok apart, into the columns at n and below. A key that occurs twice in an
// object is errDuplicate.
func (b *Builder) shred(n *node, tok jsonb.Token) error {
	switch tok {
	case jsonb.TokString:
		n.addString(b.rows, b.scan.Bytes())
	case jsonb.TokNumber:
		return b.shredNumber(n, b.scan.Num())
	case jsonb.TokBeginObject:
		return b.shredObject(n)
	case jsonb.TokTrue:
		n.mark(b.rows, valTrue)
	case jsonb.TokFalse:
		n.mark(b.rows, valFalse)
	case jsonb.TokNull:
		n.mark(b.rows, valNull)
	default:
		return b.shredArray(n, tok)
	}
	return nil
}

func (b *Builder) shredNumber(n *node, num jsonb.Num) error {
	if num.Exact && uint32(num.Scale) < maxNodeScale {
		n.addNumber(b.rows, num.Mantissa, num.Scale)
		return nil
	}
	b.jb.Reset()
	if err := b.jb.Num(num); err != nil {
		return err
	}
	b.shredWide(n, b.jb.Bytes())
	return nil
}

// shredWide adds a number that may be too large for its column.
func (b *Builder) shredWide(n *node, v jsonb.Value) {
	if v[0]&0xf != tagBig {
		if d := jsonb.Number(v); uint32(d.Scale) < maxNodeScale {
			n.addNumber(b.rows, d.Coef, d.Scale)
			return
		}
	}
	n.addDoc(b.rows, valBig, v)
}

func (b *Builder) shredObject(n *node) error {
	tok, err := b.scan.Next()
	if err != nil {
		return err
	}
	if tok == jsonb.TokEndObject {
		n.mark(b.rows, valEmptyObject)
		return nil
	}
	var prev *node
	for ; tok != jsonb.TokEndObject; tok, err = b.scan.Next() {
		if err != nil {
			return err
		}
		if prev, err = b.shredMember(n, prev); err != nil {
			return err
		}
	}
	return err
}

// shredMember takes the member of n apart whose key was just scanned. It returns the member's node.
func (b *Builder) shredMember(n, prev *node) (*node, error) {
	c := b.tree.child(n, prev, b.scan.Bytes(), b.slot)
	if c == nil {
		return prev, b.shredExtra(n)
	}
	if c.stamp == b.stamp {
		return nil, errDuplicate
	}
	c.stamp = b.stamp
	tok, err := b.scan.Next()
	if err != nil {
		return nil, err
	}
	return c, b.shred(c, tok)
}

func (b *Builder) shredArray(n *node, tok jsonb.Token) error {
	b.jb.Reset()
	empty, err := b.collect(tok)
	if err != nil {
		return err
	}
	if empty {
		n.mark(b.rows, valEmptyArray)
		return nil
	}
	n.addDoc(b.rows, valArray, b.jb.Bytes())
	return nil
}

// shredExtra keeps the member of n whose key was just scanned in the overflow.
func (b *Builder) shredExtra(n *node) error {
	b.doc = append(b.doc[:0], b.scan.Bytes()...)
	tok, err := b.scan.Next()
	if err != nil {
		return err
	}
	b.jb.Reset()
	if _, err := b.collect(tok); err != nil {
		return err
	}
	b.addExtra(n, b.doc, b.jb.Bytes())
	return nil
}

func (b *Builder) addExtra(n *node, key, val []byte) {
	at := uint32(len(b.extraData))
	b.extraData = append(append(b.extraData, key...), val...)
	b.extras = append(b.extras, extra{uint16(b.rows), n.id, at, at + uint32(len(key)), uint32(len(b.extraData))})
}

// checkExtras finds keys that occur twice in the overflow of the row.
func (b *Builder) checkExtras() error {
	xs := b.extras[b.line.extras:]
	if len(xs) < 2 {
		return nil
	}
	key := func(x *extra) []byte { return b.extraData[x.key:x.val] }
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, k int) bool {
		x, y := &xs[order[i]], &xs[order[k]]
		if x.parent != y.parent {
			return x.parent < y.parent
		}
		return bytes.Compare(key(x), key(y)) < 0
	})
	for i := 1; i < len(order); i++ {
		x, y := &xs[order[i-1]], &xs[order[i]]
		if x.parent == y.parent && bytes.Equal(key(x), key(y)) {
			return errDuplicate
		}
	}
	return nil
}

// collect gives the value that begins with tok to b.jb. It tells whether it is an empty array.
func (b *Builder) collect(tok jsonb.Token) (empty bool, err error) {
	depth, first := 0, tok
	for n := 0; ; n++ {
		switch tok {
		case jsonb.TokBeginObject:
			b.jb.BeginObject()
			depth++
		case jsonb.TokBeginArray:
			b.jb.BeginArray()
			depth++
		case jsonb.TokEndObject, jsonb.TokEndArray:
			b.jb.End()
			depth--
			empty = n == 1 && first == jsonb.TokBeginArray
		case jsonb.TokKey:
			b.jb.KeyBytes(b.scan.Bytes())
		case jsonb.TokString:
			b.jb.StringBytes(b.scan.Bytes())
		case jsonb.TokNumber:
			if err := b.jb.Num(b.scan.Num()); err != nil {
				return false, err
			}
		case jsonb.TokTrue, jsonb.TokFalse:
			b.jb.Bool(tok == jsonb.TokTrue)
		case jsonb.TokNull:
			b.jb.Null()
		}
		if depth == 0 {
			return empty, nil
		}
		if tok, err = b.scan.Next(); err != nil {
			return false, err
		}
	}
}

// shredValue takes a binary value apart.
func (b *Builder) shredValue(n *node, v jsonb.Value) {
	n.stamp = b.stamp
	switch v[0] & 0xf {
	case tagNull:
		n.mark(b.rows, valNull)
	case tagFalse:
		n.mark(b.rows, valFalse)
	case tagTrue:
		n.mark(b.rows, valTrue)
	case tagInteger, tagDecimal, tagBig:
		b.shredWide(n, v)
	case tagString:
		n.addString(b.rows, jsonb.StringBytes(v))
	case tagArray:
		if jsonb.Len(v) == 0 {
			n.mark(b.rows, valEmptyArray)
		} else {
			n.addDoc(b.rows, valArray, v)
		}
	case tagObject:
		if jsonb.Len(v) == 0 {
			n.mark(b.rows, valEmptyObject)
			return
		}
		var prev *node
		jsonb.EachField(v, func(key []byte, val jsonb.Value) bool {
			if c := b.tree.child(n, prev, key, b.slot); c != nil {
				prev = c
				b.shredValue(c, val)
			} else {
				b.addExtra(n, key, val)
			}
			return true
		})
	}
}
