package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// row makes a row for a strict, immutable function.
func row(oid datum.OID, name string, ret datum.OID, doc string, body Body, args ...datum.OID) Func {
	return Func{OID: oid, Name: name, Args: args, Ret: ret, Strict: true, Volatile: Immutable, Doc: doc, Body: body}
}

// jsonMoreFuncs are the rest of the functions on documents: the operators under their names, objects of arrays, members of
// json, counts of nulls.
func jsonMoreFuncs() []Func {
	out := operatorsByName()
	out = append(out,
		row(3202, "json_object", datum.JSON, "an object of an array of alternating keys and values", jsonObject, textArray),
		row(3203, "json_object", datum.JSON, "an object of an array of keys and one of values", jsonObject, textArray, textArray),
		row(3264, "jsonb_object", datum.JSONB, "an object of an array of keys and one of values", jsonbObject2, textArray, textArray),
		row(3261, "json_strip_nulls", datum.JSON, "without members that are null", rowwise(vec.Bytes, jsonStripNulls), datum.JSON),
		jsonEach(3958, "json_each", datum.JSON, false), jsonEach(3959, "json_each_text", datum.Text, true),
	)
	setLax := row(5054, "jsonb_set_lax", datum.JSONB, "jsonb_set that says what a null does", nil, datum.JSONB, textArray, datum.JSONB, datum.Bool, datum.Text)
	setLax.Body, setLax.Strict, setLax.Defaults = jsonbSetLax, false, 2
	setLax.ArgNames = []string{"jsonb_in", "path", "replacement", "create_if_missing", "null_value_treatment"}
	setLax.DefaultArgs = []string{"true", "use_json_null"}
	out = append(out, setLax)
	for _, r := range []struct {
		oid  datum.OID
		name string
		null bool
	}{{438, "num_nulls", true}, {440, "num_nonnulls", false}} {
		f := row(r.oid, r.name, datum.Int4, "how many arguments are null, or are not", countNulls(r.null), datum.Any)
		f.Variadic, f.Strict = true, false
		out = append(out, f)
	}
	return out
}

// operatorsByName are the functions behind the operators on jsonb, which PostgreSQL lets one call.
func operatorsByName() []Func {
	byOID := map[datum.OID]*Func{}
	for i := range jsonOperators {
		byOID[jsonOperators[i].OID] = &jsonOperators[i]
	}
	var out []Func
	for _, r := range []struct {
		oid, operator datum.OID
		name          string
	}{
		{4046, 3246, "jsonb_contains"}, {4050, 3250, "jsonb_contained"}, {4047, 3247, "jsonb_exists"},
		{4048, 3248, "jsonb_exists_any"}, {4049, 3249, "jsonb_exists_all"}, {3301, 3284, "jsonb_concat"},
		{3302, 3285, "jsonb_delete"}, {3303, 3286, "jsonb_delete"}, {3343, 3398, "jsonb_delete"}, {3304, 3287, "jsonb_delete_path"},
		{3214, 3477, "jsonb_object_field_text"}, {3478, 3211, "jsonb_object_field"}, {3215, 3212, "jsonb_array_element"},
		{3216, 3481, "jsonb_array_element_text"},
	} {
		f := *byOID[r.operator]
		f.OID, f.Name, f.Variadic = r.oid, r.name, r.oid == 3343
		out = append(out, f)
	}
	return out
}

// pairDims refuses arrays that do not give pairs of key and value.
func pairDims(a []*vec.Column, i int) error {
	dims := a[0].Dims(i)
	switch {
	case len(a) > 1 && (len(dims) > 1 || len(a[1].Dims(i)) > 1), len(dims) > 2:
		return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	case len(a) > 1 || len(dims) == 0:
	case len(dims) == 1 && dims[0].Len%2 != 0:
		return pgerr.New(pgerr.ArraySubscriptError, "array must have even number of elements")
	case len(dims) == 2 && dims[1].Len != 2:
		return pgerr.New(pgerr.ArraySubscriptError, "array must have two columns")
	}
	return nil
}

// keyValues gives the keys and values that one array (alternating) or two arrays hold.
func keyValues(a []*vec.Column, i int, each func(key []byte, value []byte, null bool)) error {
	if err := pairDims(a, i); err != nil {
		return err
	}
	keys, from, to := a[0].List(i)
	vals, at, step := keys, from+1, 2
	if len(a) > 1 {
		var end int
		vals, at, end = a[1].List(i)
		if step = 1; end-at != to-from {
			return pgerr.New(pgerr.ArraySubscriptError, "mismatched array dimensions")
		}
	}
	for k := from; k < to; k += step {
		if keys.Null(k) {
			return pgerr.New(pgerr.NullValueNotAllowed, "null value not allowed for object key")
		}
		if vals.Null(at) {
			each(keys.Bytes(k), nil, true)
		} else {
			each(keys.Bytes(k), vals.Bytes(at), false)
		}
		at += step
	}
	return nil
}

var jsonObject = rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	out := []byte{'{'}
	err := keyValues(a, i, func(key, value []byte, null bool) {
		if len(out) > 1 {
			out = append(out, ", "...)
		}
		out = append(appendJSONString(out, key), " : "...)
		if null {
			out = append(out, "null"...)
		} else {
			out = appendJSONString(out, value)
		}
	})
	b.AppendBytes(append(out, '}'))
	return err
})

var jsonbObject2 = rowwise(vec.Bytes, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	var j jsonb.Builder
	j.BeginObject()
	err := keyValues(a, i, func(key, value []byte, null bool) {
		j.KeyBytes(key)
		if null {
			j.Null()
		} else {
			j.StringBytes(value)
		}
	})
	j.End()
	b.AppendBytes(j.AppendTo(nil))
	return err
})

// jsonStripNulls writes json again without the members that are null, without white space.
func jsonStripNulls(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
	return b.AppendWith(func(dst []byte) ([]byte, error) { return appendStripped(dst, a[0].Bytes(i)) })
}

func appendStripped(dst, doc []byte) ([]byte, error) {
	var err error
	switch first(doc) {
	case '{':
		dst = append(dst, '{')
		start := len(dst)
		bad := eachMember(doc, func(key, raw []byte) {
			if err != nil || first(raw) == 'n' {
				return
			}
			if len(dst) > start {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, key), ':')
			dst, err = appendStripped(dst, raw)
		})
		if bad != nil {
			err = bad
		}
		return append(dst, '}'), err
	case '[':
		list, err := elements(doc)
		if err != nil {
			return nil, err
		}
		dst = append(dst, '[')
		for k, raw := range list {
			if k > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendStripped(dst, raw); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	return append(dst, trimJSON(doc)...), nil
}

func trimJSON(doc []byte) []byte {
	from, to := 0, len(doc)
	for from < to && doc[from] <= ' ' {
		from++
	}
	for to > from && doc[to-1] <= ' ' {
		to--
	}
	return doc[from:to]
}

// jsonEach is json_each and its text form: one row per member, as it is written.
func jsonEach(oid datum.OID, name string, value datum.OID, text bool) Func {
	f := row(oid, name, datum.Record, "members of the object", nil, datum.JSON)
	f.RetSet = true
	f.Out = []datum.Field{{Name: "key", Type: datum.T(datum.Text)}, {Name: "value", Type: datum.T(value)}}
	f.SetBody = func(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
		doc := a[0].Bytes(i)
		switch first(doc) {
		case '{':
		case '[':
			return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot deconstruct an array as an object")
		default:
			return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot deconstruct a scalar")
		}
		b := vec.NewStructBuilder([]vec.Kind{vec.Bytes, vec.Bytes}, 8)
		var bad error
		err := eachMember(doc, func(key, raw []byte) {
			ok := true
			if text {
				var err error
				if raw, ok, err = unquoted(raw); err != nil {
					bad = err
				}
			}
			b.Field(0).AppendBytes(key)
			if ok {
				b.Field(1).AppendBytes(trimJSON(raw))
			} else {
				b.Field(1).AppendNull()
			}
			b.AppendStruct()
		})
		if err == nil {
			err = bad
		}
		return b.Finish(), jsonError(err)
	}
	return f
}

// jsonbSetLax is jsonb_set where a null value raises, deletes, changes nothing, or is JSON null.
func jsonbSetLax(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		if a[0].Null(i) || a[1].Null(i) || len(a) > 3 && a[3].Null(i) {
			b.AppendNull()
			continue
		}
		treatment := "use_json_null"
		if len(a) > 4 {
			if a[4].Null(i) {
				return nil, pgerr.New(pgerr.InvalidParameterValue, "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"")
			}
			treatment = string(a[4].Bytes(i))
		}
		err := b.AppendWith(func(dst []byte) ([]byte, error) {
			create := len(a) < 4 || a[3].Bool(i)
			if !a[2].Null(i) {
				return jsonb.SetPath(dst, a[0].Bytes(i), stringsOf(a[1], i), a[2].Bytes(i), create)
			}
			return setNull(dst, a[0].Bytes(i), stringsOf(a[1], i), create, treatment)
		})
		if err != nil {
			return nil, jsonError(err)
		}
		if err := c.Made(b, i); err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func setNull(dst []byte, doc jsonb.Value, path []string, create bool, treatment string) ([]byte, error) {
	switch treatment {
	case "use_json_null":
		null, err := jsonb.Parse(nil, []byte("null"))
		if err != nil {
			return nil, err
		}
		return jsonb.SetPath(dst, doc, path, null, create)
	case "delete_key":
		return jsonb.DeletePath(dst, doc, path)
	case "return_target":
		return append(dst, doc...), nil
	case "raise_exception":
		return nil, pgerr.New(pgerr.NullValueNotAllowed, "JSON value must not be null").
			WithDetail("Exception was raised because null_value_treatment is \"raise_exception\".").
			WithHint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.")
	}
	return nil, pgerr.New(pgerr.InvalidParameterValue, "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"")
}

func countNulls(null bool) Body {
	return func(_ *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Int64, n)
		for i := range n {
			count := int64(0)
			for _, c := range a {
				if c.Null(i) == null {
					count++
				}
			}
			b.AppendInt(count)
		}
		return b.Finish(), nil
	}
}
