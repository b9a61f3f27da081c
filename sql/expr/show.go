package expr

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// Show prints an expression of the catalog as pg_get_expr does: every constant with its type, operators in parentheses where they are inside
// others, or with spare ones around all of them.
func Show(e Expr, spare bool, env *datum.Env) string {
	s := &shower{spare: spare, env: env}
	return s.show(e, false)
}

type shower struct {
	spare bool
	env   *datum.Env
}

// show prints e; implicit says that conversions which nobody wrote are printed.
func (s *shower) show(e Expr, implicit bool) string {
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
		return s.around("NOT " + s.operand(e.Arg, bindNot, false))
	case *IsNull:
		return s.around(s.operand(e.Arg, bindIs+1, true) + " IS " + not(e.Not) + "NULL")
	case *BoolTest:
		return s.around(s.operand(e.Arg, bindIs+1, false) + strings.TrimPrefix((&BoolTest{Arg: trueColumn, Want: e.Want, Not: e.Not}).String(), "x"))
	case *Distinct:
		return s.around(s.operand(e.Left, bindIs+1, true) + " IS " + not(e.Not) + "DISTINCT FROM " + s.operand(e.Right, bindIs+1, true))
	case *Coalesce:
		return "COALESCE(" + s.list(e.Args) + ")"
	case *In:
		return s.in(e)
	case *Array:
		out := "ARRAY[" + s.list(e.Elems) + "]"
		if len(e.Elems) == 0 {
			out += "::" + s.typeName(e.Typ)
		}
		return out
	case *Case:
		return s.cases(e)
	}
	return e.String()
}

// typeName is the name of a type; that of a user's type has its schema where the search path does not find it.
func (s *shower) typeName(t datum.Type) string {
	if datum.OwnOf(t.OID) == nil || s.env == nil || s.env.RegName == nil {
		return datum.FormatBare(t)
	}
	if name, ok := s.env.RegName(datum.Regtype, datum.Public(t.OID)); ok {
		return name
	}
	return datum.FormatBare(t)
}

var trueColumn = &Col{Name: "x"}

func (s *shower) around(text string) string {
	if s.spare {
		return "(" + text + ")"
	}
	return text
}

// operand prints e inside an operator, in parentheses if it binds less tightly than need. With spare ones each form brings its own.
func (s *shower) operand(e Expr, need int, implicit bool) string {
	text := s.show(e, implicit)
	if s.spare {
		return text
	}
	at := binding(e)
	if c, ok := e.(*Cast); ok && c.Implicit {
		if at = binding(c.Arg); implicit {
			at = bindCast
		}
	}
	if at < need {
		return "(" + text + ")"
	}
	return text
}

func (s *shower) list(args []Expr) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = s.show(a, true)
	}
	return strings.Join(parts, ", ")
}

func (s *shower) joined(args []Expr, sep string, level int) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = s.operand(a, level+1, false)
	}
	return s.around(strings.Join(parts, sep))
}

// constant prints a value with its type, where that is not seen.
func (s *shower) constant(v *vec.Column, t datum.Type) string {
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
		text := string(datum.AppendText(nil, t, v, 0, s.env))
		if text[0] >= '0' && text[0] <= '9' && strings.Contains(text, ".") {
			return text
		}
	}
	text := string(datum.AppendText(nil, t, v, 0, s.env))
	return "'" + strings.ReplaceAll(text, "'", "''") + "'::" + s.typeName(t)
}

func (s *shower) cast(e *Cast, implicit bool) string {
	if c, ok := e.Arg.(*Const); ok && e.Implicit && c.Typ.OID == datum.Text && (e.Typ.OID == datum.Varchar || e.Typ.OID == datum.BPChar) {
		return s.constant(c.Val, datum.T(e.Typ.OID))
	}
	if e.Implicit && !implicit {
		return s.show(e.Arg, implicit)
	}
	if c, ok := e.Arg.(*Const); ok && c.Typ.OID == datum.Unknown && !c.Val.Null(0) {
		return s.unread(c, e.Typ)
	}
	if s.spare {
		text := s.show(e.Arg, false)
		if _, ok := e.Arg.(*Call); !ok || text[0] != '(' {
			text = "(" + text + ")"
		}
		return text + "::" + s.typeName(e.Typ)
	}
	return s.operand(e.Arg, bindCast, false) + "::" + s.typeName(e.Typ)
}

// unread prints a literal that is read when the expression is evaluated: relations in it are called by their names of now.
func (s *shower) unread(c *Const, t datum.Type) string {
	text := string(c.Val.Bytes(0))
	if n, err := strconv.ParseUint(text, 10, 32); err == nil && t.OID == datum.Regclass && s.env != nil && s.env.RegName != nil {
		if name, ok := s.env.RegName(t.OID, datum.OID(n)); ok {
			text = name
		}
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'::" + s.typeName(t)
}

func (s *shower) call(e *Call) string {
	name := e.Fn.Name
	switch {
	case e.Words && name == "timezone":
		return "(" + s.operand(e.Args[1], bindAdd, true) + " AT TIME ZONE " + s.operand(e.Args[0], bindAdd, true) + ")"
	case e.Words && name == "extract":
		if field, ok := e.Args[0].(*Const); ok && !field.Val.Null(0) {
			return "EXTRACT(" + string(field.Val.Bytes(0)) + " FROM " + s.show(e.Args[1], true) + ")"
		}
	}
	if !isOperator(name) {
		return QuoteIdent(name) + "(" + s.list(e.Args) + ")"
	}
	level := callBinding(e)
	if len(e.Args) == 1 {
		return s.around(name + " " + s.operand(e.Args[0], level+1, true))
	}
	// Without spare parentheses PostgreSQL leaves out those of + and - and of * and / where they change nothing.
	left := level
	if level == bindCompare || level == bindOther {
		left = level + 1
	}
	return s.around(s.operand(e.Args[0], left, true) + " " + name + " " + s.operand(e.Args[1], level+1, true))
}

// applied prints a cast to a domain, or the call of a users' function.
func (s *shower) applied(e *Apply) string {
	if !e.Domain {
		return e.Name + "(" + s.list(e.Args) + ")"
	}
	if c, ok := e.Args[0].(*Const); ok && !c.Val.Null(0) {
		return "'" + strings.ReplaceAll(string(datum.AppendText(nil, c.Typ, c.Val, 0, s.env)), "'", "''") + "'::" + e.Name
	}
	text := s.operand(e.Args[0], bindCast, false)
	if _, ok := e.Args[0].(*Call); s.spare && (!ok || text[0] != '(') {
		text = "(" + text + ")"
	}
	return text + "::" + e.Name
}

func (s *shower) in(e *In) string {
	op, word := "=", "ANY"
	if e.Not {
		op, word = "<>", "ALL"
	}
	return s.around(s.operand(e.Arg, bindOther+1, true) + " " + op + " " + word + " (ARRAY[" + s.list(e.List) + "])")
}

func (s *shower) cases(e *Case) string {
	var b strings.Builder
	b.WriteString("\nCASE")
	for _, w := range e.Whens {
		b.WriteString("\n    WHEN " + s.show(w.Cond, false) + " THEN " + s.show(w.Then, false))
	}
	if e.Else != nil {
		b.WriteString("\n    ELSE " + s.show(e.Else, false))
	}
	b.WriteString("\nEND")
	return b.String()
}
