package funcs

import (
	"math"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// rangeOffsets are the types that an offset of RANGE may have, by the type of the column that it is added to.
var rangeOffsets = map[datum.OID][]datum.OID{
	datum.Int2:        {datum.Int8, datum.Int4, datum.Int2},
	datum.Int4:        {datum.Int8, datum.Int4, datum.Int2},
	datum.Int8:        {datum.Int8},
	datum.Float4:      {datum.Float8},
	datum.Float8:      {datum.Float8},
	datum.Numeric:     {datum.Numeric},
	datum.Date:        {datum.Interval},
	datum.Time:        {datum.Interval},
	datum.Timestamp:   {datum.Interval},
	datum.TimestampTZ: {datum.Interval},
	datum.Interval:    {datum.Interval},
}

// RangeOffsets returns the types that an offset of RANGE may have where the window is ordered by a column of type t; none
// where there can be no offset.
func RangeOffsets(t datum.OID) []datum.OID { return rangeOffsets[t] }

// RangeEdges gives for each row of a window's only ORDER BY column the value at which its frame ends: its own less the offset
// (sub) or plus it. less says that the values up to the edge are in the frame, otherwise those from the edge on. values is the
// column in the type of the edges. Edges of null rows mean nothing. An offset below zero is the error 22013.
func RangeEdges(c *Ctx, t datum.Type, col, offset *vec.Column, sub, less bool) (values, edges *vec.Column, err error) {
	if offsetBelowZero(offset) {
		return nil, nil, pgerr.New(pgerr.InvalidPrecedingOrFollowing, "invalid preceding or following size in window function")
	}
	switch t.OID {
	case datum.Int2, datum.Int4, datum.Int8:
		return col, moved(col, offset.Int(0), sub), nil
	case datum.Time:
		return col, moved(col, offset.Interval(0).Micros, sub), nil
	case datum.Float4, datum.Float8:
		return col, floatEdges(col, offset.Float(0), sub, less), nil
	case datum.Numeric:
		edges, err = decimalEdges(col, offset.Decimal(0), sub, less)
		return col, edges, err
	}
	if values, err = RangeValues(c, t, col); err != nil {
		return nil, nil, err
	}
	if t.OID == datum.Date {
		t = datum.T(datum.Timestamp)
	}
	op := "+"
	if sub {
		op = "-"
	}
	args := []datum.OID{t.OID, datum.Interval}
	for _, f := range LookupOperator(op, 2) {
		if slices.Equal(f.Args, args) {
			edges, err = f.Call(c, []datum.Type{t, datum.T(datum.Interval)}, []*vec.Column{values, vec.Repeat(offset, 0, col.Len)}, col.Len)
			return values, edges, err
		}
	}
	return nil, nil, pgerr.New(pgerr.InternalError, "no operator %s for %v", op, args)
}

// RangeValues gives a column of type t in the type of the edges.
func RangeValues(c *Ctx, t datum.Type, col *vec.Column) (*vec.Column, error) {
	if t.OID != datum.Date {
		return col, nil
	}
	cast, _ := FindCast(datum.Date, datum.Timestamp)
	return cast.Body(c, col, col.Len, -1, false)
}

func offsetBelowZero(offset *vec.Column) bool {
	switch offset.Kind {
	case vec.Int64:
		return offset.Int(0) < 0
	case vec.Float64:
		return offset.Float(0) < 0 || math.IsNaN(offset.Float(0))
	case vec.Decimal:
		d := offset.Decimal(0)
		return d.Sign() < 0 || d.Form == decimal.NaN
	case vec.Interval:
		return datum.CompareInterval(offset.Interval(0), vec.IntervalValue{}) < 0
	}
	return false
}

// moved adds to integers or takes from them; what is out of range is the end of the range.
func moved(col *vec.Column, by int64, sub bool) *vec.Column {
	out := ints(col.Len)
	for i := range col.Len {
		if col.Null(i) {
			continue
		}
		v := col.Int(i)
		switch {
		case sub && v < math.MinInt64+by:
			out.I64[i] = math.MinInt64
		case sub:
			out.I64[i] = v - by
		case v > math.MaxInt64-by:
			out.I64[i] = math.MaxInt64
		default:
			out.I64[i] = v + by
		}
	}
	return out
}

// floatEdges: an infinity less infinity is no number, and then everything is within range.
func floatEdges(col *vec.Column, by float64, sub, less bool) *vec.Column {
	out := floats(col.Len)
	if sub {
		by = -by
	}
	for i := range col.Len {
		if col.Null(i) {
			continue
		}
		v := col.Float(i)
		out.F64[i] = v + by
		if math.IsNaN(out.F64[i]) && !math.IsNaN(v) {
			out.F64[i] = math.Inf(-1)
			if less {
				out.F64[i] = math.Inf(1)
			}
		}
	}
	return out
}

func decimalEdges(col *vec.Column, by decimal.Dec, sub, less bool) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Decimal, col.Len)
	if sub {
		by = by.Neg()
	}
	for i := range col.Len {
		if col.Null(i) {
			b.AppendNull()
			continue
		}
		v := col.Decimal(i)
		edge, err := v.Add(by)
		if err != nil {
			return nil, numericError(err)
		}
		if edge.Form == decimal.NaN && v.Form != decimal.NaN {
			edge = decimal.Dec{Form: decimal.NegInf}
			if less {
				edge.Form = decimal.PosInf
			}
		}
		b.AppendDecimal(edge)
	}
	return b.Finish(), nil
}
