package expr

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// callNode calls a function. Where all arguments are constant columns it calls it for one row.
type callNode struct {
	fn    *funcs.Func
	args  []node
	types []datum.Type
	kind  vec.Kind
}

func (n *callNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	args, err := evalAll(x, n.args, b)
	if err != nil {
		return nil, err
	}
	return call(x, n.fn, n.types, n.kind, args, b.Len)
}

// call runs a function over columns of n rows, which have the types.
func call(x *EvalCtx, fn *funcs.Func, types []datum.Type, kind vec.Kind, args []*vec.Column, n int) (*vec.Column, error) {
	if n == 0 {
		return vec.NullColumn(kind, 0), nil
	}
	if n > 1 && len(args) > 0 && fn.Volatile != funcs.Volatile && allConst(args) {
		one, err := call(x, fn, types, kind, firstRows(args), 1)
		if err != nil {
			return nil, err
		}
		return vec.Repeat(one, 0, n), nil
	}
	if fn.Body == nil && fn.BodyTyped == nil {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "function %s cannot be called here", fn.Name)
	}
	run := func(args []*vec.Column, n int) (*vec.Column, error) { return fn.Call(x.Fn, types, args, n) }
	if !fn.Strict {
		return run(args, n)
	}
	return strict(kind, args, n, run)
}

// typesOf lists the types of expressions.
func typesOf(list []Expr) []datum.Type {
	out := make([]datum.Type, len(list))
	for i, e := range list {
		out[i] = e.Type()
	}
	return out
}

func allConst(args []*vec.Column) bool {
	for _, a := range args {
		if !a.IsConst() || a.Valid != nil {
			return false
		}
	}
	return true
}

func firstRows(args []*vec.Column) []*vec.Column {
	out := make([]*vec.Column, len(args))
	for i, a := range args {
		out[i] = a.Dict
	}
	return out
}

// strict runs f and makes the result null where an argument is. f is not run when every row has such an argument, and
// when it fails it gets a second chance with the other rows alone: the error of a row that does not count does not count.
func strict(kind vec.Kind, args []*vec.Column, n int, f func([]*vec.Column, int) (*vec.Column, error)) (*vec.Column, error) {
	valid := validRows(args, n)
	if valid == nil {
		return f(args, n)
	}
	live := valid.Count(n)
	if live == 0 {
		return vec.NullColumn(kind, n), nil
	}
	if live == n {
		return f(args, n)
	}
	out, err := f(args, n)
	if err == nil {
		return masked(out, valid), nil
	}
	rows := valid.Indices(nil, n)
	some := make([]*vec.Column, len(args))
	for i, a := range args {
		some[i] = a.Take(rows)
	}
	out, err = f(some, len(rows))
	if err != nil {
		return nil, err
	}
	return merge(kind, n, []piece{{out, rows}}), nil
}

// validRows gives the rows in which no column is null; nil for all.
func validRows(cols []*vec.Column, n int) vec.Bitmap {
	var out vec.Bitmap
	for _, c := range cols {
		if !c.HasNulls() {
			continue
		}
		out = vec.And(nil, out, c.Validity(), n)
	}
	return out
}

// masked returns c with nulls where valid is clear as well.
func masked(c *vec.Column, valid vec.Bitmap) *vec.Column {
	out := *c
	out.Valid = vec.And(nil, c.Valid, valid, c.Len)
	return &out
}
