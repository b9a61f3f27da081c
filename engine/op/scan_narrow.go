package op

import (
	"context"
	"math/bits"

	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// listShare is the share of a range (one of so many) up to which its rows are listed and read one by one.
const listShare = 8

// narrow leaves out rows of a range that storage knows not to satisfy the filter, or to come after the cutoff: it compares what is
// packed, so that columns are made for few rows. The filter and the cutoff see those that are left.
func (r *eventReader) narrow(ctx context.Context, p *part) error {
	if p.unseen {
		return r.see(ctx, p)
	}
	g, ok := p.g.(storage.Narrower)
	cut := r.scan.Cut.pred(r.refs)
	if !ok || len(r.scan.tests) == 0 && cut == nil || p.rows != nil || p.from >= p.to {
		return nil
	}
	if words := (p.g.Len() + 63) / 64; cap(r.set) < words {
		r.set = make(vec.Bitmap, words)
	}
	set := r.set[p.from>>6 : (p.to+63)>>6]
	base, n := p.from&^63, p.to-p.from&^63
	set.SetAll(n)
	for _, pred := range r.scan.tests {
		if err := g.Narrow(ctx, pred, false, p.from, p.to, r.set[:cap(r.set)]); err != nil {
			return storageError(err)
		}
	}
	if cut != nil {
		if err := g.Narrow(ctx, *cut, r.scan.Cut.key.NullsFirst, p.from, p.to, r.set[:cap(r.set)]); err != nil {
			return storageError(err)
		}
	}
	set[0] &^= 1<<(p.from&63) - 1
	if rest := uint(n) & 63; rest > 0 {
		set[len(set)-1] &= 1<<rest - 1
	}
	before, count := p.to-p.from, set.Count(n)
	if count <= before/listShare {
		p.rows = set.Indices(make([]int32, 0, count), n)
		for i := range p.rows {
			p.rows[i] += int32(base)
		}
		p.from, p.to = 0, count
	} else {
		p.from, p.to = base+firstBit(set), base+lastBit(set)+1
	}
	if s := r.scan.Stats; s != nil {
		s.Scanned.Add(int64(before - (p.to - p.from)))
	}
	return nil
}

// firstBit and lastBit find the ends of a bitmap that is not empty.
func firstBit(b vec.Bitmap) int {
	i := 0
	for b[i] == 0 {
		i++
	}
	return i*64 + bits.TrailingZeros64(b[i])
}

func lastBit(b vec.Bitmap) int {
	i := len(b) - 1
	for b[i] == 0 {
		i--
	}
	return i*64 + 63 - bits.LeadingZeros64(b[i])
}
