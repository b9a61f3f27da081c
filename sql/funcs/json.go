package funcs

import (
	"bytes"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// jsonFuncs are the functions on json and jsonb (PostgreSQL documentation, section 9.16).
var jsonFuncs = []Func{
	{OID: 3787, Name: "to_jsonb", Args: []datum.OID{datum.AnyElement}, Ret: datum.JSONB, Strict: true, Volatile: Stable, Doc: "the value as a document", Example: "to_jsonb(1.50)", Result: "1.50", BodyTyped: toJSONB},
	{OID: 3176, Name: "to_json", Args: []datum.OID{datum.AnyElement}, Ret: datum.JSON, Strict: true, Volatile: Stable, Doc: "the value as JSON text", BodyTyped: toJSON},
	{OID: 3155, Name: "row_to_json", Args: []datum.OID{datum.Record}, Ret: datum.JSON, Strict: true, Volatile: Stable, Doc: "the row as a JSON object", BodyTyped: toJSON},
	{OID: 3154, Name: "array_to_json", Args: []datum.OID{datum.AnyArray, datum.Bool}, Ret: datum.JSON, Strict: true, Volatile: Stable, Doc: "the array as JSON text, with line ends when asked for", BodyTyped: toJSONLines},
	{OID: 3156, Name: "row_to_json", Args: []datum.OID{datum.Record, datum.Bool}, Ret: datum.JSON, Strict: true, Volatile: Stable, Doc: "the row as a JSON object, with line ends when asked for", BodyTyped: toJSONLines},
	{OID: 3153, Name: "array_to_json", Args: []datum.OID{datum.AnyArray}, Ret: datum.JSON, Strict: true, Volatile: Stable, Doc: "the array as JSON text", BodyTyped: toJSON},
	{OID: 3273, Name: "jsonb_build_object", Args: []datum.OID{datum.Any}, Defaults: 1, Variadic: true, Ret: datum.JSONB, Volatile: Stable, Doc: "an object of alternating keys and values", Example: "jsonb_build_object('a', 1)", Result: `{"a": 1}`, BodyTyped: buildObjectB},
	{OID: 3271, Name: "jsonb_build_array", Args: []datum.OID{datum.Any}, Defaults: 1, Variadic: true, Ret: datum.JSONB, Volatile: Stable, Doc: "an array of the arguments", Example: "jsonb_build_array(1, 'x')", Result: `[1, "x"]`, BodyTyped: buildArrayB},
	{OID: 3200, Name: "json_build_object", Args: []datum.OID{datum.Any}, Defaults: 1, Variadic: true, Ret: datum.JSON, Volatile: Stable, Doc: "an object of alternating keys and values", BodyTyped: buildObject},
	{OID: 3198, Name: "json_build_array", Args: []datum.OID{datum.Any}, Defaults: 1, Variadic: true, Ret: datum.JSON, Volatile: Stable, Doc: "an array of the arguments", BodyTyped: buildArray},
	jfunc(3210, "jsonb_typeof", datum.Text, "kind of the document: object, array, string, number, boolean or null", func(v jsonb.Value) ([]byte, error) { return []byte(typeofName(v.Kind())), nil }),
	jfunc(3306, "jsonb_pretty", datum.Text, "the document with line ends and indentation", func(v jsonb.Value) ([]byte, error) { return jsonb.Pretty(nil, v), nil }),
	jfunc(3262, "jsonb_strip_nulls", datum.JSONB, "without members that are null", func(v jsonb.Value) ([]byte, error) { return jsonb.StripNulls(nil, v), nil }),
	{OID: 3968, Name: "json_typeof", Args: []datum.OID{datum.JSON}, Ret: datum.Text, Strict: true, Volatile: Immutable, Doc: "kind of the document", Body: rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := jsonb.Parse(nil, a[0].Bytes(i))
		if err == nil {
			b.AppendString(typeofName(jsonb.Value(v).Kind()))
		}
		return err
	})},
	{OID: 3207, Name: "jsonb_array_length", Args: []datum.OID{datum.JSONB}, Ret: datum.Int4, Strict: true, Volatile: Immutable, Doc: "number of elements", Example: "jsonb_array_length('[1,2]')", Result: "2", Body: rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		return appendLength(b, a[0].Bytes(i))
	})},
	{OID: 3956, Name: "json_array_length", Args: []datum.OID{datum.JSON}, Ret: datum.Int4, Strict: true, Volatile: Immutable, Doc: "number of elements", Body: rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := jsonb.Parse(nil, a[0].Bytes(i))
		if err != nil {
			return err
		}
		return appendLength(b, v)
	})},
	{OID: 3217, Name: "jsonb_extract_path", Args: []datum.OID{datum.JSONB, textArray}, Variadic: true, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "value at the path", Body: getBody(jsonbPath)},
	{OID: 3940, Name: "jsonb_extract_path_text", Args: []datum.OID{datum.JSONB, textArray}, Variadic: true, Ret: datum.Text, Strict: true, Volatile: Immutable, Doc: "value at the path as text", Body: getBody(asText(jsonbPath))},
	{OID: 3951, Name: "json_extract_path", Args: []datum.OID{datum.JSON, textArray}, Variadic: true, Ret: datum.JSON, Strict: true, Volatile: Immutable, Doc: "value at the path", Body: getBody(jsonPath)},
	{OID: 3953, Name: "json_extract_path_text", Args: []datum.OID{datum.JSON, textArray}, Variadic: true, Ret: datum.Text, Strict: true, Volatile: Immutable, Doc: "value at the path as text", Body: getBody(jsonText(jsonPath))},
	{OID: 3305, Name: "jsonb_set", Args: []datum.OID{datum.JSONB, textArray, datum.JSONB, datum.Bool}, Defaults: 1, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "with the value at the path replaced", Example: `jsonb_set('{"a": 1}', '{a}', '2')`, Result: `{"a": 2}`, Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		path, err := pathOf(a[1], i)
		if err != nil {
			return nil, err
		}
		return jsonb.SetPath(dst, a[0].Bytes(i), path, a[2].Bytes(i), len(a) < 4 || a[3].Bool(i))
	})},
	{OID: 3579, Name: "jsonb_insert", Args: []datum.OID{datum.JSONB, textArray, datum.JSONB, datum.Bool}, Defaults: 1, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "with a value inserted at the path", Body: jsonbMake(func(dst []byte, a []*vec.Column, i int) ([]byte, error) {
		path, err := pathOf(a[1], i)
		if err != nil {
			return nil, err
		}
		return jsonb.Insert(dst, a[0].Bytes(i), path, a[2].Bytes(i), len(a) > 3 && a[3].Bool(i))
	})},
	{OID: 3263, Name: "jsonb_object", Args: []datum.OID{textArray}, Ret: datum.JSONB, Strict: true, Volatile: Immutable, Doc: "an object of an array of alternating keys and values", Body: jsonbObject2},
	jset(3931, "jsonb_object_keys", datum.Text, "keys of the object", objectKeys),
	jset(3219, "jsonb_array_elements", datum.JSONB, "elements of the array", arrayElements(false)).calling("value"),
	jset(3465, "jsonb_array_elements_text", datum.Text, "elements of the array as text", arrayElements(true)).calling("value"),
	jeach(3208, "jsonb_each", datum.JSONB, "members of the object", false),
	jeach(3932, "jsonb_each_text", datum.Text, "members of the object, values as text", true),
	{OID: 3957, Name: "json_object_keys", Args: []datum.OID{datum.JSON}, Ret: datum.Text, RetSet: true, Strict: true, Volatile: Immutable, Doc: "keys of the object", SetBody: jsonKeys},
	{OID: 3955, Name: "json_array_elements", Args: []datum.OID{datum.JSON}, Ret: datum.JSON, RetSet: true, Strict: true, Volatile: Immutable, Doc: "elements of the array", SetBody: jsonElements(false), Value: "value"},
	{OID: 3969, Name: "json_array_elements_text", Args: []datum.OID{datum.JSON}, Ret: datum.Text, RetSet: true, Strict: true, Volatile: Immutable, Doc: "elements of the array as text", SetBody: jsonElements(true), Value: "value"},
}

func jfunc(oid datum.OID, name string, ret datum.OID, doc string, f func(v jsonb.Value) ([]byte, error)) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.JSONB}, Ret: ret, Strict: true, Volatile: Immutable, Doc: doc,
		Body: rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			out, err := f(a[0].Bytes(i))
			b.AppendBytes(out)
			return err
		})}
}

func typeofName(k jsonb.Kind) string {
	if k == jsonb.Numeric {
		return "number"
	}
	return jsonKindName(k)
}

func appendLength(b *vec.Builder, v jsonb.Value) error {
	switch v.Kind() {
	case jsonb.Array:
		b.AppendInt(int64(jsonb.Len(v)))
		return nil
	case jsonb.Object:
		return pgerr.New(pgerr.InvalidParameterValue, "cannot get array length of a non-array")
	}
	return pgerr.New(pgerr.InvalidParameterValue, "cannot get array length of a scalar")
}

func toJSONB(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	var j jsonb.Builder
	return rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		j.Reset()
		err := buildJSONB(&j, types[0], a[0], i, c.Env)
		b.AppendBytes(j.Bytes())
		return err
	})(c, args, n)
}

func toJSON(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	return rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		b.AppendBytes(appendJSON(nil, types[0], a[0], i, c.Env))
		return nil
	})(c, args, n)
}

// pathOf is a path whose steps may not be null.
func pathOf(c *vec.Column, i int) ([]string, error) {
	child, from, to := c.List(i)
	for k := from; k < to; k++ {
		if child.Null(k) {
			return nil, pgerr.New(pgerr.NullValueNotAllowed, "path element at position %d is null", k-from+1)
		}
	}
	return stringsOf(c, i), nil
}

// toJSONLines is toJSON, with the elements or members of the outermost value on lines of their own if the second argument
// says so.
func toJSONLines(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	return rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		doc := appendJSON(nil, types[0], a[0], i, c.Env)
		if a[1].Bool(i) {
			var err error
			if doc, err = onLines(doc); err != nil {
				return err
			}
		}
		b.AppendBytes(doc)
		return nil
	})(c, args, n)
}

func onLines(doc []byte) ([]byte, error) {
	var out []byte
	sep := []byte(",\n ")
	if first(doc) == '{' {
		out = append(out, '{')
		err := eachMember(doc, func(key, raw []byte) {
			if len(out) > 1 {
				out = append(out, sep...)
			}
			out = append(append(appendJSONString(out, key), ':'), raw...)
		})
		return append(out, '}'), err
	}
	list, err := elements(doc)
	if err != nil {
		return nil, err
	}
	return append(append(append(out, '['), bytes.Join(list, sep)...), ']'), nil
}

// keyOf is the text of an object key; null is refused.
func keyOf(t datum.Type, col *vec.Column, i, arg int, env *datum.Env) ([]byte, error) {
	if col.Null(i) {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "argument %d: key must not be null", arg)
	}
	switch k := datum.KindOf(t.OID); {
	case t.OID == datum.JSON, t.OID == datum.JSONB, k == vec.List, k == vec.Struct:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "key value must be scalar, not array, composite, or json")
	}
	return datum.AppendText(nil, t, col, i, env), nil
}

func checkPairs(args []*vec.Column) error {
	if len(args)%2 != 0 {
		return pgerr.New(pgerr.InvalidParameterValue, "argument list must have even number of elements").
			WithHint("The arguments of jsonb_build_object() must consist of alternating keys and values.")
	}
	return nil
}

func buildObjectB(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	if err := checkPairs(args); err != nil {
		return nil, err
	}
	var j jsonb.Builder
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		j.Reset()
		j.BeginObject()
		for k := 0; k < len(args); k += 2 {
			key, err := keyOf(types[k], args[k], i, k+1, c.Env)
			if err != nil {
				return nil, err
			}
			j.KeyBytes(key)
			if err := buildJSONB(&j, types[k+1], args[k+1], i, c.Env); err != nil {
				return nil, jsonError(err)
			}
		}
		j.End()
		b.AppendBytes(j.Bytes())
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func buildArrayB(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	var j jsonb.Builder
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		j.Reset()
		j.BeginArray()
		for k := range args {
			if err := buildJSONB(&j, types[k], args[k], i, c.Env); err != nil {
				return nil, jsonError(err)
			}
		}
		j.End()
		b.AppendBytes(j.Bytes())
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func buildObject(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	if err := checkPairs(args); err != nil {
		return nil, err
	}
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		out := []byte{'{'}
		for k := 0; k < len(args); k += 2 {
			key, err := keyOf(types[k], args[k], i, k+1, c.Env)
			if err != nil {
				return nil, err
			}
			if k > 0 {
				out = append(out, ", "...)
			}
			out = append(appendJSONString(out, key), " : "...)
			out = appendJSON(out, types[k+1], args[k+1], i, c.Env)
		}
		b.AppendBytes(append(out, '}'))
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func buildArray(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		out := []byte{'['}
		for k := range args {
			if k > 0 {
				out = append(out, ", "...)
			}
			out = appendJSON(out, types[k], args[k], i, c.Env)
		}
		b.AppendBytes(append(out, ']'))
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}
