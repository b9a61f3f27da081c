package op

import (
	"sync/atomic"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// Budget is the memory that the operators of one query may hold together, or all queries together. It is safe for
// concurrent use.
type Budget struct {
	parent  *Budget
	limit   int64
	tempDir string
	used    atomic.Int64
	peak    atomic.Int64
	spilled atomic.Int64
	sharers atomic.Int64 // budgets inside that hold more than aCrumb
}

// aCrumb is what a query may hold without counting as one that shares.
const aCrumb = 1 << 20

// NewBudget returns a budget of limit bytes; what does not fit goes to files in tempDir.
func NewBudget(limit int64, tempDir string) *Budget { return &Budget{limit: limit, tempDir: tempDir} }

// Child returns a budget of limit bytes inside this one: what is held counts in both, and either may be what runs out. Once
// all together are over the limit, those have to give that hold more than an equal part.
func (b *Budget) Child(limit int64) *Budget {
	return &Budget{parent: b, limit: limit, tempDir: b.tempDir}
}

// hold adds n bytes, which may be negative, and reports whether all is within its limits.
func (b *Budget) hold(n int64) bool {
	used := b.used.Add(n)
	for {
		p := b.peak.Load()
		if used <= p || b.peak.CompareAndSwap(p, used) {
			break
		}
	}
	fits := used <= b.limit
	if b.parent != nil {
		fits = b.parent.share(used-n, used) && fits
	}
	return fits
}

// wrote counts n bytes that were written to a temporary file, for the budgets around this one too.
func (b *Budget) wrote(n int64) {
	for ; b != nil; b = b.parent {
		b.spilled.Add(n)
	}
}

// share is hold for a budget inside that held before and now holds now.
func (b *Budget) share(before, now int64) bool {
	switch {
	case before <= aCrumb && now > aCrumb:
		b.sharers.Add(1)
	case before > aCrumb && now <= aCrumb:
		b.sharers.Add(-1)
	}
	return b.hold(now-before) || now <= b.limit/max(b.sharers.Load(), 1)
}

// Peak returns the most that was held at once, Spilled the bytes written to temporary files.
func (b *Budget) Peak() int64    { return b.peak.Load() }
func (b *Budget) Spilled() int64 { return b.spilled.Load() }

// account is one operator's share of a budget.
type account struct {
	b    *Budget
	held int64
}

func (b *Budget) account() account { return account{b: b} }

// set says that the operator holds n bytes and reports whether the query is within its budget.
func (a *account) set(n int64) bool {
	fits := a.b.hold(n - a.held)
	a.held = n
	return fits
}

// grow is set for n bytes more.
func (a *account) grow(n int64) bool { return a.set(a.held + n) }

// need is set for operators that cannot do with less.
func (a *account) need(n int64) error {
	if a.set(n) {
		return nil
	}
	return a.b.exhausted()
}

// release gives everything back.
func (a *account) release() { a.set(0) }

// exhausted is the error of an operator that has no way out.
func (b *Budget) exhausted() error {
	return pgerr.New(pgerr.OutOfMemory, "out of memory").
		WithDetail("The query needs more than the %d bytes it may use.", b.limit).
		WithHint("Let it hold fewer rows at once, or start the server with more memory.")
}

// memSize estimates what a batch holds. A dictionary counts once per batch.
func memSize(b *vec.Batch) int64 {
	n := 64
	for _, c := range b.Cols {
		n += c.MemSize() + 64
	}
	return int64(n)
}
