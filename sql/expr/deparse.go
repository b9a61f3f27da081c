package expr

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// How tightly forms bind, as PostgreSQL's grammar has it: an operand that binds less tightly than its place asks for is
// put in parentheses.
const (
	bindOr = iota + 1
	bindAnd
	bindNot
	bindIs
	bindCompare
	bindIn
	bindOther // every operator that has no level of its own
	bindAdd
	bindMul
	bindPow
	bindSign
	bindSubscript
	bindCast
	bindAtom
)

// within prints e, in parentheses if it binds less tightly than need.
func within(e Expr, need int) string {
	if s := e.String(); binding(e) >= need {
		return s
	} else {
		return "(" + s + ")"
	}
}

// binding is the level of the form that e prints as.
func binding(e Expr) int {
	switch n := e.(type) {
	case *Or:
		return bindOr
	case *And:
		return bindAnd
	case *Not:
		return bindNot
	case *IsNull, *BoolTest, *Distinct:
		return bindIs
	case *In:
		return bindIn
	case *AnyAll:
		return bindOther
	case *Subscript:
		return bindSubscript
	case *Cast:
		if n.Implicit {
			return binding(n.Arg)
		}
		return bindCast
	case *Call:
		return callBinding(n)
	case *Apply:
		if n.Domain {
			return bindCast
		}
	case *Const:
		if s := n.String(); s != "" && s[0] == '-' {
			return bindSign
		}
		return bindAtom
	case *Subquery:
		if n.Test != nil {
			return bindIn
		}
	}
	return bindAtom
}

func callBinding(c *Call) int {
	switch {
	case !isOperator(c.Fn.Name):
		return bindAtom
	case len(c.Args) == 1 && (c.Fn.Name == "-" || c.Fn.Name == "+"):
		return bindSign
	}
	return operatorBinding(c.Fn.Name)
}

func operatorBinding(name string) int {
	switch name {
	case "=", "<", ">", "<=", ">=", "<>":
		return bindCompare
	case "~~", "!~~", "~~*", "!~~*":
		return bindOther
	case "+", "-":
		return bindAdd
	case "*", "/", "%":
		return bindMul
	case "^":
		return bindPow
	}
	return bindOther
}

func isOperator(name string) bool {
	return name != "" && strings.IndexByte("+-*/<>=~!@#%^&|`?", name[0]) >= 0
}

func list(args []Expr) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.String()
	}
	return strings.Join(parts, ", ")
}

func joined(args []Expr, sep string, need int) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = within(a, need)
	}
	return strings.Join(parts, sep)
}

func (e *Col) String() string {
	if e.Name == "" {
		return "#" + strconv.Itoa(e.Index)
	}
	return columnName(e.Name)
}

// columnName prints a column's name: one that a scan reads out of a document is called by its path.
func columnName(s string) string {
	if strings.Contains(s, "->") {
		return "(" + s + ")"
	}
	return QuoteIdent(s)
}

func (e *Outer) String() string {
	if e.Name == "" {
		return "outer#" + strconv.Itoa(e.Index)
	}
	return columnName(e.Name)
}

func (e *Param) String() string { return "$" + strconv.Itoa(e.N) }

func (e *Call) String() string {
	name := e.Fn.Name
	if !isOperator(name) {
		return QuoteIdent(name) + "(" + list(e.Args) + ")"
	}
	level := callBinding(e)
	if len(e.Args) == 1 {
		// "- -1" is not "--1", which begins a comment.
		if arg := within(e.Args[0], level); arg != "" && isOperator(arg) {
			return name + " " + arg
		} else {
			return name + arg
		}
	}
	right := level + 1
	left := level
	if level == bindCompare {
		left = level + 1 // comparisons do not chain
	}
	return within(e.Args[0], left) + " " + name + " " + within(e.Args[1], right)
}

func (e *Cast) String() string {
	if e.Implicit {
		return e.Arg.String()
	}
	return within(e.Arg, bindCast) + "::" + typeName(e.Typ)
}

func (e *And) String() string { return joined(e.Args, " AND ", bindAnd+1) }
func (e *Or) String() string  { return joined(e.Args, " OR ", bindOr+1) }
func (e *Not) String() string { return "NOT " + within(e.Arg, bindNot) }

func (e *IsNull) String() string { return within(e.Arg, bindIs+1) + " IS " + not(e.Not) + "NULL" }

func (e *BoolTest) String() string {
	word := map[byte]string{'t': "TRUE", 'f': "FALSE"}[e.Want]
	if word == "" {
		word = "UNKNOWN"
	}
	return within(e.Arg, bindIs+1) + " IS " + not(e.Not) + word
}

func (e *Distinct) String() string {
	return within(e.Left, bindIs+1) + " IS " + not(e.Not) + "DISTINCT FROM " + within(e.Right, bindIs+1)
}

func not(n bool) string {
	if n {
		return "NOT "
	}
	return ""
}

func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + w.Cond.String() + " THEN " + w.Then.String())
	}
	if !IsNullConst(e.Else) {
		b.WriteString(" ELSE " + e.Else.String())
	}
	b.WriteString(" END")
	return b.String()
}

func (e *Coalesce) String() string { return "COALESCE(" + list(e.Args) + ")" }

func (e *MinMax) String() string {
	if e.Max {
		return "GREATEST(" + list(e.Args) + ")"
	}
	return "LEAST(" + list(e.Args) + ")"
}

func (e *NullIf) String() string {
	if c, ok := e.Eq.(*Call); ok && len(c.Args) == 2 {
		return "NULLIF(" + e.Arg.String() + ", " + c.Args[1].String() + ")"
	}
	return "NULLIF(" + e.Arg.String() + ", " + e.Eq.String() + ")"
}

func (e *In) String() string {
	return within(e.Arg, bindIn+1) + " " + not(e.Not) + "IN (" + list(e.List) + ")"
}

func (e *AnyAll) String() string {
	word := " ANY ("
	if e.All {
		word = " ALL ("
	}
	return within(e.Left, bindOther+1) + " " + e.Op.Name + word + e.Array.String() + ")"
}

func (e *Array) String() string {
	s := "ARRAY[" + list(e.Elems) + "]"
	if len(e.Elems) == 0 {
		s += "::" + typeName(e.Typ)
	}
	return s
}

func (e *Row) String() string {
	if len(e.Elems) > 1 {
		return "(" + list(e.Elems) + ")"
	}
	return "ROW(" + list(e.Elems) + ")"
}

func (e *Field) String() string {
	name := "f" + strconv.Itoa(e.Index+1)
	if r, ok := e.Arg.(*Row); ok && e.Index < len(r.Names) && r.Names[e.Index] != "" {
		name = r.Names[e.Index]
	}
	return "(" + e.Arg.String() + ")." + QuoteIdent(name)
}

// String is what EXPLAIN shows of an assignment: the places and the value.
func (e *Assign) String() string {
	text := e.Arg.String()
	for _, s := range e.Steps {
		if s.Place != nil {
			text += s.Place.places()
		} else if fields := datum.RecordFields(s.Of); s.Field < len(fields) {
			text += "." + QuoteIdent(fields[s.Field].Name)
		}
	}
	return text + " := " + e.Value.String()
}

func (e *Subscript) String() string { return within(e.Arg, bindSubscript) + e.places() }

// places are the subscripts.
func (e *Subscript) places() (s string) {
	for _, x := range e.Index {
		s += "[" + x.String() + "]"
	}
	for i, x := range e.Lower {
		s += "["
		if x != nil {
			s += x.String()
		}
		s += ":"
		if e.Upper[i] != nil {
			s += e.Upper[i].String()
		}
		s += "]"
	}
	return s
}

// String names the form only: EXPLAIN prints the plan below the node that holds the expression.
func (e *Subquery) String() string {
	op := "="
	if e.Op != nil {
		op = e.Op.Name
	}
	switch e.Kind {
	case Exists:
		return not(e.Not) + "EXISTS(SubPlan)"
	case InQuery:
		return within(e.Test, bindIn+1) + " " + not(e.Not) + "IN (SubPlan)"
	case AnyQuery:
		return within(e.Test, bindIn+1) + " " + op + " ANY (SubPlan)"
	case AllQuery:
		return within(e.Test, bindIn+1) + " " + op + " ALL (SubPlan)"
	case ArrayOf:
		return "ARRAY(SubPlan)"
	case RowQuery:
		return within(e.Test, bindIn+1) + " " + op + " (SubPlan)"
	}
	return "(SubPlan)"
}

// plain reports whether a name needs no quotes for its characters.
func plain(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' || s[0] == '$' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '$') {
			return false
		}
	}
	return true
}

// QuoteIdent prints a name as SQL reads it back, in double quotes where it needs them for its characters; whether it is
// a reserved word is not asked (it is for people to read).
func QuoteIdent(s string) string {
	if plain(s) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// isLiteral reports whether values of the type are written without quotes.
func isLiteral(t datum.OID) bool {
	switch t {
	case datum.Int2, datum.Int4, datum.Int8, datum.Numeric, datum.Float4, datum.Float8, datum.Bool, datum.Oid:
		return true
	}
	return false
}
