package funcs

import (
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// maxElems bounds the elements of one array, as PostgreSQL does.
const maxElems = 134217727

// arrayRow is one row of the tables of arrays. The body gets the type of the elements of the first array among the
// arguments, and sees nulls unless it is strict.
func arrayRow(oid datum.OID, name string, strict bool, ret datum.OID, args []datum.OID, doc string, kind func(elem datum.Type) *vec.Builder,
	f func(c *Ctx, elem datum.Type, b *vec.Builder, a []*vec.Column, i int) error) Func {
	body := func(c *Ctx, types []datum.Type, a []*vec.Column, n int) (*vec.Column, error) {
		if err := oneDimension(a); err != nil {
			return nil, err
		}
		elem := elemType(types, args)
		b := kind(elem)
		for i := range n {
			if strict && anyNull(a, i) {
				b.AppendNull()
				continue
			}
			if err := f(c, elem, b, a, i); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	}
	return Func{OID: oid, Name: name, Args: args, Ret: ret, Strict: strict, Volatile: Immutable, Doc: doc, BodyTyped: body}
}

// oneDimension refuses arrays of arrays, which only ARRAY[[…]] makes.
func oneDimension(a []*vec.Column) error {
	for _, c := range a {
		if c.Codes != nil {
			c = c.Dict
		}
		if c.Kind == vec.List && c.Child != nil && c.Child.Kind == vec.List && c.Child.Len > 0 {
			return pgerr.New(pgerr.FeatureNotSupported, "arrays of more than one dimension are not supported")
		}
	}
	return nil
}

func anyNull(a []*vec.Column, i int) bool {
	for _, c := range a {
		if c.Null(i) {
			return true
		}
	}
	return false
}

// elemType is the element type of the call: that of the first argument declared as an array, else the element itself.
func elemType(types []datum.Type, declared []datum.OID) datum.Type {
	for k, d := range declared {
		if d == datum.AnyArray || d == datum.AnyCompatArray {
			if e := datum.ElemOf(types[k].OID); e != 0 {
				return datum.T(e)
			}
		}
	}
	for k, d := range declared {
		if d == datum.AnyElement || d == datum.AnyCompat {
			return types[k]
		}
	}
	return datum.T(datum.Text)
}

func buildInts(datum.Type) *vec.Builder  { return vec.NewBuilder(vec.Int64, 8) }
func buildText(datum.Type) *vec.Builder  { return vec.NewBuilder(vec.Bytes, 8) }
func buildBools(datum.Type) *vec.Builder { return vec.NewBuilder(vec.Bool, 8) }
func buildArrays(e datum.Type) *vec.Builder {
	return datum.NewBuilder(datum.T(datum.ArrayOf(e.OID)), 8)
}
func buildIntArrays(datum.Type) *vec.Builder { return vec.NewListBuilder(vec.Int64, 8) }

// putElems starts an array of the element type; what is appended to it becomes the array at the end.
func putElems(b *vec.Builder, e datum.Type, fill func(eb *vec.Builder)) {
	eb := datum.NewBuilder(e, 8)
	fill(eb)
	datum.AppendElems(b, eb.Finish())
}

func copyElems(eb *vec.Builder, a *vec.Column, i int) {
	child, from, to := a.List(i)
	for k := from; k < to; k++ {
		eb.AppendFrom(child, k)
	}
}

func arrayLen(a *vec.Column, i int) int64 {
	_, from, to := a.List(i)
	return int64(to - from)
}

// arrayConcat is array || array; a null counts as no array.
func arrayConcat(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) && a[1].Null(i) {
		b.AppendNull()
		return nil
	}
	putElems(b, e, func(eb *vec.Builder) {
		for _, c := range a[:2] {
			if !c.Null(i) {
				copyElems(eb, c, i)
			}
		}
	})
	return nil
}

// arrayPush is array || element (list 0, element 1) or element || array.
func arrayPush(list int) func(*Ctx, datum.Type, *vec.Builder, []*vec.Column, int) error {
	return func(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
		putElems(b, e, func(eb *vec.Builder) {
			if list == 1 {
				eb.AppendFrom(a[0], i)
			}
			if !a[list].Null(i) {
				copyElems(eb, a[list], i)
			}
			if list == 0 {
				eb.AppendFrom(a[1], i)
			}
		})
		return nil
	}
}

// sameElem compares elements where null equals null.
func sameElem(e datum.Type, x *vec.Column, i int, y *vec.Column, j int) bool {
	if x.Null(i) || y.Null(j) {
		return x.Null(i) && y.Null(j)
	}
	return datum.Compare(e, x, i, y, j) == 0
}

// inArray reports whether an element that is not null is in the array.
func inArray(e datum.Type, x *vec.Column, k int, a *vec.Column, i int) bool {
	child, from, to := a.List(i)
	for j := from; j < to; j++ {
		if !child.Null(j) && datum.Compare(e, x, k, child, j) == 0 {
			return true
		}
	}
	return false
}

// arrayWithin is x <@ y for the arguments at the two places: a null element is contained in nothing.
func arrayWithin(x, y int) func(*Ctx, datum.Type, *vec.Builder, []*vec.Column, int) error {
	return func(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
		child, from, to := a[x].List(i)
		for k := from; k < to; k++ {
			if child.Null(k) || !inArray(e, child, k, a[y], i) {
				b.AppendBool(false)
				return nil
			}
		}
		b.AppendBool(true)
		return nil
	}
}

func arrayOverlap(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	child, from, to := a[0].List(i)
	for k := from; k < to; k++ {
		if !child.Null(k) && inArray(e, child, k, a[1], i) {
			b.AppendBool(true)
			return nil
		}
	}
	b.AppendBool(false)
	return nil
}

// arrayOperators are the operators of arrays (PostgreSQL documentation, section 9.19).
func arrayOperators() []Func {
	const arr, ca, ce = datum.AnyArray, datum.AnyCompatArray, datum.AnyCompat
	return []Func{
		arrayRow(375, "||", false, ca, dtArgs(ca, ca), "one array after the other", buildArrays, arrayConcat),
		arrayRow(349, "||", false, ca, dtArgs(ca, ce), "the array and one element more", buildArrays, arrayPush(0)),
		arrayRow(374, "||", false, ca, dtArgs(ce, ca), "the element before the array", buildArrays, arrayPush(1)),
		arrayRow(2751, "@>", true, datum.Bool, dtArgs(arr, arr), "whether the first has every element of the second", buildBools, arrayWithin(1, 0)),
		arrayRow(2752, "<@", true, datum.Bool, dtArgs(arr, arr), "whether the second has every element of the first", buildBools, arrayWithin(0, 1)),
		arrayRow(2750, "&&", true, datum.Bool, dtArgs(arr, arr), "whether the arrays have an element in common", buildBools, arrayOverlap),
	}
}

// arrayFuncs are the functions of arrays; arrays have one dimension, numbered from 1.
func arrayFuncs() []Func {
	const arr, el, ca, ce, i4 = datum.AnyArray, datum.AnyElement, datum.AnyCompatArray, datum.AnyCompat, datum.Int4
	out := []Func{
		arrayRow(378, "array_append", false, ca, dtArgs(ca, ce), "the array and one element more", buildArrays, arrayPush(0)),
		arrayRow(379, "array_prepend", false, ca, dtArgs(ce, ca), "the element before the array", buildArrays, arrayPush(1)),
		arrayRow(383, "array_cat", false, ca, dtArgs(ca, ca), "one array after the other", buildArrays, arrayConcat),
		arrayBound(2176, "array_length", "number of elements in a dimension", func(n int64) int64 { return n }),
		arrayBound(2091, "array_lower", "number of the first element", func(int64) int64 { return 1 }),
		arrayBound(2092, "array_upper", "number of the last element", func(n int64) int64 { return n }),
		arrayRow(748, "array_ndims", true, i4, dtArgs(arr), "number of dimensions", buildInts, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
			if arrayLen(a[0], i) == 0 {
				b.AppendNull()
			} else {
				b.AppendInt(1)
			}
			return nil
		}),
		arrayRow(747, "array_dims", true, datum.Text, dtArgs(arr), "the bounds as text", buildText, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
			if n := arrayLen(a[0], i); n == 0 {
				b.AppendNull()
			} else {
				b.AppendString("[1:" + strconv.FormatInt(n, 10) + "]")
			}
			return nil
		}),
		arrayRow(3179, "cardinality", true, i4, dtArgs(arr), "number of elements", buildInts, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
			b.AppendInt(arrayLen(a[0], i))
			return nil
		}),
		arrayRow(3277, "array_position", false, i4, dtArgs(ca, ce), "where the element first is, or null", buildInts, arrayPosition),
		arrayRow(3278, "array_position", false, i4, dtArgs(ca, ce, i4), "where the element first is from a place on, or null", buildInts, arrayPosition),
		arrayRow(3279, "array_positions", false, datum.Int4Array, dtArgs(ca, ce), "where the element is", buildIntArrays, arrayPositions),
		arrayRow(3167, "array_remove", false, ca, dtArgs(ca, ce), "the array without the element", buildArrays, arrayReplace),
		arrayRow(3168, "array_replace", false, ca, dtArgs(ca, ce, ce), "the array with one element in place of another", buildArrays, arrayReplace),
		arrayRow(395, "array_to_string", true, datum.Text, dtArgs(arr, datum.Text), "the elements as text, with a separator; nulls left out", buildText, arrayToString),
		arrayRow(384, "array_to_string", false, datum.Text, dtArgs(arr, datum.Text, datum.Text), "the elements as text, with a separator and a text for nulls", buildText, arrayToString),
		arrayRow(1193, "array_fill", false, arr, dtArgs(el, datum.Int4Array), "an array of the same element all over", buildArrays, arrayFill),
		arrayRow(6172, "trim_array", true, arr, dtArgs(arr, i4), "the array without its last elements", buildArrays, trimArray),
		{OID: 2331, Name: "unnest", Args: dtArgs(arr), Ret: el, RetSet: true, Strict: true, Volatile: Immutable, Doc: "one row per element",
			SetBody: func(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
				child, from, to := a[0].List(i)
				return child.Slice(from, to), nil
			}},
	}
	// They depend on how the session writes dates and numbers.
	for k := range out {
		if out[k].Name == "array_to_string" {
			out[k].Volatile = Stable
		}
	}
	return append(out, subscriptFuncs()...)
}

func arrayBound(oid datum.OID, name, doc string, f func(n int64) int64) Func {
	return arrayRow(oid, name, true, datum.Int4, dtArgs(datum.AnyArray, datum.Int4), doc, buildInts, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
		if n := arrayLen(a[0], i); n > 0 && a[1].Int(i) == 1 {
			b.AppendInt(f(n))
		} else {
			b.AppendNull()
		}
		return nil
	})
}

func arrayPosition(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	child, from, to := a[0].List(i)
	start := from
	if len(a) > 2 {
		if a[2].Null(i) {
			return pgerr.New(pgerr.NullValueNotAllowed, "initial position must not be null")
		}
		if at := a[2].Int(i); at > 1 {
			start = from + int(min(at-1, int64(to-from)))
		}
	}
	for k := start; k < to; k++ {
		if sameElem(e, child, k, a[1], i) {
			b.AppendInt(int64(k - from + 1))
			return nil
		}
	}
	b.AppendNull()
	return nil
}

func arrayPositions(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	child, from, to := a[0].List(i)
	for k := from; k < to; k++ {
		if sameElem(e, child, k, a[1], i) {
			b.Elem().AppendInt(int64(k - from + 1))
		}
	}
	b.AppendList()
	return nil
}

// arrayReplace is array_remove and, with a third argument, array_replace.
func arrayReplace(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	child, from, to := a[0].List(i)
	putElems(b, e, func(eb *vec.Builder) {
		for k := from; k < to; k++ {
			switch {
			case !sameElem(e, child, k, a[1], i):
				eb.AppendFrom(child, k)
			case len(a) > 2:
				eb.AppendFrom(a[2], i)
			}
		}
	})
	return nil
}

func arrayToString(c *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) || a[1].Null(i) {
		b.AppendNull()
		return nil
	}
	child, from, to := a[0].List(i)
	sep := a[1].Bytes(i)
	showNulls := len(a) > 2 && !a[2].Null(i)
	some := false
	return b.AppendWith(func(dst []byte) ([]byte, error) {
		for k := from; k < to; k++ {
			if child.Null(k) && !showNulls {
				continue
			}
			if some {
				dst = append(dst, sep...)
			}
			some = true
			if child.Null(k) {
				dst = append(dst, a[2].Bytes(i)...)
			} else {
				dst = datum.AppendText(dst, e, child, k, c.Env)
			}
		}
		return dst, nil
	})
}

func arrayFill(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[1].Null(i) {
		return pgerr.New(pgerr.NullValueNotAllowed, "dimension array or low bound array cannot be null")
	}
	child, from, to := a[1].List(i)
	n := int64(0)
	switch {
	case to-from > 1:
		return pgerr.New(pgerr.FeatureNotSupported, "arrays of more than one dimension are not supported")
	case to-from == 1 && child.Null(from):
		return pgerr.New(pgerr.NullValueNotAllowed, "dimension values cannot be null")
	case to-from == 1:
		n = child.Int(from)
	}
	if n < 0 || n > maxElems {
		return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", maxElems)
	}
	putElems(b, e, func(eb *vec.Builder) {
		for range n {
			eb.AppendFrom(a[0], i)
		}
	})
	return nil
}

func trimArray(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	child, from, to := a[0].List(i)
	n := a[1].Int(i)
	if n < 0 || n > int64(to-from) {
		return pgerr.New(pgerr.ArraySubscriptError, "number of elements to trim must be between 0 and %d", to-from)
	}
	putElems(b, e, func(eb *vec.Builder) {
		for k := from; k < to-int(n); k++ {
			eb.AppendFrom(child, k)
		}
	})
	return nil
}

func subscriptFuncs() []Func {
	doc := "the numbers of the elements, one per row"
	body := func(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Int64, 8)
		n := arrayLen(a[0], i)
		if a[1].Int(i) != 1 {
			n = 0
		}
		back := len(a) > 2 && a[2].Bool(i)
		for k := int64(1); k <= n; k++ {
			if back {
				b.AppendInt(n + 1 - k)
			} else {
				b.AppendInt(k)
			}
		}
		return b.Finish(), nil
	}
	row := func(oid datum.OID, args ...datum.OID) Func {
		return Func{OID: oid, Name: "generate_subscripts", Args: args, Ret: datum.Int4, RetSet: true, Strict: true, Volatile: Immutable, Doc: doc, SetBody: body}
	}
	return []Func{row(1192, datum.AnyArray, datum.Int4), row(1191, datum.AnyArray, datum.Int4, datum.Bool)}
}
