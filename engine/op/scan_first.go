package op

import (
	"context"

	"github.com/allsource-db/allsource/vec"
)

// firstScan reads rows in the order of an index as long as those that are asked for seem to come soon. It holds them back until there are enough; where they are
// not among so many of the index, it forgets them and gives what another operator finds.
type firstScan struct {
	in     *indexScan
	enough int64
	within int64
	other  func() (Op, error)

	held  []*vec.Batch
	found int64
	sure  bool // that the index is the way
	out   Op   // the other operator, if it is not
}

// NewFirstScan is NewIndexScan where enough of the rows are among the first ones of the index, and otherwise what other makes. Those are within rows and no fewer.
func NewFirstScan(env *Env, s *IndexScan, enough, within int64, other func() (Op, error)) Op {
	return &firstScan{in: newIndexScan(env, s), enough: enough, within: within, other: other}
}

func (f *firstScan) Open(ctx context.Context) error { return f.in.Open(ctx) }

func (f *firstScan) Next(ctx context.Context) (*vec.Batch, error) {
	for !f.sure && f.out == nil {
		b, err := f.in.batch(ctx)
		if err != nil {
			return nil, err
		}
		if b != nil && b.Len > 0 {
			f.held = append(f.held, b)
			f.found += int64(b.Len)
		}
		switch {
		case b == nil || f.found >= f.enough:
			f.sure = true
		case f.in.read >= f.within:
			if err := f.turn(ctx); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case f.out != nil:
		return f.out.Next(ctx)
	case len(f.held) > 0:
		b := f.held[0]
		f.held = f.held[1:]
		return b, nil
	}
	return f.in.Next(ctx)
}

// turn leaves the index for the other operator.
func (f *firstScan) turn(ctx context.Context) (err error) {
	if s := f.in.scan.Stats; s != nil {
		s.Left.Add(f.in.read)
	}
	f.held = nil
	if err := f.in.Close(); err != nil {
		return err
	}
	if f.out, err = f.other(); err != nil {
		return err
	}
	return f.out.Open(ctx)
}

func (f *firstScan) Close() error {
	f.held = nil
	return closeAll(f.in, f.out)
}
