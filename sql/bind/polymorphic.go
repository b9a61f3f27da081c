package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
)

func isPolymorphic(t datum.OID) bool {
	switch t {
	case datum.AnyElement, datum.AnyArray, datum.AnyNonArray, datum.AnyCompat, datum.AnyCompatArray, datum.AnyEnum:
		return true
	}
	return false
}

func isArray(t datum.OID) bool {
	return elemOf(t) != 0
}

// fitsPolymorphic reports whether one argument alone fits a polymorphic parameter.
func fitsPolymorphic(from, to datum.OID) bool {
	switch to {
	case datum.AnyArray, datum.AnyCompatArray:
		return isArray(from) || from == datum.AnyArray
	case datum.AnyNonArray:
		return !isArray(from)
	case datum.AnyEnum:
		return datum.IsEnum(from)
	}
	return true
}

// generics are the actual types behind the polymorphic parameters of one call.
type generics struct {
	elem   datum.OID // anyelement, anynonarray, the element of anyarray
	array  datum.OID // anyarray
	compat datum.OID // anycompatible and the element of anycompatiblearray
}

// solve finds the actual types, or ok = false when the arguments do not agree.
func solve(actual, declared []datum.OID) (g generics, ok bool) {
	for i, d := range declared {
		a := actual[i]
		if a == datum.Unknown {
			continue
		}
		switch d {
		case datum.AnyElement, datum.AnyNonArray, datum.AnyEnum:
			if g.elem != 0 && g.elem != a && !datum.SameLabels(g.elem, a) {
				return g, false
			}
			g.elem = max(g.elem, a) // of two moments of an enum the later, as a rule
		case datum.AnyArray:
			if !isArray(a) || g.array != 0 && g.array != a {
				return g, false
			}
			g.array = a
		case datum.AnyCompat, datum.AnyCompatArray:
			if d == datum.AnyCompatArray {
				if !isArray(a) {
					return g, false
				}
				a = elemOf(a)
			}
			if g.compat, ok = wider(g.compat, a); !ok {
				return g, false
			}
		}
	}
	if g.array != 0 {
		e := elemOf(g.array)
		if g.elem != 0 && g.elem != e {
			return g, false
		}
		g.elem = e
	}
	return g, true
}

// wider is the common type of two.
func wider(a, b datum.OID) (datum.OID, bool) {
	switch {
	case a == 0 || a == b:
		return b, true
	case categoryOf(a) != categoryOf(b):
		return a, false
	case !isPreferred(a) && canCoerce(a, b, funcs.Implicit) && !canCoerce(b, a, funcs.Implicit):
		return b, true
	}
	return a, canCoerce(b, a, funcs.Implicit)
}

// actual replaces a polymorphic type by what it stands for; 0 when that is not known.
func (g generics) actual(t datum.OID) datum.OID {
	switch t {
	case datum.AnyElement, datum.AnyNonArray, datum.AnyEnum:
		return g.elem
	case datum.AnyArray:
		if g.array != 0 {
			return g.array
		}
		return arrayOf(g.elem)
	case datum.AnyCompat:
		return g.compat
	case datum.AnyCompatArray:
		return arrayOf(g.compat)
	}
	return t
}

// instantiate gives the types that the arguments of a call must be converted to, and its result type.
func instantiate(actual, declared []datum.OID, ret datum.OID) (args []datum.OID, result datum.OID, err *pgerr.Error) {
	g, ok := solve(actual, declared)
	if !ok {
		return nil, 0, pgerr.New(pgerr.DatatypeMismatch, "arguments declared as polymorphic are not all alike")
	}
	if g.compat == 0 {
		g.compat = datum.Text
	}
	args = make([]datum.OID, len(declared))
	for i, d := range declared {
		t := g.actual(d)
		if t == 0 {
			return nil, 0, pgerr.New(pgerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
		}
		if d == datum.Any {
			if t = actual[i]; t == datum.Unknown {
				t = datum.Text
			}
		}
		// An int2vector or oidvector is an array already.
		if d == datum.AnyCompatArray && elemOf(actual[i]) == g.compat && actual[i] != datum.Unknown {
			t = actual[i]
		}
		args[i] = t
	}
	if result = g.actual(ret); result == 0 {
		return nil, 0, pgerr.New(pgerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
	}
	return args, result, nil
}
