package op_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
)

const (
	i4   = datum.Int4
	i8   = datum.Int8
	f8   = datum.Float8
	text = datum.Text
)

func col(i int, oid datum.OID) *expr.Col {
	return &expr.Col{Index: i, Typ: datum.T(oid), Name: string(rune('a' + i))}
}

func constant(t testing.TB, oid datum.OID, v string) *expr.Const {
	b := optest.Batch(t, optest.Table{Types: []datum.OID{oid}, Rows: [][]string{{v}}})
	return &expr.Const{Val: b.Cols[0], Typ: datum.T(oid)}
}

func call(t testing.TB, name string, args ...expr.Expr) *expr.Call {
	var oids []datum.OID
	for _, a := range args {
		oids = append(oids, a.Type().OID)
	}
	for _, f := range append(funcs.LookupOperator(name, len(args)), funcs.LookupFunc(name)...) {
		if slices.Equal(f.Args, oids) {
			return &expr.Call{Fn: f, Args: args, Typ: datum.T(f.Ret), Pos: -1}
		}
	}
	t.Fatalf("no function %s%v", name, oids)
	return nil
}

func aggregate(t testing.TB, name string, args ...expr.Expr) plan.AggCall {
	for _, a := range funcs.LookupAggregate(name) {
		if len(a.Args) != len(args) {
			continue
		}
		fits := true
		for i, x := range args {
			fits = fits && (a.Args[i] == x.Type().OID || a.Args[i] == datum.Any || a.Args[i] == datum.AnyElement || a.Args[i] == datum.AnyNonArray)
		}
		if fits {
			ret := a.Ret
			if ret == datum.AnyArray {
				ret = datum.ArrayOf(args[0].Type().OID)
			}
			return plan.AggCall{Fn: a, Args: args, Typ: datum.T(ret)}
		}
	}
	t.Fatalf("no aggregate %s", name)
	return plan.AggCall{}
}

// people is names with ages and towns; some are unknown.
var people = optest.Table{Types: []datum.OID{text, i4, text}, Rows: [][]string{
	{"ann", "30", "rome"}, {"bob", "25", "oslo"}, {"cid", "NULL", "rome"}, {"dan", "25", "NULL"}, {"eve", "41", "oslo"}, {"fay", "30", "rome"},
}}

// many is a table of n rows: i, i%7 and a text.
func many(n int) optest.Table {
	table := optest.Table{Types: []datum.OID{i4, i4, text}}
	for i := range n {
		k := (i * 7919) % n
		table.Rows = append(table.Rows, []string{strconv.Itoa(k), strconv.Itoa(k % 7), fmt.Sprintf("text %d", k)})
	}
	return table
}

func TestFilter(t *testing.T) {
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{people},
		Make: func(env *op.Env, in []op.Op) op.Op {
			return op.NewFilter(env, in[0], call(t, ">", col(1, i4), constant(t, i4, "25")))
		},
		Types: people.Types, Ordered: true,
		Want: [][]string{{"ann", "30", "rome"}, {"eve", "41", "oslo"}, {"fay", "30", "rome"}},
	})
}

func TestProject(t *testing.T) {
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{people},
		Make: func(env *op.Env, in []op.Op) op.Op {
			return op.NewProject(env, in[0], []expr.Expr{call(t, "+", col(1, i4), constant(t, i4, "1")), col(0, text)})
		},
		Types: []datum.OID{i4, text}, Ordered: true,
		Want: [][]string{{"31", "ann"}, {"26", "bob"}, {"NULL", "cid"}, {"26", "dan"}, {"42", "eve"}, {"31", "fay"}},
	})
}

func TestErrorEndsTheQuery(t *testing.T) {
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{{Types: []datum.OID{i4}, Rows: [][]string{{"2"}, {"1"}, {"0"}, {"1"}}}},
		Make: func(env *op.Env, in []op.Op) op.Op {
			return op.NewProject(env, in[0], []expr.Expr{call(t, "/", constant(t, i4, "6"), col(0, i4))})
		},
		Types: []datum.OID{i4}, Error: pgerr.DivisionByZero,
	})
}

func TestValues(t *testing.T) {
	optest.Run(t, optest.Case{
		Make: func(env *op.Env, _ []op.Op) op.Op {
			return op.NewValues(env, [][]expr.Expr{{constant(t, i4, "1"), constant(t, text, "x")}, {constant(t, i4, "NULL"), constant(t, text, "y")}})
		},
		Types: []datum.OID{i4, text}, Ordered: true,
		Want: [][]string{{"1", "x"}, {"NULL", "y"}},
	})
}

func sortKey(i int, oid datum.OID, desc, nullsFirst bool) plan.SortKey {
	return plan.SortKey{Expr: col(i, oid), Desc: desc, NullsFirst: nullsFirst}
}

func TestSort(t *testing.T) {
	keys := []plan.SortKey{sortKey(1, i4, true, true), sortKey(0, text, false, false)}
	sort := func(limit int64) func(*op.Env, []op.Op) op.Op {
		return func(env *op.Env, in []op.Op) op.Op {
			return op.NewSort(env, in[0], optest.TypesOf(people.Types), keys, limit)
		}
	}
	want := [][]string{{"cid", "NULL", "rome"}, {"eve", "41", "oslo"}, {"ann", "30", "rome"}, {"fay", "30", "rome"}, {"bob", "25", "oslo"}, {"dan", "25", "NULL"}}
	optest.Run(t, optest.Case{Inputs: []optest.Table{people}, Make: sort(-1), Types: people.Types, Ordered: true, Want: want})
	for _, n := range []int64{0, 1, 4, 100} {
		optest.Run(t, optest.Case{Inputs: []optest.Table{people}, Make: sort(n), Types: people.Types, Ordered: true, Want: want[:min(n, 6)]})
	}
}

func TestSortPutsRowsAside(t *testing.T) {
	in := many(500)
	want := slices.Clone(in.Rows)
	slices.SortFunc(want, func(a, b []string) int {
		x, _ := strconv.Atoi(a[0])
		y, _ := strconv.Atoi(b[0])
		return y - x
	})
	for _, limit := range []int64{-1, 40} {
		n := len(want)
		if limit >= 0 {
			n = int(limit)
		}
		optest.Run(t, optest.Case{
			Inputs: []optest.Table{in},
			Make: func(env *op.Env, in []op.Op) op.Op {
				return op.NewSort(env, in[0], optest.TypesOf([]datum.OID{i4, i4, text}), []plan.SortKey{sortKey(0, i4, true, false)}, limit)
			},
			Types: in.Types, Ordered: true, Want: want[:n], Memory: 1000, // so little that the files are merged in two steps
		})
	}
}

// TestSortOfTies: rows whose first keys are equal are dropped by the second key only when they come after the last row that is kept, and
// the third decides between those that are equal in both.
func TestSortOfTies(t *testing.T) {
	in := optest.Table{Types: []datum.OID{i4, text, i4}}
	for i := range 600 {
		k := (i * 7919) % 600
		name := fmt.Sprintf("n%d", k%150)
		if k%97 == 0 {
			name = "NULL"
		}
		in.Rows = append(in.Rows, []string{strconv.Itoa(k % 3), name, strconv.Itoa(k)})
	}
	for _, desc := range []bool{false, true} {
		want := slices.Clone(in.Rows)
		slices.SortFunc(want, func(a, b []string) int {
			x, y := a[1], b[1]
			if desc {
				x, y = y, x
			}
			switch {
			case a[0] != b[0]:
				return cmp.Compare(a[0], b[0])
			case a[1] != b[1] && a[1] == "NULL":
				return 1
			case a[1] != b[1] && b[1] == "NULL":
				return -1
			case a[1] != b[1]:
				return cmp.Compare(x, y)
			}
			i, _ := strconv.Atoi(a[2])
			j, _ := strconv.Atoi(b[2])
			return cmp.Compare(j, i)
		})
		for _, limit := range []int64{5, 60} {
			optest.Run(t, optest.Case{
				Inputs: []optest.Table{in},
				Make: func(env *op.Env, in []op.Op) op.Op {
					keys := []plan.SortKey{sortKey(0, i4, false, false), sortKey(1, text, desc, false), sortKey(2, i4, true, false)}
					return op.NewSort(env, in[0], optest.TypesOf([]datum.OID{i4, text, i4}), keys, limit)
				},
				Types: in.Types, Ordered: true, Want: want[:limit],
			})
		}
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		count, offset string
		want          []string
	}{{"2", "1", []string{"bob", "cid"}}, {"NULL", "4", []string{"eve", "fay"}}, {"0", "0", nil}, {"9", "9", nil}, {"6", "0", []string{"ann", "bob", "cid", "dan", "eve", "fay"}}} {
		var want [][]string
		for _, n := range c.want {
			for _, r := range people.Rows {
				if r[0] == n {
					want = append(want, r)
				}
			}
		}
		optest.Run(t, optest.Case{
			Inputs: []optest.Table{people},
			Make: func(env *op.Env, in []op.Op) op.Op {
				return op.NewLimit(env, in[0], &plan.Limit{Count: constant(t, i8, c.count), Offset: constant(t, i8, c.offset)})
			},
			Types: people.Types, Ordered: true, Want: want,
		})
	}
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{people},
		Make: func(env *op.Env, in []op.Op) op.Op {
			return op.NewLimit(env, in[0], &plan.Limit{Count: constant(t, i8, "-1")})
		},
		Types: people.Types, Error: pgerr.InvalidRowCountInLimit,
	})
}

func TestLimitWithTies(t *testing.T) {
	in := optest.Table{Types: []datum.OID{i4}, Rows: [][]string{{"1"}, {"2"}, {"2"}, {"2"}, {"3"}}}
	for n, want := range map[string][][]string{"1": in.Rows[:1], "2": in.Rows[:4], "3": in.Rows[:4], "5": in.Rows} {
		optest.Run(t, optest.Case{
			Inputs: []optest.Table{in},
			Make: func(env *op.Env, in []op.Op) op.Op {
				return op.NewLimit(env, in[0], &plan.Limit{Count: constant(t, i8, n), Ties: []plan.SortKey{sortKey(0, i4, false, false)}})
			},
			Types: in.Types, Ordered: true, Want: want,
		})
	}
}

func TestDistinct(t *testing.T) {
	in := optest.Table{Types: []datum.OID{i4, text}, Rows: [][]string{{"1", "a"}, {"1", "b"}, {"1", "a"}, {"NULL", "a"}, {"NULL", "a"}, {"NULL", "NULL"}}}
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{in},
		Make: func(env *op.Env, in []op.Op) op.Op {
			return op.NewDistinct(env, in[0], optest.TypesOf([]datum.OID{i4, text}))
		},
		Types: in.Types, Ordered: false,
		Want: [][]string{{"1", "a"}, {"1", "b"}, {"NULL", "a"}, {"NULL", "NULL"}},
	})
	twice := many(300)
	want := twice.Rows
	twice.Rows = append(slices.Clone(want), want...)
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{twice},
		Make:   func(env *op.Env, in []op.Op) op.Op { return op.NewDistinct(env, in[0], optest.TypesOf(twice.Types)) },
		Types:  twice.Types, Want: want, Memory: 6000,
	})
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{in},
		Make:   func(env *op.Env, in []op.Op) op.Op { return op.NewDistinctOn(env, in[0], []expr.Expr{col(0, i4)}) },
		Types:  in.Types, Ordered: true,
		Want: [][]string{{"1", "a"}, {"NULL", "a"}},
	})
}

func TestFirstRows(t *testing.T) {
	in := optest.Table{Types: []datum.OID{i4, text, i4}, Rows: [][]string{
		{"1", "b", "1"}, {"2", "x", "2"}, {"NULL", "q", "3"}, {"1", "a", "4"}, {"1", "c", "5"}, {"1", "a", "6"}, {"NULL", "NULL", "7"}, {"2", "y", "8"}}}
	make := func(on []expr.Expr, order ...plan.SortKey) func(env *op.Env, in []op.Op) op.Op {
		return func(env *op.Env, in []op.Op) op.Op { return op.NewFirstRows(env, in[0], on, order) }
	}
	for _, c := range []struct {
		make func(env *op.Env, in []op.Op) op.Op
		want [][]string
	}{
		{make([]expr.Expr{col(0, i4)}, plan.SortKey{Expr: col(1, text)}), [][]string{{"1", "a", "4"}, {"2", "x", "2"}, {"NULL", "q", "3"}}},
		{make([]expr.Expr{col(0, i4)}, plan.SortKey{Expr: col(1, text), Desc: true, NullsFirst: true}), [][]string{{"1", "c", "5"}, {"2", "y", "8"}, {"NULL", "NULL", "7"}}},
		{make([]expr.Expr{col(0, i4)}), [][]string{{"1", "b", "1"}, {"2", "x", "2"}, {"NULL", "q", "3"}}},
		{make([]expr.Expr{col(0, i4)}, plan.SortKey{Expr: col(1, text)}, plan.SortKey{Expr: col(2, i4), Desc: true}), [][]string{{"1", "a", "6"}, {"2", "x", "2"}, {"NULL", "q", "3"}}},
	} {
		optest.Run(t, optest.Case{Inputs: []optest.Table{in}, Make: c.make, Types: in.Types, Want: c.want})
	}
	large := many(300)
	want := large.Rows
	large.Rows = append(slices.Clone(want), want...)
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{large}, Types: large.Types, Want: want, Memory: 6000,
		Make: make([]expr.Expr{col(0, large.Types[0])}, plan.SortKey{Expr: col(0, large.Types[0])}),
	})
}

func TestSetOps(t *testing.T) {
	types := []datum.OID{i4}
	l := optest.Table{Types: types, Rows: [][]string{{"1"}, {"1"}, {"1"}, {"2"}, {"NULL"}, {"3"}, {"3"}}}
	r := optest.Table{Types: types, Rows: [][]string{{"1"}, {"1"}, {"NULL"}, {"NULL"}, {"4"}}}
	for _, c := range []struct {
		kind plan.SetOpKind
		all  bool
		want [][]string
	}{
		{plan.Intersect, false, [][]string{{"1"}, {"NULL"}}},
		{plan.Intersect, true, [][]string{{"1"}, {"1"}, {"NULL"}}},
		{plan.Except, false, [][]string{{"2"}, {"3"}}},
		{plan.Except, true, [][]string{{"1"}, {"2"}, {"3"}, {"3"}}},
	} {
		optest.Run(t, optest.Case{
			Inputs: []optest.Table{l, r},
			Make: func(env *op.Env, in []op.Op) op.Op {
				return op.NewSetOp(env, c.kind, c.all, in[0], in[1], optest.TypesOf(types))
			},
			Types: types, Want: c.want,
		})
	}
	twice := optest.Table{Types: types}
	var half, both [][]string
	for i := range 500 {
		v := []string{strconv.Itoa(i * 7 % 500)}
		twice.Rows = append(twice.Rows, v, v)
		if i%2 == 0 {
			half = append(half, v)
		} else {
			both = append(both, v, v)
		}
	}
	for _, c := range []struct {
		kind plan.SetOpKind
		all  bool
		want [][]string
	}{{plan.Intersect, false, half}, {plan.Intersect, true, half}, {plan.Except, true, append(slices.Clone(half), both...)}} {
		optest.Run(t, optest.Case{
			Inputs: []optest.Table{twice, {Types: types, Rows: half}},
			Make: func(env *op.Env, in []op.Op) op.Op {
				return op.NewSetOp(env, c.kind, c.all, in[0], in[1], optest.TypesOf(types))
			},
			Types: types, Want: c.want, Memory: 4000,
		})
	}
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{l, r},
		Make:   func(_ *op.Env, in []op.Op) op.Op { return op.NewUnionAll(in[0], in[1]) },
		Types:  types, Ordered: true, Want: append(slices.Clone(l.Rows), r.Rows...),
	})
}
