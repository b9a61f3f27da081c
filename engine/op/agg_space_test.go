package op

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// spaceRows are names with numbers: of one space, of another one or of none, coded or flat. Name "n<k>" has number k*spread.
func spaceRows(r *rand.Rand, n, most int, space *vec.Space, spread uint32) *vec.Column {
	b, size := vec.NewBuilder(vec.Bytes, 0), 1+r.IntN(n)
	coded := r.IntN(4) > 0
	if !coded {
		size = n
	}
	var nums []uint32
	for range size {
		k := r.IntN(most)
		b.AppendString(nameOf(k))
		nums = append(nums, uint32(k)*spread)
	}
	c := b.Finish()
	if space != nil {
		c.Space, c.Nums = space, nums
	}
	if !coded {
		return c
	}
	codes := make([]int32, n)
	for i := range codes {
		codes[i] = int32(r.IntN(size))
	}
	return &vec.Column{Kind: vec.Bytes, Len: n, Codes: codes, Dict: c}
}

// TestGroupsByNumber gives blocks to workers whose groups are the numbers of their key, as long as these are close together and come
// with the rows, and compares the merged answer with a count of the names.
func TestGroupsByNumber(t *testing.T) {
	one, other := &vec.Space{Name: "one"}, &vec.Space{Name: "other"}
	text, i8 := datum.T(datum.Text), datum.T(datum.Int8)
	count, least := funcs.LookupAggregate("count")[0], (*funcs.Aggregate)(nil)
	for _, f := range funcs.LookupAggregate("min") {
		if f.Args[0] == datum.Int8 {
			least = f
		}
	}
	ended := map[bool]int{}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 6))
		spread := []uint32{1, 1, 60, directNumbers / 3}[seed%4]
		env := &Env{X: &expr.EvalCtx{Fn: &funcs.Ctx{}}, Rows: vec.BatchRows, Workers: 2}
		a := &Aggregation{Keys: []expr.Expr{&expr.Col{Typ: text}}, Calls: []plan.AggCall{
			{Fn: count, Typ: i8}, {Fn: least, Typ: i8, Args: []expr.Expr{&expr.Col{Index: 1, Typ: i8}}}}}
		parts := make([]*aggTable, 1+r.IntN(3))
		for i := range parts {
			parts[i] = newAggTable(newAggInput(env, a), false)
			parts[i].ordered = true
			if r.IntN(4) > 0 {
				parts[i].bySpace()
			}
		}
		var order []string
		counts, mins := map[string]int64{}, map[string]int64{}
		for block := range 2 + r.IntN(8) {
			part := parts[r.IntN(len(parts))]
			part.seq = int64(block) * 10000
			for range 1 + r.IntN(4) {
				space := one
				if seed%3 == 0 && r.IntN(4) == 0 {
					space = []*vec.Space{other, nil}[r.IntN(2)]
				}
				c := spaceRows(r, 1+r.IntN(300), 100*(block+1), space, spread)
				vals := vec.NewBuilder(vec.Int64, c.Len)
				for i := range c.Len {
					name, v := string(c.Bytes(i)), r.Int64N(1000)
					vals.AppendInt(v)
					if counts[name]++; counts[name] == 1 {
						order = append(order, name)
						mins[name] = v
					}
					mins[name] = min(mins[name], v)
				}
				if err := part.add(&vec.Batch{Len: c.Len, Cols: []*vec.Column{c, vals.Finish()}}, -1, -1); err != nil {
					t.Fatal(err)
				}
			}
			if r.IntN(2) == 0 {
				if err := part.enterSpace(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, part := range parts[1:] {
			if err := parts[0].merge(part); err != nil {
				t.Fatal(err)
			}
		}
		ended[parts[0].space != nil]++
		out, err := parts[0].result(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for b := out.next(150); b != nil; b = out.next(150) {
			for i := range b.Len {
				got = append(got, fmt.Sprint(string(b.Cols[0].Bytes(i)), b.Cols[1].Int(i), b.Cols[2].Int(i)))
			}
		}
		for _, name := range order {
			want = append(want, fmt.Sprint(name, counts[name], mins[name]))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v, expected %v", seed, got, want)
		}
	}
	if ended[true] < 50 || ended[false] < 50 {
		t.Errorf("tables by number and by value: %v", ended)
	}
}

// TestDistinctByNumber is TestDistinctCount for names with numbers.
func TestDistinctByNumber(t *testing.T) {
	one, other := &vec.Space{Name: "one"}, &vec.Space{Name: "other"}
	ended := map[bool]int{}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		spread := []uint32{1, 1, 60, directNumbers / 3}[seed%4]
		groups := 1 + r.IntN(20)
		parts := []*distinctCount{newDistinctCount(datum.T(datum.Text)), newDistinctCount(datum.T(datum.Text))}
		model := map[string]bool{}
		want := make([]int64, groups)
		for range 12 {
			space := one
			if seed%3 == 0 && r.IntN(4) == 0 {
				space = []*vec.Space{other, nil}[r.IntN(2)]
			}
			c := spaceRows(r, 1+r.IntN(300), 400, space, spread)
			ids := make([]int32, c.Len)
			part := r.IntN(2)
			for i := range ids {
				if ids[i] = int32(r.IntN(groups+1)) - 1; ids[i] < 0 {
					continue
				}
				of := ids[i]
				if part == 1 { // group g of the second is group groups-1-g of the first
					of = int32(groups-1) - of
				}
				if key := fmt.Sprint(of, string(c.Bytes(i))); !model[key] {
					model[key] = true
					want[of]++
				}
			}
			parts[part].add(c, ids, groups)
		}
		swapped := make([]int32, groups)
		for g := range swapped {
			swapped[g] = int32(groups - 1 - g)
		}
		parts[0].merge(parts[1], swapped, groups, 2)
		ended[parts[0].space != nil]++
		if got := parts[0].result(groups).I64; !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, expected %v", seed, got, want)
		}
	}
	if ended[true] < 40 || ended[false] < 40 {
		t.Errorf("sets by number and by value: %v", ended)
	}
}

// TestSpaceSetsGrow counts how often the bitmaps are copied while numbers come in their order, as they do where entities are new.
func TestSpaceSetsGrow(t *testing.T) {
	const groups, rows = 15, 65536
	var s spaceSets
	grown, words := 0, 0
	for highest := uint32(rows / 10); highest < 4<<20; highest += rows / 10 {
		if !s.reach(highest, groups, rows) {
			t.Fatalf("%d is refused after %d rows", highest, s.rows)
		}
		if s.words != words {
			grown, words = grown+1, s.words
		}
	}
	if grown > 50 {
		t.Fatalf("%d times for %d words", grown, words)
	}
}
