package funcs

import (
	"errors"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// maxText is the length in bytes that a value may have. PostgreSQL allows four times as much.
const maxText = 1 << 28

var (
	errTooLong = pgerr.New(pgerr.ProgramLimitExceeded, "requested length too large")

	// ErrFull is in the error of a function whose results over one batch of rows are too large together. It may succeed
	// for fewer rows at a time.
	ErrFull = errors.New("the results for a batch are too large")
)

// room is how many bytes the results of one function over a batch may have.
func (c *Ctx) room() int {
	if c == nil || c.Room <= 0 || c.Room > maxText {
		return maxText
	}
	return int(c.Room)
}

// Allow is the error of making a value of n bytes, asked before it is made.
func (c *Ctx) Allow(n int64) error {
	switch {
	case n > maxText:
		return errTooLong
	case n > int64(c.room()):
		return c.full()
	}
	return nil
}

// Made is asked after each row of the results of a function: it fails when they have become too large, or when the
// statement was canceled.
func (c *Ctx) Made(b *vec.Builder, row int) error {
	if row%64 == 63 {
		if err := c.canceled(); err != nil {
			return err
		}
	}
	if b.Bytes() > c.room() {
		return c.full()
	}
	return nil
}

// Fits reports whether n bytes are few enough to be the results of one function.
func (c *Ctx) Fits(n int) bool { return n <= c.room() }

func (c *Ctx) full() error {
	e := pgerr.New(pgerr.OutOfMemory, "out of memory").
		WithDetail("The values that a function makes for one batch of rows would need more than %d bytes.", c.room())
	e.Err = ErrFull
	return e
}

// canceled is the error of a statement that was canceled or ran out of time. Functions that work long on one row ask it.
func (c *Ctx) canceled() error {
	if c == nil || c.Context == nil {
		return nil
	}
	return c.Context.Err()
}
