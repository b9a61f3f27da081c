package op

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// TestTally counts batches that mostly come with the same dictionary, whose entries are not distinct and not all used, and compares
// with counting row by row.
func TestTally(t *testing.T) {
	text := datum.T(datum.Text)
	count := funcs.LookupAggregate("count")[0]
	tallied := 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 5))
		env := &Env{X: &expr.EvalCtx{Fn: &funcs.Ctx{}}, Rows: vec.BatchRows}
		a := &Aggregation{Keys: []expr.Expr{&expr.Col{Typ: text}}, Calls: []plan.AggCall{{Fn: count, Typ: datum.T(datum.Int8)}, {Fn: count, Typ: datum.T(datum.Int8)}}}
		table := newAggTable(newAggInput(env, a), false)
		table.ordered = true
		want, firsts, row := map[string]int64{}, map[string]int64{}, int64(0)
		var dict *vec.Column
		for range 20 {
			if dict == nil || r.IntN(6) == 0 {
				b := vec.NewBuilder(vec.Bytes, 0)
				for range 1 + r.IntN(12) {
					b.AppendString(string(rune('a' + r.IntN(10))))
				}
				dict = b.Finish()
			}
			c := &vec.Column{Kind: vec.Bytes, Len: 1 + r.IntN(100), Dict: dict}
			used := 1 + r.IntN(dict.Len)
			if r.IntN(4) == 0 {
				c.Valid = vec.NewBitmap(c.Len)
			}
			for i := range c.Len {
				c.Codes = append(c.Codes, int32(r.IntN(used)))
				key := string(c.Bytes(i))
				if c.Valid != nil && r.IntN(3) == 0 {
					key = "NULL"
				} else if c.Valid != nil {
					c.Valid.Set(i)
				}
				if want[key]++; want[key] == 1 {
					firsts[key] = row
				}
				row++
			}
			if table.tally.add(c, &table.groups.cols[0], 0) {
				tallied++
			}
			if err := table.add(&vec.Batch{Len: c.Len, Cols: []*vec.Column{c}}, 0, -1); err != nil {
				t.Fatal(err)
			}
		}
		keys := table.keys[0].column(nil)
		for _, call := range table.calls {
			counts, err := call.acc.Result(nil, table.n)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			for g := range table.n {
				key := "NULL"
				if !keys.Null(g) {
					key = string(keys.Bytes(g))
				}
				got[key] = counts.Int(g)
				if table.firsts[g] != firsts[key] {
					t.Errorf("seed %d: %s begins with row %d, not %d", seed, key, table.firsts[g], firsts[key])
				}
			}
			if !maps.Equal(got, want) {
				t.Fatalf("seed %d: %v, not %v", seed, got, want)
			}
		}
	}
	if tallied < 500 {
		t.Errorf("only %d of 2000 batches were counted by code", tallied)
	}
}
