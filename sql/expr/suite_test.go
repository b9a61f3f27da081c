package expr_test

import (
	"errors"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

var errNegative = errors.New("negative")

// counted is a function of two numbers that gives the first, counts the rows that it is called for and fails for negative ones.
func counted(volatility funcs.Volatility) (*funcs.Func, *int) {
	rows := new(int)
	return &funcs.Func{Name: "counted", Args: []datum.OID{datum.Int4, datum.Int4}, Ret: datum.Int4, Strict: true, Volatile: volatility,
		Body: func(_ *funcs.Ctx, args []*vec.Column, n int) (*vec.Column, error) {
			*rows += n
			for i := range n {
				if !args[0].Null(i) && args[0].Int(i) < 0 {
					return nil, errNegative
				}
			}
			return args[0], nil
		}}, rows
}

func called(fn *funcs.Func) expr.Expr {
	return &expr.Call{Fn: fn, Args: []expr.Expr{col(0, datum.Int4), col(1, datum.Int4)}, Typ: datum.T(datum.Int4), Pos: -1}
}

// TestSuiteComputesOnce compares how many rows a function is called for where it stands in several places.
func TestSuiteComputesOnce(t *testing.T) {
	one, ten := constant(t, datum.Int4, "1"), constant(t, datum.Int4, "10")
	list := func(fn *funcs.Func) []expr.Expr {
		positive := binary(t, ">", called(fn), one)
		return []expr.Expr{
			binary(t, "+", called(fn), one),
			&expr.Case{Whens: []expr.When{{Cond: positive, Then: binary(t, "*", called(fn), ten)}}, Else: called(fn), Typ: datum.T(datum.Int4)},
			&expr.And{Args: []expr.Expr{positive, binary(t, "<", binary(t, "+", called(fn), ten), ten)}},
		}
	}
	for _, test := range []struct {
		volatile funcs.Volatility
		rows     int
	}{
		{funcs.Immutable, 4}, {funcs.Stable, 4},
		{funcs.Volatile, 4 + 4 + 2 + 2 + 4 + 2}, // each place for the rows that it is asked for
	} {
		fn, rows := counted(test.volatile)
		progs := expr.CompileAll(list(fn), newCtx())
		want := []string{"1 2 3 4", "0 1 20 30", "f f f f"}
		b := &vec.Batch{Len: 4, Cols: []*vec.Column{column(t, datum.Int4, "0", "1", "2", "3"), column(t, datum.Int4, "1", "2", "3", "4")}}
		for i, p := range progs {
			got, err := p.Eval(b)
			if err != nil {
				t.Fatal(err)
			}
			if s := texts(p.Type().OID, got); s != want[i] {
				t.Errorf("expression %d is %s, want %s", i, s, want[i])
			}
		}
		if *rows != test.rows {
			t.Errorf("called for %d rows, want %d", *rows, test.rows)
		}
		next := b.Slice(1, 3)
		for i, w := range []string{"2 3", "1 20", "f f"} { // another batch
			got, err := progs[i].Eval(next)
			if err != nil {
				t.Fatal(err)
			}
			if s := texts(progs[i].Type().OID, got); s != w {
				t.Errorf("expression %d is %s over another batch, want %s", i, s, w)
			}
		}
	}
}

// TestSuiteErrors sees that a shared expression fails only for rows that somebody asks about, and each time.
func TestSuiteErrors(t *testing.T) {
	fn, _ := counted(funcs.Immutable)
	zero := constant(t, datum.Int4, "0")
	guarded := &expr.Case{Whens: []expr.When{{Cond: binary(t, ">", col(0, datum.Int4), zero), Then: called(fn)}}, Else: zero, Typ: datum.T(datum.Int4)}
	progs := expr.CompileAll([]expr.Expr{guarded, called(fn), binary(t, "+", called(fn), zero), guarded}, newCtx())
	b := &vec.Batch{Len: 3, Cols: []*vec.Column{column(t, datum.Int4, "5", "-1", "7"), column(t, datum.Int4, "1", "1", "1")}}
	for i, fails := range []bool{false, true, true, false} {
		got, err := progs[i].Eval(b)
		switch {
		case fails && !errors.Is(err, errNegative):
			t.Errorf("expression %d: %v, want an error", i, err)
		case !fails && err != nil:
			t.Errorf("expression %d: %v", i, err)
		case !fails && texts(datum.Int4, got) != "5 0 7":
			t.Errorf("expression %d is %s", i, texts(datum.Int4, got))
		}
	}
}
