package op

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

func nameOf(k int) string { return fmt.Sprintf("n%d", k) }

// names makes a column of texts "n<k>"; numbered ones of space get number k, or k spread so far that tables are no arrays.
func names(r *rand.Rand, n int, space *vec.Space, spread uint32, coded bool) (*vec.Column, []int) {
	b := vec.NewBuilder(vec.Bytes, n)
	ks := make([]int, n)
	var nums []uint32
	for i := range n {
		ks[i] = r.IntN(50)
		b.AppendString(nameOf(ks[i]))
		nums = append(nums, uint32(ks[i])*spread)
	}
	c := b.Finish()
	if space != nil {
		c.Space, c.Nums = space, nums
	}
	if !coded {
		return c, ks
	}
	codes, of := make([]int32, n), make([]int, n)
	for i := range codes {
		codes[i] = int32(r.IntN(n))
		of[i] = ks[codes[i]]
	}
	return &vec.Column{Kind: vec.Bytes, Len: n, Codes: codes, Dict: c}, of
}

// TestNumberedKeys gives a grouper columns with and without numbers, of one space and another, in any order: equal texts must
// get equal numbers, first come first numbered.
func TestNumberedKeys(t *testing.T) {
	one, other := &vec.Space{Name: "one"}, &vec.Space{Name: "other"}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := newGrouper([]datum.Type{datum.T(datum.Text)})
		values := keyValues{typ: datum.T(datum.Text)}
		if seed%4 < 2 {
			values.table = &g.cols[0]
		}
		model := map[int]int32{}
		spread := []uint32{1, directNumbers / 3}[seed%2]
		for range 1 + r.IntN(6) {
			space := []*vec.Space{one, one, one, other, nil}[r.IntN(5)]
			c, ks := names(r, 40, space, spread, r.IntN(2) == 0)
			ids := make([]int32, c.Len)
			find := r.IntN(4) == 0
			if find {
				g.find([]*vec.Column{c}, c.Len, ids)
			} else {
				g.assign([]*vec.Column{c}, c.Len, ids)
			}
			for i, k := range ks {
				want, ok := model[k]
				switch {
				case !ok && find:
					want = -1
				case !ok:
					want = int32(len(model))
					model[k] = want
					values.add(c, i)
				}
				if ids[i] != want {
					t.Fatalf("seed %d: n%d got number %d, expected %d", seed, k, ids[i], want)
				}
			}
		}
		order := r.Perm(len(model))
		list := make([]int32, len(order))
		for i, o := range order {
			list[i] = int32(o)
		}
		c := values.column(list)
		for i, o := range list {
			if k := model[atoi(t, string(c.Bytes(i)))]; k != o {
				t.Fatalf("seed %d: value %d is %q", seed, o, c.Bytes(i))
			}
		}
	}
}

// TestLargeTables numbers so many texts, integers and pairs of them that the tables fetch their slots beforehand.
func TestLargeTables(t *testing.T) {
	types := []datum.Type{datum.T(datum.Text), datum.T(datum.Int8)}
	r := rand.New(rand.NewPCG(1, 4))
	groupers := []*grouper{newGrouper(types[:1]), newGrouper(types[1:]), newGrouper(types)}
	models := []map[[2]string]int32{{}, {}, {}}
	for round := range 30 {
		texts, ints := vec.NewBuilder(vec.Bytes, 0), vec.NewBuilder(vec.Int64, 0)
		rows := make([][2]string, 4000)
		for i := range rows {
			k, v := r.IntN(60000), int64(r.IntN(60000))<<(round%40)
			rows[i] = [2]string{fmt.Sprintf("n%d", k), fmt.Sprint(v)}
			if k == 0 {
				rows[i][0] = "null"
				texts.AppendNull()
			} else {
				texts.AppendString(rows[i][0])
			}
			ints.AppendInt(v)
		}
		cols := []*vec.Column{texts.Finish(), ints.Finish()}
		for k, g := range groupers {
			ids, keys, find := make([]int32, len(rows)), cols, r.IntN(4) == 0
			if k < 2 {
				keys = cols[k : k+1]
			}
			g.number(keys, len(rows), ids, !find)
			for i, row := range rows {
				if k < 2 {
					row[1-k] = ""
				}
				want, ok := models[k][row]
				switch {
				case !ok && find:
					want = -1
				case !ok:
					want = int32(len(models[k]))
					models[k][row] = want
				}
				if ids[i] != want {
					t.Fatalf("round %d, keys %d: %q got number %d, expected %d", round, k, row, ids[i], want)
				}
			}
		}
	}
	for k, g := range groupers {
		if g.len() < touchFrom/2 {
			t.Fatalf("keys %d: only %d groups", k, g.len())
		}
	}
}

// TestNumberedAnswer gives the blocks of a log to two workers, whose tables are merged, and reads the answer in batches: each value
// once, in the order in which the log has them.
func TestNumberedAnswer(t *testing.T) {
	space := &vec.Space{Name: "space"}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		var parts [2]*aggTable
		for i := range parts {
			parts[i] = newAggTable(&aggInput{Aggregation: &Aggregation{}, env: &Env{Workers: 2}, keyTypes: []datum.Type{datum.T(datum.Text)}}, false)
			parts[i].ordered = true
		}
		var want []int
		for block := range 2 + r.IntN(6) {
			b := vec.NewBuilder(vec.Bytes, 0)
			var nums []uint32
			for range 1 + r.IntN(200) {
				k := r.IntN(100 * (block + 1))
				if b.AppendString(fmt.Sprintf("n%d", k)); !slices.Contains(want, k) {
					want = append(want, k)
				}
				nums = append(nums, uint32(k))
			}
			c := b.Finish()
			if seed%4 > 0 || r.IntN(2) == 0 {
				c.Space, c.Nums = space, nums
			}
			part := parts[r.IntN(2)]
			part.seq = int64(block) * 1000
			part.number([]*vec.Column{c}, c.Len)
		}
		if err := parts[0].merge(parts[1]); err != nil {
			t.Fatal(err)
		}
		out, err := parts[0].result(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for b := out.next(150); b != nil; b = out.next(150) {
			for i := range b.Len {
				got = append(got, atoi(t, string(b.Cols[0].Bytes(i))))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v, expected %v", seed, got, want)
		}
	}
}

func atoi(t *testing.T, name string) (k int) {
	if _, err := fmt.Sscanf(name, "n%d", &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// TestDistinctCount counts in two states that are merged, with few and with very many numbers.
func TestDistinctCount(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		groups := []int{3, 4000}[seed%2]
		parts := []*distinctCount{newDistinctCount(datum.T(datum.Int8)), newDistinctCount(datum.T(datum.Int8))}
		model := map[[2]int]bool{}
		for range 20 {
			b := vec.NewBuilder(vec.Int64, 0)
			ids := make([]int32, 1000)
			for i := range ids {
				v := r.IntN(20000)
				b.AppendInt(int64(v))
				if ids[i] = int32(r.IntN(groups+1)) - 1; ids[i] >= 0 {
					model[[2]int{int(ids[i]), v}] = true
				}
			}
			parts[r.IntN(2)].add(b.Finish(), ids, groups)
		}
		// Group g of the second is group groups-1-g of the first.
		swapped := make([]int32, groups)
		for g := range swapped {
			swapped[g] = int32(groups - 1 - g)
		}
		turned := newDistinctCount(datum.T(datum.Int8))
		turned.merge(parts[1], swapped, groups, 2)
		parts[0].merge(turned, swapped, groups, 2)
		want := make([]int64, groups)
		for k := range model {
			want[k[0]]++
		}
		if got := parts[0].result(groups).I64; !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, expected %v", seed, got, want)
		}
		if dense := groups == 3; dense == parts[0].sets.sparse {
			t.Errorf("seed %d: %d groups, sparse %v", seed, groups, parts[0].sets.sparse)
		}
	}
}

// appendAny appends null, NaN or one of a few numbers, which it returns; NaN for the others.
func appendAny(b *vec.Builder, r *rand.Rand) float64 {
	switch v := r.IntN(12); v {
	case 0:
		b.AppendNull()
	case 1:
		b.AppendFloat(nan())
	default:
		b.AppendFloat(float64(v - 6))
		return float64(v - 6)
	}
	return nan()
}

// TestCutoff compares the rows that a cutoff lets through with comparing one by one.
func TestCutoff(t *testing.T) {
	env := datum.T(datum.Float8)
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := vec.NewBuilder(vec.Float64, 0)
		n := 1 + r.IntN(200)
		for range n {
			appendAny(b, r)
		}
		col := b.Finish()
		if r.IntN(2) == 0 { // coded, by a dictionary of fewer or more values than rows
			coded := &vec.Column{Kind: vec.Float64, Len: 1 + r.IntN(200), Dict: col}
			coded.Valid = vec.NewBitmap(coded.Len)
			for i := range coded.Len {
				coded.Codes = append(coded.Codes, int32(r.IntN(n)))
				coded.Valid.SetTo(i, r.IntN(8) > 0)
			}
			col, n = coded, coded.Len
		}
		cut := NewCutoff(plan.SortKey{Desc: seed&1 == 0, NullsFirst: seed&2 == 0})
		at := r.IntN(n)
		cut.set(col, at)
		got := cut.rows(col)
		var want []int32
		for i := range n {
			if col.Null(at) || col.Float(at) != col.Float(at) || !comesAfter(env, col, i, at, cut.key) {
				want = append(want, int32(i))
			}
		}
		if got == nil && len(want) == n {
			continue
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, expected %v", seed, got, want)
		}
	}
}

// TestCutoffNth sets the value that a sort wants last of a column, and then one that is looser.
func TestCutoffNth(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 8))
		b, vals := vec.NewBuilder(vec.Float64, 0), []float64{}
		for range r.IntN(60) {
			if v := appendAny(b, r); v == v {
				vals = append(vals, v)
			}
		}
		slices.Sort(vals)
		cut, n, loose := NewCutoff(plan.SortKey{Desc: seed&1 == 0}), 1+r.IntN(20), 100.0
		if cut.key.Desc {
			slices.Reverse(vals)
			loose = -100
		}
		cut.setNth(b.Finish(), n)
		bound := cut.bound.Load()
		if (bound != nil) != (len(vals) >= n) || bound != nil && bound.f != vals[n-1] {
			t.Fatalf("seed %d: bound %v for place %d of %v", seed, bound, n, vals)
		}
		b = vec.NewBuilder(vec.Float64, 1)
		b.AppendFloat(loose)
		if cut.set(b.Finish(), 0); bound != nil && cut.bound.Load() != bound {
			t.Fatalf("seed %d: %v is looser than %v", seed, loose, bound)
		}
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

// comesAfter reports whether row i sorts after row k.
func comesAfter(typ datum.Type, c *vec.Column, i, k int, key plan.SortKey) bool {
	if c.Null(i) {
		return !key.NullsFirst
	}
	order := datum.Compare(typ, c, i, c, k)
	if key.Desc {
		order = -order
	}
	return order > 0
}

// TestManyNumberedGroups merges tables of so many names that several goroutines do it: every name is there once, with its first row.
func TestManyNumberedGroups(t *testing.T) {
	const most = 90_000
	r := rand.New(rand.NewPCG(1, 9))
	space := &vec.Space{Name: "space"}
	var parts [2]*aggTable
	firsts := map[string]int64{}
	for i := range parts {
		parts[i] = newAggTable(&aggInput{Aggregation: &Aggregation{}, env: &Env{Workers: 3}, keyTypes: []datum.Type{datum.T(datum.Text)}}, false)
		parts[i].ordered = true
	}
	for block := range 12 {
		b := vec.NewBuilder(vec.Bytes, 0)
		var nums []uint32
		for _, k := range r.Perm(most)[:12_000] {
			b.AppendString(nameOf(k))
			nums = append(nums, uint32(k))
		}
		dict := b.Finish()
		dict.Space, dict.Nums = space, nums
		part := parts[r.IntN(2)]
		part.seq = int64(block) * 100_000
		for range 3 {
			codes := make([]int32, 4000)
			for i := range codes {
				codes[i] = int32(r.IntN(dict.Len))
				if name := string(dict.Bytes(int(codes[i]))); firsts[name] == 0 {
					firsts[name] = part.seq + int64(i) + 1
				}
			}
			part.number([]*vec.Column{{Kind: vec.Bytes, Len: len(codes), Codes: codes, Dict: dict}}, len(codes))
			part.seq += int64(len(codes))
		}
	}
	if err := parts[0].merge(parts[1]); err != nil {
		t.Fatal(err)
	}
	all := parts[0]
	if all.n != len(firsts) || len(all.firsts) != all.n {
		t.Fatalf("%d groups with %d first rows, want %d", all.n, len(all.firsts), len(firsts))
	}
	keys := all.keys[0].column(nil)
	for i := range all.n {
		if name := string(keys.Bytes(i)); firsts[name] != all.firsts[i]+1 {
			t.Fatalf("%s begins with row %d, want %d", name, all.firsts[i], firsts[name]-1)
		}
	}
}
