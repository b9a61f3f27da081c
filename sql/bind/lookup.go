package bind

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/vec"
)

// What the binder asks the tables of types and functions.

func typeByName(name string) (datum.OID, bool) {
	i, ok := datum.ByCatalogName(name)
	if !ok {
		if i, ok = datum.ByName(name); !ok {
			return 0, false
		}
	}
	return i.OID, true
}

func categoryOf(t datum.OID) byte {
	if i := datum.Lookup(t); i != nil {
		return i.Category
	}
	return 'U'
}

func isPreferred(t datum.OID) bool {
	i := datum.Lookup(t)
	return i != nil && i.Preferred
}

func elemOf(t datum.OID) datum.OID  { return datum.ElemOf(t) }
func arrayOf(t datum.OID) datum.OID { return datum.ArrayOf(t) }
func kindOf(t datum.OID) vec.Kind   { return datum.KindOf(t) }

func formatType(t datum.Type) string { return datum.FormatType(t) }

// parseValue reads one value from its text.
func parseValue(t datum.Type, text string, env *datum.Env) (*vec.Column, error) {
	v := datum.NewBuilder(t, 1)
	if err := datum.ParseText(t, []byte(text), v, env); err != nil {
		return nil, err
	}
	return v.Finish(), nil
}

func functionsNamed(name string) []*funcs.Func       { return funcs.LookupFunc(name) }
func aggregatesNamed(name string) []*funcs.Aggregate { return funcs.LookupAggregate(name) }

func castBetween(from, to datum.OID) *funcs.Cast {
	c, ok := funcs.FindCast(from, to)
	if !ok {
		return nil
	}
	return c
}
