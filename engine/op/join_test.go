package op_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/engine/op/optest"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
)

var joinKinds = map[string]plan.JoinKind{"inner": plan.Inner, "left": plan.Left, "right": plan.Right, "full": plan.Full, "semi": plan.Semi, "anti": plan.Anti}

// joinModel joins rows pair by pair.
func joinModel(kind plan.JoinKind, l, r optest.Table, match func(a, b []string) bool) [][]string {
	var out [][]string
	nulls := func(n int) []string {
		row := make([]string, n)
		for i := range row {
			row[i] = "NULL"
		}
		return row
	}
	hit := make([]bool, len(r.Rows))
	for _, a := range l.Rows {
		found := false
		for j, b := range r.Rows {
			if !match(a, b) {
				continue
			}
			found, hit[j] = true, true
			if kind != plan.Semi && kind != plan.Anti {
				out = append(out, append(append([]string{}, a...), b...))
			}
		}
		switch {
		case found == (kind == plan.Semi) && (kind == plan.Semi || kind == plan.Anti):
			out = append(out, a)
		case !found && (kind == plan.Left || kind == plan.Full):
			out = append(out, append(append([]string{}, a...), nulls(len(r.Types))...))
		}
	}
	for j, b := range r.Rows {
		if !hit[j] && (kind == plan.Right || kind == plan.Full) {
			out = append(out, append(nulls(len(l.Types)), b...))
		}
	}
	return out
}

func joinTypes(kind plan.JoinKind, l, r optest.Table) []datum.OID {
	if kind == plan.Semi || kind == plan.Anti {
		return l.Types
	}
	return append(append([]datum.OID{}, l.Types...), r.Types...)
}

func TestJoins(t *testing.T) {
	l := optest.Table{Types: []datum.OID{i4, text}, Rows: [][]string{{"1", "a"}, {"2", "b"}, {"2", "c"}, {"NULL", "d"}, {"5", "e"}, {"1", "f"}}}
	r := optest.Table{Types: []datum.OID{i4, i4}, Rows: [][]string{{"2", "20"}, {"1", "10"}, {"2", "21"}, {"NULL", "0"}, {"7", "70"}, {"1", "NULL"}}}
	equal := func(a, b []string) bool { return a[0] == b[0] && a[0] != "NULL" }
	small := func(b []string) bool { n, err := strconv.Atoi(b[1]); return err == nil && n < 21 }
	for name, kind := range joinKinds {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				name       string
				keys, cond bool
				match      func(a, b []string) bool
			}{
				{"keys", true, false, equal},
				{"keys and condition", true, true, func(a, b []string) bool { return equal(a, b) && small(b) }},
				{"condition", false, true, func(_, b []string) bool { return small(b) }},
				{"all pairs", false, false, func(_, _ []string) bool { return true }},
			} {
				t.Run(c.name, func(t *testing.T) {
					optest.Run(t, optest.Case{
						Inputs: []optest.Table{l, r},
						Make: func(env *op.Env, in []op.Op) op.Op {
							j := &op.Joining{Kind: kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: optest.TypesOf(r.Types)}
							if c.keys {
								j.LeftKeys, j.RightKeys = []expr.Expr{col(0, i4)}, []expr.Expr{col(0, i4)}
							}
							if c.cond {
								j.Cond = call(t, "<", col(3, i4), constant(t, i4, "21"))
							}
							return op.NewHashJoin(env, in[0], in[1], j)
						},
						Types: joinTypes(kind, l, r), Want: joinModel(kind, l, r, c.match),
						// Rows of the left input stay in order; those of the right one that matched nothing come last.
						Ordered: true, Aside: true,
					})
				})
			}
		})
	}
}

func TestJoinPutsRowsAside(t *testing.T) {
	l, r := many(400), many(300)
	equal := func(a, b []string) bool { return a[0] == b[0] }
	for name, kind := range joinKinds {
		t.Run(name, func(t *testing.T) {
			optest.Run(t, optest.Case{
				Inputs: []optest.Table{l, r},
				Make: func(env *op.Env, in []op.Op) op.Op {
					return op.NewHashJoin(env, in[0], in[1], &op.Joining{
						Kind: kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: optest.TypesOf(r.Types),
						LeftKeys: []expr.Expr{col(0, i4)}, RightKeys: []expr.Expr{col(0, i4)},
					})
				},
				Types: joinTypes(kind, l, r), Want: joinModel(kind, l, r, equal), Memory: 16000,
			})
		})
	}
}

// TestJoinOfUsedColumns: columns that nothing above reads are left out, the keys' among them, also where rows are put aside.
func TestJoinOfUsedColumns(t *testing.T) {
	l, r := many(400), many(300)
	equal := func(a, b []string) bool { return a[0] == b[0] }
	for name, kind := range joinKinds {
		t.Run(name, func(t *testing.T) {
			used := map[int]bool{1: true, 4: true}
			types := []datum.OID{l.Types[1], r.Types[1]}
			exprs := []expr.Expr{col(1, l.Types[1]), col(4, r.Types[1])}
			if kind == plan.Semi || kind == plan.Anti {
				used, types, exprs = map[int]bool{1: true}, types[:1], exprs[:1]
			}
			var want [][]string
			for _, row := range joinModel(kind, l, r, equal) {
				cut := []string{row[1]}
				if len(exprs) > 1 {
					cut = append(cut, row[4])
				}
				want = append(want, cut)
			}
			optest.Run(t, optest.Case{
				Inputs: []optest.Table{l, r},
				Make: func(env *op.Env, in []op.Op) op.Op {
					return op.NewProject(env, op.NewHashJoin(env, in[0], in[1], &op.Joining{
						Kind: kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: optest.TypesOf(r.Types),
						LeftKeys: []expr.Expr{col(0, i4)}, RightKeys: []expr.Expr{col(0, i4)}, Used: used,
					}), exprs)
				},
				Types: types, Want: want, Memory: 16000,
			})
		})
	}
}

func TestLoopPutsRowsAside(t *testing.T) {
	l, r := many(40), many(60)
	less := func(a, b []string) bool {
		x, _ := strconv.Atoi(a[0])
		y, _ := strconv.Atoi(b[0])
		return x+30 < y
	}
	for name, kind := range joinKinds {
		t.Run(name, func(t *testing.T) {
			optest.Run(t, optest.Case{
				Inputs: []optest.Table{l, r},
				Make: func(env *op.Env, in []op.Op) op.Op {
					return op.NewHashJoin(env, in[0], in[1], &op.Joining{
						Kind: kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: optest.TypesOf(r.Types),
						Cond: call(t, "<", call(t, "+", col(0, i4), constant(t, i4, "30")), col(3, i4)),
					})
				},
				Types: joinTypes(kind, l, r), Want: joinModel(kind, l, r, less), Memory: 1000,
			})
		})
	}
}

func TestLateral(t *testing.T) {
	l := optest.Table{Types: []datum.OID{i4}, Rows: [][]string{{"2"}, {"0"}, {"NULL"}, {"1"}}}
	series := call(t, "generate_series", constant(t, i4, "1"), col(0, i4))
	type kindCase struct {
		kind plan.JoinKind
		want [][]string
	}
	for name, c := range map[string]kindCase{
		"inner": {plan.Inner, [][]string{{"2", "1"}, {"2", "2"}, {"1", "1"}}},
		"left":  {plan.Left, [][]string{{"2", "1"}, {"2", "2"}, {"0", "NULL"}, {"NULL", "NULL"}, {"1", "1"}}},
		"semi":  {plan.Semi, [][]string{{"2"}, {"1"}}},
		"anti":  {plan.Anti, [][]string{{"0"}, {"NULL"}}},
	} {
		types := []datum.OID{i4, i4}[:len(c.want[0])]
		t.Run(name, func(t *testing.T) {
			optest.Run(t, optest.Case{
				Inputs: []optest.Table{l},
				Make: func(env *op.Env, in []op.Op) op.Op {
					right := func(row expr.OuterRow) (op.Op, error) {
						x := *env.X
						x.Outer = append(x.Outer, row)
						return op.NewFuncScan(env.With(&x), &op.SetCall{
							Fn: series.Fn, Args: []expr.Expr{series.Args[0], &expr.Outer{Level: 1, Index: 0, Typ: datum.T(i4)}}, Types: []datum.Type{datum.T(i4)},
						}), nil
					}
					return op.NewLateral(env, in[0], right, &op.Joining{Kind: c.kind, LeftTypes: optest.TypesOf(l.Types), RightTypes: []datum.Type{datum.T(i4)}})
				},
				Types: types, Ordered: true, Want: c.want,
			})
			if c.kind == plan.Semi || c.kind == plan.Anti {
				return
			}
			optest.Run(t, optest.Case{
				Inputs: []optest.Table{l},
				Make: func(env *op.Env, in []op.Op) op.Op {
					return op.NewLateralFunc(env, in[0], &op.SetCall{Fn: series.Fn, Args: series.Args, Types: []datum.Type{datum.T(i4)}}, c.kind == plan.Left, nil)
				},
				Types: types, Ordered: true, Want: c.want,
			})
		})
	}
}

func TestFuncScan(t *testing.T) {
	series := call(t, "generate_series", constant(t, i4, "3"), constant(t, i4, "5"))
	optest.Run(t, optest.Case{
		Make: func(env *op.Env, _ []op.Op) op.Op {
			return op.NewFuncScan(env, &op.SetCall{Fn: series.Fn, Args: series.Args, Types: optest.TypesOf([]datum.OID{i4, i8}), Ordinality: true})
		},
		Types: []datum.OID{i4, i8}, Ordered: true, Want: [][]string{{"3", "1"}, {"4", "2"}, {"5", "3"}},
	})
}

func TestProjectSet(t *testing.T) {
	l := optest.Table{Types: []datum.OID{i4}, Rows: [][]string{{"2"}, {"0"}, {"1"}}}
	series := func(to expr.Expr) expr.Expr { return call(t, "generate_series", constant(t, i4, "1"), to) }
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{l},
		Make: func(env *op.Env, in []op.Op) op.Op {
			ten := call(t, "+", series(col(0, i4)), constant(t, i4, "10"))
			return op.NewProjectSet(env, in[0], 1, []expr.Expr{col(0, i4), ten, series(constant(t, i4, "2"))})
		},
		Types: []datum.OID{i4, i4, i4}, Ordered: true,
		Want: [][]string{{"2", "11", "1"}, {"2", "12", "2"}, {"0", "NULL", "1"}, {"0", "NULL", "2"}, {"1", "11", "1"}, {"1", "NULL", "2"}},
	})
	// A set of sets: the inner ones first.
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{l},
		Make: func(env *op.Env, in []op.Op) op.Op {
			return op.NewProjectSet(env, in[0], 1, []expr.Expr{series(series(col(0, i4)))})
		},
		Types: []datum.OID{i4}, Ordered: true, Want: [][]string{{"1"}, {"1"}, {"2"}, {"1"}},
	})
}

func TestRecursive(t *testing.T) {
	for _, all := range []bool{true, false} {
		want := [][]string{}
		for i := range 20 {
			want = append(want, []string{strconv.Itoa(i + 1)})
		}
		mod := int64(1000)
		if !all { // goes round, and ends because nothing is new
			mod = 7
			want = want[:7]
		}
		optest.Run(t, optest.Case{
			Inputs: []optest.Table{{Types: []datum.OID{i4}, Rows: [][]string{{"1"}}}},
			Make: func(env *op.Env, in []op.Op) op.Op {
				work := &op.Working{}
				next := call(t, "+", call(t, "%", col(0, i4), constant(t, i4, fmt.Sprint(mod))), constant(t, i4, "1"))
				round := func() (op.Op, error) {
					scan := op.NewFilter(env, op.NewWorkingScan(work), call(t, "<", col(0, i4), constant(t, i4, "20")))
					return op.NewProject(env, scan, []expr.Expr{next}), nil
				}
				return op.NewRecursive(env, in[0], round, work, optest.TypesOf([]datum.OID{i4}), all)
			},
			Types: []datum.OID{i4}, Ordered: true, Want: want,
		})
	}
}

func TestShared(t *testing.T) {
	in := many(30)
	for name, memory := range map[string]int64{"in memory": 1 << 20, "in a file": 100} {
		t.Run(name, func(t *testing.T) {
			env := optest.NewEnv(t, memory)
			env.Rows = 4
			made := 0
			s := op.NewShared(env, func() (op.Op, error) {
				made++
				return op.NewRows(env, rowsOf(t, in)), nil
			})
			first, second := op.NewSharedScan(s), op.NewSharedScan(s)
			ctx := t.Context()
			for _, o := range []op.Op{first, second} {
				if err := o.Open(ctx); err != nil {
					t.Fatal(err)
				}
			}
			n := [2]int{}
			for done := 0; done < 2; {
				done = 0
				for k, o := range []op.Op{first, second} {
					b, err := o.Next(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if b == nil {
						done++
						continue
					}
					for i, line := range optest.Text(in.Types, b) {
						if want := optest.Text(in.Types, optest.Batch(t, optest.Table{Types: in.Types, Rows: in.Rows[n[k]+i : n[k]+i+1]}))[0]; line != want {
							t.Fatalf("reader %d: %s, want %s", k, line, want)
						}
					}
					n[k] += b.Len
				}
			}
			if n != [2]int{30, 30} || made != 1 {
				t.Errorf("%v rows, made %d times", n, made)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
