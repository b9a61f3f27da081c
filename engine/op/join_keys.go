package op

import (
	"bytes"
	"math/bits"
	"sync"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// keyForm is what a column of keys is compared by.
type keyForm uint8

const (
	byBytes  keyForm = iota // their bytes, or datum.AppendHashKey's
	byInt                   // the integers that stand for them
	byNumber                // their numbers in a vec.Space
)

// noNumber is the number of a name that no key has.
const noNumber = 1 << 32

// joinKeys says how the keys of a join are compared: it is decided by the right input, whose keys all have the form. It is not
// changed once rows are looked up.
type joinKeys struct {
	types  []datum.Type
	forms  []keyForm
	spaces []*vec.Space    // of columns compared by number
	names  []spaceNames    // of these
	list   [][]*vec.Column // the keys of the right input, batch by batch
}

// spaceNames finds the number of a name that comes without it.
type spaceNames struct {
	once  sync.Once
	texts textTable
	nums  []uint32
}

// newJoinKeys looks at all keys of the right input, a list of columns for each batch.
func newJoinKeys(types []datum.Type, list [][]*vec.Column) *joinKeys {
	k := &joinKeys{types: types, forms: make([]keyForm, len(types)), spaces: make([]*vec.Space, len(types)), names: make([]spaceNames, len(types)), list: list}
	for c, t := range types {
		k.forms[c], k.spaces[c] = formOf(t.OID, c, list)
	}
	return k
}

func formOf(oid datum.OID, c int, list [][]*vec.Column) (keyForm, *vec.Space) {
	ints, space := standsAsInt(oid), (*vec.Space)(nil)
	for i, cols := range list {
		d := cols[c]
		if d.Codes != nil {
			d = d.Dict
		}
		ints = ints && d.Kind == datum.KindOf(oid)
		if i == 0 && d.Nums != nil && isPlainText(oid) {
			space = d.Space
		}
		if d.Nums == nil || d.Space != space {
			space = nil
		}
	}
	switch {
	case len(list) == 0:
		return byBytes, nil
	case ints:
		return byInt, nil
	case space != nil:
		return byNumber, space
	}
	return byBytes, nil
}

// standsAsInt reports whether asInt gives integers for values of the type.
func standsAsInt(oid datum.OID) bool {
	switch datum.KindOf(oid) {
	case vec.Int64:
		return oid != datum.TimeTZ
	case vec.Bool, vec.Float64:
		return true
	}
	return false
}

// exact reports whether the word of a row is its key, which is then single.
func (k *joinKeys) exact() bool { return len(k.forms) == 1 && k.forms[0] != byBytes }

// number finds the number of a name that comes without one of the space.
func (k *joinKeys) number(c int, name []byte) uint64 {
	n := &k.names[c]
	n.once.Do(func() {
		for _, cols := range k.list {
			col := cols[c]
			for i := range col.Len {
				if col.Null(i) {
					continue
				}
				d, row := resolved(col, i)
				key := d.Bytes(row)
				if id := n.texts.put(key, hashBytes(key), int32(len(n.nums))); int(id) == len(n.nums) {
					n.nums = append(n.nums, d.Nums[row])
				}
			}
		}
	})
	if id := n.texts.get(name, hashBytes(name)); id >= 0 {
		return uint64(n.nums[id])
	}
	return noNumber
}

// resolved is the flat column that holds row i, and the place there.
func resolved(c *vec.Column, i int) (*vec.Column, int) {
	if c.Codes != nil {
		return c.Dict, int(c.Codes[i])
	}
	return c, i
}

// keyWords turns keys into words, for one goroutine: a single key that has an integer is that, all others become hashes.
type keyWords struct {
	*joinKeys
	dicts []dictWords
	parts [][]uint64 // the words of each column, where there are several
	buf   []byte
	left  []byte
}

// dictWords are the words of the entries of a dictionary.
type dictWords struct {
	dict  *vec.Column
	words []uint64
}

func newKeyWords(k *joinKeys) *keyWords {
	return &keyWords{joinKeys: k, dicts: make([]dictWords, len(k.types)), parts: make([][]uint64, len(k.types))}
}

// of stores the words of n rows and returns which rows have a key that can match: nil for all.
func (k *keyWords) of(cols []*vec.Column, n int, words []uint64) (valid vec.Bitmap) {
	for c, col := range cols {
		if col.HasNulls() {
			v := col.Validity()
			if valid == nil {
				valid = v
			} else if v != nil {
				valid = vec.And(vec.NewBitmap(n), valid, v, n)
			}
		}
		if len(cols) == 1 {
			k.column(c, col, n, words)
			return valid
		}
		k.parts[c] = resized(k.parts[c], n)
		k.column(c, col, n, k.parts[c])
		for i, w := range k.parts[c] {
			if c == 0 {
				words[i] = mixInt(int64(w))
			} else {
				words[i] = mixInt(int64(bits.RotateLeft64(words[i], 23) ^ w))
			}
		}
	}
	return valid
}

// column stores the words of one column.
func (k *keyWords) column(c int, col *vec.Column, n int, words []uint64) {
	if col.Codes == nil {
		k.flat(c, col, n, words)
		return
	}
	if col.Dict.Len == 0 { // all are null
		clear(words)
		return
	}
	d := &k.dicts[c]
	if d.dict != col.Dict {
		if col.Dict.Len > 8*n {
			k.coded(c, col, n, words)
			return
		}
		d.dict, d.words = col.Dict, resized(d.words, col.Dict.Len)
		k.flat(c, col.Dict, col.Dict.Len, d.words)
	}
	for i, code := range col.Codes[:n] {
		words[i] = d.words[code]
	}
}

// coded is column for a few rows of a large dictionary.
func (k *keyWords) coded(c int, col *vec.Column, n int, words []uint64) {
	if d := col.Dict; k.forms[c] == byNumber && d.Nums != nil && d.Space == k.spaces[c] {
		for i, code := range col.Codes[:n] {
			words[i] = uint64(d.Nums[code])
		}
		return
	}
	for i, code := range col.Codes[:n] {
		words[i] = k.one(c, col.Dict, int(code))
	}
}

// flat is column without dictionary.
func (k *keyWords) flat(c int, col *vec.Column, n int, words []uint64) {
	switch {
	case k.forms[c] == byInt && col.Kind == vec.Int64:
		for i, v := range col.I64[:n] {
			words[i] = uint64(v)
		}
	case k.forms[c] == byNumber && col.Nums != nil && col.Space == k.spaces[c]:
		for i, v := range col.Nums[:n] {
			words[i] = uint64(v)
		}
	default:
		for i := range n {
			words[i] = k.one(c, col, i)
		}
	}
}

// one is the word of row i of a flat column; that of a null means nothing.
func (k *keyWords) one(c int, col *vec.Column, i int) uint64 {
	switch k.forms[c] {
	case byInt:
		v, _ := asInt(k.types[c].OID, col, i)
		return uint64(v)
	case byNumber:
		if col.Nums != nil && col.Space == k.spaces[c] {
			return uint64(col.Nums[i])
		}
		if col.Null(i) {
			return noNumber
		}
		return k.number(c, col.Bytes(i))
	}
	var key []byte
	key, k.buf = k.bytes(c, col, i, k.buf)
	return hashBytes(key)
}

// bytes is what a key is compared by, which may be in buf.
func (k *joinKeys) bytes(c int, col *vec.Column, i int, buf []byte) (key, buffer []byte) {
	if col.Kind == vec.Bytes && isPlainText(k.types[c].OID) {
		return col.Bytes(i), buf
	}
	buf = datum.AppendHashKey(buf[:0], k.types[c], col, i)
	return buf, buf
}

// heldKeys are the keys of the right rows, to be compared with where words are hashes.
type heldKeys struct {
	cols []heldColumn
}

// heldColumn is words, or texts and where each ends.
type heldColumn struct {
	words []uint64
	data  []byte
	ends  []uint64
}

func (h *heldColumn) at(row int32) []byte {
	from := uint64(0)
	if row > 0 {
		from = h.ends[row-1]
	}
	return h.data[from:h.ends[row]]
}

// same compares two right rows.
func (h *heldKeys) same(a, b int32) bool {
	for c := range h.cols {
		if col := &h.cols[c]; col.words != nil {
			if col.words[a] != col.words[b] {
				return false
			}
		} else if !bytes.Equal(col.at(a), col.at(b)) {
			return false
		}
	}
	return true
}

// matches compares row i of columns of which of was asked last with a right row.
func (k *keyWords) matches(h *heldKeys, cols []*vec.Column, i int, row int32) bool {
	for c := range h.cols {
		held := &h.cols[c]
		if held.words != nil {
			if k.parts[c][i] != held.words[row] {
				return false
			}
			continue
		}
		var key []byte
		key, k.left = k.bytes(c, cols[c], i, k.left)
		if !bytes.Equal(key, held.at(row)) {
			return false
		}
	}
	return true
}
