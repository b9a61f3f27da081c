package funcs

import (
	"errors"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// pathFault is an error of a path's evaluation over a document, which silent calls and predicates take for no answer.
type pathFault struct{ err *pgerr.Error }

func (f *pathFault) Error() string { return f.err.Error() }

func fault(code pgerr.Code, format string, args ...any) error {
	return &pathFault{pgerr.New(code, format, args...)}
}

const (
	arrayNotFound    pgerr.Code = "22039"
	memberNotFound   pgerr.Code = "2203A"
	objectNotFound   pgerr.Code = "2203C"
	invalidSubscript pgerr.Code = "22033"
	nonNumericItem   pgerr.Code = "22036"
	numberNotFound   pgerr.Code = "2203B"
	singletonNeeded  pgerr.Code = "22038"
	badDatetimeArg   pgerr.Code = "22031"
)

// pathFuncs are the functions and operators of SQL/JSON paths (PostgreSQL documentation, section 9.16.2).
func pathFuncs() []Func {
	var out []Func
	add := func(oid datum.OID, name string, ret datum.OID, doc string, tz bool, body func(q *pathQuery) (jsonb.Value, error)) {
		f := row(oid, name, ret, doc, nil, datum.JSONB, datum.JSONPath, datum.JSONB, datum.Bool)
		f.Defaults, f.DefaultArgs = 2, []string{"{}", "false"}
		f.ArgNames = []string{"target", "path", "vars", "silent"}
		if tz {
			f.Volatile = Stable
		}
		kind := datum.KindOf(ret)
		if body == nil {
			f.RetSet, f.SetBody = true, pathRows(tz)
		} else {
			f.Body = pathBody(kind, tz, false, body)
		}
		out = append(out, f)
	}
	for _, r := range []struct {
		suffix                             string
		exists, query, array, first, match datum.OID
	}{{"", 4005, 4006, 4007, 4008, 4009}, {"_tz", 1177, 1179, 1180, 2023, 2030}} {
		tz := r.suffix != ""
		add(r.exists, "jsonb_path_exists"+r.suffix, datum.Bool, "whether the path finds anything", tz, (*pathQuery).exists)
		add(r.query, "jsonb_path_query"+r.suffix, datum.JSONB, "what the path finds, one per row", tz, nil)
		add(r.array, "jsonb_path_query_array"+r.suffix, datum.JSONB, "what the path finds, as an array", tz, (*pathQuery).array)
		add(r.first, "jsonb_path_query_first"+r.suffix, datum.JSONB, "what the path finds first", tz, (*pathQuery).first)
		add(r.match, "jsonb_path_match"+r.suffix, datum.Bool, "the answer of the path's predicate", tz, (*pathQuery).match)
	}
	return append(out,
		row(4010, "jsonb_path_exists_opr", datum.Bool, "whether the path finds anything", pathBody(vec.Bool, false, true, (*pathQuery).exists), datum.JSONB, datum.JSONPath),
		row(4011, "jsonb_path_match_opr", datum.Bool, "the answer of the path's predicate", pathBody(vec.Bool, false, true, (*pathQuery).match), datum.JSONB, datum.JSONPath))
}

func pathOperators() []Func {
	return []Func{
		row(4012, "@?", datum.Bool, "whether the path finds anything", pathBody(vec.Bool, false, true, (*pathQuery).exists), datum.JSONB, datum.JSONPath),
		row(4013, "@@", datum.Bool, "the answer of the path's predicate", pathBody(vec.Bool, false, true, (*pathQuery).match), datum.JSONB, datum.JSONPath),
	}
}

// pathQuery is one evaluation of a path over a document.
type pathQuery struct {
	pathRun
	silent bool
}

func newPathQuery(c *Ctx, path *datum.Path, a []*vec.Column, i int, tz, silent bool) (*pathQuery, error) {
	q := &pathQuery{silent: silent}
	q.ctx, q.path, q.tz, q.root = c, path, tz, pathItem{v: a[0].Bytes(i)}
	q.lax, q.lenient, q.size = !path.Strict, !path.Strict, -1
	if len(a) > 2 {
		if q.vars = a[2].Bytes(i); q.vars.Kind() != jsonb.Object {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "\"vars\" argument is not an object").
				WithDetail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.")
		}
	}
	if len(a) > 3 {
		q.silent = a[3].Bool(i)
	}
	return q, nil
}

// run gives all that the path finds; ok is false when a fault was met that silent takes for no answer.
func (q *pathQuery) run(found *[]pathItem) (ok, any bool, err error) {
	any, err = q.item(q.path.Root, q.root, found, q.lax)
	var f *pathFault
	if errors.As(err, &f) {
		if q.silent {
			return false, false, nil
		}
		return false, false, f.err
	}
	return true, any, err
}

// exists, array, first and match give a JSON value, nil for a null.
func (q *pathQuery) exists() (jsonb.Value, error) {
	var found []pathItem
	list := &found
	if q.lax {
		list = nil // the first answer will do
	}
	ok, any, err := q.run(list)
	if !ok || err != nil {
		return nil, err
	}
	return boolValue(any || len(found) > 0), nil
}

func (q *pathQuery) array() (jsonb.Value, error) {
	var found []pathItem
	if _, _, err := q.run(&found); err != nil {
		return nil, err
	}
	var b jsonb.Builder
	b.BeginArray()
	for _, it := range found {
		b.Value(it.json())
	}
	b.End()
	return b.AppendTo(nil), nil
}

func (q *pathQuery) first() (jsonb.Value, error) {
	var found []pathItem
	if _, _, err := q.run(&found); err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].json(), nil
}

func (q *pathQuery) match() (jsonb.Value, error) {
	var found []pathItem
	if _, _, err := q.run(&found); err != nil {
		return nil, err
	}
	if len(found) == 1 && found[0].typ == 0 {
		switch found[0].v.Kind() {
		case jsonb.True, jsonb.False:
			return found[0].v, nil
		case jsonb.Null:
			return nil, nil
		}
	}
	if q.silent {
		return nil, nil
	}
	return nil, pgerr.New(singletonNeeded, "single boolean result is expected")
}

func boolValue(b bool) jsonb.Value {
	var out jsonb.Builder
	out.Bool(b)
	return out.AppendTo(nil)
}

// pathCache keeps the path read last: it is the same for all rows as a rule.
type pathCache struct {
	text string
	path *datum.Path
}

func (c *pathCache) get(text []byte) (*datum.Path, error) {
	if c.path == nil || c.text != string(text) {
		p, err := datum.ParsePath(string(text))
		if err != nil {
			return nil, err
		}
		c.text, c.path = string(text), p
	}
	return c.path, nil
}

func pathBody(kind vec.Kind, tz, silent bool, f func(q *pathQuery) (jsonb.Value, error)) Body {
	return func(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
		var cache pathCache
		return rowwise(kind, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			path, err := cache.get(a[1].Bytes(i))
			if err != nil {
				return err
			}
			q, err := newPathQuery(c, path, a, i, tz, silent)
			if err != nil {
				return err
			}
			v, err := f(q)
			switch {
			case err != nil:
				return err
			case v == nil:
				b.AppendNull()
			case kind == vec.Bool:
				b.AppendBool(v.Kind() == jsonb.True)
			default:
				b.AppendBytes(v)
			}
			return nil
		})(c, args, n)
	}
}

func pathRows(tz bool) SetBody {
	return func(c *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
		path, err := datum.ParsePath(string(a[1].Bytes(i)))
		if err != nil {
			return nil, err
		}
		q, err := newPathQuery(c, path, a, i, tz, false)
		if err != nil {
			return nil, err
		}
		var found []pathItem
		if _, _, err := q.run(&found); err != nil {
			return nil, err
		}
		b := vec.NewBuilder(vec.Bytes, len(found))
		for _, it := range found {
			b.AppendBytes(it.json())
		}
		return b.Finish(), nil
	}
}
