package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// Spread returns, for a function whose last parameter takes any number of "any", the form that a call with VARIADIC means:
// its last argument is an array, whose elements the function gets one by one.
func (f *Func) Spread() *Func { return tables().spread[f.OID] }

// spreadForm makes the form of f for an array. Each row may have another number of arguments, so rows are computed one by one.
func spreadForm(f *Func) *Func {
	out := *f
	out.Variadic, out.Strict, out.Body = false, false, nil
	out.BodyTyped = func(c *Ctx, types []datum.Type, a []*vec.Column, n int) (*vec.Column, error) {
		b := vec.NewBuilder(datum.KindOf(f.Ret), n)
		for i := range n {
			one, err := spreadRow(f, c, types, a, i)
			switch {
			case err != nil:
				return nil, err
			case one == nil:
				b.AppendNull()
			default:
				b.AppendFrom(one, 0)
			}
			if err := c.Made(b, i); err != nil {
				return nil, err
			}
		}
		return b.Finish(), nil
	}
	return &out
}

// spreadRow computes row i; nil stands for a null. A null in place of the array is no argument to format, to the others it
// makes the result null.
func spreadRow(f *Func, c *Ctx, types []datum.Type, a []*vec.Column, i int) (*vec.Column, error) {
	last := len(a) - 1
	args, given := make([]*vec.Column, last), append([]datum.Type(nil), types[:last]...)
	for k := range args {
		args[k] = vec.Repeat(a[k], i, 1)
	}
	if a[last].Null(i) {
		if f.Name != "format" {
			return nil, nil
		}
		return f.Call(c, given, args, 1)
	}
	child, from, to := a[last].List(i)
	elem := datum.ElemType(types[last], child)
	for k := from; k < to; k++ {
		args, given = append(args, vec.Repeat(child, k, 1)), append(given, elem)
	}
	return f.Call(c, given, args, 1)
}
