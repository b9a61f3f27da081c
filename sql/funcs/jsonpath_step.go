package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// step applies a step of an accessor.
func (r *pathRun) step(n *datum.PathNode, it pathItem, found *[]pathItem, unwrap bool) (bool, error) {
	unwrap = unwrap && it.is(jsonb.Array)
	switch n.Op {
	case datum.PathKey:
		switch {
		case it.is(jsonb.Object):
			if v, ok := jsonb.Get(it.v, n.Text); ok {
				return r.next(n, pathItem{v: v}, found)
			}
			if r.lenient {
				return false, nil
			}
			return false, fault(memberNotFound, "JSON object does not contain key \"%s\"", n.Text)
		case unwrap:
			return r.unwrapped(n, it, found, false)
		}
		return r.missing(memberNotFoundText)
	case datum.PathAnyKey:
		switch {
		case it.is(jsonb.Object):
			return r.elements(n.Next, it.v, found, 1, 1, 1, false, r.lax)
		case unwrap:
			return r.unwrapped(n, it, found, false)
		}
		return r.missing("jsonpath wildcard member accessor can only be applied to an object")
	case datum.PathAnyElem:
		switch {
		case it.is(jsonb.Array):
			return r.elements(n.Next, it.v, found, 1, 1, 1, false, r.lax)
		case r.lax:
			return r.next(n, it, found)
		}
		return r.missing("jsonpath wildcard array accessor can only be applied to an array")
	case datum.PathIndex:
		return r.index(n, it, found)
	case datum.PathAny:
		return r.anyLevel(n, it, found)
	case datum.PathFilter:
		if unwrap {
			return r.unwrapped(n, it, found, false)
		}
		saved := r.current
		r.current = it
		t, err := r.test(n.Left, it)
		r.current = saved
		if err != nil || t != pathTrue {
			return false, err
		}
		return r.next(n, it, found)
	}
	if unwrap && n.Text != "type" && n.Text != "size" {
		return r.unwrapped(n, it, found, false)
	}
	return r.method(n, it, found)
}

const memberNotFoundText = "jsonpath member accessor can only be applied to an object"

// missing is what a step gives that does not fit the value.
func (r *pathRun) missing(text string) (bool, error) {
	if r.lenient {
		return false, nil
	}
	code := arrayNotFound
	switch text {
	case memberNotFoundText:
		code = memberNotFound
	case "jsonpath wildcard member accessor can only be applied to an object":
		code = objectNotFound
	}
	return false, fault(code, "%s", text)
}

func (r *pathRun) anyLevel(n *datum.PathNode, it pathItem, found *[]pathItem) (ok bool, err error) {
	if n.First == 0 {
		saved := r.lenient
		r.lenient = true
		ok, err = r.next(n, it, found)
		r.lenient = saved
		if err != nil || ok && found == nil {
			return ok, err
		}
	}
	if !it.is(jsonb.Array) && !it.is(jsonb.Object) {
		return ok, nil
	}
	more, err := r.elements(n.Next, it.v, found, 1, n.First, n.Last, true, r.lax)
	return ok || more, err
}

func (r *pathRun) index(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	isArray := it.is(jsonb.Array)
	if !isArray && !r.lax {
		return r.missing("jsonpath array accessor can only be applied to an array")
	}
	size := 1
	if isArray {
		size = jsonb.Len(it.v)
	}
	outer := r.size
	defer func() { r.size = outer }()
	ok := false
	for _, s := range n.Subs {
		r.size = size
		from, err := r.subscript(s[0], it)
		if err != nil {
			return false, err
		}
		to := from
		if s[1] != nil {
			if to, err = r.subscript(s[1], it); err != nil {
				return false, err
			}
		}
		if !r.lenient && (from < 0 || from > to || to >= size) {
			return false, fault(invalidSubscript, "jsonpath array subscript is out of bounds")
		}
		for k := max(from, 0); k <= min(to, size-1); k++ {
			e := it
			if isArray {
				v, _ := jsonb.Index(it.v, k)
				e = pathItem{v: v}
			}
			r.size = outer
			hit, err := r.next(n, e, found)
			if ok = ok || hit; err != nil || hit && found == nil {
				return ok, err
			}
		}
	}
	return ok, nil
}

// subscript evaluates an index: one number, cut to an integer.
func (r *pathRun) subscript(n *datum.PathNode, it pathItem) (int, error) {
	var list []pathItem
	if _, err := r.item(n, it, &list, r.lax); err != nil {
		return 0, err
	}
	d, ok := single(list)
	if !ok {
		return 0, fault(invalidSubscript, "jsonpath array subscript is not a single numeric value")
	}
	v, ok := d.Trunc(0).Int64()
	if !ok || v != int64(int32(v)) {
		return 0, fault(invalidSubscript, "jsonpath array subscript is out of integer range")
	}
	return int(v), nil
}

func (r *pathRun) method(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	switch n.Text {
	case "type":
		return r.next(n, stringItem(it.typeName()), found)
	case "size":
		size := 1
		if it.is(jsonb.Array) {
			size = jsonb.Len(it.v)
		} else if !r.lax {
			if r.lenient {
				return false, nil
			}
			return false, fault(arrayNotFound, "jsonpath item method .size() can only be applied to an array")
		}
		return r.next(n, numberItem(decimal.FromInt64(int64(size))), found)
	case "abs", "floor", "ceiling":
		d, ok := it.number()
		if !ok {
			return false, fault(nonNumericItem, "jsonpath item method .%s() can only be applied to a numeric value", n.Text)
		}
		d = map[string]func(decimal.Dec) decimal.Dec{"abs": decimal.Dec.Abs, "floor": decimal.Dec.Floor, "ceiling": decimal.Dec.Ceil}[n.Text](d)
		return r.next(n, numberItem(d), found)
	case "double":
		return r.double(n, it, found)
	case "keyvalue":
		return r.keyValue(n, it, found)
	}
	made, err := r.datetime(n, it)
	if err != nil {
		return false, err
	}
	return r.next(n, made, found)
}

func (it pathItem) typeName() string {
	if it.typ != 0 {
		return datum.FormatType(datum.T(it.typ))
	}
	switch it.v.Kind() {
	case jsonb.Null:
		return "null"
	case jsonb.String:
		return "string"
	case jsonb.Numeric:
		return "number"
	case jsonb.True, jsonb.False:
		return "boolean"
	case jsonb.Array:
		return "array"
	}
	return "object"
}

func (r *pathRun) double(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	text, what := "", "numeric"
	if d, ok := it.number(); ok {
		text = d.String()
	} else if it.is(jsonb.String) {
		text, what = string(jsonb.StringBytes(it.v)), "string"
	} else {
		return false, fault(nonNumericItem, "jsonpath item method .double() can only be applied to a string or numeric value")
	}
	b := datum.NewBuilder(datum.T(datum.Float8), 1)
	if err := datum.ParseText(datum.T(datum.Float8), []byte(text), b, r.ctx.Env); err != nil {
		return false, fault(nonNumericItem, "%s argument of jsonpath item method .double() is out of range for type double precision", what)
	}
	f := b.Finish().Float(0)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return false, fault(nonNumericItem, "NaN or Infinity is not allowed for jsonpath item method .double()")
	}
	if it.is(jsonb.String) {
		it = numberItem(decimal.FromFloat64(f))
	}
	return r.next(n, it, found) // a number in range stays what it is
}

// keyValue gives an object of key, value and a number of the object for each member.
func (r *pathRun) keyValue(n *datum.PathNode, it pathItem, found *[]pathItem) (bool, error) {
	if !it.is(jsonb.Object) {
		return false, fault(objectNotFound, "jsonpath item method .keyvalue() can only be applied to an object")
	}
	ok := false
	var err error
	jsonb.EachField(it.v, func(key []byte, val jsonb.Value) bool {
		var b jsonb.Builder
		b.BeginObject()
		b.Key("id")
		b.Int64(0)
		b.Key("key")
		b.StringBytes(key)
		b.Key("value")
		b.Value(val)
		b.End()
		var hit bool
		hit, err = r.next(n, pathItem{v: b.AppendTo(nil)}, found)
		ok = ok || hit
		return err == nil && !(hit && found == nil)
	})
	return ok, err
}
