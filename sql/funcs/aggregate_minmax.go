package funcs

import (
	"bytes"
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// minMaxAggregates are min and max of every ordered type.
func minMaxAggregates() []Aggregate {
	rows := []struct{ max, min, typ datum.OID }{
		{2115, 2131, datum.Int8}, {2116, 2132, datum.Int4}, {2117, 2133, datum.Int2}, {2118, 2134, datum.Oid}, {2119, 2135, datum.Float4},
		{2120, 2136, datum.Float8}, {2122, 2138, datum.Date}, {2123, 2139, datum.Time}, {2124, 2140, datum.TimeTZ}, {2126, 2142, datum.Timestamp},
		{2127, 2143, datum.TimestampTZ}, {2128, 2144, datum.Interval}, {2129, 2145, datum.Text}, {2130, 2146, datum.Numeric},
		{2244, 2245, datum.BPChar}, {2050, 2051, datum.AnyArray}, {3526, 3527, datum.AnyEnum}, {3564, 3565, datum.Inet},
		{4189, 4190, datum.PgLSN}, {5099, 5100, datum.Xid8},
	}
	var out []Aggregate
	for _, r := range rows {
		out = append(out,
			Aggregate{OID: r.max, Name: "max", Args: []datum.OID{r.typ}, Ret: r.typ, Strict: true, Doc: "greatest value", New: newMinMax(1)},
			Aggregate{OID: r.min, Name: "min", Args: []datum.OID{r.typ}, Ret: r.typ, Strict: true, Doc: "least value", New: newMinMax(-1)})
	}
	return out
}

// newMinMax keeps the value that compares as sign to the others: numbers and plain text by themselves, the rest as a column
// of one row.
func newMinMax(sign int) func([]datum.Type) Accumulator {
	return func(args []datum.Type) Accumulator {
		t := args[0]
		switch t.OID {
		case datum.Int8, datum.Int4, datum.Int2, datum.Oid, datum.Date, datum.Time, datum.Timestamp, datum.TimestampTZ:
			f := &fold[int64]{op: func(a, b int64) (int64, error) { return min(a, b), nil }, fast: fastMin,
				get: (*vec.Column).Int, put: (*vec.Builder).AppendInt, kind: vec.Int64, size: 8}
			if sign > 0 {
				f.op, f.fast = func(a, b int64) (int64, error) { return max(a, b), nil }, fastMax
			}
			return f
		case datum.Float4, datum.Float8:
			return &fold[float64]{op: func(a, b float64) (float64, error) {
				if compareFloat(b, a)*sign > 0 {
					return b, nil
				}
				return a, nil
			}, get: (*vec.Column).Float, put: (*vec.Builder).AppendFloat, kind: vec.Float64, size: 8}
		case datum.Text, datum.Varchar:
			return &textMinMax{sign: sign}
		}
		return &anyMinMax{sign: sign, typ: t}
	}
}

// fastMax and fastMin look whether a group has a value only where zero is kept for it, as it is for groups without: with very
// many groups each look waits for memory.
func fastMax(a *fold[int64], c *vec.Column, groups []int32) error {
	for i, v := range c.I64[:len(groups)] {
		g := groups[i]
		if kept := a.v[g]; kept == 0 && !a.seen[g] {
			a.seen[g], a.v[g] = true, v
		} else if v > kept {
			a.v[g] = v
		}
	}
	return nil
}

func fastMin(a *fold[int64], c *vec.Column, groups []int32) error {
	for i, v := range c.I64[:len(groups)] {
		g := groups[i]
		if kept := a.v[g]; kept == 0 && !a.seen[g] {
			a.seen[g], a.v[g] = true, v
		} else if v < kept {
			a.v[g] = v
		}
	}
	return nil
}

// compareFloat orders as PostgreSQL does: NaN is equal to itself and greater than everything.
func compareFloat(a, b float64) int {
	switch an, bn := math.IsNaN(a), math.IsNaN(b); {
	case an && bn:
		return 0
	case an:
		return 1
	case bn:
		return -1
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// textMinMax compares by bytes, which for UTF-8 is by code point.
type textMinMax struct {
	v    [][]byte // nil: none yet
	sign int
	size int
}

func (a *textMinMax) Grow(n int) { a.v = grown(a.v, n) }

func (a *textMinMax) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if taken(args[0], groups, i) {
			a.take(groups[i], args[0].Bytes(i))
		}
	}
	return nil
}

func (a *textMinMax) take(g int32, v []byte) {
	if old := a.v[g]; old == nil || bytes.Compare(v, old)*a.sign > 0 {
		a.size += len(v) - len(old)
		a.v[g] = append(make([]byte, 0, len(v)), v...)
	}
}

func (a *textMinMax) Merge(other Accumulator, groups []int32) error {
	for i, g := range groups {
		if v := other.(*textMinMax).v[i]; v != nil {
			a.take(g, v)
		}
	}
	return nil
}

func (a *textMinMax) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	for _, v := range a.v[:n] {
		if v == nil {
			b.AppendNull()
		} else {
			b.AppendBytes(v)
		}
	}
	return b.Finish(), nil
}

func (a *textMinMax) MemSize() int { return cap(a.v)*24 + a.size }

type anyMinMax struct {
	v    []*vec.Column // of one row
	typ  datum.Type
	sign int
}

func (a *anyMinMax) Grow(n int) { a.v = grown(a.v, n) }

func (a *anyMinMax) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if taken(args[0], groups, i) {
			a.take(groups[i], args[0], i)
		}
	}
	return nil
}

func (a *anyMinMax) take(g int32, c *vec.Column, i int) {
	if old := a.v[g]; old == nil || a.replaces(c, i, old) {
		a.v[g] = c.Take([]int32{int32(i)}).Flat()
	}
}

// replaces reports whether row i takes the place of the value that is held. Of values that are equal but not the same, as
// 1.0 and 1.00 are, the last counts.
func (a *anyMinMax) replaces(c *vec.Column, i int, old *vec.Column) bool {
	switch sign := datum.Compare(a.typ, c, i, old, 0) * a.sign; {
	case sign != 0:
		return sign > 0
	case c.Kind == vec.Decimal:
		return c.Decimal(i).Scale != old.Decimal(0).Scale
	}
	return c.Kind == vec.Interval && c.Interval(i) != old.Interval(0)
}

func (a *anyMinMax) Merge(other Accumulator, groups []int32) error {
	for i, g := range groups {
		if v := other.(*anyMinMax).v[i]; v != nil {
			a.take(g, v, 0)
		}
	}
	return nil
}

func (a *anyMinMax) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := datum.NewBuilder(a.typ, n)
	for _, v := range a.v[:n] {
		if v == nil {
			b.AppendNull()
		} else {
			b.AppendFrom(v, 0)
		}
	}
	return b.Finish(), nil
}

func (a *anyMinMax) MemSize() int {
	n := cap(a.v) * 8
	for _, v := range a.v {
		n += v.MemSize()
	}
	return n
}
