package funcs

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// arrayRow is one row of the tables of arrays. The body gets the type of the elements of the first array among the
// arguments, and sees nulls unless it is strict.
func arrayRow(oid datum.OID, name string, strict bool, ret datum.OID, args []datum.OID, doc string, kind func(elem datum.Type) *vec.Builder,
	f func(c *Ctx, elem datum.Type, b *vec.Builder, a []*vec.Column, i int) error) Func {
	body := func(c *Ctx, types []datum.Type, a []*vec.Column, n int) (*vec.Column, error) {
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
			if err := c.Made(b, i); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	}
	return Func{OID: oid, Name: name, Args: args, Ret: ret, Strict: strict, Volatile: Immutable, Doc: doc, BodyTyped: body}
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

// putElems appends an array of the element type and dimensions, nil for one dimension numbered from 1; what fill appends
// becomes its elements.
func putElems(b *vec.Builder, e datum.Type, dims []vec.Dim, fill func(eb *vec.Builder)) {
	eb := datum.NewBuilder(e, 8)
	fill(eb)
	datum.AppendArray(b, eb.Finish(), dims)
}

func copyElems(eb *vec.Builder, a *vec.Column, i int) {
	child, from, to := a.List(i)
	for k := from; k < to; k++ {
		eb.AppendFrom(child, k)
	}
}

// arrayConcat is array || array; a null counts as no array. An array of one dimension less is one more row of the other.
func arrayConcat(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	var parts []*vec.Column
	for _, c := range a[:2] {
		if !c.Null(i) && len(c.Dims(i)) > 0 {
			parts = append(parts, c)
		}
	}
	switch {
	case a[0].Null(i) && a[1].Null(i):
		b.AppendNull()
		return nil
	case len(parts) < 2:
		var dims []vec.Dim
		if len(parts) == 1 {
			dims = parts[0].Dims(i)
		}
		putElems(b, e, dims, func(eb *vec.Builder) {
			for _, c := range parts {
				copyElems(eb, c, i)
			}
		})
		return nil
	}
	dims, ok := joinDims(a[0].Dims(i), a[1].Dims(i))
	if !ok {
		return pgerr.New(pgerr.ArraySubscriptError, "cannot concatenate incompatible arrays")
	}
	if err := datum.CheckDims(dims); err != nil {
		return err
	}
	putElems(b, e, dims, func(eb *vec.Builder) {
		copyElems(eb, a[0], i)
		copyElems(eb, a[1], i)
	})
	return nil
}

// joinDims are the dimensions of x || y; false where they do not fit.
func joinDims(x, y []vec.Dim) ([]vec.Dim, bool) {
	out := slices.Clone(x)
	switch {
	case len(x) == len(y) && slices.Equal(x[1:], y[1:]):
		out[0].Len += y[0].Len
	case len(x) == len(y)+1 && slices.Equal(x[1:], y):
		out[0].Len++
	case len(x)+1 == len(y) && slices.Equal(x, y[1:]):
		out = slices.Clone(y)
		out[0].Len++
	default:
		return nil, false
	}
	return out, true
}

// arrayPush is array || element (list 0, element 1) or element || array.
func arrayPush(list int) func(*Ctx, datum.Type, *vec.Builder, []*vec.Column, int) error {
	return func(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
		var dims []vec.Dim
		if !a[list].Null(i) {
			if dims = slices.Clone(a[list].Dims(i)); len(dims) > 1 {
				return pgerr.New(pgerr.DataException, "argument must be empty or one-dimensional array")
			}
			for k := range dims {
				dims[k].Len++
			}
		}
		putElems(b, e, dims, func(eb *vec.Builder) {
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

// arrayFuncs are the functions of arrays.
func arrayFuncs() []Func {
	const arr, el, ca, ce, i4 = datum.AnyArray, datum.AnyElement, datum.AnyCompatArray, datum.AnyCompat, datum.Int4
	out := []Func{
		arrayRow(378, "array_append", false, ca, dtArgs(ca, ce), "the array and one element more", buildArrays, arrayPush(0)),
		arrayRow(379, "array_prepend", false, ca, dtArgs(ce, ca), "the element before the array", buildArrays, arrayPush(1)),
		arrayRow(383, "array_cat", false, ca, dtArgs(ca, ca), "one array after the other", buildArrays, arrayConcat),
		arrayBound(2176, "array_length", "number of elements in a dimension", func(d vec.Dim) int64 { return int64(d.Len) }),
		arrayBound(2091, "array_lower", "number of the first element", func(d vec.Dim) int64 { return int64(d.Lower) }),
		arrayBound(2092, "array_upper", "number of the last element", func(d vec.Dim) int64 { return int64(d.Lower) + int64(d.Len) - 1 }),
		arrayRow(748, "array_ndims", true, i4, dtArgs(arr), "number of dimensions", buildInts, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
			if dims := a[0].Dims(i); len(dims) == 0 {
				b.AppendNull()
			} else {
				b.AppendInt(int64(len(dims)))
			}
			return nil
		}),
		arrayRow(747, "array_dims", true, datum.Text, dtArgs(arr), "the bounds as text", buildText, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
			if dims := a[0].Dims(i); len(dims) == 0 {
				b.AppendNull()
			} else {
				b.AppendBytes(datum.AppendDims(nil, dims))
			}
			return nil
		}),
		arrayRow(3179, "cardinality", true, i4, dtArgs(arr), "number of elements", buildInts, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
			_, from, to := a[0].List(i)
			b.AppendInt(int64(to - from))
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
		arrayRow(1286, "array_fill", false, arr, dtArgs(el, datum.Int4Array, datum.Int4Array), "an array of the same element all over, with its bounds", buildArrays, arrayFill),
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

func arrayBound(oid datum.OID, name, doc string, f func(d vec.Dim) int64) Func {
	return arrayRow(oid, name, true, datum.Int4, dtArgs(datum.AnyArray, datum.Int4), doc, buildInts, func(_ *Ctx, _ datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
		if dims, k := a[0].Dims(i), a[1].Int(i); k >= 1 && k <= int64(len(dims)) {
			b.AppendInt(f(dims[k-1]))
		} else {
			b.AppendNull()
		}
		return nil
	})
}

// lowerBound is what the first element of an array of one dimension counts as; an array of more is refused.
func lowerBound(a *vec.Column, i int, doing string) (int64, error) {
	dims := a.Dims(i)
	switch len(dims) {
	case 0:
		return 1, nil
	case 1:
		return int64(dims[0].Lower), nil
	}
	return 0, pgerr.New(pgerr.FeatureNotSupported, "%s multidimensional arrays is not supported", doing)
}

func arrayPosition(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	first, err := lowerBound(a[0], i, "searching for elements in")
	if err != nil {
		return err
	}
	child, from, to := a[0].List(i)
	start := from
	// Nothing is looked for in vain, and then not from anywhere either.
	if from == to || a[1].Null(i) && !holdsNull(child, from, to) {
		b.AppendNull()
		return nil
	}
	if len(a) > 2 {
		if a[2].Null(i) {
			return pgerr.New(pgerr.NullValueNotAllowed, "initial position must not be null")
		}
		if at := a[2].Int(i); at > first {
			start = from + int(min(at-first, int64(to-from)))
		}
	}
	for k := start; k < to; k++ {
		if sameElem(e, child, k, a[1], i) {
			b.AppendInt(int64(k-from) + first)
			return nil
		}
	}
	b.AppendNull()
	return nil
}

// holdsNull reports whether one of the elements is null.
func holdsNull(child *vec.Column, from, to int) bool {
	for k := from; k < to; k++ {
		if child.Null(k) {
			return true
		}
	}
	return false
}

func arrayPositions(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[0].Null(i) {
		b.AppendNull()
		return nil
	}
	first, err := lowerBound(a[0], i, "searching for elements in")
	if err != nil {
		return err
	}
	child, from, to := a[0].List(i)
	for k := from; k < to; k++ {
		if sameElem(e, child, k, a[1], i) {
			b.Elem().AppendInt(int64(k-from) + first)
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
	dims := slices.Clone(a[0].Dims(i))
	child, from, to := a[0].List(i)
	if len(a) == 2 {
		if _, err := lowerBound(a[0], i, "removing elements from"); err != nil {
			return err
		}
		for k := from; k < to; k++ {
			if sameElem(e, child, k, a[1], i) {
				dims[0].Len--
			}
		}
	}
	putElems(b, e, dims, func(eb *vec.Builder) {
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

func arrayFill(c *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	if a[1].Null(i) || len(a) > 2 && a[2].Null(i) {
		return pgerr.New(pgerr.NullValueNotAllowed, "dimension array or low bound array cannot be null")
	}
	lens, from, to := a[1].List(i)
	dims, n := make([]vec.Dim, to-from), int64(1)
	if len(a[1].Dims(i)) > 1 || len(a) > 2 && len(a[2].Dims(i)) > 1 {
		return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").WithDetail("Dimension array must be one dimensional.")
	}
	if len(dims) > datum.MaxDims {
		return datum.TooManyDims(len(dims))
	}
	for k := range dims {
		if lens.Null(from + k) {
			return pgerr.New(pgerr.NullValueNotAllowed, "dimension values cannot be null")
		}
		v := lens.Int(from + k)
		if n *= v; n < 0 || v < 0 || n > datum.MaxElems {
			return datum.ArrayTooLarge()
		}
		dims[k] = vec.Dim{Len: int32(v), Lower: 1}
	}
	if len(a) > 2 {
		if err := fillBounds(dims, a[2], i); err != nil {
			return err
		}
	}
	if len(dims) == 0 {
		n = 0
	}
	if err := c.Allow(n * int64(1+a[0].Slice(i, i+1).MemSize())); err != nil {
		return err
	}
	putElems(b, e, dims, func(eb *vec.Builder) {
		for range n {
			eb.AppendFrom(a[0], i)
		}
	})
	return nil
}

// fillBounds sets the lower bounds of the dimensions.
func fillBounds(dims []vec.Dim, a *vec.Column, i int) error {
	lower, from, to := a.List(i)
	if holdsNull(lower, from, to) {
		return pgerr.New(pgerr.NullValueNotAllowed, "dimension values cannot be null")
	}
	if to-from != len(dims) {
		return pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").
			WithDetail("Low bound array has different size than dimensions array.")
	}
	for k := range dims {
		dims[k].Lower = int32(lower.Int(from + k))
	}
	return datum.CheckDims(dims)
}

func trimArray(_ *Ctx, e datum.Type, b *vec.Builder, a []*vec.Column, i int) error {
	child, from, to := a[0].List(i)
	dims, rows := slices.Clone(a[0].Dims(i)), 0
	if len(dims) > 0 {
		rows = int(dims[0].Len)
	}
	n := a[1].Int(i)
	if n < 0 || n > int64(rows) {
		return pgerr.New(pgerr.ArraySubscriptError, "number of elements to trim must be between 0 and %d", rows)
	}
	if n > 0 {
		to -= int(n) * ((to - from) / rows)
		dims[0].Len -= int32(n)
	}
	for k := range dims {
		dims[k].Lower = 1
	}
	putElems(b, e, dims, func(eb *vec.Builder) {
		for k := from; k < to; k++ {
			eb.AppendFrom(child, k)
		}
	})
	return nil
}

func subscriptFuncs() []Func {
	doc := "the numbers of the elements, one per row"
	body := func(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
		b := vec.NewBuilder(vec.Int64, 8)
		dims, dim := a[0].Dims(i), a[1].Int(i)
		if dim < 1 || dim > int64(len(dims)) {
			return b.Finish(), nil
		}
		d := dims[dim-1]
		back := len(a) > 2 && a[2].Bool(i)
		for k := range int64(d.Len) {
			if back {
				k = int64(d.Len) - 1 - k
			}
			b.AppendInt(int64(d.Lower) + k)
		}
		return b.Finish(), nil
	}
	row := func(oid datum.OID, args ...datum.OID) Func {
		return Func{OID: oid, Name: "generate_subscripts", Args: args, Ret: datum.Int4, RetSet: true, Strict: true, Volatile: Immutable, Doc: doc, SetBody: body}
	}
	return []Func{row(1192, datum.AnyArray, datum.Int4), row(1191, datum.AnyArray, datum.Int4, datum.Bool)}
}
