package op

import (
	"context"

	"github.com/allsource-db/allsource/vec"
)

// singly gives the rows of its input one at a time.
type singly struct {
	in  Op
	cur *vec.Batch
	row int
}

// NewSingly gives the rows of its input in batches of one: for expressions that must be evaluated row by row, all of them for one row before any
// for the next, since what they call changes what they see.
func NewSingly(in Op) Op { return &singly{in: in} }

// Open implements Op.
func (s *singly) Open(ctx context.Context) error { return s.in.Open(ctx) }

// Next implements Op.
func (s *singly) Next(ctx context.Context) (*vec.Batch, error) {
	for s.cur == nil || s.row == s.cur.Len {
		b, err := s.in.Next(ctx)
		if b == nil || err != nil {
			return nil, err
		}
		s.cur, s.row = b, 0
	}
	s.row++
	return s.cur.Slice(s.row-1, s.row), nil
}

// Close implements Op.
func (s *singly) Close() error { return s.in.Close() }
