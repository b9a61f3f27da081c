package opt

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// access is a read of a JSON path in a column: payload->'user'->>'vip', or a cast of such a text.
type access struct {
	col  int
	path []string
	as   vec.ReadAs
	typ  datum.Type // of the value read: text or jsonb; a cast stays above it
}

// key identifies the same read.
func (a access) key() string {
	return strconv.Itoa(a.col) + "\x00" + strconv.Itoa(int(a.as)) + "\x00" + strings.Join(a.path, "\x00")
}

// readAs is what a cast of JSON text to the type may be read as.
var readAs = map[datum.OID]vec.ReadAs{
	datum.Float8: vec.AsFloat, datum.Float4: vec.AsFloat, datum.Int2: vec.AsInt, datum.Int4: vec.AsInt, datum.Int8: vec.AsInt,
	datum.Numeric: vec.AsDecimal, datum.Bool: vec.AsBool,
}

// accessOf recognises a path read. Keys that look like numbers are left alone: in SQL `->'0'` reads only objects and `->0`
// only arrays, while a path step reads whichever is there.
func accessOf(e expr.Expr) (access, bool) {
	c, ok := e.(*expr.Call)
	if !ok || len(c.Args) != 2 || c.Args[0].Type().OID != datum.JSONB {
		return access{}, false
	}
	var steps []string
	as := vec.AsJSON
	switch c.Fn.Name {
	case "->", "->>":
		key, ok := textConst(c.Args[1])
		if !ok || number(key) {
			return access{}, false
		}
		steps = []string{key}
	case "#>", "#>>":
		if steps, ok = pathConst(c.Args[1]); !ok || len(steps) == 0 {
			return access{}, false
		}
	default:
		return access{}, false
	}
	if strings.HasSuffix(c.Fn.Name, ">>") {
		as = vec.AsText
	}
	out := access{path: steps, as: as, typ: c.Type()}
	if col, ok := c.Args[0].(*expr.Col); ok {
		out.col = col.Index
		return out, true
	}
	in, ok := accessOf(c.Args[0])
	if !ok || in.as != vec.AsJSON {
		return access{}, false
	}
	out.col, out.path = in.col, append(append([]string(nil), in.path...), steps...)
	return out, true
}

func textConst(e expr.Expr) (string, bool) {
	c, ok := e.(*expr.Const)
	if !ok || c.Typ.OID != datum.Text || c.Val.Null(0) {
		return "", false
	}
	return string(c.Val.Bytes(0)), true
}

// pathConst reads a constant text[] without nulls.
func pathConst(e expr.Expr) ([]string, bool) {
	c, ok := e.(*expr.Const)
	if !ok || c.Val.Kind != vec.List || c.Val.Null(0) {
		return nil, false
	}
	child, from, to := c.Val.List(0)
	var out []string
	for i := from; i < to; i++ {
		if child.Null(i) || child.Kind != vec.Bytes {
			return nil, false
		}
		step := string(child.Bytes(i))
		if number(step) && strconv.Itoa(atoi(step)) != step {
			return nil, false // forms such as +1 or 01 are PostgreSQL's business
		}
		out = append(out, step)
	}
	return out, true
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// number reports whether a step could select from an array.
func number(s string) bool {
	_, err := strconv.Atoi(strings.TrimSpace(s))
	return err == nil
}

// eachAccess rewrites the path reads in an expression, casts included where the text under them is read for the cast
// alone. f returns what to put in a read's place, or nil to keep it.
func eachAccess(e expr.Expr, f func(a access) expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	if c, ok := e.(*expr.Cast); ok {
		if a, ok := accessOf(c.Arg); ok && a.as == vec.AsText {
			if as, ok := readAs[c.Typ.OID]; ok {
				a.as = as
				if r := f(a); r != nil {
					out := *c
					out.Arg = r
					return &out
				}
			}
		}
	}
	if a, ok := accessOf(e); ok {
		if r := f(a); r != nil {
			return r
		}
	}
	in := e.Children()
	out, changed := make([]expr.Expr, len(in)), false
	for i, c := range in {
		out[i] = eachAccess(c, f)
		changed = changed || out[i] != c
	}
	if !changed {
		return e
	}
	return e.WithChildren(out)
}
