package funcs

import (
	"sort"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// boundFuncs count sorted bounds.
func boundFuncs() []Func {
	bucket := row(3218, "width_bucket", datum.Int4, "which of the sorted bounds the value has reached, 0 for none", nil, datum.AnyCompat, datum.AnyCompatArray)
	bucket.BodyTyped = widthBucketArray
	return []Func{bucket}
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
