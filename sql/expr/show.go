package expr

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// Shower prints expressions of the catalog as pg_get_expr does: every constant with its type, operators in parentheses where they are inside
// others, or with spare ones around all of them.
type Shower struct {
	Spare bool
	Env   *datum.Env
	*Layout
	// Special prints what is known of a node beyond the node; ok is false where that is nothing.
	Special func(e Expr, implicit bool) (text string, ok bool)
	// Function is the name of a function; nil: it is never qualified.
	Function func(*funcs.Func) string
	// Untyped reports whether a text is a literal that no type was asked of; nil: none is.
	Untyped func(*Const) bool
}

// Layout breaks lines as PostgreSQL does where it prints queries. A line break is NUL in what is printed, until Finish.
type Layout struct {
	On    bool
	Level int // how far a clause is indented
}

// Line begins a line with text: before is added to the level at once and after behind it, and the line is indented by plus more.
func (l *Layout) Line(text string, before, after, plus int) string {
	if !l.On {
		return text
	}
	l.Level += before
	indent := max(l.Level, 0)
	if indent >= 40 {
		indent = 40 + (indent-40)/4
		indent %= 40
	}
	l.Level = max(l.Level+after, 0)
	return "\x00" + strings.Repeat(" ", indent+plus) + text
}

// Finish gives lines their breaks, without blanks before them.
func Finish(text string) string {
	lines := strings.Split(text, "\x00")
	for i := range lines[:len(lines)-1] {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// Show prints an expression by itself.
func Show(e Expr, spare bool, env *datum.Env) string {
	s := &Shower{Spare: spare, Env: env, Layout: &Layout{On: true}}
	return Finish(s.Show(e, false))
}

// Show prints e; implicit says that conversions which nobody wrote are printed.
func (s *Shower) Show(e Expr, implicit bool) string {
	if s.Special != nil {
		if text, ok := s.Special(e, implicit); ok {
			return text
		}
	}
	switch e := e.(type) {
	case *Const:
		return s.constant(e.Val, e.Typ)
	case *Cast:
		return s.cast(e, implicit)
	case *Call:
		return s.call(e)
	case *Apply:
		return s.applied(e)
	case *And:
		return s.joined(e.Args, " AND ", bindAnd)
	case *Or:
		return s.joined(e.Args, " OR ", bindOr)
	case *Not:
		return s.Around("NOT " + s.Operand(e.Arg, bindNot+1, false))
	case *IsNull:
		return s.Around(s.Operand(e.Arg, bindSubscript, true) + " IS " + not(e.Not) + "NULL")
	case *BoolTest:
		return s.Around(s.Operand(e.Arg, bindSubscript, false) + strings.TrimPrefix((&BoolTest{Arg: trueColumn, Want: e.Want, Not: e.Not}).String(), "x"))
	case *Distinct:
		return s.distinct(e)
	case *Coalesce:
		return "COALESCE(" + s.List(e.Args) + ")"
	case *In:
		return s.in(e)
	case *Array:
		out := "ARRAY[" + s.List(e.Elems) + "]"
		if len(e.Elems) == 0 {
			out += "::" + s.typeName(e.Typ)
		}
		return out
	case *Case:
		return s.Case(e, nil)
	}
	return s.showMore(e)
}

func (s *Shower) showMore(e Expr) string {
	switch e := e.(type) {
	case *MinMax:
		if e.Max {
			return "GREATEST(" + s.List(e.Args) + ")"
		}
		return "LEAST(" + s.List(e.Args) + ")"
	case *NullIf:
		if c, ok := e.Eq.(*Call); ok && len(c.Args) == 2 {
			return "NULLIF(" + s.List(c.Args) + ")"
		}
	case *AnyAll:
		word := " ANY "
		if e.All {
			word = " ALL "
		}
		return s.Around(s.Operand(e.Left, bindSubscript, true) + " " + e.Op.Name + word + "(" + s.Show(e.Array, true) + ")")
	case *Row:
		return "ROW(" + s.List(e.Elems) + ")"
	case *Field:
		return "(" + s.Show(e.Arg, true) + ")." + funcs.QuoteIdent(FieldName(e))
	case *Subscript:
		return s.subscript(e)
	}
	return e.String()
}

// FieldName is the name of the field that is taken.
func FieldName(e *Field) string {
	if r, ok := e.Arg.(*Row); ok && e.Index < len(r.Names) && r.Names[e.Index] != "" {
		return r.Names[e.Index]
	}
	if fields := datum.RecordFields(e.Arg.Type()); e.Index < len(fields) {
		return fields[e.Index].Name
	}
	return "f" + strconv.Itoa(e.Index+1)
}

func (s *Shower) distinct(e *Distinct) string {
	text := s.Around(s.Operand(e.Left, bindSubscript, true) + " IS DISTINCT FROM " + s.Operand(e.Right, bindSubscript, true))
	if !e.Not {
		return text
	}
	return s.Around("NOT " + text)
}

// level is how tightly what is printed binds. What is compared with an array stands in parentheses inside of everything.
func (s *Shower) level(e Expr) int {
	switch e := e.(type) {
	case *Const:
		return bindAtom
	case *AnyAll:
		return 0
	case *In:
		values, others := e.parts()
		switch {
		case len(values)+len(others) == 1:
			return bindCompare
		case len(others) == 0:
			return 0
		case e.Not:
			return bindAnd
		}
		return bindOr
	case *Subquery, *Row, *Array:
		return bindAtom
	case *Distinct:
		if e.Not {
			return bindNot
		}
	}
	return binding(e)
}

func (s *Shower) subscript(e *Subscript) string {
	text := s.Show(e.Arg, true)
	switch e.Arg.(type) {
	case *Col, *Outer, *Param:
	default:
		text = "(" + text + ")"
	}
	for _, x := range e.Index {
		text += "[" + s.Show(x, false) + "]"
	}
	for i, x := range e.Lower {
		text += "["
		if x != nil {
			text += s.Show(x, false)
		}
		text += ":"
		if e.Upper[i] != nil {
			text += s.Show(e.Upper[i], false)
		}
		text += "]"
	}
	return text
}

// typeName is the name of a type; that of a user's type has its schema where the search path does not find it.
func (s *Shower) typeName(t datum.Type) string {
	if datum.OwnOf(t.OID) == nil || s.Env == nil || s.Env.RegName == nil {
		return datum.FormatBare(t)
	}
	if name, ok := s.Env.RegName(datum.Regtype, datum.Public(t.OID)); ok {
		return name
	}
	return datum.FormatBare(t)
}

var trueColumn = &Col{Name: "x"}

// Around puts text in the parentheses that are not needed, where those are asked for.
func (s *Shower) Around(text string) string {
	if s.Spare {
		return "(" + text + ")"
	}
	return text
}

// Operand prints e inside an operator, in parentheses if it binds less tightly than need. With spare ones each form brings its own.
func (s *Shower) Operand(e Expr, need int, implicit bool) string {
	text := s.Show(e, implicit)
	if s.Spare {
		return text
	}
	at := s.level(e)
	if c, ok := e.(*Cast); ok && c.Implicit {
		if at = s.level(c.Arg); implicit {
			at = bindCast
		}
	}
	if at < need {
		return "(" + text + ")"
	}
	return text
}

// Tight prints e where only what binds as tightly as a subscript goes without parentheses.
func (s *Shower) Tight(e Expr) string { return s.Operand(e, bindSubscript, true) }

// List prints arguments.
func (s *Shower) List(args []Expr) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = s.Show(a, true)
	}
	return strings.Join(parts, ", ")
}

func (s *Shower) joined(args []Expr, sep string, level int) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = s.Operand(a, level, false)
	}
	return s.Around(strings.Join(parts, sep))
}

// constant prints a value with its type, where that is not seen.
func (s *Shower) constant(v *vec.Column, t datum.Type) string {
	if t.OID == datum.Unknown {
		t = datum.T(datum.Text)
	}
	if v.Null(0) {
		return "NULL::" + s.typeName(t)
	}
	switch t.OID {
	case datum.Bool:
		return strconv.FormatBool(v.Bool(0))
	case datum.Int4:
		if v.Int(0) >= 0 {
			return strconv.FormatInt(v.Int(0), 10)
		}
	case datum.Numeric:
		text := string(datum.AppendText(nil, t, v, 0, s.Env))
		if text[0] >= '0' && text[0] <= '9' && strings.Contains(text, ".") {
			return text
		}
	}
	return quoted(string(datum.AppendText(nil, t, v, 0, s.Env))) + "::" + s.typeName(t)
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (s *Shower) cast(e *Cast, implicit bool) string {
	if c, ok := e.Arg.(*Const); ok && e.Implicit && c.Typ.OID == datum.Text && (e.Typ.OID == datum.Varchar || e.Typ.OID == datum.BPChar) {
		return s.constant(c.Val, datum.T(e.Typ.OID))
	}
	if e.Implicit && !implicit {
		return s.Show(e.Arg, implicit)
	}
	if c, ok := e.Arg.(*Const); ok && c.Typ.OID == datum.Unknown && !c.Val.Null(0) {
		return s.unread(c, e.Typ)
	}
	if c, ok := e.Arg.(*Const); ok && c.Typ.OID == e.Typ.OID {
		return strings.TrimSuffix(s.constant(c.Val, c.Typ), "::"+s.typeName(c.Typ)) + "::" + s.typeName(e.Typ)
	}
	if _, row := e.Arg.(*Row); s.Spare && !row {
		return "(" + s.Show(e.Arg, false) + ")::" + s.typeName(e.Typ)
	}
	return s.Operand(e.Arg, bindCast, false) + "::" + s.typeName(e.Typ)
}

// unread prints a literal that is read when the expression is evaluated: relations in it are called by their names of now.
func (s *Shower) unread(c *Const, t datum.Type) string {
	text := string(c.Val.Bytes(0))
	if n, err := strconv.ParseUint(text, 10, 32); err == nil && t.OID == datum.Regclass && s.Env != nil && s.Env.RegName != nil {
		if name, ok := s.Env.RegName(t.OID, datum.OID(n)); ok {
			text = name
		}
	}
	return quoted(text) + "::" + s.typeName(t)
}

func (s *Shower) call(e *Call) string {
	name := e.Fn.Name
	if e.Words {
		if text, ok := s.words(e); ok {
			return text
		}
	}
	if !isOperator(name) {
		return s.function(e)
	}
	if len(e.Args) == 1 {
		return s.Around(name + " " + s.Operand(e.Args[0], bindSubscript, true))
	}
	// Without spare parentheses PostgreSQL leaves out those of + and - and of * and / where they change nothing, and no others.
	left, right := bindSubscript, bindSubscript
	switch name {
	case "+", "-":
		left, right = bindAdd, bindMul
	case "*", "/", "%":
		left = bindMul
	}
	return s.Around(s.arithmetic(e.Args[0], left) + " " + name + " " + s.arithmetic(e.Args[1], right))
}

// arithmetic prints an operand: only + - * / % may go without their parentheses.
func (s *Shower) arithmetic(e Expr, need int) string {
	if c, ok := e.(*Call); !ok || len(c.Args) != 2 || !strings.Contains("+-*/%", c.Fn.Name) {
		need = bindSubscript
	}
	return s.Operand(e, need, true)
}

func (s *Shower) function(e *Call) string {
	name := funcs.QuoteIdent(e.Fn.Name)
	if s.Function != nil {
		name = s.Function(e.Fn)
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = s.Show(a, true)
		if c, ok := a.(*Const); ok && s.Untyped != nil && e.Fn.Args[min(i, len(e.Fn.Args)-1)] == datum.Any && s.Untyped(c) {
			args[i] = strings.TrimSuffix(args[i], "::text")
		}
	}
	if e.Variadic {
		args[len(args)-1] = "VARIADIC " + args[len(args)-1]
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// words prints a call that is written in words.
func (s *Shower) words(e *Call) (text string, ok bool) {
	arg := func(i int) string { return s.Show(e.Args[i], true) }
	switch name := e.Fn.Name; {
	case name == "timezone" && len(e.Args) == 2:
		return "(" + s.Operand(e.Args[1], bindAdd, true) + " AT TIME ZONE " + s.Operand(e.Args[0], bindAdd, true) + ")", true
	case name == "extract":
		if field, ok := e.Args[0].(*Const); ok && !field.Val.Null(0) {
			return "EXTRACT(" + string(field.Val.Bytes(0)) + " FROM " + arg(1) + ")", true
		}
	case name == "position":
		return "POSITION((" + arg(1) + ") IN (" + arg(0) + "))", true
	case name == "overlay":
		text = "OVERLAY(" + arg(0) + " PLACING " + arg(1) + " FROM " + arg(2)
		if len(e.Args) == 4 {
			text += " FOR " + arg(3)
		}
		return text + ")", true
	case name == "substring" && (len(e.Args) == 2 || e.Args[1].Type().OID == datum.Int4):
		text = "SUBSTRING(" + arg(0) + " FROM " + arg(1)
		if len(e.Args) == 3 {
			text += " FOR " + arg(2)
		}
		return text + ")", true
	case name == "substring":
		return "SUBSTRING(" + arg(0) + " SIMILAR " + arg(1) + " ESCAPE " + arg(2) + ")", true
	case trims[name] != "":
		if text = "TRIM(" + trims[name] + " "; len(e.Args) == 2 {
			text += arg(1) + " "
		}
		return text + "FROM " + arg(0) + ")", true
	case name == "overlaps":
		return "((" + arg(0) + ", " + arg(1) + ") OVERLAPS (" + arg(2) + ", " + arg(3) + "))", true
	}
	return "", false
}

var trims = map[string]string{"btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}

// applied prints a cast to a domain, or the call of a users' function.
func (s *Shower) applied(e *Apply) string {
	if !e.Domain {
		args := s.List(e.Args)
		if last := len(e.Args) - 1; e.Variadic {
			args = strings.TrimPrefix(s.List(e.Args[:last])+", VARIADIC "+s.Show(e.Args[last], true), ", ")
		}
		return e.Name + "(" + args + ")"
	}
	if c, ok := e.Args[0].(*Const); ok && !c.Val.Null(0) {
		return quoted(string(datum.AppendText(nil, c.Typ, c.Val, 0, s.Env))) + "::" + e.Name
	}
	arg := e.Args[0]
	if c, ok := arg.(*Cast); ok && c.Typ == e.Type() {
		arg = c.Arg // PostgreSQL does not show how it comes to the type underneath
	}
	text := s.Operand(arg, bindCast, false)
	if s.Spare {
		text = "(" + text + ")"
	}
	return text + "::" + e.Name
}

// parts takes values and what has columns in a list apart.
func (e *In) parts() (values, others []Expr) {
	for _, x := range e.List {
		if Any(x, func(x Expr) bool { _, col := x.(*Col); _, outer := x.(*Outer); return col || outer }) {
			others = append(others, x)
		} else {
			values = append(values, x)
		}
	}
	return values, others
}

// in prints IN over a list: values are an array, and what has columns is compared one by one, as PostgreSQL takes it.
func (s *Shower) in(e *In) string {
	op, word, sep := "=", "ANY", " OR "
	if e.Not {
		op, word, sep = "<>", "ALL", " AND "
	}
	values, others := e.parts()
	left := s.Operand(e.Arg, bindSubscript, true)
	out := ""
	add := func(text string) {
		if out == "" {
			out = text
		} else {
			out = s.Around(out + sep + text)
		}
	}
	if len(values) > 1 {
		text := s.Around(left + " " + op + " " + word + " (" + s.values(e.Arg, values) + ")")
		if !s.Spare && len(others) > 0 {
			text = "(" + text + ")"
		}
		add(text)
		values = nil
	}
	for _, x := range append(values, others...) {
		add(s.Around(left + " " + op + " " + s.Operand(x, bindSubscript, true)))
	}
	return out
}

// values prints the array that IN compares with: texts beside a varchar are such, and the array is converted.
func (s *Shower) values(left Expr, list []Expr) string {
	c, ok := left.(*Cast)
	varchar := ok && c.Implicit && c.Typ.OID == datum.Text && c.Arg.Type().OID == datum.Varchar
	for _, x := range list {
		k, ok := x.(*Const)
		varchar = varchar && ok && !k.Val.Null(0)
	}
	if !varchar {
		return "ARRAY[" + s.List(list) + "]"
	}
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = s.constant(x.(*Const).Val, datum.T(datum.Varchar))
	}
	text := "ARRAY[" + strings.Join(parts, ", ") + "]"
	if s.Spare {
		text = "(" + text + ")"
	}
	return text + "::text[]"
}

// Case prints CASE, with an operand if there is one that is compared with each value.
func (s *Shower) Case(e *Case, operand Expr) string {
	var b strings.Builder
	b.WriteString(s.Line("CASE", 0, 4, 0))
	if operand != nil {
		b.WriteString(" " + s.Show(operand, true))
	}
	for _, w := range e.Whens {
		if !s.On {
			b.WriteByte(' ')
		}
		b.WriteString(s.Line("WHEN ", 0, 0, 0))
		if c, ok := w.Cond.(*Call); ok && operand != nil && len(c.Args) == 2 {
			b.WriteString(s.Show(c.Args[1], false))
		} else {
			b.WriteString(s.Show(w.Cond, false))
		}
		b.WriteString(" THEN " + s.Show(w.Then, true))
	}
	if !s.On {
		b.WriteByte(' ')
	}
	b.WriteString(s.Line("ELSE ", 0, 0, 0))
	if e.Else != nil {
		b.WriteString(s.Show(e.Else, true))
	}
	if !s.On {
		b.WriteByte(' ')
	}
	b.WriteString(s.Line("END", -4, 0, 0))
	return b.String()
}
