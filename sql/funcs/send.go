package funcs

import (
	"sort"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// sendFuncs give the binary form of a value, for clients and tests that want to see it.
func sendFuncs() []Func {
	var out []Func
	for _, r := range []struct {
		oid  datum.OID
		name string
		typ  datum.OID
	}{
		{2437, "boolsend", datum.Bool}, {2413, "byteasend", datum.Bytea}, {2469, "date_send", datum.Date}, {2425, "float4send", datum.Float4},
		{2427, "float8send", datum.Float8}, {2405, "int2send", datum.Int2}, {2407, "int4send", datum.Int4}, {2409, "int8send", datum.Int8},
		{2479, "interval_send", datum.Interval}, {324, "json_send", datum.JSON}, {3803, "jsonb_send", datum.JSONB}, {2461, "numeric_send", datum.Numeric},
		{2415, "textsend", datum.Text}, {2471, "time_send", datum.Time}, {2475, "timestamp_send", datum.Timestamp},
		{2477, "timestamptz_send", datum.TimestampTZ}, {2962, "uuid_send", datum.UUID},
	} {
		t := datum.T(r.typ)
		f := row(r.oid, r.name, datum.Bytea, "the binary form", rowwise(vec.Bytes, func(c *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
			return b.AppendWith(func(dst []byte) ([]byte, error) { return datum.AppendBinary(dst, t, a[0], i, c.Env) })
		}), r.typ)
		if r.typ == datum.Text {
			f = f.as(Stable)
		}
		out = append(out, f)
	}
	bucket := row(3218, "width_bucket", datum.Int4, "which of the sorted bounds the value has reached, 0 for none", nil, datum.AnyCompat, datum.AnyCompatArray)
	bucket.BodyTyped = widthBucketArray
	return append(out, bucket)
}

// widthBucketArray counts the bounds, which are in order, that are not above the value.
func widthBucketArray(_ *Ctx, types []datum.Type, a []*vec.Column, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Int64, n)
	for i := range n {
		if a[0].Null(i) || a[1].Null(i) {
			b.AppendNull()
			continue
		}
		bounds, from, to := a[1].List(i)
		if len(a[1].Dims(i)) > 1 {
			return nil, pgerr.New(pgerr.ArraySubscriptError, "thresholds must be one-dimensional array")
		}
		for k := from; k < to; k++ {
			if bounds.Null(k) {
				return nil, pgerr.New(pgerr.NullValueNotAllowed, "thresholds array must not contain NULLs")
			}
		}
		b.AppendInt(int64(sort.Search(to-from, func(k int) bool { return datum.Compare(types[0], a[0], i, bounds, from+k) < 0 })))
	}
	return b.Finish(), nil
}
