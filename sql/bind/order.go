package bind

import (
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// matchOutput finds the output column that an item of ORDER BY, GROUP BY or DISTINCT ON names: by its name or by its number.
func (f *frame) matchOutput(x syntax.Expr, cols []typedColumn, clause string) (int, bool, error) {
	switch x := x.(type) {
	case *syntax.ColumnRef:
		if len(x.Name) != 1 || x.Star {
			return 0, false, nil
		}
		found := -1
		for i, c := range cols {
			if c.junk || c.name != x.Name[0] {
				continue
			}
			if found >= 0 && !expr.Equal(cols[found].expr, c.expr) {
				return 0, false, f.errorIn(x, pgerr.AmbiguousColumn, "%s %q is ambiguous", clause, c.name)
			}
			if found < 0 {
				found = i
			}
		}
		if found >= 0 {
			f.defining.bound(x, cols[found].expr)
		}
		return found, found >= 0, nil
	case *syntax.Const:
		switch x.Kind {
		case syntax.NullConst, syntax.BoolConst:
			return 0, false, nil
		case syntax.IntConst:
		default:
			return 0, false, f.errorIn(x, pgerr.SyntaxError, "non-integer constant in %s", clause)
		}
		n, err := strconv.Atoi(x.Text)
		if err != nil || n < 1 || n > countVisible(cols) {
			return 0, false, f.errorIn(x, pgerr.InvalidColumnReference, "%s position %s is not in select list", clause, x.Text)
		}
		f.defining.bound(x, cols[n-1].expr)
		return n - 1, true, nil
	}
	return 0, false, nil
}

func countVisible(cols []typedColumn) int {
	n := 0
	for _, c := range cols {
		if !c.junk {
			n++
		}
	}
	return n
}

// matchExpr finds the column that computes an expression, or adds it as one that is not in the answer.
func (f *frame) matchExpr(x syntax.Expr, cols []typedColumn) (int, []typedColumn, error) {
	e, err := f.bind(x)
	if err != nil {
		return 0, nil, err
	}
	if e, err = f.settled(e, x); err != nil {
		return 0, nil, err
	}
	for i, c := range cols {
		if expr.Equal(c.expr, e) {
			return i, cols, nil
		}
	}
	return len(cols), append(cols, typedColumn{name: outputName(x), expr: e, at: x, junk: true}), nil
}

// sortKey makes a key of an ORDER BY item and its expression.
func (f *frame) sortKey(it *syntax.SortItem, e expr.Expr) (plan.SortKey, error) {
	k := plan.SortKey{Expr: e, Desc: it.Dir == syntax.SortDesc}
	if it.Using != nil {
		switch it.Using.Name {
		case "<":
		case ">":
			k.Desc = true
		default:
			return k, f.errorIn(it, pgerr.WrongObjectType, "operator %s is not a valid ordering operator", it.Using.Name).
				WithHint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
		}
	}
	k.NullsFirst = k.Desc
	switch it.Nulls {
	case syntax.NullsFirst:
		k.NullsFirst = true
	case syntax.NullsLast:
		k.NullsFirst = false
	}
	switch t := e.Type(); t.OID {
	case datum.JSON, datum.XML, datum.JSONPath:
		return k, f.errorOf(it.Expr, pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", formatType(t)).
			WithHint("Use an explicit ordering operator or modify the query.")
	}
	return k, nil
}

// sortItem is a key that is a column of the select list.
type sortItem struct {
	col int
	key plan.SortKey // Expr not yet set
	at  syntax.Node
}

// orderBy resolves ORDER BY against the select list, which may grow by columns that are not in the answer.
func (f *frame) orderBy(items []*syntax.SortItem, cols []typedColumn) ([]sortItem, []typedColumn, error) {
	var out []sortItem
	for _, it := range items {
		i, ok, err := f.matchOutput(it.Expr, cols, "ORDER BY")
		if err == nil && !ok {
			i, cols, err = f.matchExpr(it.Expr, cols)
		}
		if err != nil {
			return nil, nil, err
		}
		k, err := f.sortKey(it, cols[i].expr)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, sortItem{col: i, key: k, at: it.Expr})
	}
	return out, cols, nil
}

// distinctOn resolves DISTINCT ON and makes the sort begin with it.
func (f *frame) distinctOn(on []syntax.Expr, sort []sortItem, cols []typedColumn) ([]int, []sortItem, []typedColumn, error) {
	var list []int
	for _, x := range on {
		i, ok, err := f.matchOutput(x, cols, "SELECT DISTINCT ON")
		if err == nil && !ok {
			i, cols, err = f.matchExpr(x, cols)
		}
		if err != nil {
			return nil, nil, nil, err
		}
		if err := f.hasEquality(cols[i].expr.Type(), x); err != nil {
			return nil, nil, nil, err
		}
		list = append(list, i)
	}
	isOn := func(c int) bool {
		for _, i := range list {
			if i == c {
				return true
			}
		}
		return false
	}
	sorted := map[int]bool{}
	rest := false
	for _, s := range sort {
		switch {
		case !isOn(s.col):
			rest = true
		case rest && !sorted[s.col]:
			return nil, nil, nil, f.errorOf(on[0], pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
		default:
			sorted[s.col] = true
		}
	}
	var missing []sortItem
	for k, i := range list {
		if !sorted[i] {
			sorted[i] = true
			missing = append(missing, sortItem{col: i, at: on[k]})
		}
	}
	if len(missing) > 0 && rest {
		return nil, nil, nil, f.errorOf(on[0], pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
	}
	return list, append(sort, missing...), cols, nil
}
