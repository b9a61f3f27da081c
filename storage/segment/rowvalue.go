package segment

import (
	"slices"

	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// valueCursor reads the values of a path that is being built, in ascending order.
type valueCursor struct {
	n             *node
	next          int
	num, str, doc int
}

// emit gives value i to jb.
func (c *valueCursor) emit(i int, jb *jsonb.Builder) {
	n := c.n
	for ; c.next < i; c.next++ {
		c.pass(n.kindAt(c.next))
	}
	k := n.kindAt(i)
	switch k {
	case valNull:
		jb.Null()
	case valFalse, valTrue:
		jb.Bool(k == valTrue)
	case valNumber:
		jb.Number(decimal.New(n.nums[c.num], int32(n.scaleAt(c.num))))
	case valString:
		jb.StringBytes(n.strs.at(c.str))
	case valEmptyObject:
		jb.Value(emptyObject)
	case valEmptyArray:
		jb.Value(emptyArray)
	default:
		jb.Value(n.docs.at(c.doc))
	}
	c.pass(k)
	c.next++
}

func (c *valueCursor) pass(k valueKind) {
	switch classOf[k] {
	case classNumbers:
		c.num++
	case classStrings:
		c.str++
	case classDocs:
		c.doc++
	}
}

// document puts a document of a row together from what was built so far.
func (b *Builder) document(root, row int) jsonb.Value {
	var parts []part
	var jb jsonb.Builder
	var keysOf func(n *node) []string
	keysOf = func(n *node) []string {
		if n.up == nil {
			return nil
		}
		return append(keysOf(n.up), n.key)
	}
	isBelow := func(n *node) bool {
		for n.up != nil {
			n = n.up
		}
		return int(n.id) == root
	}
	for _, n := range b.tree.nodes {
		i, ok := slices.BinarySearch(n.rows, uint16(row))
		if !ok || !isBelow(n) {
			continue
		}
		c := valueCursor{n: n}
		jb.Reset()
		c.emit(i, &jb)
		parts = append(parts, part{keysOf(n), jb.AppendTo(nil)})
	}
	for i := range b.extras {
		x := &b.extras[i]
		if n := b.tree.nodes[x.parent]; int(x.row) == row && isBelow(n) {
			keys := append(keysOf(n), string(b.extraData[x.key:x.val]))
			parts = append(parts, part{keys, b.extraData[x.val:x.to]})
		}
	}
	jb.Reset()
	if buildParts(&jb, parts) != nil || len(parts) == 0 {
		return emptyObject
	}
	return jb.AppendTo(nil)
}
