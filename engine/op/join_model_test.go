package op_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// keyPools are values of a type that are all different, though some are spelled in several ways.
var keyPools = map[string]struct {
	oid    datum.OID
	values []string
}{
	"dense integers":  {datum.Int4, []string{"1", "2", "3", "4", "-1", "0", "7"}},
	"sparse integers": {datum.Int8, []string{"1", "9223372036854775807", "-9223372036854775808", "0", "4294967296", "-4294967296"}},
	"floats":          {datum.Float8, []string{"0", "-0", "NaN", "1.5", "1e300", "-Infinity"}},
	"truths":          {datum.Bool, []string{"t", "f"}},
	"texts":           {datum.Text, []string{"", "a", "b", "ab", "a longer text that has no place in a word", "ä"}},
	"numbers":         {datum.Numeric, []string{"1", "1.0", "1.00", "-2", "123456789012345678901234567890", "0.5", "NaN"}},
	"padded texts":    {datum.BPChar, []string{"a", "a ", "b", "b   ", ""}},
	"times":           {datum.TimestampTZ, []string{"2026-01-01 00:00:00+00", "2026-01-01 01:00:00+01", "2020-02-29 12:00:00+00", "infinity"}},
	"times of a zone": {datum.TimeTZ, []string{"10:00:00+00", "11:00:00+01", "10:00:00+01"}},
	"intervals":       {datum.Interval, []string{"1 day", "24:00:00", "1 mon", "30 days", "00:00:01"}},
	"uuids":           {datum.UUID, []string{"00000000-0000-0000-0000-000000000001", "ffffffff-0000-0000-0000-000000000001"}},
}

// equalKeys compares two keys as SQL does.
func equalKeys(t *testing.T, oid datum.OID, a, b string) bool {
	if a == "NULL" || b == "NULL" {
		return false
	}
	one := optest.Batch(t, optest.Table{Types: []datum.OID{oid}, Rows: [][]string{{a}, {b}}}).Cols[0]
	return datum.Compare(datum.T(oid), one, 0, one, 1) == 0
}

// keyed is n rows of keys from pools and a number; skewed says that most have the first key.
func keyed(rng *rand.Rand, pools []string, n int, skewed bool) optest.Table {
	var out optest.Table
	for _, p := range pools {
		out.Types = append(out.Types, keyPools[p].oid)
	}
	out.Types = append(out.Types, datum.Int4)
	for i := range n {
		var row []string
		first := skewed && rng.IntN(10) > 0
		for _, p := range pools {
			v := keyPools[p].values
			switch {
			case first:
				row = append(row, v[0])
			case rng.IntN(6) == 0:
				row = append(row, "NULL")
			default:
				row = append(row, v[rng.IntN(len(v))])
			}
		}
		out.Rows = append(out.Rows, append(row, strconv.Itoa(i)))
	}
	return out
}

// canonical spells the rows as they are printed.
func canonical(t *testing.T, in optest.Table) optest.Table {
	out := optest.Table{Types: in.Types}
	for _, line := range optest.Text(in.Types, optest.Batch(t, in)) {
		out.Rows = append(out.Rows, strings.Split(line, " | "))
	}
	return out
}

// TestJoinsOfAllKeys joins rows with keys of every form by the table and compares with pairs tried one by one.
func TestJoinsOfAllKeys(t *testing.T) {
	names := slices.Sorted(maps.Keys(keyPools))
	sets := [][]string{{"dense integers", "texts"}, {"texts", "texts"}, {"numbers", "truths", "sparse integers"}}
	for _, n := range names {
		sets = append(sets, []string{n})
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for i, pools := range sets {
		kinds := slices.Sorted(maps.Keys(joinKinds))
		for k, name := range kinds {
			skewed := (i+k)%3 == 0
			t.Run(fmt.Sprintf("%s, %s, skewed %v", strings.Join(pools, " and "), name, skewed), func(t *testing.T) {
				kind := joinKinds[name]
				l, r := canonical(t, keyed(rng, pools, 31, skewed)), canonical(t, keyed(rng, pools, 25, skewed))
				j := op.Joining{Kind: kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: optest.TypesOf(r.Types)}
				for c := range pools {
					j.LeftKeys, j.RightKeys = append(j.LeftKeys, col(c, l.Types[c])), append(j.RightKeys, col(c, r.Types[c]))
				}
				limit := -1
				if (i+k)%2 == 0 { // and a condition
					limit = 12
					j.Cond = call(t, "<", col(len(l.Types)+len(pools), i4), constant(t, i4, "12"))
				}
				match := func(a, b []string) bool {
					for c := range pools {
						if !equalKeys(t, l.Types[c], a[c], b[c]) {
							return false
						}
					}
					n, _ := strconv.Atoi(b[len(pools)])
					return limit < 0 || n < limit
				}
				optest.Run(t, optest.Case{
					Inputs: []optest.Table{l, r},
					Make: func(env *op.Env, in []op.Op) op.Op {
						j := j
						return op.NewHashJoin(env, in[0], in[1], &j)
					},
					Types: joinTypes(kind, l, r), Want: joinModel(kind, l, r, match), Ordered: true, Aside: true, Memory: 1500,
				})
			})
		}
	}
}

// TestJoinOfOneKey: rows that all have the same key cannot be divided, and are joined however little memory there is.
func TestJoinOfOneKey(t *testing.T) {
	var l, r optest.Table
	l.Types, r.Types = []datum.OID{i4, i4}, []datum.OID{i4, i4}
	for i := range 40 {
		key := []string{"1", "1", "1", "NULL", "1", "2", "1", "1"}[i%8]
		l.Rows, r.Rows = append(l.Rows, []string{key, strconv.Itoa(i)}), append(r.Rows, []string{strings.Replace(key, "2", "3", 1), strconv.Itoa(i)})
	}
	for name, kind := range joinKinds {
		for _, cond := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, condition %v", name, cond), func(t *testing.T) {
				match := func(a, b []string) bool {
					x, _ := strconv.Atoi(a[1])
					y, _ := strconv.Atoi(b[1])
					return equalKeys(t, i4, a[0], b[0]) && (!cond || x < y)
				}
				optest.Run(t, optest.Case{
					Inputs: []optest.Table{l, r},
					Make: func(env *op.Env, in []op.Op) op.Op {
						j := &op.Joining{
							Kind: kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: optest.TypesOf(r.Types),
							LeftKeys: []expr.Expr{col(0, i4)}, RightKeys: []expr.Expr{col(0, i4)},
						}
						if cond {
							j.Cond = call(t, "<", col(1, i4), col(3, i4))
						}
						return op.NewHashJoin(env, in[0], in[1], j)
					},
					Types: joinTypes(kind, l, r), Want: joinModel(kind, l, r, match), Memory: 500,
				})
			})
		}
	}
}

// TestJoinsOfManyRows: tables that several goroutines build, over keys of each form, give the rows in the order of the inputs.
func TestJoinsOfManyRows(t *testing.T) {
	const left, right = 60_000, 100_000
	rng := rand.New(rand.NewPCG(3, 4))
	numbers := func(n int, next func() int64) *vec.Column {
		c := &vec.Column{Kind: vec.Int64, Len: n, I64: make([]int64, n)}
		for i := range c.I64 {
			c.I64[i] = next()
		}
		return c
	}
	spell := func(c *vec.Column) *vec.Column {
		b := vec.NewBuilder(vec.Bytes, c.Len)
		for _, v := range c.I64 {
			b.AppendString(fmt.Sprintf("key %d", v))
		}
		return b.Finish()
	}
	dense := func() int64 { return rng.Int64N(70_000) - 100 }
	for name, c := range map[string]struct {
		next  func() int64
		typ   datum.OID
		texts bool
	}{
		"dense":  {dense, i8, false},
		"sparse": {func() int64 { return dense() * 1_000_003 * 1_000_003 }, i8, false},
		"skewed": {func() int64 {
			if rng.IntN(10) > 0 {
				return 5
			}
			return dense() * 1_000_003
		}, i8, false},
		"texts": {dense, text, true},
	} {
		lk, rk := numbers(left, dense), numbers(right, c.next)
		if name != "dense" && name != "texts" {
			lk = numbers(left, func() int64 { return dense() * 1_000_003 })
			if name == "sparse" {
				lk = numbers(left, c.next)
			} else {
				lk.I64[7], lk.I64[left-1] = 5, 5
			}
		}
		places := map[int64][]int64{}
		for i, v := range rk.I64 {
			places[v] = append(places[v], int64(i))
		}
		for kindName, kind := range joinKinds {
			t.Run(name+", "+kindName, func(t *testing.T) {
				lc, rc := lk, rk
				if c.texts {
					lc, rc = spell(lk), spell(rk)
				}
				got := pairsOf(t, kind, c.typ, lc, rc)
				want := wantedPairs(kind, lk.I64, places, right)
				if !slices.Equal(got, want) {
					t.Errorf("%d pairs, want %d, or others", len(got), len(want))
				}
			})
		}
	}
}

// wantedPairs are the numbers of the rows that are joined, -1 for none.
func wantedPairs(kind plan.JoinKind, left []int64, places map[int64][]int64, right int) (out [][2]int64) {
	hit := make([]bool, right)
	for i, v := range left {
		of := places[v]
		switch {
		case kind == plan.Semi || kind == plan.Anti:
			if len(of) > 0 == (kind == plan.Semi) {
				out = append(out, [2]int64{int64(i), -1})
			}
			continue
		case len(of) == 0 && (kind == plan.Left || kind == plan.Full):
			out = append(out, [2]int64{int64(i), -1})
		}
		for _, r := range of {
			hit[r] = true
			out = append(out, [2]int64{int64(i), r})
		}
	}
	for r, h := range hit {
		if !h && (kind == plan.Right || kind == plan.Full) {
			out = append(out, [2]int64{-1, int64(r)})
		}
	}
	return out
}

// pairsOf joins columns of keys and gives the numbers of the rows.
func pairsOf(t *testing.T, kind plan.JoinKind, typ datum.OID, l, r *vec.Column) (out [][2]int64) {
	t.Helper()
	env := optest.NewEnv(t, 1<<30)
	input := func(keys *vec.Column) op.Op {
		rows := &vec.Column{Kind: vec.Int64, Len: keys.Len, I64: make([]int64, keys.Len)}
		for i := range rows.I64 {
			rows.I64[i] = int64(i)
		}
		return op.NewRows(env, func(context.Context) (*vec.Batch, error) {
			return &vec.Batch{Len: keys.Len, Cols: []*vec.Column{keys, rows}}, nil
		})
	}
	types := optest.TypesOf([]datum.OID{typ, i8})
	o := op.NewHashJoin(env, input(l), input(r), &op.Joining{
		Kind: kind, LeftTypes: types, RightTypes: types, LeftKeys: []expr.Expr{col(0, typ)}, RightKeys: []expr.Expr{col(0, typ)},
		Used: map[int]bool{1: true, 3: true},
	})
	at := func(c *vec.Column, i int) int64 {
		if c.Null(i) {
			return -1
		}
		return c.Int(i)
	}
	if err := o.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := o.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			break
		}
		for i := range b.Len {
			pair := [2]int64{at(b.Cols[1], i), -1}
			if len(b.Cols) > 2 {
				pair[1] = at(b.Cols[3], i)
			}
			out = append(out, pair)
		}
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	return out
}

// TestProbeInWorkers: a join that the workers of a scan do gives the rows that it gives over the scan, in the same order, and an
// aggregation over it the same sums.
func TestProbeInWorkers(t *testing.T) {
	const n = 3*op.BlockRows + 1000
	log := &fakeLog{n: n, sizes: []int64{40_000}}
	var right optest.Table
	right.Types = []datum.OID{text, i4}
	for i := range 1600 {
		right.Rows = append(right.Rows, []string{fmt.Sprintf("e%d", i%50*3), strconv.Itoa(i)})
	}
	scanned := []datum.OID{i8, text, text, f8}
	types := append(append([]datum.OID{}, scanned...), right.Types...)
	for name, kind := range joinKinds {
		t.Run(name, func(t *testing.T) {
			width := len(joinTypes(kind, optest.Table{Types: scanned}, right))
			run := func(workers, rows int, inWorkers, group bool) []string {
				env := optest.NewEnv(t, 1<<30)
				env.Workers, env.Rows = workers, rows
				j := &op.Joining{
					Kind: kind, LeftTypes: optest.TypesOf(scanned), RightTypes: optest.TypesOf(right.Types),
					LeftKeys: []expr.Expr{col(1, text)}, RightKeys: []expr.Expr{col(0, text)}, Cond: call(t, "<", col(0, i8), call(t, "*", col(5, i4), constant(t, i8, "130"))),
				}
				in := op.NewRows(env, rowsOf(t, right))
				scan := &op.EventScan{View: log, Cols: scanCols, Limit: -1, Filter: call(t, "<", call(t, "%", col(0, i8), constant(t, i8, "20000")), constant(t, i8, "500"))}
				a := &op.Aggregation{Keys: []expr.Expr{col(2, text)}, Calls: []plan.AggCall{aggregate(t, "sum", col(3, f8)), aggregate(t, "count")}}
				if !inWorkers {
					o := op.NewHashJoin(env, op.NewEventScan(env, scan), in, j)
					if group {
						return given(t, op.NewAggregate(env, o, a), []datum.OID{text, f8, i8})
					}
					return given(t, o, types[:width])
				}
				b := op.NewJoinBuild(env, in, j)
				if fits, err := b.Open(t.Context()); !fits || err != nil {
					t.Fatal(fits, err)
				}
				defer func() {
					if err := b.Close(); err != nil {
						t.Error(err)
					}
				}()
				scan.Steps = []op.Step{op.ProbeStep{Build: b}}
				switch {
				case group && kind != plan.Right && kind != plan.Full:
					return given(t, op.NewScanAggregate(env, scan, a), []datum.OID{text, f8, i8})
				case group:
					return given(t, op.NewAggregate(env, op.NewProbed(op.NewEventScan(env, scan), b), a), []datum.OID{text, f8, i8})
				}
				return given(t, op.NewProbed(op.NewEventScan(env, scan), b), types[:width])
			}
			for _, group := range []bool{false, true} {
				want := run(1, vec.BatchRows, false, group)
				if len(want) < 2 {
					t.Fatalf("only %d rows", len(want))
				}
				for _, workers := range []int{1, 3} {
					for _, rows := range []int{100, vec.BatchRows} {
						if got := run(workers, rows, true, group); !slices.Equal(got, want) {
							t.Errorf("%d workers, batches of %d, grouped %v: %d rows, want %d, or others", workers, rows, group, len(got), len(want))
						}
					}
				}
			}
		})
	}
}

// given is all rows of an operator in their order.
func given(t *testing.T, o op.Op, types []datum.OID) (out []string) {
	t.Helper()
	if err := o.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := o.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			break
		}
		out = append(out, optest.Text(types, b)...)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	return out
}
