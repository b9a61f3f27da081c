// Package hlc is the log's clock: microseconds that only rise. It follows the wall clock while that runs forward and
// counts on by itself while it does not. What was read at a moment is never changed by a later stamp: a read pushes the
// clock, and the push is on disk before the read is answered, so that no restart and no clock set back stamps below it.
package hlc

import "sync"

// Clock stamps. Safe for concurrent use.
type Clock struct {
	now     func() int64
	persist func(ceiling int64) error
	lease   int64

	mu      sync.Mutex
	last    int64 // the greatest moment stamped, pushed or observed
	ceiling int64 // pushes up to here are on disk

	pushing sync.Mutex // one persist at a time
}

// New returns a clock above last: the greatest moment that a stamp or a persisted ceiling had. now reads the wall clock.
// persist makes a ceiling durable; a clock that is opened again must get the last one persisted as its last. A push goes
// lease beyond what it needs, so that the next ones are free.
func New(now func() int64, last, lease int64, persist func(ceiling int64) error) *Clock {
	return &Clock{now: now, persist: persist, lease: lease, last: last, ceiling: last}
}

// Now is the clock's time: not before anything stamped or pushed.
func (c *Clock) Now() int64 {
	wall := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(wall, c.last)
}

// Last is the greatest moment stamped, pushed or observed: the next stamp is greater.
func (c *Clock) Last() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Stamp returns a moment greater than any before. It is not on disk: whoever stamps a record with it stores it there and
// tells New the greatest one.
func (c *Clock) Stamp() int64 {
	wall := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(wall, c.last+1)
	return c.last
}

// Observe raises the clock to a moment that its caller has on disk.
func (c *Clock) Observe(at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(at, c.last)
}

// Push makes every later stamp, after a restart too, greater than at. It may write to disk.
func (c *Clock) Push(at int64) error {
	if c.raise(at) {
		return nil
	}
	c.pushing.Lock()
	defer c.pushing.Unlock()
	if c.raise(at) {
		return nil
	}
	if err := c.persist(at + c.lease); err != nil {
		return err
	}
	c.mu.Lock()
	c.ceiling = max(c.ceiling, at+c.lease)
	c.mu.Unlock()
	c.raise(at)
	return nil
}

func (c *Clock) raise(at int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at <= c.last {
		return true
	}
	if at > c.ceiling {
		return false
	}
	c.last = at
	return true
}
