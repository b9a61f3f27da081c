package engine

import (
	"context"
	"math"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// seek says what FETCH and MOVE give: a function for the rows, batch by batch, nil at the end.
func (c *cursor) seek(ctx context.Context, st *syntax.Fetch) (func() (*vec.Batch, error), error) {
	n, direction := st.Count, st.Direction
	if st.All {
		n = math.MaxInt64
	}
	if direction == syntax.FetchBackward {
		n, direction = -n, syntax.FetchForward
	}
	if n == 0 && direction != syntax.FetchAbsolute { // the row that it is on, again
		n, direction = c.pos, syntax.FetchAbsolute
		if c.after || c.pos == 0 {
			return func() (*vec.Batch, error) { return nil, nil }, nil
		}
	}
	if c.seen != nil {
		if direction == syntax.FetchForward {
			return c.run(ctx, n), nil
		}
		return c.single(ctx, n, direction == syntax.FetchRelative)
	}
	skip := int64(0)
	switch {
	case direction == syntax.FetchRelative:
		n, skip = 1, n-1
	case direction == syntax.FetchAbsolute:
		n, skip = 1, n-1-c.pos
	}
	if n < 0 || skip < 0 {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisite, "cursor can only scan forward").WithHint("Declare it with SCROLL option to enable backward scan.")
	}
	for skip > 0 {
		b, err := c.take(ctx, skip)
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		skip -= int64(b.Len)
	}
	return func() (*vec.Batch, error) {
		b, err := c.take(ctx, n)
		if b != nil {
			n -= int64(b.Len)
		}
		return b, err
	}, nil
}

// reach reads on until there are n rows, and reports whether there are.
func (c *cursor) reach(ctx context.Context, n int64) (bool, error) {
	for c.seen.Rows() < n && !c.ended {
		b, err := c.read(ctx)
		if err != nil {
			return false, err
		}
		if c.ended = b == nil; b != nil {
			if err := c.seen.Add(b); err != nil {
				return false, err
			}
		}
	}
	return c.seen.Rows() >= n, nil
}

// run gives the n rows after the one that a cursor is on, or before it in reverse where n is negative.
func (c *cursor) run(ctx context.Context, n int64) func() (*vec.Batch, error) {
	if n < 0 {
		return c.back(-n)
	}
	return func() (*vec.Batch, error) {
		if n == 0 || c.after {
			return nil, nil
		}
		if ok, err := c.reach(ctx, c.pos+1); !ok || err != nil {
			c.after = err == nil
			return nil, err
		}
		b, at, err := c.seen.At(c.pos)
		if err != nil {
			return nil, err
		}
		b = b.Slice(at, at+int(min(int64(b.Len-at), n)))
		c.pos, n = c.pos+int64(b.Len), n-int64(b.Len)
		return b, nil
	}
}

func (c *cursor) back(n int64) func() (*vec.Batch, error) {
	return func() (*vec.Batch, error) {
		last := c.pos - 1 // the row before the one that it is on, from 1
		if c.after {
			last = c.seen.Rows()
		}
		if n == 0 {
			return nil, nil
		}
		if c.after = false; last <= 0 {
			c.pos = 0
			return nil, nil
		}
		b, at, err := c.seen.At(last - 1)
		if err != nil {
			return nil, err
		}
		var rows []int32
		for ; at >= 0 && n > 0; at, n = at-1, n-1 {
			rows = append(rows, int32(at))
		}
		c.pos = last - int64(len(rows)) + 1
		return b.Take(rows), nil
	}
}

// single gives one row: the n-th, counted from the end where n is negative, or the n-th after the one that a cursor is on.
func (c *cursor) single(ctx context.Context, n int64, relative bool) (func() (*vec.Batch, error), error) {
	to := n
	if relative || n < 0 {
		if n < 0 && !relative || c.after {
			if _, err := c.reach(ctx, math.MaxInt64); err != nil {
				return nil, err
			}
		}
		from := c.pos
		if c.after || !relative {
			from = c.seen.Rows() + 1
		}
		if to = from + n; n > math.MaxInt64-from {
			to = math.MaxInt64
		}
	}
	c.pos, c.after = max(to-1, 0), false
	if to < 1 {
		return func() (*vec.Batch, error) { return nil, nil }, nil
	}
	if ok, err := c.reach(ctx, to); !ok || err != nil {
		c.pos, c.after = c.seen.Rows(), err == nil
		return func() (*vec.Batch, error) { return nil, nil }, err
	}
	return c.run(ctx, 1), nil
}
