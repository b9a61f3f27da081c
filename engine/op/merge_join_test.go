package op_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/plan"
)

// mergeCase is two inputs in the order of their first columns, which are the keys.
type mergeCase struct {
	l, r optest.Table
	keys int
	desc []bool
	cond bool // the last column of the left row is less than that of the right one
	// The left rows stay in their order. Those with equal keys may not, where there is no memory for all right rows of a key.
	ordered bool
}

func (c *mergeCase) match(a, b []string) bool {
	for k := range c.keys {
		x, y := a[k], b[k]
		if x == "-0" {
			x = "0"
		}
		if y == "-0" {
			y = "0"
		}
		if x == "NULL" || x != y {
			return false
		}
	}
	if !c.cond {
		return true
	}
	x, errX := strconv.Atoi(a[len(a)-1])
	y, errY := strconv.Atoi(b[len(b)-1])
	return errX == nil && errY == nil && x < y
}

// run joins in all ways and compares with what a loop over all pairs gives.
func (c *mergeCase) run(t *testing.T, kind plan.JoinKind, memory int64) {
	t.Helper()
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{c.l, c.r},
		Make: func(env *op.Env, in []op.Op) op.Op {
			j := &op.Joining{Kind: kind, LeftTypes: optest.TypesOf(c.l.Types), RightTypes: optest.TypesOf(c.r.Types)}
			for k := range c.keys {
				j.LeftKeys, j.RightKeys = append(j.LeftKeys, col(k, c.l.Types[k])), append(j.RightKeys, col(k, c.r.Types[k]))
			}
			if nl := len(c.l.Types); c.cond {
				j.Cond = call(t, "<", col(nl-1, i4), col(nl+len(c.r.Types)-1, i4))
			}
			return op.NewMergeJoin(env, in[0], in[1], j, c.desc)
		},
		Types: joinTypes(kind, c.l, c.r), Want: joinModel(kind, c.l, c.r, c.match),
		Ordered: c.ordered && kind != plan.Right && kind != plan.Full, Memory: memory,
	})
}

// sorted puts rows in the order of their first columns; nulls come last, or first.
func sorted(t *testing.T, table optest.Table, keys int, desc []bool, nullsFirst bool) optest.Table {
	t.Helper()
	b := optest.Batch(t, table)
	bytesOf := func(row, k int) string {
		c := b.Cols[k]
		if c.Null(row) {
			if nullsFirst {
				return "\x00"
			}
			return "\xff"
		}
		key := datum.AppendSortKey(nil, datum.T(table.Types[k]), c, row)
		if desc[k] {
			for i := range key {
				key[i] = ^key[i]
			}
		}
		return "\x01" + string(key)
	}
	order := make([]int, len(table.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		for k := range keys {
			a, b := bytesOf(x, k), bytesOf(y, k)
			if a != b {
				return map[bool]int{true: -1, false: 1}[a < b]
			}
		}
		return 0
	})
	out := optest.Table{Types: table.Types}
	for _, i := range order {
		out.Rows = append(out.Rows, table.Rows[i])
	}
	return out
}

// someRows makes rows of few values, so that keys meet and repeat; the last column numbers them.
func someRows(rng *rand.Rand, types []datum.OID, values map[datum.OID][]string) optest.Table {
	t := optest.Table{Types: append(slices.Clone(types), i4)}
	span := 1 + rng.IntN(12)
	for range rng.IntN(26) {
		var row []string
		for _, oid := range types {
			list := values[oid]
			row = append(row, list[rng.IntN(min(span, len(list)))])
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(rng.IntN(20))))
	}
	return t
}

func TestMergeJoin(t *testing.T) {
	values := map[datum.OID][]string{
		i4:             {"1", "NULL", "2", "-7", "3", "2147483647", "4", "5", "6", "0", "-1", "9"},
		i8:             {"1", "2", "NULL", "-7", "3", "4", "9007199254740993", "5", "6", "0", "-1", "9"},
		text:           {"a", "", "NULL", "b", "ab", "é", "a b", "A", "B", "aa", "ba", "zz"},
		datum.Float8:   {"0", "-0", "NaN", "NULL", "1.5", "-Infinity", "Infinity", "-1.5", "2", "3", "4", "5"},
		datum.TimeTZ:   {"10:00:00+00", "NULL", "10:00:00+02", "12:00:00+02", "08:00:00+00", "10:00:00-03"},
		datum.Interval: {"1 day", "NULL", "02:00:00", "1 mon", "-1 days"},
	}
	for i, types := range [][2][]datum.OID{
		{{i4}, {i4}}, {{i4}, {i8}}, {{text}, {text}}, {{datum.Float8}, {datum.Float8}}, {{datum.TimeTZ}, {datum.TimeTZ}}, {{datum.Interval}, {datum.Interval}},
		{{i4, text}, {i8, text}}, {{text, i8}, {text, i8}}, {{datum.Float8, i4}, {datum.Float8, i4}},
	} {
		rng := rand.New(rand.NewPCG(uint64(i), 7))
		for round := range 2 {
			c := mergeCase{keys: len(types[0]), cond: round%2 == 1}
			for range c.keys {
				c.desc = append(c.desc, rng.IntN(2) == 0)
			}
			c.l = sorted(t, someRows(rng, types[0], values), c.keys, c.desc, rng.IntN(2) == 0)
			c.r = sorted(t, someRows(rng, types[1], values), c.keys, c.desc, rng.IntN(2) == 0)
			for name, kind := range joinKinds {
				t.Run(fmt.Sprintf("%d/%d/%s", i, round, name), func(t *testing.T) { c.run(t, kind, 0) })
			}
		}
	}
}

// TestMergeJoinKeepsOrder has one right row of a key at most, or an empty input.
func TestMergeJoinKeepsOrder(t *testing.T) {
	some := optest.Table{Types: []datum.OID{i4, i4}, Rows: [][]string{{"1", "1"}, {"2", "2"}, {"NULL", "3"}}}
	twice := optest.Table{Types: some.Types, Rows: [][]string{{"NULL", "9"}, {"0", "1"}, {"0", "8"}, {"1", "3"}, {"1", "2"}, {"2", "7"}, {"3", "5"}, {"3", "4"}}}
	none := optest.Table{Types: some.Types}
	for name, kind := range joinKinds {
		for side, c := range map[string]mergeCase{"left": {l: some, r: none}, "right": {l: none, r: some}, "no": {l: none, r: none}, "both": {l: twice, r: some}} {
			c.keys, c.desc, c.ordered = 1, []bool{false}, true
			t.Run(name+"/"+side, func(t *testing.T) { c.run(t, kind, 0) })
		}
	}
}

// TestMergeJoinPutsRunsAside has keys with more rows than there is memory for, at the ends and in the middle.
func TestMergeJoinPutsRunsAside(t *testing.T) {
	table := func(counts ...int) optest.Table {
		out := optest.Table{Types: []datum.OID{i4, i4}}
		for key, n := range counts {
			for i := range n {
				out.Rows = append(out.Rows, []string{strconv.Itoa(key), strconv.Itoa(i)})
			}
		}
		out.Rows = append(out.Rows, []string{"NULL", "1"}, []string{"NULL", "2"})
		return out
	}
	l := table(2, 1, 9, 0, 3, 1, 8)
	for name, r := range map[string]optest.Table{
		"first": table(60, 0, 1, 1), "middle": table(1, 0, 70, 1, 0, 2), "unmatched": table(1, 0, 1, 80, 2), "last": table(1, 1, 2, 0, 3, 1, 90), "all": table(40, 40, 40, 40, 40, 40, 40),
	} {
		for kindName, kind := range joinKinds {
			c := mergeCase{l: l, r: r, keys: 1, desc: []bool{false}, cond: len(name)%2 == 0}
			t.Run(name+"/"+kindName, func(t *testing.T) { c.run(t, kind, 1000) })
		}
	}
}
