package op

import (
	"cmp"
	"math"
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// spaceGroups is how a table tells groups apart whose only key has numbers in a vec.Space, as entities have, while the rows have most of
// the numbers: the number is that of the group. Nothing is looked up then, and tables are merged place by place. Groups that no row
// has are left out of the answer. Where the values of the others are is looked for in the end, and only of those that are wanted.
type spaceGroups struct {
	space   *vec.Space
	seen    vec.Bitmap // groups that rows have
	columns []spaceColumn
	held    int64
	ids     []int32
}

// spaceColumn is a column that values are in, with the number of a row for which it was read.
type spaceColumn struct {
	c     *vec.Column
	since int64
}

// fewNumbers is how many numbers a table of groups by number may have without rows.
const fewNumbers = 1 << 14

// reaches reports whether so many rows are enough for groups by number up to the highest.
func reaches(highest uint32, rows int64) bool {
	return highest < directNumbers && int64(highest) < fewNumbers+rows
}

// numbered reports whether groups may be told apart by number: by a single text, and the calls' states are at their places in arrays.
func (t *aggTable) numbered() bool {
	if len(t.keys) != 1 || t.in.Sets != nil || !isPlainText(t.keys[0].typ.OID) {
		return false
	}
	return !slices.ContainsFunc(t.calls, func(c *callState) bool { return c.sets != nil || c.seen != nil || c.sort != nil || c.part != nil })
}

// bySpace makes an empty table tell its groups apart by number, as long as that can be done.
func (t *aggTable) bySpace() {
	if t.numbered() {
		t.space = &spaceGroups{}
	}
}

// number gives n rows of keys their groups; it reports false where they have no number, or one that is too high. The list is used again.
func (s *spaceGroups) number(t *aggTable, c *vec.Column, n int) ([]int32, bool) {
	d, ok := valuesIn(c)
	if !ok || s.space != nil && s.space != d.Space {
		return nil, false
	}
	ids, highest := spaceNumbers(c, d, n, s.ids)
	if s.ids = ids; !reaches(highest, t.rows) {
		return nil, false
	}
	s.space = d.Space
	s.reach(t, int(highest)+1)
	t.fresh = resized(t.fresh, n)
	fresh := 0
	for i, id := range ids {
		w := &s.seen[id>>6]
		t.fresh[fresh] = int32(i)
		fresh += int(^*w >> (id & 63) & 1)
		*w |= 1 << (id & 63)
	}
	for _, i := range t.fresh[:fresh] {
		t.firsts[ids[i]] = t.seq + int64(i)
	}
	if n := len(s.columns); n == 0 || s.columns[n-1].c != d {
		s.columns = append(s.columns, spaceColumn{d, t.seq})
		s.held += int64(d.MemSize())
	}
	return ids, true
}

// reach makes room for n groups.
func (s *spaceGroups) reach(t *aggTable, n int) {
	if n <= t.n {
		return
	}
	words := (n + 63) / 64
	s.seen = roomFor(s.seen, words-len(s.seen))[:words]
	t.firsts = roomFor(t.firsts, n-t.n)[:n]
	t.n = n
}

// take gives the groups of another table their numbers here, and merges their first rows; it reports false, and does nothing, where one
// has none.
func (s *spaceGroups) take(t, o *aggTable) (ids []int32, ok bool) {
	if o.n == 0 {
		return nil, true
	}
	columns, highest := o.columns()
	if columns == nil || s.space != nil && s.space != columns[0].c.Space || !reaches(highest, t.rows+o.rows) {
		return nil, false
	}
	s.space = columns[0].c.Space
	s.columns = append(s.columns, columns...)
	for _, c := range columns {
		s.held += int64(c.c.MemSize())
	}
	s.reach(t, int(highest)+1)
	ids = make([]int32, o.n)
	for i := range ids {
		id := int32(i)
		if o.space == nil {
			id = int32(o.keys[0].places[i].num)
		}
		ids[i] = id
		if o.space != nil && !o.space.seen.Get(i) {
			continue
		}
		if !s.seen.Get(int(id)) || o.firsts[i] < t.firsts[id] {
			s.seen.Set(int(id))
			t.firsts[id] = o.firsts[i]
		}
	}
	return ids, true
}

// columns are those that all the table's values are in, with numbers up to the highest; nil where the values have no numbers.
func (t *aggTable) columns() (list []spaceColumn, highest uint32) {
	if t.space != nil {
		return t.space.columns, uint32(t.n - 1)
	}
	k := &t.keys[0]
	if len(k.places) < t.n {
		return nil, 0
	}
	for _, c := range k.columns {
		list = append(list, spaceColumn{c, math.MaxInt64})
	}
	for i, p := range k.places {
		highest = max(highest, p.num)
		list[p.column].since = min(list[p.column].since, t.firsts[i])
	}
	return list, highest
}

// present lists the groups that rows have, nil for all.
func (t *aggTable) present() []int32 {
	if t.space == nil || t.space.seen.Count(t.n) == t.n {
		return nil
	}
	return t.space.seen.Indices(nil, t.n)
}

// values finds the values of groups, nil for all.
func (t *aggTable) values(groups []int32) keyValues {
	k := keyValues{typ: t.keys[0].typ, n: t.n, bytes: t.space.held}
	wanted, rank := slices.Clone(t.space.seen), []int32(nil)
	if groups != nil {
		k.n = len(groups)
		clear(wanted)
		rank = make([]int32, t.n)
		for i, g := range groups {
			wanted.Set(int(g))
			rank[g] = int32(i)
		}
	}
	k.places = make([]place, k.n)
	list := slices.Clone(t.space.columns)
	slices.SortStableFunc(list, func(a, b spaceColumn) int { return cmp.Compare(a.since, b.since) })
	for left := k.n; left > 0; list = list[1:] {
		k.columns = append(k.columns, list[0].c)
		for row, num := range list[0].c.Nums {
			if int(num) >= t.n || !wanted.Get(int(num)) {
				continue
			}
			wanted.Clear(int(num))
			at := int32(num)
			if rank != nil {
				at = rank[num]
			}
			k.places[at] = place{int32(len(k.columns) - 1), int32(row), num}
			left--
		}
	}
	return k
}

// list makes a table by number one by value of the groups listed, nil for all, but for the calls.
func (t *aggTable) list(groups []int32) {
	t.keys[0] = t.values(groups)
	for i, g := range groups {
		t.firsts[i] = t.firsts[g]
	}
	t.n, t.space = t.keys[0].n, nil
	t.firsts = t.firsts[:t.n]
}

// leaveSpace makes the table tell groups apart by their values from now on.
func (t *aggTable) leaveSpace() error { return t.again(func(*aggTable) {}) }

// enterSpace makes the table tell groups apart by number if they are close together.
func (t *aggTable) enterSpace() error {
	if t.space != nil || t.n == 0 || !t.numbered() || len(t.keys[0].places) < t.n || !reaches(uint32(len(t.groups.cols[0].space.direct)), t.rows) {
		return nil
	}
	return t.again((*aggTable).bySpace)
}

// again makes the table anew, as prepared.
func (t *aggTable) again(prepare func(*aggTable)) error {
	before := *t
	*t = *newAggTable(before.in, false)
	t.ordered, t.seq, t.block = before.ordered, before.seq, before.block
	prepare(t)
	if before.n == 0 {
		t.rows = before.rows
		return nil
	}
	return t.merge(&before)
}
