package bind

import "github.com/allsource-db/allsource/sql/syntax"

// outputName is the name that PostgreSQL gives a column of a select list without AS.
func outputName(x syntax.Expr) string {
	if name, _ := figureName(x); name != "" {
		return name
	}
	return "?column?"
}

// figureName finds a name and how good it is: 2 for one that is meant, 1 for one taken from a type or keyword, 0 for none.
func figureName(x syntax.Expr) (string, int) {
	switch x := x.(type) {
	case *syntax.ColumnRef:
		if x.Star {
			return "", 0
		}
		return x.Name.Last(), 2
	case *syntax.Indirection:
		for i := len(x.Steps) - 1; i >= 0; i-- {
			if f := x.Steps[i].Field; f != "" {
				return f, 2
			}
		}
		return figureName(x.X)
	case *syntax.FuncCall:
		return x.Name.Last(), 2
	case *syntax.AtTimeZone:
		return "timezone", 2
	case *syntax.Cast:
		if name, n := figureName(x.X); n > 1 {
			return name, n
		}
		return x.Type.Name.Last(), 1
	case *syntax.Collate:
		return figureName(x.X)
	case *syntax.Special:
		return specialColumn[x.Kind], 2
	case *syntax.SQLValue:
		return x.Name, 2
	case *syntax.Exists:
		return "exists", 2
	case *syntax.ArrayQuery, *syntax.ArrayExpr:
		return "array", 2
	case *syntax.Row:
		return "row", 2
	case *syntax.Case:
		if x.Else != nil {
			if name, n := figureName(x.Else); n > 1 {
				return name, n
			}
		}
		return "case", 1
	case *syntax.Subquery:
		return subqueryName(x.Query)
	}
	return "", 0
}

var specialColumn = [...]string{syntax.Coalesce: "coalesce", syntax.NullIf: "nullif", syntax.Greatest: "greatest",
	syntax.Least: "least", syntax.Grouping: "grouping"}

// subqueryName is the name of a scalar subquery's column.
func subqueryName(q *syntax.Query) (string, int) {
	body := q.Body
	for {
		switch x := body.(type) {
		case *syntax.SetOp:
			body = x.Left.Body
			continue
		case *syntax.Select:
			if len(x.Targets) > 0 {
				if t := x.Targets[0]; t.As != "" {
					return t.As, 2
				}
				return outputName(x.Targets[0].Expr), 2
			}
		case *syntax.Values:
			return "column1", 2
		}
		return "", 0
	}
}

// FigureName is the name that a column of the expression has, "" if none can be seen.
func FigureName(x syntax.Expr) string {
	name, _ := figureName(x)
	return name
}
