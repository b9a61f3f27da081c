package storage

import (
	"context"

	"github.com/allsource-db/allsource/vec"
)

// Narrower is a Group that tells rows that do not satisfy a predicate without making columns.
type Narrower interface {
	// Narrow clears in set, which has a bit for each row of the group, rows of [from, to) that do not satisfy p; it may
	// leave some. With nulls, rows without a value stay. Bits outside the range are unspecified afterwards.
	Narrow(ctx context.Context, p Pred, nulls bool, from, to int, set vec.Bitmap) error
}

var _ Narrower = sealedGroup{}

// Narrow implements Narrower.
func (v sealedGroup) Narrow(ctx context.Context, p Pred, nulls bool, from, to int, set vec.Bitmap) error {
	if err := checkRange(from, to, v.len); err != nil {
		return err
	}
	r, err := v.g.openReader(ctx)
	if err != nil {
		return err
	}
	err = r.Narrow(ctx, segmentPred(p), nulls, from, to, set)
	v.g.used(r)
	return damaged(err)
}
