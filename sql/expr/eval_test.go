package expr_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

func newCtx() *expr.EvalCtx {
	return &expr.EvalCtx{Fn: &funcs.Ctx{Context: context.Background(), Env: datum.DefaultEnv}}
}

// column reads values in text; NULL is null.
func column(t *testing.T, oid datum.OID, vals ...string) *vec.Column {
	t.Helper()
	b := datum.NewBuilder(datum.T(oid), len(vals))
	for _, v := range vals {
		if v == "NULL" {
			b.AppendNull()
			continue
		}
		if err := datum.ParseText(datum.T(oid), []byte(v), b, datum.DefaultEnv); err != nil {
			t.Fatal(err)
		}
	}
	return b.Finish()
}

// coded is the column as a dictionary with an entry that no row uses in front.
func coded(t *testing.T, oid datum.OID, unused string, vals ...string) *vec.Column {
	t.Helper()
	dict := column(t, oid, append([]string{unused}, vals...)...)
	c := &vec.Column{Kind: dict.Kind, Len: len(vals), Dict: dict, Codes: make([]int32, len(vals))}
	for i := range vals {
		c.Codes[i] = int32(i + 1)
	}
	return c
}

func texts(oid datum.OID, c *vec.Column) string {
	var out []string
	for i := range c.Len {
		if c.Null(i) {
			out = append(out, "NULL")
			continue
		}
		out = append(out, string(datum.AppendText(nil, datum.T(oid), c, i, datum.DefaultEnv)))
	}
	return strings.Join(out, " ")
}

func operator(t *testing.T, name string, args ...datum.OID) *funcs.Func {
	t.Helper()
	for _, f := range funcs.LookupOperator(name, len(args)) {
		if fmt.Sprint(f.Args) == fmt.Sprint(args) {
			return f
		}
	}
	t.Fatalf("no operator %s%v", name, args)
	return nil
}

func binary(t *testing.T, name string, l, r expr.Expr) *expr.Call {
	t.Helper()
	f := operator(t, name, l.Type().OID, r.Type().OID)
	return &expr.Call{Fn: f, Args: []expr.Expr{l, r}, Typ: datum.T(f.Ret), Pos: -1}
}

func constant(t *testing.T, oid datum.OID, v string) *expr.Const {
	t.Helper()
	return &expr.Const{Val: column(t, oid, v), Typ: datum.T(oid)}
}

func col(i int, oid datum.OID) *expr.Col {
	return &expr.Col{Index: i, Typ: datum.T(oid), Name: string(rune('a' + i))}
}

// check evaluates e over batches made of the columns: as they are, and cut into rows.
func check(t *testing.T, e expr.Expr, want string, cols ...*vec.Column) {
	t.Helper()
	b := &vec.Batch{Len: 1, Cols: cols}
	if len(cols) > 0 {
		b.Len = cols[0].Len
	}
	p := expr.Compile(e, newCtx())
	for range 2 { // the second time finds what the first one kept
		got, err := p.Eval(b)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if s := texts(e.Type().OID, got); s != want {
			t.Errorf("%s = %s, want %s", e, s, want)
		}
	}
	var rows []string
	for i := range b.Len {
		got, err := p.Eval(b.Slice(i, i+1))
		if err != nil {
			t.Fatalf("%s: row %d: %v", e, i, err)
		}
		rows = append(rows, texts(e.Type().OID, got))
	}
	if s := strings.Join(rows, " "); s != want {
		t.Errorf("%s row by row = %s, want %s", e, s, want)
	}
	if e.Type().OID == datum.Bool {
		sel, err := expr.Compile(e, newCtx()).Filter(b)
		if err != nil {
			t.Fatalf("filter %s: %v", e, err)
		}
		var kept []int32
		for i, v := range strings.Fields(want) {
			if v == "t" {
				kept = append(kept, int32(i))
			}
		}
		if fmt.Sprint(sel) != fmt.Sprint(kept) {
			t.Errorf("filter %s = %v, want %v", e, sel, kept)
		}
	}
}

const (
	i4   = datum.Int4
	text = datum.Text
	bl   = datum.Bool
)

func TestThreeValuedLogic(t *testing.T) {
	a := column(t, bl, "t", "t", "t", "f", "f", "f", "NULL", "NULL", "NULL")
	b := column(t, bl, "t", "f", "NULL", "t", "f", "NULL", "t", "f", "NULL")
	x, y := col(0, bl), col(1, bl)
	for name, cols := range map[string][]*vec.Column{"flat": {a, b}, "coded": {a.Take(seq(9)), recoded(b)}} {
		t.Run(name, func(t *testing.T) {
			check(t, &expr.And{Args: []expr.Expr{x, y}}, "t f NULL f f f NULL f NULL", cols...)
			check(t, &expr.Or{Args: []expr.Expr{x, y}}, "t t t t f NULL t NULL NULL", cols...)
			check(t, &expr.Not{Arg: y}, "f t NULL f t NULL f t NULL", cols...)
			check(t, &expr.BoolTest{Arg: y, Want: 't'}, "t f f t f f t f f", cols...)
			check(t, &expr.BoolTest{Arg: y, Want: 'u', Not: true}, "t t f t t f t t f", cols...)
			check(t, &expr.IsNull{Arg: y}, "f f t f f t f f t", cols...)
			check(t, &expr.Distinct{Left: x, Right: y}, "f t t t f t t t f", cols...)
		})
	}
}

func seq(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// recoded makes a dictionary column of all rows.
func recoded(c *vec.Column) *vec.Column {
	return &vec.Column{Kind: c.Kind, Len: c.Len, Codes: seq(c.Len), Dict: c}
}

// TestErrorsOnlyWhereAsked: operands are evaluated for the rows that need them.
func TestErrorsOnlyWhereAsked(t *testing.T) {
	n := column(t, i4, "0", "1", "2", "NULL")
	x := col(0, i4)
	one, zero := constant(t, i4, "1"), constant(t, i4, "0")
	div := binary(t, "/", constant(t, i4, "4"), x) // fails where x is 0
	big := binary(t, ">", div, one)
	notZero := binary(t, "<>", x, zero)
	for _, cols := range [][]*vec.Column{{n}, {recoded(n)}} {
		check(t, &expr.And{Args: []expr.Expr{notZero, big}}, "f t t NULL", cols...)
		check(t, &expr.Or{Args: []expr.Expr{binary(t, "=", x, zero), big}}, "t t t NULL", cols...)
		check(t, &expr.Case{Whens: []expr.When{{Cond: notZero, Then: div}}, Else: constant(t, i4, "-1"), Typ: datum.T(i4)}, "-1 4 2 -1", cols...)
		check(t, &expr.Coalesce{Args: []expr.Expr{&expr.NullIf{Arg: x, Eq: notZero}, div}, Typ: datum.T(i4)}, "0 4 2 NULL", cols...)
		_, err := expr.Eval(newCtx(), div, &vec.Batch{Len: 4, Cols: cols})
		if !pgerr.Is(err, pgerr.DivisionByZero) {
			t.Errorf("division: %v", err)
		}
	}
	// An entry of a dictionary that no row uses does not count, and neither does a row that is null elsewhere.
	check(t, div, "4 2", coded(t, i4, "0", "1", "2"))
	check(t, binary(t, "/", col(1, i4), x), "NULL 2", column(t, i4, "0", "1"), column(t, i4, "NULL", "2"))
}

func TestChoices(t *testing.T) {
	a, b := column(t, i4, "1", "NULL", "3", "NULL"), column(t, i4, "2", "5", "NULL", "NULL")
	x, y := col(0, i4), col(1, i4)
	list := []expr.Expr{x, y}
	check(t, &expr.Coalesce{Args: list, Typ: datum.T(i4)}, "1 5 3 NULL", a, b)
	check(t, &expr.MinMax{Args: list, Max: true, Typ: datum.T(i4)}, "2 5 3 NULL", a, b)
	check(t, &expr.MinMax{Args: list, Typ: datum.T(i4)}, "1 5 3 NULL", a, b)
	check(t, &expr.NullIf{Arg: x, Eq: binary(t, "=", x, constant(t, i4, "3"))}, "1 NULL NULL NULL", a, b)
	word := func(v string) expr.Expr { return constant(t, text, v) }
	check(t, &expr.Case{Whens: []expr.When{
		{Cond: binary(t, "=", x, constant(t, i4, "1")), Then: word("one")},
		{Cond: &expr.IsNull{Arg: x}, Then: word("none")},
	}, Else: word("many"), Typ: datum.T(text)}, "one none many none", a, b)
}

func TestSets(t *testing.T) {
	a := column(t, i4, "1", "2", "NULL")
	x := col(0, i4)
	one, null := constant(t, i4, "1"), constant(t, i4, "NULL")
	check(t, &expr.In{Arg: x, List: []expr.Expr{one, constant(t, i4, "7")}}, "t f NULL", a)
	check(t, &expr.In{Arg: x, List: []expr.Expr{one, null}}, "t NULL NULL", a)
	check(t, &expr.In{Arg: x, List: []expr.Expr{one, null}, Not: true}, "f NULL NULL", a)
	check(t, &expr.In{Arg: x, List: []expr.Expr{one, col(1, i4)}}, "t t NULL", a, column(t, i4, "9", "2", "3"))
	arr := constant(t, 1007, "{1,NULL}")
	eq, lt := operator(t, "=", i4, i4), operator(t, "<", i4, i4)
	check(t, &expr.AnyAll{Op: eq, Left: x, Array: arr}, "t NULL NULL", a)
	check(t, &expr.AnyAll{Op: lt, Left: x, Array: constant(t, 1007, "{2,3}"), All: true}, "t f NULL", a)
	check(t, &expr.AnyAll{Op: lt, Left: x, Array: col(1, 1007)}, "t f NULL", a, column(t, 1007, "{0,5}", "{}", "{1}"))
	check(t, &expr.AnyAll{Op: lt, Left: x, Array: constant(t, 1007, "{}"), All: true}, "t t t", a)
}

func TestArraysAndRows(t *testing.T) {
	a, b := column(t, i4, "1", "NULL"), column(t, i4, "2", "4")
	arr := &expr.Array{Elems: []expr.Expr{col(0, i4), col(1, i4)}, Typ: datum.T(1007)}
	check(t, arr, "{1,2} {NULL,4}", a, b)
	check(t, &expr.Subscript{Arg: arr, Index: []expr.Expr{constant(t, i4, "2")}, Typ: datum.T(i4)}, "2 4", a, b)
	check(t, &expr.Subscript{Arg: arr, Index: []expr.Expr{constant(t, i4, "3")}, Typ: datum.T(i4)}, "NULL NULL", a, b)
	check(t, &expr.Subscript{Arg: arr, Lower: []expr.Expr{constant(t, i4, "2")}, Upper: []expr.Expr{nil}, Typ: datum.T(1007)}, "{2} {4}", a, b)
	row := &expr.Row{Elems: []expr.Expr{col(0, i4), col(1, i4)}}
	check(t, &expr.Field{Arg: row, Index: 1, Typ: datum.T(i4)}, "2 4", a, b)
	check(t, &expr.IsNull{Arg: row, Not: true}, "t f", a, b)
	check(t, &expr.IsNull{Arg: row}, "f f", a, b)
}

func TestCasts(t *testing.T) {
	x := &expr.Col{Index: 0, Typ: datum.T(text), Name: "x"}
	to := func(oid datum.OID) *expr.Cast { return &expr.Cast{Arg: x, Typ: datum.T(oid), Explicit: true} }
	check(t, to(datum.Int4), "12 NULL", column(t, text, "12", "NULL"))
	check(t, to(datum.Float8), "1.5 NULL", column(t, text, "1.5", "NULL"))
	// What storage has read as numbers already is taken as it is, within the target's range.
	check(t, to(datum.Float8), "1.5 2", column(t, datum.Float8, "1.5", "2"))
	check(t, to(datum.Int4), "7", column(t, datum.Int8, "7"))
	check(t, to(datum.Bool), "t", column(t, datum.Bool, "t"))
	for _, bad := range []struct {
		c    *vec.Column
		code pgerr.Code
	}{{column(t, datum.Int8, "3000000000"), pgerr.NumericValueOutOfRange}, {column(t, text, "x"), pgerr.InvalidTextRepresentation}} {
		if _, err := expr.Eval(newCtx(), to(datum.Int4), &vec.Batch{Len: 1, Cols: []*vec.Column{bad.c}}); !pgerr.Is(err, bad.code) {
			t.Errorf("%v, want %s", err, bad.code)
		}
	}
}

// runner answers subqueries with rows that depend on the row that holds them.
type runner struct {
	outer []int
	rows  func(outer []expr.OuterRow) *vec.Batch
	runs  int
}

func (r *runner) OuterCols(*expr.Subquery) []int { return r.outer }
func (r *runner) RunSubquery(_ *expr.EvalCtx, _ *expr.Subquery, outer []expr.OuterRow) (*vec.Batch, error) {
	r.runs++
	return r.rows(outer), nil
}

func TestSubqueries(t *testing.T) {
	a := column(t, i4, "1", "2", "NULL", "1")
	rows := func(vals ...string) *runner {
		return &runner{rows: func([]expr.OuterRow) *vec.Batch {
			return &vec.Batch{Len: len(vals), Cols: []*vec.Column{column(t, i4, vals...)}}
		}}
	}
	eval := func(r *runner, s *expr.Subquery, want string) {
		t.Helper()
		x := newCtx()
		x.Subqueries = r
		got, err := expr.Eval(x, s, &vec.Batch{Len: 4, Cols: []*vec.Column{a}})
		if err != nil {
			t.Fatal(err)
		}
		if g := texts(s.Type().OID, got); g != want {
			t.Errorf("%s = %s, want %s", s, g, want)
		}
	}
	x := col(0, i4)
	lt := operator(t, "<", i4, i4)
	eval(rows("5"), &expr.Subquery{Kind: expr.Scalar, Typ: datum.T(i4)}, "5 5 5 5")
	eval(rows(), &expr.Subquery{Kind: expr.Scalar, Typ: datum.T(i4)}, "NULL NULL NULL NULL")
	eval(rows("5"), &expr.Subquery{Kind: expr.Exists, Not: true}, "f f f f")
	eval(rows("1", "3"), &expr.Subquery{Kind: expr.InQuery, Test: x}, "t f NULL t")
	eval(rows("1", "NULL"), &expr.Subquery{Kind: expr.InQuery, Test: x, Not: true}, "f NULL NULL f")
	eval(rows(), &expr.Subquery{Kind: expr.InQuery, Test: x, Not: true}, "t t t t")
	eval(rows("2", "3"), &expr.Subquery{Kind: expr.AllQuery, Test: x, Op: lt}, "t f NULL t")
	eval(rows("2", "0"), &expr.Subquery{Kind: expr.AnyQuery, Test: x, Op: lt}, "t f NULL t")
	eval(rows("1", "2"), &expr.Subquery{Kind: expr.ArrayOf, Typ: datum.T(1007)}, "{1,2} {1,2} {1,2} {1,2}")
	// A correlated one runs once per distinct value.
	r := &runner{outer: []int{0}, rows: func(outer []expr.OuterRow) *vec.Batch {
		o := outer[len(outer)-1]
		return &vec.Batch{Len: 1, Cols: []*vec.Column{vec.Repeat(o.Batch.Cols[0], o.Row, 1)}}
	}}
	eval(r, &expr.Subquery{Kind: expr.Scalar, Typ: datum.T(i4), Correlated: true}, "1 2 NULL 1")
	if r.runs != 3 {
		t.Errorf("%d runs for 3 distinct values", r.runs)
	}
	s := &expr.Subquery{Kind: expr.Scalar, Typ: datum.T(i4)}
	ctx := newCtx()
	ctx.Subqueries = rows("1", "2")
	if _, err := expr.Eval(ctx, s, &vec.Batch{Len: 1}); !pgerr.Is(err, pgerr.CardinalityViolation) {
		t.Errorf("two rows: %v", err)
	}
}

// TestDictionaryOnce: an expression over one dictionary-coded column is computed per entry, and not again for the next
// batch with the same dictionary.
func TestDictionaryOnce(t *testing.T) {
	calls := 0
	fn := &funcs.Func{Name: "counted", Args: []datum.OID{i4}, Ret: i4, Strict: true, Volatile: funcs.Immutable,
		Body: func(_ *funcs.Ctx, args []*vec.Column, n int) (*vec.Column, error) {
			calls += n
			return args[0], nil
		}}
	p := expr.Compile(&expr.Call{Fn: fn, Args: []expr.Expr{col(0, i4)}, Typ: datum.T(i4)}, newCtx())
	dict := column(t, i4, "10", "20")
	c := &vec.Column{Kind: vec.Int64, Len: 6, Dict: dict, Codes: []int32{0, 1, 0, 1, 0, 1}}
	for range 3 {
		got, err := p.Eval(&vec.Batch{Len: 6, Cols: []*vec.Column{c}})
		if err != nil || texts(i4, got) != "10 20 10 20 10 20" {
			t.Fatalf("%v %v", got, err)
		}
	}
	if calls > 3 { // two entries and null
		t.Errorf("%d rows computed for 2 entries", calls)
	}
}

func TestString(t *testing.T) {
	a, b := col(0, i4), col(1, i4)
	plus, times := binary(t, "+", a, b), binary(t, "*", a, b)
	gt := binary(t, ">", a, constant(t, i4, "1"))
	for _, c := range []struct {
		e    expr.Expr
		want string
	}{
		{binary(t, "*", plus, b), "(a + b) * b"},
		{binary(t, "+", times, b), "a * b + b"},
		{binary(t, "-", a, binary(t, "-", a, b)), "a - (a - b)"},
		{&expr.And{Args: []expr.Expr{gt, &expr.Or{Args: []expr.Expr{gt, gt}}}}, "a > 1 AND (a > 1 OR a > 1)"},
		{&expr.Not{Arg: gt}, "NOT a > 1"},
		{&expr.IsNull{Arg: plus, Not: true}, "a + b IS NOT NULL"},
		{&expr.Cast{Arg: plus, Typ: datum.T(datum.Int8)}, "(a + b)::bigint"},
		{&expr.In{Arg: a, List: []expr.Expr{constant(t, i4, "1"), b}}, "a IN (1, b)"},
		{constant(t, text, "it's"), "'it''s'::text"},
		{constant(t, datum.Numeric, "1.50"), "1.50"},
		{constant(t, i4, "NULL"), "NULL::integer"},
		{&expr.Col{Name: "Odd Name"}, `"Odd Name"`},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestTransformKeepsWhatIsSame(t *testing.T) {
	e := &expr.And{Args: []expr.Expr{binary(t, ">", col(0, i4), col(1, i4)), &expr.IsNull{Arg: col(0, i4)}}}
	if got := expr.Transform(e, func(x expr.Expr) expr.Expr { return x }); got != expr.Expr(e) {
		t.Error("an unchanged tree was copied")
	}
	moved := expr.MapCols(e, func(i int) int { return i + 2 })
	var at []int
	expr.Walk(moved, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Col); ok {
			at = append(at, c.Index)
		}
		return true
	})
	if fmt.Sprint(at) != "[2 3 2]" {
		t.Errorf("%v", at)
	}
	if expr.Conjoin(expr.Conjuncts(e)).String() != e.String() {
		t.Error("conjuncts")
	}
}
