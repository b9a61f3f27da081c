package op

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// doubled makes room for one more value, and where there is none for twice as many: append alone makes large slices longer by
// a quarter, so that those that grow to their length one by one are copied often.
func doubled[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	return slices.Grow(s, max(64, len(s)))
}

// roomFor is doubled for n more values.
func roomFor[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(64, len(s), n))
}

// slot is a place of a hash table: the number of its entry plus one, and above it the high half of the entry's hash. Most other
// entries are told apart by that without looking at them, and where an entry goes in a larger table follows from it.
type slot uint64

func (s slot) entry() int32        { return int32(uint32(s)) - 1 }
func (s slot) maybe(h uint64) bool { return (uint64(s)^h)>>32 == 0 }

func slotOf(h uint64, entry int32) slot { return slot(h>>32<<32 | uint64(uint32(entry+1))) }

// hashSlots are the slots of a table with open addressing: at most half of them, of which there are a power of two, are used. The
// highest bits of its hash say where an entry goes, so that the slots of every table are in the order of the hashes: what goes through
// the slots of one table to those of another, or of a larger one, goes through both from front to back.
type hashSlots []slot

// first is where the entry with the hash is looked for; it is not to be called without slots.
func (s hashSlots) first(h uint64) uint64 { return h >> (bits.LeadingZeros64(uint64(len(s)-1)) & 63) }

func (s hashSlots) after(at uint64) uint64 { return (at + 1) & uint64(len(s)-1) }

// room makes the slots twice as many if they hold n entries and one more would be too many.
func (s *hashSlots) room(n int) {
	if 2*n >= len(*s) {
		s.resize(max(64, 2*len(*s)))
	}
}

func (s *hashSlots) resize(n int) {
	grown := make(hashSlots, n)
	for _, x := range *s {
		if x != 0 {
			grown.enter(x)
		}
	}
	*s = grown
}

// enter finds a slot for an entry that is not there.
func (s hashSlots) enter(x slot) {
	at := s.first(uint64(x))
	for s[at] != 0 {
		at = s.after(at)
	}
	s[at] = x
}

// touchFrom is how many slots do not stay in the cache, touchRows how many are fetched at a time: their pages must stay known too.
const (
	touchFrom = 1 << 15
	touchRows = 512
)

// large reports whether the slots are so many that those of some rows are better fetched beforehand: then the accesses to memory, of
// which otherwise each waits for the one before, go on together.
func (s hashSlots) large() bool { return len(s) >= touchFrom }

// intTable numbers integers from 0 by first appearance: open addressing over the numbers given.
type intTable struct {
	slots hashSlots
	vals  []int64
	n     int
	found slot // keeps touch from being left out
}

func mixInt(v int64) uint64 {
	x := uint64(v) * 0x9E3779B97F4A7C15
	return x ^ x>>29
}

func (t *intTable) get(v int64) int32 {
	if len(t.slots) == 0 {
		return -1
	}
	h := mixInt(v)
	for at := t.slots.first(h); ; at = t.slots.after(at) {
		s := t.slots[at]
		if s == 0 {
			return -1
		}
		if s.maybe(h) && t.vals[s.entry()] == v {
			return s.entry()
		}
	}
}

func (t *intTable) put(v int64) int32 {
	t.slots.room(t.n)
	h := mixInt(v)
	for at := t.slots.first(h); ; at = t.slots.after(at) {
		s := t.slots[at]
		if s == 0 {
			t.vals = append(doubled(t.vals), v)
			t.slots[at] = slotOf(h, int32(t.n))
			t.n++
			return int32(t.n - 1)
		}
		if s.maybe(h) && t.vals[s.entry()] == v {
			return s.entry()
		}
	}
}

// touch fetches the slot of v.
func (t *intTable) touch(v int64) { t.found |= t.slots[t.slots.first(mixInt(v))] }

func (t *intTable) memSize() int { return len(t.slots)*8 + cap(t.vals)*8 }

// textTable numbers byte strings; the caller chooses the numbers, which ascend. Those that it leaves out are of no string.
type textTable struct {
	slots hashSlots
	ends  []uint64
	data  []byte
	found slot // keeps touch from being left out
}

var hashSeed = maphash.MakeSeed()

// hashBytes is the same during one run of the program only.
func hashBytes(b []byte) uint64 { return maphash.Bytes(hashSeed, b) }

func (t *textTable) at(i int32) []byte {
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
	return t.slots[t.lookUp(key, h)].entry()
}

// lookUp finds the slot of a key, or the one that is free for it.
func (t *textTable) lookUp(key []byte, h uint64) uint64 {
	for at := t.slots.first(h); ; at = t.slots.after(at) {
		if s := t.slots[at]; s == 0 || s.maybe(h) && bytes.Equal(t.at(s.entry()), key) {
			return at
		}
	}
}

// put gives the key's number, which is id if the key is new.
func (t *textTable) put(key []byte, h uint64, id int32) int32 {
	t.slots.room(len(t.ends))
	at := t.lookUp(key, h)
	if s := t.slots[at]; s != 0 {
		return s.entry()
	}
	t.leaveOut(int(id))
	t.slots[at] = slotOf(h, id)
	t.data = append(t.data, key...)
	t.ends = append(doubled(t.ends), uint64(len(t.data)))
	return id
}

// leaveOut makes n the next number.
func (t *textTable) leaveOut(n int) {
	for len(t.ends) < n {
		t.ends = append(doubled(t.ends), uint64(len(t.data)))
	}
}

// append takes over the strings with numbers [from, to) of another table.
func (t *textTable) append(o *textTable, from, to int) {
	start := uint64(0)
	if from > 0 {
		start = o.ends[from-1]
	}
	base := uint64(len(t.data)) - start
	t.data = append(t.data, o.data[start:o.ends[to-1]]...)
	t.ends = roomFor(t.ends, to-from)
	for _, end := range o.ends[from:to] {
		t.ends = append(t.ends, base+end)
	}
}

// column gives the strings with the numbers that are listed, of which none is the one of null; nil for [from, to).
func (t *textTable) column(order []int32, from, to int, null int32) *vec.Column {
	n := to - from
	out := &vec.Column{Kind: vec.Bytes, Len: n, Offsets: make([]int32, n+1)}
	if order == nil {
		start := uint64(0)
		if from > 0 {
			start = t.ends[from-1]
		}
		for i, end := range t.ends[from:to] {
			out.Offsets[i+1] = int32(end - start)
		}
		out.Data = t.data[start : start+uint64(out.Offsets[n])]
	} else {
		size := 0
		for i, id := range order[from:to] { // accesses to memory that do not wait for each other
			size += len(t.at(id))
			out.Offsets[i+1] = int32(size)
		}
		out.Data = make([]byte, 0, size)
		for _, id := range order[from:to] {
			out.Data = append(out.Data, t.at(id)...)
		}
	}
	for i := range n {
		if id := numberAt(order, from+i); id == null {
			out.Valid = vec.NewBitmap(n)
			out.Valid.SetAll(n)
			out.Valid.Clear(i)
		}
	}
	return out
}

// numberAt is place i of an order, nil for that of the numbers.
func numberAt(order []int32, i int) int32 {
	if order == nil {
		return int32(i)
	}
	return order[i]
}

// touch fetches the slots of keys with the hashes.
func (t *textTable) touch(hashes []uint64) {
	for _, h := range hashes {
		t.found |= t.slots[t.slots.first(h)]
	}
}

func (t *textTable) memSize() int {
	return len(t.slots)*8 + cap(t.ends)*8 + cap(t.data)
}
