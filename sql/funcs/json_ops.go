package funcs

import (
	"errors"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

const textArray datum.OID = 1009

// jsonOperators are the operators of json and jsonb (PostgreSQL documentation, section 9.16).
var jsonOperators = []Func{
	jop(3211, "->", datum.JSONB, datum.Text, datum.JSONB, "member of an object", jsonbGet),
	jop(3212, "->", datum.JSONB, datum.Int4, datum.JSONB, "element of an array, from 0; negative from the end", jsonbGet),
	jop(3477, "->>", datum.JSONB, datum.Text, datum.Text, "member of an object as text", asText(jsonbGet)),
	jop(3481, "->>", datum.JSONB, datum.Int4, datum.Text, "element of an array as text", asText(jsonbGet)),
	jop(3213, "#>", datum.JSONB, textArray, datum.JSONB, "value at the path", jsonbPath),
	jop(3206, "#>>", datum.JSONB, textArray, datum.Text, "value at the path as text", asText(jsonbPath)),
	jop(3962, "->", datum.JSON, datum.Text, datum.JSON, "member of an object", jsonGet),
	jop(3964, "->", datum.JSON, datum.Int4, datum.JSON, "element of an array", jsonGet),
	jop(3963, "->>", datum.JSON, datum.Text, datum.Text, "member of an object as text", jsonText(jsonGet)),
	jop(3965, "->>", datum.JSON, datum.Int4, datum.Text, "element of an array as text", jsonText(jsonGet)),
	jop(3966, "#>", datum.JSON, textArray, datum.JSON, "value at the path", jsonPath),
	jop(3967, "#>>", datum.JSON, textArray, datum.Text, "value at the path as text", jsonText(jsonPath)),
	{OID: 3246, Name: "@>", Args: []datum.OID{datum.JSONB, datum.JSONB}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "whether the first contains the second", Body: jsonbTest(func(a, b jsonb.Value) bool { return jsonb.Contains(a, b) })},
	{OID: 3250, Name: "<@", Args: []datum.OID{datum.JSONB, datum.JSONB}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "whether the second contains the first", Body: jsonbTest(func(a, b jsonb.Value) bool { return jsonb.Contains(b, a) })},
	{OID: 3247, Name: "?", Args: []datum.OID{datum.JSONB, datum.Text}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "whether the key or string exists at the top", Body: rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendBool(jsonb.Exists(a[0].Bytes(i), string(a[1].Bytes(i))))
		return nil
	})},
	{OID: 3248, Name: "?|", Args: []datum.OID{datum.JSONB, textArray}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "whether any of the keys exists", Body: jsonbKeys(true)},
	{OID: 3249, Name: "?&", Args: []datum.OID{datum.JSONB, textArray}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "whether all the keys exist", Body: jsonbKeys(false)},
	{OID: 3284, Name: "||", Args: []datum.OID{datum.JSONB, datum.JSONB}, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "both together: members of the second replace those of the first", Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		return jsonb.Concat(dst, a[0].Bytes(i), a[1].Bytes(i)), nil
	})},
	{OID: 3285, Name: "-", Args: []datum.OID{datum.JSONB, datum.Text}, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "without the key", Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		return jsonb.DeleteKey(dst, a[0].Bytes(i), string(a[1].Bytes(i)))
	})},
	{OID: 3286, Name: "-", Args: []datum.OID{datum.JSONB, datum.Int4}, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "without the element", Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		return jsonb.DeleteIndex(dst, a[0].Bytes(i), int(a[1].Int(i)))
	})},
	{OID: 3398, Name: "-", Args: []datum.OID{datum.JSONB, textArray}, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "without the keys", Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		return jsonb.DeleteKey(dst, a[0].Bytes(i), stringsOf(a[1], i)...)
	})},
	{OID: 3287, Name: "#-", Args: []datum.OID{datum.JSONB, textArray}, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "without the value at the path", Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		return jsonb.DeletePath(dst, a[0].Bytes(i), stringsOf(a[1], i))
	})},
	jcmp(3240, "=", func(c int) bool { return c == 0 }), jcmp(3241, "<>", func(c int) bool { return c != 0 }),
	jcmp(3242, "<", func(c int) bool { return c < 0 }), jcmp(3243, ">", func(c int) bool { return c > 0 }),
	jcmp(3244, "<=", func(c int) bool { return c <= 0 }), jcmp(3245, ">=", func(c int) bool { return c >= 0 }),
}

// getter finds a value inside a document; false is SQL NULL.
type getter func(a []*vec.Column, i int) ([]byte, bool, error)

func jop(oid datum.OID, name string, left, right, ret datum.OID, doc string, get getter) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{left, right}, Ret: ret, Strict: true, Volatile: Immutable, Doc: doc, Body: getBody(get)}
}

func getBody(get getter) Body {
	return rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, ok, err := get(a, i)
		if err != nil || !ok {
			b.AppendNull()
			return err
		}
		b.AppendBytes(v)
		return nil
	})
}

func jcmp(oid datum.OID, name string, test func(int) bool) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.JSONB, datum.JSONB}, Ret: datum.Bool, Strict: true, Volatile: Immutable, Doc: "comparison of documents",
		Body: jsonbTest(func(a, b jsonb.Value) bool { return test(jsonb.Compare(a, b)) })}
}

// jsonError gives the codec's errors their SQLSTATE.
func jsonError(err error) error {
	var e *jsonb.Error
	if !errors.As(err, &e) {
		return err
	}
	return &pgerr.Error{Code: pgerr.Code(e.Code), Message: e.Message, Detail: e.Detail, Hint: e.Hint, Where: e.Context, Err: err}
}

func jsonbTest(test func(a, b jsonb.Value) bool) Body {
	return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendBool(test(a[0].Bytes(i), a[1].Bytes(i)))
		return nil
	})
}

func jsonbMake(f func(dst []byte, a []*vec.Column, i int) ([]byte, error)) Body {
	return rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		return b.AppendWith(func(dst []byte) ([]byte, error) { return f(dst, a, i) })
	})
}

// stringsOf lists the elements of a text array that are not null.
func stringsOf(c *vec.Column, i int) []string {
	child, from, to := c.List(i)
	var out []string
	for k := from; k < to; k++ {
		if !child.Null(k) {
			out = append(out, string(child.Bytes(k)))
		}
	}
	return out
}

func jsonbKeys(any bool) Body {
	return rowwise(vec.Bool, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		for _, k := range stringsOf(a[1], i) {
			if jsonb.Exists(a[0].Bytes(i), k) == any {
				b.AppendBool(any)
				return nil
			}
		}
		b.AppendBool(!any)
		return nil
	})
}

// jsonbGet is -> with a key or an index.
func jsonbGet(a []*vec.Column, i int) ([]byte, bool, error) {
	v := jsonb.Value(a[0].Bytes(i))
	if a[1].Kind == vec.Int64 {
		return elementAt(v, int(a[1].Int(i)))
	}
	out, ok := jsonb.GetBytes(v, a[1].Bytes(i))
	return out, ok, nil
}

// elementAt is -> with an index: a scalar has itself as its one element, as in PostgreSQL.
func elementAt(v jsonb.Value, at int) ([]byte, bool, error) {
	switch v.Kind() {
	case jsonb.Object:
		return nil, false, nil
	case jsonb.Array:
		out, ok := jsonb.Index(v, at)
		return out, ok, nil
	}
	return v, at == 0 || at == -1, nil
}

// jsonbPath is #>: keys and positions; a null in the path gives null.
func jsonbPath(a []*vec.Column, i int) ([]byte, bool, error) {
	v := jsonb.Value(a[0].Bytes(i))
	child, from, to := a[1].List(i)
	for k := from; k < to; k++ {
		if child.Null(k) {
			return nil, false, nil
		}
		ok := false
		switch v.Kind() {
		case jsonb.Object:
			v, ok = jsonb.GetBytes(v, child.Bytes(k))
		case jsonb.Array:
			at, err := strconv.Atoi(string(child.Bytes(k)))
			if err != nil {
				return nil, false, nil
			}
			v, ok = jsonb.Index(v, at)
		}
		if !ok {
			return nil, false, nil
		}
	}
	return v, true, nil
}

func asText(get getter) getter {
	return func(a []*vec.Column, i int) ([]byte, bool, error) {
		v, ok, err := get(a, i)
		if err != nil || !ok {
			return nil, false, err
		}
		out, ok := jsonb.AppendAsText(nil, v)
		return out, ok, nil
	}
}
