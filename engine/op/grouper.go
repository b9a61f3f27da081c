package op

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"

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
	typ   datum.Type
	n     int
	ints  intTable // values that stand as integers
	texts textTable
	toInt []int32 // ints' number → ours
	null  int32   // number of null plus one
	dict  *vec.Column
	codes []int32 // number of each entry of dict, -1 unknown
	buf   []byte
	space spaceTable
}

func (t *valueTable) memSize() int {
	return t.ints.memSize() + t.texts.memSize() + len(t.codes)*4 + t.space.memSize()
}

// number gives the values of c their numbers.
func (t *valueTable) number(c *vec.Column, n int, ids []int32, add bool) {
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
		if t.dict.Nums == nil || !t.space.takes(t, t.dict) || !t.space.all(t.dict, t.codes) {
			for i := range t.codes {
				t.codes[i] = -1
			}
		}
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
	if c.Kind != vec.Int64 || c.Valid != nil || t.typ.OID == datum.TimeTZ || n == 0 {
		for i := range n {
			ids[i] = t.one(c, i, add)
		}
		return
	}
	last, id := c.I64[0], t.one(c, 0, add)
	for i, v := range c.I64[:n] {
		if v != last {
			last, id = v, t.one(c, i, add)
		}
		ids[i] = id
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

// doubled makes room for one more value, and where there is none for twice as many: append alone makes large slices longer by
// a quarter, so that those that grow to their length one by one are copied often.
func doubled[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	return slices.Grow(s, max(64, len(s)))
}

// intTable numbers integers from 0 by first appearance: open addressing over the numbers given.
type intTable struct {
	slots []int32 // number plus one
	vals  []int64
	n     int
}

func mixInt(v int64) uint64 {
	x := uint64(v) * 0x9E3779B97F4A7C15
	return x ^ x>>29
}

func (t *intTable) get(v int64) int32 {
	if len(t.slots) == 0 {
		return -1
	}
	mask := uint64(len(t.slots) - 1)
	for h := mixInt(v) & mask; ; h = (h + 1) & mask {
		s := t.slots[h]
		if s == 0 {
			return -1
		}
		if t.vals[s-1] == v {
			return s - 1
		}
	}
}

func (t *intTable) put(v int64) int32 {
	if 2*t.n >= len(t.slots) {
		t.rehash()
	}
	mask := uint64(len(t.slots) - 1)
	for h := mixInt(v) & mask; ; h = (h + 1) & mask {
		s := t.slots[h]
		if s == 0 {
			t.vals = append(doubled(t.vals), v)
			t.n++
			t.slots[h] = int32(t.n)
			return int32(t.n - 1)
		}
		if t.vals[s-1] == v {
			return s - 1
		}
	}
}

func (t *intTable) rehash() {
	t.slots = make([]int32, max(64, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for i, v := range t.vals {
		h := mixInt(v) & mask
		for t.slots[h] != 0 {
			h = (h + 1) & mask
		}
		t.slots[h] = int32(i + 1)
	}
}

func (t *intTable) memSize() int { return len(t.slots)*4 + cap(t.vals)*8 }

// textTable numbers byte strings; the caller chooses the numbers.
type textTable struct {
	slots []int32 // index plus one
	ends  []uint64
	hash  []uint64
	ids   []int32
	data  []byte
}

var hashSeed = maphash.MakeSeed()

// hashBytes is the same during one run of the program only.
func hashBytes(b []byte) uint64 { return maphash.Bytes(hashSeed, b) }

func (t *textTable) at(i int) []byte {
	from := uint64(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.data[from:t.ends[i]]
}

func (t *textTable) get(key []byte, h uint64) int32 {
	if len(t.slots) == 0 {
		return -1
	}
	if i, ok := t.lookUp(key, h); ok {
		return t.ids[i]
	}
	return -1
}

// lookUp finds the entry of a key, or the slot that is free for it.
func (t *textTable) lookUp(key []byte, h uint64) (i int, ok bool) {
	mask := uint64(len(t.slots) - 1)
	for s := h & mask; ; s = (s + 1) & mask {
		e := int(t.slots[s]) - 1
		if e < 0 {
			return int(s), false
		}
		if t.hash[e] == h && bytes.Equal(t.at(e), key) {
			return e, true
		}
	}
}

// put gives the key's number, which is id if the key is new.
func (t *textTable) put(key []byte, h uint64, id int32) int32 {
	if 2*len(t.ids) >= len(t.slots) {
		t.rehash()
	}
	i, ok := t.lookUp(key, h)
	if ok {
		return t.ids[i]
	}
	t.data = append(t.data, key...)
	t.ends = append(t.ends, uint64(len(t.data)))
	t.hash = append(t.hash, h)
	t.ids = append(t.ids, id)
	t.slots[i] = int32(len(t.ids))
	return id
}

func (t *textTable) rehash() {
	t.slots = make([]int32, max(64, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for e, h := range t.hash {
		s := h & mask
		for t.slots[s] != 0 {
			s = (s + 1) & mask
		}
		t.slots[s] = int32(e + 1)
	}
}

func (t *textTable) memSize() int {
	return len(t.slots)*4 + cap(t.ends)*8 + cap(t.hash)*8 + cap(t.ids)*4 + cap(t.data)
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
