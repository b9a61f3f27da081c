package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// Routines runs the bodies of users' functions that are more than a query; the engine implements it.
type Routines interface {
	// Values runs a function for each of n rows of arguments and gives what it returns, of type ret: one value a row. The arguments are of
	// the types; one more than the function takes is the moment as of which it is called.
	Values(c *Ctx, function datum.OID, ret datum.Type, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error)
	// Rows runs a function that returns a set for row i of the arguments: each of its rows is a value of type ret.
	Rows(c *Ctx, function datum.OID, ret datum.Type, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error)
}

// RunAs is f as a function whose calls run its statements and give values of type ret.
func (f *Func) RunAs(ret datum.Type) *Func {
	out := *f
	out.Runs = true
	routines := func(c *Ctx) (Routines, error) {
		if c.Routines == nil {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "function %q runs statements and cannot be called here", f.Name)
		}
		return c.Routines, nil
	}
	if f.RetSet {
		out.SetTyped = func(c *Ctx, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error) {
			r, err := routines(c)
			if err != nil {
				return nil, err
			}
			return r.Rows(c, f.OID, ret, types, args, i)
		}
		return &out
	}
	out.BodyTyped = func(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
		r, err := routines(c)
		if err != nil {
			return nil, err
		}
		return r.Values(c, f.OID, ret, types, args, n)
	}
	return &out
}
