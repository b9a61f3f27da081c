package op

import (
	"encoding/binary"
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// grouper numbers distinct rows of key columns from 0 in the order in which they are first seen. It works column by
// column: the values of each column are numbered, and the numbers of two columns are numbered as pairs, so a
// dictionary-coded column costs an array access per row. Nulls are equal to each other.
type grouper struct {
	cols  []valueTable
	pairs []intTable
	n     int // rows numbered, when there are no columns
	ids   []int32
}

func newGrouper(types []datum.Type) *grouper {
	g := &grouper{cols: make([]valueTable, len(types))}
	for i, t := range types {
		g.cols[i].typ = t
	}
	if len(types) > 1 {
		g.pairs = make([]intTable, len(types)-1)
	}
	return g
}

// len returns how many numbers were given.
func (g *grouper) len() int {
	switch {
	case len(g.cols) == 0:
		return g.n
	case len(g.cols) == 1:
		return g.cols[0].n
	}
	return g.pairs[len(g.pairs)-1].n
}

// assign numbers n rows of keys into ids.
func (g *grouper) assign(keys []*vec.Column, n int, ids []int32) { g.number(keys, n, ids, true) }

// find is assign for rows that must be known already; others get -1.
func (g *grouper) find(keys []*vec.Column, n int, ids []int32) { g.number(keys, n, ids, false) }

func (g *grouper) number(keys []*vec.Column, n int, ids []int32, add bool) {
	if len(g.cols) == 0 {
		if add && n > 0 {
			g.n = 1
		}
		for i := range ids[:n] {
			ids[i] = int32(g.n - 1)
		}
		return
	}
	g.cols[0].number(keys[0], n, ids, add)
	if len(g.cols) == 1 {
		return
	}
	if cap(g.ids) < n {
		g.ids = make([]int32, n)
	}
	second := g.ids[:n]
	for k := 1; k < len(g.cols); k++ {
		g.cols[k].number(keys[k], n, second, add)
		t := &g.pairs[k-1]
		for i := range n {
			if i%touchRows == 0 && t.slots.large() {
				for k := i; k < min(i+touchRows, n); k++ {
					t.touch(int64(ids[k])<<32 | int64(second[k]))
				}
			}
			switch {
			case ids[i] < 0 || second[i] < 0:
				ids[i] = -1
			case add:
				ids[i] = t.put(int64(ids[i])<<32 | int64(second[i]))
			default:
				ids[i] = t.get(int64(ids[i])<<32 | int64(second[i]))
			}
		}
	}
}

// fresh lists the rows of those just numbered whose numbers are new, from n on, each for the first time.
func (g *grouper) fresh(list []int32, ids []int32, n int) []int32 {
	if len(g.cols) == 1 && g.cols[0].learned {
		return append(list, g.cols[0].fresh...)
	}
	for i, id := range ids {
		if int(id) == n {
			n++
			list = append(list, int32(i))
		}
	}
	return list
}

// memSize estimates the bytes held.
func (g *grouper) memSize() int64 {
	n := 0
	for i := range g.cols {
		n += g.cols[i].memSize()
	}
	for i := range g.pairs {
		n += g.pairs[i].memSize()
	}
	return int64(n)
}

// valueTable numbers the values of one column.
type valueTable struct {
	typ    datum.Type
	n      int
	ints   intTable // values that stand as integers
	texts  textTable
	toInt  []int32 // ints' number → ours
	null   int32   // number of null plus one
	dict   *vec.Column
	codes  []int32 // number of each entry of dict, -1 unknown
	buf    []byte
	hashes []uint64
	space  spaceTable

	inSpace bool // the entries of dict are numbered by the space's array
	learned bool // by the last call, which lists the rows with new values in fresh
	fresh   []int32
}

func (t *valueTable) memSize() int {
	return t.ints.memSize() + t.texts.memSize() + len(t.codes)*4 + t.space.memSize()
}

// number gives the values of c their numbers.
func (t *valueTable) number(c *vec.Column, n int, ids []int32, add bool) {
	t.learned = false
	if c.Codes == nil {
		t.flat(c, n, ids, add)
		return
	}
	if c.Dict != t.dict {
		if c.Dict.Len > 8*n && t.numbered(c, n, ids, add) {
			return
		}
		t.dict = c.Dict
		t.codes = resized(t.codes, c.Dict.Len)
		t.inSpace = t.dict.Nums != nil && t.space.takes(t, t.dict) && t.space.all(t.dict, t.codes)
		if !t.inSpace {
			for i := range t.codes {
				t.codes[i] = -1
			}
		}
	}
	if t.inSpace && add && c.Valid == nil && t.learnCodes(c, n, ids) {
		return
	}
	for i, code := range c.Codes[:n] {
		if c.Valid != nil && !c.Valid.Get(i) {
			ids[i] = t.nullID(add)
			continue
		}
		id := t.codes[code]
		if id < 0 {
			id = t.one(c.Dict, int(code), add)
			t.codes[code] = id
		}
		ids[i] = id
	}
}

// learnCodes is number for codes of dict where its entries have places in the space's array; it reports false where that is not known of all.
func (t *valueTable) learnCodes(c *vec.Column, n int, ids []int32) bool {
	if t.space.spelled || len(t.space.sparse.vals) > 0 {
		return false
	}
	t.learned, t.fresh = true, t.fresh[:0]
	codes := t.codes
	for i, code := range c.Codes[:n] {
		id := codes[code]
		if id < 0 {
			before := t.n
			id = t.space.learnOne(t, c.Dict, int(code))
			codes[code] = id
			if t.n > before {
				t.fresh = append(t.fresh, int32(i))
			}
		}
		ids[i] = id
	}
	return true
}

// numbered is number for a few rows of a large dictionary, whose values are found by their numbers in the space; it reports
// false where they have none.
func (t *valueTable) numbered(c *vec.Column, n int, ids []int32, add bool) bool {
	d := c.Dict
	if d.Nums == nil || c.Valid != nil || d.Valid != nil || !t.space.takes(t, d) {
		return false
	}
	missing := t.space.find(d.Nums, c.Codes[:n], ids[:n])
	if !missing || !add && !t.space.spelled && len(t.space.sparse.vals) == 0 {
		return true
	}
	if add && !t.space.spelled && t.space.learn(t, d, c.Codes[:n], ids[:n]) {
		return true
	}
	for i, code := range c.Codes[:n] {
		if ids[i] < 0 {
			ids[i] = t.space.one(t, d, int(code), add)
		}
	}
	return true
}

// flat is number for columns without dictionary. Integers that come in runs, such as times cut to the hour, are looked up once
// a run.
func (t *valueTable) flat(c *vec.Column, n int, ids []int32, add bool) {
	if c.Kind == vec.Bytes && c.Nums == nil && t.texts.slots.large() && isPlainText(t.typ.OID) {
		t.flatTexts(c, n, ids, add)
		return
	}
	if c.Kind != vec.Int64 || c.Valid != nil || t.typ.OID == datum.TimeTZ || n == 0 {
		for i := range n {
			ids[i] = t.one(c, i, add)
		}
		return
	}
	last, id := c.I64[0], t.one(c, 0, add)
	for i, v := range c.I64[:n] {
		if i%touchRows == 0 && t.ints.slots.large() {
			for _, next := range c.I64[i:min(i+touchRows, n)] {
				t.ints.touch(next)
			}
		}
		if v != last {
			last, id = v, t.one(c, i, add)
		}
		ids[i] = id
	}
}

// flatTexts is flat for texts where the table of those known is large.
func (t *valueTable) flatTexts(c *vec.Column, n int, ids []int32, add bool) {
	t.space.spell(t)
	t.hashes = resized(t.hashes, n)
	for i := range t.hashes {
		t.hashes[i] = hashBytes(c.Bytes(i))
	}
	for i, h := range t.hashes {
		if i%touchRows == 0 {
			t.texts.touch(t.hashes[i:min(i+touchRows, n)])
		}
		switch {
		case c.Null(i):
			ids[i] = t.nullID(add)
		case add:
			if ids[i] = t.texts.put(c.Bytes(i), h, int32(t.n)); int(ids[i]) == t.n {
				t.n++
			}
		default:
			ids[i] = t.texts.get(c.Bytes(i), h)
		}
	}
}

func (t *valueTable) nullID(add bool) int32 {
	if t.null == 0 && add {
		t.n++
		t.null = int32(t.n)
	}
	return t.null - 1
}

// one numbers row i of a flat column.
func (t *valueTable) one(c *vec.Column, i int, add bool) int32 {
	if c.Null(i) {
		return t.nullID(add)
	}
	if c.Nums != nil && t.space.takes(t, c) {
		return t.space.one(t, c, i, add)
	}
	if v, ok := asInt(t.typ.OID, c, i); ok {
		k := int32(-1)
		if add {
			k = t.ints.put(v)
		} else if k = t.ints.get(v); k < 0 {
			return -1
		}
		if int(k) == len(t.toInt) {
			t.toInt = append(t.toInt, int32(t.n))
			t.n++
		}
		return t.toInt[k]
	}
	t.space.spell(t)
	return t.text(c, i, add)
}

// text numbers row i of a flat column by its bytes.
func (t *valueTable) text(c *vec.Column, i int, add bool) int32 {
	key := t.key(c, i)
	h := hashBytes(key)
	if !add {
		return t.texts.get(key, h)
	}
	id := t.texts.put(key, h, int32(t.n))
	if int(id) == t.n {
		t.n++
	}
	return id
}

func (t *valueTable) key(c *vec.Column, i int) []byte {
	if isPlainText(t.typ.OID) {
		return c.Bytes(i)
	}
	t.buf = datum.AppendHashKey(t.buf[:0], t.typ, c, i)
	return t.buf
}

// isPlainText reports whether values are equal when their bytes are.
func isPlainText(oid datum.OID) bool {
	switch oid {
	case datum.Text, datum.Varchar, datum.Name, datum.UUID, datum.Bytea:
		return true
	}
	return false
}

// asInt gives an integer that stands for the value, for types whose values are equal when it is.
func asInt(oid datum.OID, c *vec.Column, i int) (int64, bool) {
	switch c.Kind {
	case vec.Int64:
		return c.I64[i], oid != datum.TimeTZ
	case vec.Bool:
		if c.Bits.Get(i) {
			return 1, true
		}
		return 0, true
	case vec.Float64:
		v := c.F64[i]
		switch {
		case v == 0:
			v = 0 // -0 too
		case v != v:
			v = math.NaN()
		}
		return int64(math.Float64bits(v)), true
	}
	return 0, false
}

// rowHash adds the keys of row i to a hash that does not depend on how the columns are stored; level gives another
// function for each depth of partitioning.
func rowHash(types []datum.Type, keys []*vec.Column, i int, level byte, buf []byte) (uint64, []byte) {
	buf = append(buf[:0], level)
	for k, c := range keys {
		if c.Null(i) {
			buf = append(buf, 0)
			continue
		}
		at := len(buf)
		buf = append(buf, 1, 0, 0, 0, 0)
		buf = datum.AppendHashKey(buf, types[k], c, i)
		binary.LittleEndian.PutUint32(buf[at+1:], uint32(len(buf)-at))
	}
	return hashBytes(buf), buf
}
