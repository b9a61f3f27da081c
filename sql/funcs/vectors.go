package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// vectorFuncs take apart the vectors of the catalog, as JDBC's driver and tools of migrations do.
func vectorFuncs() []Func {
	out := []Func{row(1349, "oidvectortypes", datum.Text, "names of types", vectorTypes, datum.OidVector).as(Stable)}
	for i, t := range []struct {
		array datum.OID
		elem  string
	}{{datum.Int2Vector, "int2"}, {datum.Int2Array, "int2"}, {datum.OidVector, "oid"}, {datum.OidArray, "oid"}, {datum.Int4Array, "int4"}} {
		out = append(out, set(datum.OID(ownOIDs+220+i), "_pg_expandarray", datum.Record, "each element and its place, from 1 on", "x "+t.elem+", n int4", expandArray, t.array))
	}
	return out
}

func expandArray(_ *Ctx, a []*vec.Column, i int) (*vec.Column, error) {
	child, from, to := a[0].List(i)
	b := vec.NewStructBuilder([]vec.Kind{vec.Int64, vec.Int64}, to-from)
	for k := from; k < to; k++ {
		if child.Null(k) {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).AppendInt(child.Int(k))
		}
		b.Field(1).AppendInt(int64(k - from + 1))
		b.AppendStruct()
	}
	return b.Finish(), nil
}

// vectorTypes is format_type of each element, with commas in between.
func vectorTypes(c *Ctx, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		if a[0].Null(i) {
			b.AppendNull()
			continue
		}
		child, from, to := a[0].List(i)
		names, err := formatTypeBody(c, []*vec.Column{child.Slice(from, to), vec.NullColumn(vec.Int64, to-from)}, to-from)
		if err != nil {
			return nil, err
		}
		var text []byte
		for k := range to - from {
			if k > 0 {
				text = append(text, ", "...)
			}
			text = append(text, names.Bytes(k)...)
		}
		b.AppendBytes(text)
	}
	return b.Finish(), nil
}
