package funcs

import (
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

var collectAggregates = []Aggregate{
	{OID: 3538, Name: "string_agg", Args: []datum.OID{datum.Text, datum.Text}, Ret: datum.Text, OrderMatters: true, Doc: "the values joined by the delimiters", New: newCollect(joinText)},
	{OID: 3545, Name: "string_agg", Args: []datum.OID{datum.Bytea, datum.Bytea}, Ret: datum.Bytea, OrderMatters: true, Doc: "the values joined by the delimiters", New: newCollect(joinText)},
	{OID: 2335, Name: "array_agg", Args: []datum.OID{datum.AnyNonArray}, Ret: datum.AnyArray, OrderMatters: true, Doc: "array of the values, nulls included", New: newCollect(toArray)},
	{OID: 4053, Name: "array_agg", Args: []datum.OID{datum.AnyArray}, Ret: datum.AnyArray, OrderMatters: true, Doc: "array of the arrays, which have the same dimensions", New: newCollect(toNestedArray)},
	{OID: 3175, Name: "json_agg", Args: []datum.OID{datum.AnyElement}, Ret: datum.JSON, OrderMatters: true, Doc: "JSON array of the values, nulls included", New: newCollect(toJSONArray)},
	{OID: 3267, Name: "jsonb_agg", Args: []datum.OID{datum.AnyElement}, Ret: datum.JSONB, OrderMatters: true, Doc: "JSON array of the values, nulls included", New: newCollect(toJSONBArray)},
	{OID: 3197, Name: "json_object_agg", Args: []datum.OID{datum.Any, datum.Any}, Ret: datum.JSON, OrderMatters: true, Doc: "JSON object of the keys and values", New: newCollect(toJSONObject)},
	{OID: 3270, Name: "jsonb_object_agg", Args: []datum.OID{datum.Any, datum.Any}, Ret: datum.JSONB, OrderMatters: true, Doc: "JSON object of the keys and values; the last value of a key counts", New: newCollect(toJSONBObject)},
}

// collected are the argument rows of all groups; rows[g] names those of group g in order.
type collected struct {
	types []datum.Type
	cols  []*vec.Column
	rows  [][]int32
}

// A finisher makes the result of group g, whose rows are never none, in b.
type finisher struct {
	// builder makes the result's builder.
	builder func(types []datum.Type, n int) *vec.Builder
	// skip leaves out rows whose first argument is null.
	skip   bool
	finish func(c *Ctx, in *collected, rows []int32, b *vec.Builder) error
}

// collectAcc keeps every row until the end.
type collectAcc struct {
	finisher
	types    []datum.Type
	builders []*vec.Builder
	rows     [][]int32
	size     int
}

func newCollect(f finisher) func([]datum.Type) Accumulator {
	return func(types []datum.Type) Accumulator {
		a := &collectAcc{finisher: f, types: types}
		for _, t := range types {
			a.builders = append(a.builders, datum.NewBuilder(t, 0))
		}
		return a
	}
}

func (a *collectAcc) Grow(n int) { a.rows = grown(a.rows, n) }

func (a *collectAcc) Add(c *Ctx, args []*vec.Column, groups []int32, n int) error {
	before := a.size
	for i := range n {
		if groups[i] >= 0 && !(a.skip && args[0].Null(i)) {
			a.take(groups[i], args, i)
		}
		if !c.Fits(a.size - before) {
			return c.full()
		}
	}
	return nil
}

func (a *collectAcc) take(g int32, args []*vec.Column, i int) {
	a.rows[g] = append(a.rows[g], int32(a.builders[0].Len()))
	for k, b := range a.builders {
		b.AppendFrom(args[k], i)
		a.size += 12
		if c := args[k]; c.Kind == vec.Bytes && !c.Null(i) {
			a.size += len(c.Bytes(i))
		}
	}
}

func (a *collectAcc) Merge(other Accumulator, groups []int32) error {
	o := other.(*collectAcc)
	in := o.freeze()
	for i, g := range groups {
		for _, r := range in.rows[i] {
			a.take(g, in.cols, int(r))
		}
	}
	return nil
}

func (a *collectAcc) freeze() *collected {
	in := &collected{types: a.types, rows: a.rows}
	for _, b := range a.builders {
		in.cols = append(in.cols, b.Finish())
	}
	return in
}

func (a *collectAcc) Result(c *Ctx, n int) (*vec.Column, error) {
	in, b := a.freeze(), a.builder(a.types, n)
	for g := range n {
		if len(a.rows[g]) == 0 {
			b.AppendNull()
			continue
		}
		if err := a.finish(c, in, a.rows[g], b); err != nil {
			return nil, err
		}
		if g%64 == 63 && c.canceled() != nil {
			return nil, c.canceled()
		}
	}
	return b.Finish(), nil
}

func (a *collectAcc) MemSize() int { return a.size + cap(a.rows)*24 }

func bytesBuilder(_ []datum.Type, n int) *vec.Builder { return vec.NewBuilder(vec.Bytes, n) }

var joinText = finisher{builder: bytesBuilder, skip: true, finish: func(c *Ctx, in *collected, rows []int32, b *vec.Builder) error {
	return b.AppendWith(func(dst []byte) ([]byte, error) {
		start := len(dst)
		for k, r := range rows {
			if k > 0 && !in.cols[1].Null(int(r)) {
				dst = append(dst, in.cols[1].Bytes(int(r))...)
			}
			dst = append(dst, in.cols[0].Bytes(int(r))...)
			if len(dst)-start > maxText {
				return nil, errTooLong
			}
		}
		return dst, nil
	})
}}

var toArray = finisher{
	builder: func(types []datum.Type, n int) *vec.Builder { return vec.NewListBuilder(datum.KindOf(types[0].OID), n) },
	finish: func(_ *Ctx, in *collected, rows []int32, b *vec.Builder) error {
		for _, r := range rows {
			b.Elem().AppendFrom(in.cols[0], int(r))
		}
		b.AppendList()
		return nil
	},
}

var toNestedArray = finisher{
	builder: datumBuilder,
	finish: func(_ *Ctx, in *collected, rows []int32, b *vec.Builder) error {
		return NestArrays(b, in.cols[0], rows)
	},
}

func datumBuilder(types []datum.Type, n int) *vec.Builder { return datum.NewBuilder(types[0], n) }

// NestArrays appends the array whose elements are the arrays of the rows of c: none of them null or empty, all of the same
// dimensions.
func NestArrays(b *vec.Builder, c *vec.Column, rows []int32) error {
	var dims []vec.Dim
	for k, r := range rows {
		if c.Null(int(r)) {
			return pgerr.New(pgerr.NullValueNotAllowed, "cannot accumulate null arrays")
		}
		d := c.Dims(int(r))
		switch {
		case len(d) == 0:
			return pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate empty arrays")
		case k > 0 && !slices.Equal(d, dims):
			return pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate arrays of different dimensionality")
		case len(d) == datum.MaxDims:
			return datum.TooManyDims(len(d) + 1)
		}
		dims = d
		copyElems(b.Elem(), c, int(r))
	}
	b.AppendShaped(append([]vec.Dim{{Len: int32(len(rows)), Lower: 1}}, dims...))
	return nil
}

var toJSONArray = finisher{builder: bytesBuilder, finish: func(c *Ctx, in *collected, rows []int32, b *vec.Builder) error {
	out := []byte{'['}
	nested := in.cols[0].Kind == vec.List || in.cols[0].Kind == vec.Struct
	for k, r := range rows {
		if k > 0 {
			out = append(out, ", "...)
			if nested {
				out = append(out, "\n "...)
			}
		}
		out = appendJSON(out, in.types[0], in.cols[0], int(r), c.Env)
	}
	b.AppendBytes(append(out, ']'))
	return nil
}}

var toJSONBArray = finisher{builder: bytesBuilder, finish: func(c *Ctx, in *collected, rows []int32, b *vec.Builder) error {
	var j jsonb.Builder
	j.BeginArray()
	for _, r := range rows {
		if err := buildJSONB(&j, in.types[0], in.cols[0], int(r), c.Env); err != nil {
			return err
		}
	}
	j.End()
	b.AppendBytes(j.Bytes())
	return nil
}}

var errNullKey = pgerr.New(pgerr.InvalidParameterValue, "field name must not be null")

var toJSONObject = finisher{builder: bytesBuilder, finish: func(c *Ctx, in *collected, rows []int32, b *vec.Builder) error {
	out := []byte("{ ")
	for k, r := range rows {
		if in.cols[0].Null(int(r)) {
			return errNullKey
		}
		if k > 0 {
			out = append(out, ", "...)
		}
		out = appendJSONString(out, datum.AppendText(nil, in.types[0], in.cols[0], int(r), c.Env))
		out = append(out, " : "...)
		out = appendJSON(out, in.types[1], in.cols[1], int(r), c.Env)
	}
	b.AppendBytes(append(out, " }"...))
	return nil
}}

var toJSONBObject = finisher{builder: bytesBuilder, finish: func(c *Ctx, in *collected, rows []int32, b *vec.Builder) error {
	var j jsonb.Builder
	j.BeginObject()
	for _, r := range rows {
		if in.cols[0].Null(int(r)) {
			return errNullKey
		}
		j.KeyBytes(datum.AppendText(nil, in.types[0], in.cols[0], int(r), c.Env))
		if err := buildJSONB(&j, in.types[1], in.cols[1], int(r), c.Env); err != nil {
			return err
		}
	}
	j.End()
	b.AppendBytes(j.Bytes())
	return nil
}}
