package expr

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// conversion turns n values, none of which counts if it is null.
type conversion func(x *EvalCtx, arg *vec.Column, n int) (*vec.Column, error)

// castNode converts. ready is the conversion for an argument that storage has read as the target's kind already.
type castNode struct {
	arg   node
	to    datum.Type
	kind  vec.Kind
	conv  conversion // nil: the values are the same
	ready conversion
}

func (c *compiler) cast(e *Cast) node {
	from, to := e.Arg.Type(), e.Typ
	n := &castNode{arg: c.compile(e.Arg), to: to, kind: kindOf(to), conv: convert(from, to, e.Explicit)}
	if isText(from.OID) && n.kind != vec.Bytes {
		n.ready = fromRead(to, e.Explicit)
	}
	return n
}

func (n *castNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	v, err := n.arg.eval(x, b)
	if err != nil {
		return nil, err
	}
	conv := n.conv
	if n.ready != nil && v.Kind != vec.Bytes {
		conv = n.ready
	}
	if conv == nil {
		return v, nil
	}
	return convertColumn(x, n.kind, conv, v)
}

func convertColumn(x *EvalCtx, kind vec.Kind, conv conversion, v *vec.Column) (*vec.Column, error) {
	if v.Len == 0 {
		return vec.NullColumn(kind, 0), nil
	}
	if v.Len > 1 && v.Valid == nil && v.IsConst() {
		one, err := convertColumn(x, kind, conv, v.Dict)
		if err != nil {
			return nil, err
		}
		return vec.Repeat(one, 0, v.Len), nil
	}
	return strict(kind, []*vec.Column{v}, v.Len, func(args []*vec.Column, n int) (*vec.Column, error) {
		return conv(x, args[0], n)
	})
}

// fromRead finishes a cast of JSON text that storage has read as a number or boolean: what is left is the target's range
// and precision.
func fromRead(to datum.Type, explicit bool) conversion {
	switch to.OID {
	case datum.Int4:
		return intRange(math.MinInt32, math.MaxInt32, to)
	case datum.Int2:
		return intRange(math.MinInt16, math.MaxInt16, to)
	case datum.Float4:
		return toSingle
	case datum.Numeric:
		return func(_ *EvalCtx, arg *vec.Column, _ int) (*vec.Column, error) {
			return datum.ApplyTypmod(to, arg, explicit)
		}
	}
	return func(_ *EvalCtx, arg *vec.Column, _ int) (*vec.Column, error) { return arg, nil }
}

func intRange(lo, hi int64, to datum.Type) conversion {
	return func(_ *EvalCtx, arg *vec.Column, n int) (*vec.Column, error) {
		for i := range n {
			if v := arg.Int(i); (v < lo || v > hi) && !arg.Null(i) {
				return nil, pgerr.New(pgerr.NumericValueOutOfRange, "value \"%d\" is out of range for type %s", v, typeName(to))
			}
		}
		return arg, nil
	}
}

func toSingle(_ *EvalCtx, arg *vec.Column, n int) (*vec.Column, error) {
	out := vec.NewBuilder(vec.Float64, n)
	for i := range n {
		if arg.Null(i) {
			out.AppendNull()
			continue
		}
		v := arg.Float(i)
		if math.IsInf(float64(float32(v)), 0) && !math.IsInf(v, 0) {
			return nil, pgerr.New(pgerr.NumericValueOutOfRange, "\"%g\" is out of range for type real", v)
		}
		out.AppendFloat(float64(float32(v)))
	}
	return out.Finish(), nil
}

// convert finds the way from one type to another; nil where the values are the same.
func convert(from, to datum.Type, explicit bool) conversion {
	if from == to || from.OID == to.OID && to.Mod < 0 {
		return nil
	}
	if c, ok := funcs.FindCast(from.OID, to.OID); ok && c.Body == nil && to.Mod < 0 && kindOf(from) == kindOf(to) {
		return nil
	}
	return func(x *EvalCtx, arg *vec.Column, n int) (*vec.Column, error) {
		return funcs.Convert(x.Fn, from, to, arg, n, explicit)
	}
}
