package op

import (
	"cmp"
	"context"
	"sync/atomic"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// Cutoff tells those that feed a sort with a limit which rows can no longer be in its answer: those whose first key comes
// after the first key of the last row that is kept. The sort sets it, scans look at it from their workers.
type Cutoff struct {
	key   plan.SortKey
	bound atomic.Pointer[cutBound]
}

// cutBound is a value that is neither null nor NaN.
type cutBound struct {
	kind vec.Kind
	i    int64
	f    float64
}

// NewCutoff returns a cutoff for sorts whose first key is key.
func NewCutoff(key plan.SortKey) *Cutoff { return &Cutoff{key: key} }

// set makes row i of a column of first keys the bound, unless there is a closer one.
func (c *Cutoff) set(col *vec.Column, i int) {
	if col.Null(i) {
		return
	}
	switch col.Kind {
	case vec.Int64:
		c.tighten(&cutBound{kind: col.Kind, i: col.Int(i)})
	case vec.Float64:
		if v := col.Float(i); v == v {
			c.tighten(&cutBound{kind: col.Kind, f: v})
		}
	}
}

// setNth makes the value that comes at place n of a column's values the bound, unless there is a closer one. Without as many values there is
// none.
func (c *Cutoff) setNth(col *vec.Column, n int) {
	col = col.Flat()
	switch col.Kind {
	case vec.Int64:
		if v, ok := nth(col, col.I64, n, c.key.Desc); ok {
			c.tighten(&cutBound{kind: col.Kind, i: v})
		}
	case vec.Float64:
		if v, ok := nth(col, col.F64, n, c.key.Desc); ok {
			c.tighten(&cutBound{kind: col.Kind, f: v})
		}
	}
}

// nth is the value at place n of those of a column that are neither null nor NaN.
func nth[T int64 | float64](col *vec.Column, from []T, n int, desc bool) (v T, ok bool) {
	vals := make([]T, 0, col.Len)
	for i, v := range from[:col.Len] {
		if v == v && !col.Null(i) {
			vals = append(vals, v)
		}
	}
	if len(vals) < n {
		return v, false
	}
	k := n - 1
	if desc {
		k = len(vals) - n
	}
	vec.SelectNth(vals, k)
	return vals[k], true
}

func (c *Cutoff) tighten(b *cutBound) {
	for {
		old := c.bound.Load()
		if old != nil && old.kind == b.kind {
			order := cmp.Or(cmp.Compare(b.i, old.i), cmp.Compare(b.f, old.f))
			if order == 0 || c.key.Desc == (order < 0) {
				return
			}
		}
		if c.bound.CompareAndSwap(old, b) {
			return
		}
	}
}

// rows lists the rows of a column of first keys that may be in the answer, nil for all.
func (c *Cutoff) rows(col *vec.Column) []int32 {
	b := c.bound.Load()
	if b == nil || col.Kind != b.kind {
		return nil
	}
	in := c.among(col, b)
	if in.Count(col.Len) == col.Len {
		return nil
	}
	return in.Indices(make([]int32, 0, 64), col.Len)
}

// among marks the values that may be in the answer. Of coded ones the entries are compared, where they are no more than the rows.
func (c *Cutoff) among(col *vec.Column, b *cutBound) vec.Bitmap {
	if col.Codes != nil && col.Dict.Len > col.Len {
		col = col.Flat()
	}
	var in vec.Bitmap
	switch {
	case col.Codes != nil:
		in = vec.NewBitmap(col.Len)
		vec.AnyOf(in, col.Codes[:col.Len], c.among(col.Dict, b))
	case b.kind == vec.Int64:
		in = atMost(col.I64[:col.Len], b.i, c.key.Desc)
	default:
		in = atMost(col.F64[:col.Len], b.f, c.key.Desc)
	}
	if col.Valid != nil {
		for w := range in {
			if c.key.NullsFirst {
				in[w] |= ^col.Valid[w]
			} else {
				in[w] &= col.Valid[w]
			}
		}
	}
	return in
}

// atMost marks the values that come no later than the bound. NaN is the greatest.
func atMost[T int64 | float64](vals []T, bound T, desc bool) vec.Bitmap {
	in := vec.NewBitmap(len(vals))
	for w := range in {
		part := vals[w*64 : min(w*64+64, len(vals))]
		var word uint64
		if desc {
			for i, v := range part {
				if !(v < bound) {
					word |= 1 << i
				}
			}
		} else {
			for i, v := range part {
				if v <= bound {
					word |= 1 << i
				}
			}
		}
		in[w] = word
	}
	return in
}

// ScanCut is the cutoff of a sort above a scan whose first key is a column of the scan.
type ScanCut struct {
	*Cutoff
	Col   int
	Limit int64 // rows that the sort keeps
}

// bounded reports whether there is a bound.
func (c *ScanCut) bounded() bool { return c != nil && c.bound.Load() != nil }

// pred is what rows that may be in the answer satisfy, unless the column is null; nil where there is no bound yet. What Narrow knows of
// it is never NaN.
func (c *ScanCut) pred(refs []storage.Ref) *storage.Pred {
	if c == nil {
		return nil
	}
	b := c.bound.Load()
	if b == nil {
		return nil
	}
	vals := vec.NewBuilder(b.kind, 1)
	if b.kind == vec.Int64 {
		vals.AppendInt(b.i)
	} else {
		vals.AppendFloat(b.f)
	}
	p := &storage.Pred{Ref: refs[c.Col], Op: storage.Op(plan.Le), Values: vals.Finish()}
	if c.key.Desc {
		p.Op = storage.Op(plan.Ge)
	}
	return p
}

// skips reports whether no row of a group can be in the answer, as far as that is known without reading.
func (c *ScanCut) skips(ctx context.Context, cols []plan.ScanCol, of storage.Group) (bool, error) {
	if c == nil {
		return false, nil
	}
	b := c.bound.Load()
	if b == nil || b.kind != vec.Int64 || cols[c.Col].Path != nil || cols[c.Col].Column != catalog.EventTimestamp {
		return false, nil
	}
	g, ok := of.(storage.Summarized)
	if !ok {
		return false, nil
	}
	sum, err := g.Summary(ctx)
	if err != nil {
		return false, storageError(err)
	}
	if sum == nil {
		return false, nil
	}
	if c.key.Desc {
		return sum.Timestamp.High < b.i, nil
	}
	return sum.Timestamp.Low > b.i, nil
}
