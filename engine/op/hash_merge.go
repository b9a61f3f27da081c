package op

import (
	"bytes"

	"github.com/allsource-db/allsource/vec"
)

// matches stores for the entries of another table which entry here is the same, -1 where none is.
func (s hashSlots) matches(o hashSlots, same func(ours, theirs int32) bool, entries []int32) {
	for _, x := range o {
		if x == 0 {
			continue
		}
		found := int32(-1)
		if len(s) > 0 {
			for at := s.first(uint64(x)); s[at] != 0; at = s.after(at) {
				if s[at].maybe(uint64(x)) && same(s[at].entry(), x.entry()) {
					found = s[at].entry()
					break
				}
			}
		}
		entries[x.entry()] = found
	}
}

// take enters those entries of another table that have a number from first on here; there are n then.
func (s *hashSlots) take(o hashSlots, entries []int32, first, n int) {
	size := max(64, len(*s))
	for 2*n > size { // before: filling a table in the order of the hashes while it grows would fill its front
		size *= 2
	}
	if size > len(*s) {
		s.resize(size)
	}
	for _, x := range o {
		if x == 0 {
			continue
		}
		if e := entries[x.entry()]; int(e) >= first {
			s.enter(slotOf(uint64(x), e))
		}
	}
}

// numberValues gives the values that another table holds, one for each of its groups, their numbers here. Those that are new are added
// to held, which has the values of this table. Where there are first rows of the groups here and there, and the values are places, they
// are merged too, and of a value that is in both the place with the earlier one is kept.
func (t *valueTable) numberValues(from, held *keyValues, f *firstsOf, workers int) []int32 {
	if base, ok := held.adopt(from); ok && t.space.takes(t, from.columns[0]) {
		return t.takePlaces(from, held, base, f, workers)
	}
	from.copy()
	held.copy()
	if from.inTable && held.inTable {
		ids := t.takeTexts(from.table)
		held.n = t.n
		return ids
	}
	c := from.column(nil)
	if held.table == t && from.table != nil && from.table.onlyInts() && t.onlyInts() {
		return t.takeInts(from.table, c, held)
	}
	ids := make([]int32, from.n)
	for at := 0; at < from.n; at += vec.BatchRows {
		part := c.Slice(at, min(at+vec.BatchRows, from.n))
		t.number(part, part.Len, ids[at:], true)
		for i, id := range ids[at : at+part.Len] {
			if int(id) == held.n {
				held.add(part, i)
			}
		}
	}
	return ids
}

// firstsOf are the first rows of the groups of two tables.
type firstsOf struct {
	ours   *[]int64
	theirs []int64
	merged bool
}

// earlier takes the first row of a group over where it is earlier than that of ours, or ours is new.
func (f *firstsOf) earlier(id int32, group int) bool {
	ours := *f.ours
	if f.theirs[group] >= ours[id] {
		return false
	}
	ours[id] = f.theirs[group]
	return true
}

// placesAtOnce is how many values are worth a goroutine.
const placesAtOnce = 16 << 10

// takePlaces is numberValues for values that have numbers of the table's space; the columns of from are those of held from base on.
func (t *valueTable) takePlaces(from, held *keyValues, base int32, f *firstsOf, workers int) []int32 {
	if f != nil {
		f.merged = true
	}
	highest := uint32(0)
	for _, p := range from.places {
		highest = max(highest, p.num)
	}
	if t.space.spelled || len(t.space.sparse.vals) > 0 || highest >= directNumbers {
		return t.takeSparse(from, held, base, f)
	}
	t.space.reach(highest)
	ids, direct := make([]int32, from.n), t.space.direct
	pieces := (from.n + placesAtOnce - 1) / placesAtOnce
	next := make([]int32, pieces) // number of the next new value of each piece
	each := func(do func(piece, from, to int)) {
		// The values of one table are different: no two goroutines meet.
		_ = inParallel(workers, pieces, func(k int) error {
			do(k, k*placesAtOnce, min((k+1)*placesAtOnce, from.n))
			return nil
		})
	}
	each(func(k, lo, hi int) {
		for i, p := range from.places[lo:hi] { // accesses to memory that do not wait for each other
			if ids[lo+i] = direct[p.num] - 1; direct[p.num] == 0 {
				next[k]++
			}
		}
		for i, id := range ids[lo:hi] {
			if id >= 0 && f != nil && f.earlier(id, lo+i) {
				held.places[id] = from.places[lo+i].moved(base)
			}
		}
	})
	before := t.n
	for k, n := range next {
		next[k] = int32(t.n)
		t.n += int(n)
	}
	held.places = roomFor(held.places, t.n-before)[:t.n]
	held.n = t.n
	if f != nil {
		*f.ours = roomFor(*f.ours, t.n-before)[:t.n]
	}
	each(func(k, lo, hi int) {
		id := next[k]
		for i := lo; i < hi; i++ {
			if ids[i] >= 0 {
				continue
			}
			ids[i], held.places[id] = id, from.places[i].moved(base)
			direct[from.places[i].num] = id + 1
			if f != nil {
				(*f.ours)[id] = f.theirs[i]
			}
			id++
		}
	})
	for id := before; id < t.n; id++ {
		p := held.places[id]
		t.space.keep(held.columns[p.column], int(p.row), int32(id))
	}
	return ids
}

// takeSparse is takePlaces where numbers are not all places of the array.
func (t *valueTable) takeSparse(from, held *keyValues, base int32, f *firstsOf) []int32 {
	ids := make([]int32, from.n)
	for i, p := range from.places {
		id := t.one(from.columns[p.column], int(p.row), true)
		ids[i] = id
		switch {
		case int(id) == held.n:
			held.places = append(doubled(held.places), p.moved(base))
			held.n++
			if f != nil {
				*f.ours = append(doubled(*f.ours), f.theirs[i])
			}
		case f != nil && f.earlier(id, i):
			held.places[id] = p.moved(base)
		}
	}
	return ids
}

// onlyInts reports whether all values but null stand as integers.
func (t *valueTable) onlyInts() bool {
	return t.space.space == nil && len(t.texts.ends) == 0 && len(t.toInt) > 0
}

// takeInts numbers the values of another table, which c has in the order of their numbers.
func (t *valueTable) takeInts(o *valueTable, c *vec.Column, held *keyValues) []int32 {
	entries, before := make([]int32, o.ints.n), t.ints.n
	same := func(ours, theirs int32) bool { return t.ints.vals[ours] == o.ints.vals[theirs] }
	t.ints.slots.matches(o.ints.slots, same, entries)
	t.ints.vals, t.toInt = roomFor(t.ints.vals, len(entries)), roomFor(t.toInt, len(entries))
	ids := make([]int32, o.n)
	if o.null > 0 {
		ids[o.null-1] = t.nullID(true)
		if int(ids[o.null-1]) == held.n {
			held.add(c, int(o.null-1))
		}
	}
	for k, id := range o.toInt {
		if entries[k] < 0 {
			entries[k] = int32(len(t.ints.vals))
			t.ints.vals, t.toInt = append(t.ints.vals, o.ints.vals[k]), append(t.toInt, int32(t.n))
			t.n++
			held.add(c, int(id))
		}
		ids[id] = t.toInt[entries[k]]
	}
	t.ints.n = len(t.ints.vals)
	t.ints.slots.take(o.ints.slots, entries, before, t.ints.n)
	return ids
}

// takeTexts numbers the texts of another table, one for each of its numbers.
func (t *valueTable) takeTexts(o *valueTable) []int32 {
	for _, of := range []*valueTable{t, o} {
		of.space.spell(of)
		of.texts.leaveOut(of.n)
	}
	ids := make([]int32, o.n)
	same := func(ours, theirs int32) bool { return bytes.Equal(t.texts.at(ours), o.texts.at(theirs)) }
	t.texts.slots.matches(o.texts.slots, same, ids)
	before, null := t.n, int(o.null-1)
	for from := 0; from < o.n; {
		to := from
		for ; to < o.n && ids[to] < 0 && to != null; to++ {
			ids[to] = int32(t.n)
			t.n++
		}
		if to > from {
			t.texts.append(&o.texts, from, to)
			from = to
			continue
		}
		if from == null {
			ids[from] = t.nullID(true)
			t.texts.leaveOut(t.n)
		}
		from++
	}
	t.texts.slots.take(o.texts.slots, ids, before, t.n)
	return ids
}
