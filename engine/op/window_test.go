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
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// input is a node of which only the columns matter.
func input(types []datum.OID) plan.Node {
	v := &plan.Values{}
	for i, t := range types {
		v.Fields = append(v.Fields, plan.Field{Name: string(rune('a' + i)), Type: datum.T(t)})
	}
	return v
}

func windowFunction(t testing.TB, name string, args ...expr.Expr) plan.WindowCall {
	for _, w := range funcs.LookupWindow(name) {
		if len(w.Args) == len(args) {
			c := plan.WindowCall{Fn: w, Args: args, Frame: plan.DefaultFrame, Typ: datum.T(w.Ret)}
			if w.Ret == datum.AnyElement || w.Ret == datum.AnyCompat {
				c.Typ = args[0].Type()
			}
			return c
		}
	}
	t.Fatalf("no window function %s of %d arguments", name, len(args))
	return plan.WindowCall{}
}

func windowAggregate(t testing.TB, frame plan.Frame, name string, args ...expr.Expr) plan.WindowCall {
	a := aggregate(t, name, args...)
	return plan.WindowCall{Agg: a.Fn, Args: a.Args, Frame: frame, Typ: a.Typ}
}

func rowsFrame(before, after *expr.Const) plan.Frame {
	return plan.Frame{Mode: syntax.FrameRows, Start: plan.FrameBound{Kind: syntax.FramePreceding, Offset: before},
		End: plan.FrameBound{Kind: syntax.FrameFollowing, Offset: after}}
}

// runWindow checks a window over columns (place text, age int4, name text) that keeps the last of them.
func runWindow(t *testing.T, in optest.Table, n *plan.Window, types []datum.OID, want [][]string, memory int64) {
	t.Helper()
	n.Input, n.Keep = input(in.Types), []int{2}
	optest.Run(t, optest.Case{
		Inputs: []optest.Table{in}, Types: append([]datum.OID{text}, types...), Want: want, Ordered: true, Memory: memory,
		Make: func(env *op.Env, in []op.Op) op.Op { return op.NewWindow(env, in[0], n) },
	})
}

var guests = optest.Table{Types: []datum.OID{text, i4, text}, Rows: [][]string{
	{"rome", "30", "ann"}, {"oslo", "25", "bob"}, {"rome", "30", "cid"}, {"oslo", "NULL", "dan"}, {"NULL", "7", "eve"}, {"rome", "12", "fay"}, {"oslo", "41", "gus"},
}}

func TestWindow(t *testing.T) {
	one, two := constant(t, i8, "1"), constant(t, i8, "2")
	n := &plan.Window{
		Partition: []expr.Expr{col(0, text)}, Order: []plan.SortKey{{Expr: col(1, i4)}},
		Calls: []plan.WindowCall{
			windowFunction(t, "row_number"), windowFunction(t, "rank"), windowFunction(t, "lag", col(1, i4)),
			windowAggregate(t, plan.DefaultFrame, "sum", col(1, i4)), windowAggregate(t, rowsFrame(one, one), "count"),
			windowAggregate(t, rowsFrame(two, constant(t, i8, "0")), "max", col(1, i4)),
			windowAggregate(t, rowsFrame(one, one), "array_agg", col(1, i4)),
		},
	}
	types := []datum.OID{i8, i8, i4, i8, i8, i4, 1007}
	want := [][]string{
		{"bob", "1", "1", "NULL", "25", "2", "25", "{25,41}"},
		{"gus", "2", "2", "25", "66", "3", "41", "{25,41,NULL}"},
		{"dan", "3", "3", "41", "66", "2", "41", "{41,NULL}"},
		{"fay", "1", "1", "NULL", "12", "2", "12", "{12,30}"},
		{"ann", "2", "2", "12", "72", "3", "30", "{12,30,30}"},
		{"cid", "3", "2", "30", "72", "2", "30", "{30,30}"},
		{"eve", "1", "1", "NULL", "7", "1", "7", "{7}"},
	}
	runWindow(t, guests, n, types, want, 0)
	sorted := *n
	sorted.Sorted = true
	in := guests
	in.Rows = nil
	for _, r := range []int{1, 6, 3, 5, 0, 2, 4} {
		in.Rows = append(in.Rows, guests.Rows[r])
	}
	runWindow(t, in, &sorted, types, want, 0)
	none := &plan.Window{Calls: n.Calls[:1]}
	runWindow(t, optest.Table{Types: guests.Types}, none, []datum.OID{i8}, nil, 0)
}

// TestWindowPutsRowsAside has partitions of which each fits in memory and all together do not.
func TestWindowPutsRowsAside(t *testing.T) {
	in := optest.Table{Types: guests.Types}
	var want [][]string
	for i := range 600 {
		in.Rows = append(in.Rows, []string{fmt.Sprintf("p%03d", i*7%150), fmt.Sprint(i), fmt.Sprint("name ", i)})
	}
	at := map[int]int{}
	for i := range 600 {
		at[i*7%150*4+i/150] = i
	}
	for k := range 600 {
		prior := "NULL"
		if k%4 > 0 {
			prior = fmt.Sprint(at[k-1])
		}
		want = append(want, []string{fmt.Sprint("name ", at[k]), fmt.Sprint(k%4 + 1), prior})
	}
	n := &plan.Window{
		Partition: []expr.Expr{col(0, text)}, Order: []plan.SortKey{{Expr: col(1, i4)}},
		Calls: []plan.WindowCall{windowFunction(t, "row_number"), windowFunction(t, "lag", col(1, i4))},
	}
	runWindow(t, in, n, []datum.OID{i8, i4}, want, 16<<10)
}

// TestWindowRun keeps of each partition the rows of low rank, as numbering all rows and dropping the others does.
func TestWindowRun(t *testing.T) {
	in := optest.Table{Types: guests.Types}
	for i := range 70 {
		in.Rows = append(in.Rows, []string{fmt.Sprint("p", i*7%5), fmt.Sprint(i * 11 % 17), fmt.Sprint("name ", i)})
	}
	for _, parts := range [][]expr.Expr{{col(0, text)}, nil} {
		for _, fn := range []string{"row_number", "rank", "dense_rank"} {
			for _, most := range []string{"1", "4", "NULL"} {
				n := &plan.Window{
					Partition: parts, Order: []plan.SortKey{{Expr: col(1, i4)}},
					Calls: []plan.WindowCall{windowFunction(t, fn), windowAggregate(t, rowsFrame(constant(t, i8, "2"), constant(t, i8, "0")), "count")},
					Run:   &plan.RunCondition{Limit: constant(t, i8, most)},
				}
				runWindow(t, in, n, []datum.OID{i8, i8}, lowRanks(in.Rows, len(parts) > 0, fn, most), 0)
			}
		}
	}
}

// lowRanks is the model: name, rank and how many rows of the last three are there, by partition and the second column.
func lowRanks(rows [][]string, parted bool, fn, most string) (want [][]string) {
	limit, _ := strconv.Atoi(most)
	part := func(r []string) string {
		if parted {
			return r[0]
		}
		return ""
	}
	value := func(r []string) int { v, _ := strconv.Atoi(r[1]); return v }
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b []string) int { return cmp.Or(cmp.Compare(part(a), part(b)), cmp.Compare(value(a), value(b))) })
	number, rank, dense := 0, 0, 0
	for i, r := range rows {
		if i == 0 || part(rows[i-1]) != part(r) {
			number, rank, dense = 0, 0, 0
		}
		if number++; number == 1 || value(rows[i-1]) != value(r) {
			rank, dense = number, dense+1
		}
		if v := map[string]int{"row_number": number, "rank": rank, "dense_rank": dense}[fn]; v <= limit {
			want = append(want, []string{r[2], fmt.Sprint(v), fmt.Sprint(min(number, 3))})
		}
	}
	return want
}
