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
// to held, which has the values of this table; where earlier says so of a value's number and the other's group, its place there is taken over.
func (t *valueTable) numberValues(from, held *keyValues, earlier func(id int32, group int) bool) []int32 {
	if base, ok := held.adopt(from); ok && t.space.takes(t, from.columns[0]) {
		return t.takePlaces(from, held, base, earlier)
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

// takePlaces is numberValues for values that have numbers of the table's space; the columns of from are those of held from base on.
func (t *valueTable) takePlaces(from, held *keyValues, base int32, earlier func(id int32, group int) bool) []int32 {
	ids := make([]int32, 0, from.n)
	direct := t.space.direct
	for _, p := range from.places { // accesses to memory that do not wait for each other
		id := int32(-1)
		if int(p.num) < len(direct) {
			id = direct[p.num] - 1
		}
		ids = append(ids, id)
	}
	for i, p := range from.places {
		if ids[i] < 0 {
			ids[i] = t.one(from.columns[p.column], int(p.row), true)
		}
		p.column += base
		switch id := ids[i]; {
		case int(id) == held.n:
			held.places = append(doubled(held.places), p)
			held.n++
		case earlier != nil && earlier(id, i):
			held.places[id] = p
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
