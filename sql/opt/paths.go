package opt

import (
	"strings"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// isArrow reports whether a call takes a part of a jsonb document.
func isArrow(c *expr.Call) bool {
	switch c.Fn.Name {
	case "->", "->>", "#>", "#>>":
		return len(c.Args) == 2 && c.Args[0].Type().OID == datum.JSONB
	}
	return false
}

// arrowPath reads a chain of -> and #> with constant keys that ends in e: the document it begins with and the path. Array
// positions are left out: storage takes a number for a key too.
func arrowPath(e expr.Expr) (base *expr.Col, path []string, text, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || !isArrow(c) {
		col, isCol := e.(*expr.Col)
		return col, nil, false, isCol && col.Typ.OID == datum.JSONB
	}
	base, path, text, ok = arrowPath(c.Args[0])
	if !ok || text {
		return nil, nil, false, false
	}
	k, isConst := c.Args[1].(*expr.Const)
	if !isConst || k.Val.Null(0) {
		return nil, nil, false, false
	}
	switch k.Typ.OID {
	case datum.Text:
		key := string(k.Val.Bytes(0))
		if looksNumeric(key) {
			return nil, nil, false, false
		}
		path = append(path[:len(path):len(path)], key)
	case 1009: // text[]
		elems, from, to := k.Val.List(0)
		for i := from; i < to; i++ {
			if elems.Null(i) || looksNumeric(string(elems.Bytes(i))) {
				return nil, nil, false, false
			}
			path = append(path[:len(path):len(path)], string(elems.Bytes(i)))
		}
	default:
		return nil, nil, false, false
	}
	return base, path, strings.HasSuffix(c.Fn.Name, ">>"), len(path) > 0
}

// looksNumeric says that a key could be meant for, or taken for, an array position.
func looksNumeric(s string) bool {
	s = strings.TrimLeft(strings.TrimSpace(s), "+-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// castReads are the conversions of text that storage can give ready-made.
var castReads = map[datum.OID]vec.ReadAs{
	datum.Float8: vec.AsFloat, datum.Float4: vec.AsFloat, datum.Int2: vec.AsInt, datum.Int4: vec.AsInt, datum.Int8: vec.AsInt,
	datum.Numeric: vec.AsDecimal, datum.Bool: vec.AsBool,
}

// want is something that a node needs of its input: a column, or a path inside a document column.
type want struct {
	col  int
	path string // the keys, joined by zero bytes; "" for the whole column
	as   vec.ReadAs
}

// givesPaths reports whether paths inside column i of n can be had from a scan below: the nodes between pass rows on as
// they are. typed asks whether numbers may come as numbers: only where nothing between keeps rows.
func givesPaths(n plan.Node, i int, typed bool) bool {
	switch n := n.(type) {
	case *plan.Scan:
		if n.Relation.OID != catalog.EventsOID {
			return false
		}
		c := n.Cols[i]
		return len(c.Path) == 0 && n.Relation.Columns[c.Column].Type.OID == datum.JSONB
	case *plan.Filter:
		return givesPaths(n.Input, i, typed)
	case *plan.Sort:
		return !typed && givesPaths(n.Input, i, typed)
	case *plan.Window:
		return !typed && i < len(n.Keep) && givesPaths(n.Input, n.Keep[i], typed)
	case *plan.Limit:
		return givesPaths(n.Input, i, typed)
	case *plan.Project:
		c, ok := n.Exprs[i].(*expr.Col)
		for _, e := range n.Exprs {
			ok = ok && !expr.HasSet(e)
		}
		return ok && givesPaths(n.Input, c.Index, typed)
	case *plan.Aggregate:
		return !typed && foldsDocuments(n, i)
	case *plan.Join:
		if typed {
			return false
		}
		if nl := plan.Width(n.Left); i >= nl {
			return !n.Lateral && givesPaths(n.Right, i-nl, false)
		}
		return givesPaths(n.Left, i, false)
	}
	return false
}

// pathWant recognises an expression that can be read as a path of the input, and the type it has then.
func pathWant(e expr.Expr, in plan.Node) (want, bool) {
	base, path, text, ok := arrowPath(e)
	if !ok || len(path) == 0 || !givesPaths(in, base.Index, false) {
		return want{}, false
	}
	w := want{col: base.Index, path: strings.Join(path, "\x00"), as: vec.AsJSON}
	for _, k := range path {
		if k == "" || strings.ContainsRune(k, 0) {
			return want{}, false
		}
	}
	if text {
		w.as = vec.AsText
	}
	return w, true
}

// castWant recognises a conversion of such a text to a number or boolean.
func castWant(e expr.Expr, in plan.Node) (w want, c *expr.Cast, ok bool) {
	c, ok = e.(*expr.Cast)
	if !ok || c.Arg.Type() != datum.T(datum.Text) {
		return w, nil, false
	}
	as, known := castReads[c.Typ.OID]
	w, ok = pathWant(c.Arg, in)
	if !known || !ok || w.as != vec.AsText || !givesPaths(in, w.col, true) {
		return w, nil, false
	}
	w.as = as
	return w, c, true
}

// typeOf is the SQL type of a path's column: text that was read as a number is still text, under the cast that is left.
func (w want) typeOf() datum.Type {
	if w.as == vec.AsJSON {
		return datum.T(datum.JSONB)
	}
	return datum.T(datum.Text)
}

func (w want) keys() []string { return strings.Split(w.path, "\x00") }

// pathName is how a path's column is called in plans.
func (w want) name(column string) string {
	keys := w.keys()
	for i, k := range keys {
		op := "->"
		if i == len(keys)-1 && w.as != vec.AsJSON {
			op = "->>"
		}
		column += op + "'" + strings.ReplaceAll(k, "'", "''") + "'"
	}
	return column
}
