package op

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/allsource-db/allsource/vec"
)

// Stats is what EXPLAIN ANALYZE tells of one operator. Workers of a scan add to it concurrently.
type Stats struct {
	Rows    atomic.Int64
	Batches atomic.Int64
	Nanos   atomic.Int64 // spent in Open and Next, inputs included
	First   atomic.Int64 // of those, until the first batch
	Workers atomic.Int64 // goroutines that read
	Loops   atomic.Int64 // times opened
	// Of scans: stored bytes of the row groups read; groups read, left out, and of which enough was known without reading;
	// rows before the filter.
	Bytes   atomic.Int64
	Groups  atomic.Int64
	Skipped atomic.Int64
	Known   atomic.Int64
	Scanned atomic.Int64
	Left    atomic.Int64 // of those, the rows of an index that was then left for all of the table
}

// Measure wraps an operator so that it counts in s. Without rows it counts the time only: scans of events and the steps
// that they run count their rows themselves.
func Measure(in Op, s *Stats, rows bool) Op { return &measured{in: in, s: s, rows: rows} }

type measured struct {
	in    Op
	s     *Stats
	rows  bool
	spent int64 // until the first batch; -1 when it was given
}

func (m *measured) Open(ctx context.Context) error {
	defer m.since(time.Now())
	m.s.Loops.Add(1)
	m.spent = 0
	return m.in.Open(ctx)
}

func (m *measured) Next(ctx context.Context) (*vec.Batch, error) {
	start := time.Now()
	b, err := m.in.Next(ctx)
	m.since(start)
	if m.spent >= 0 {
		m.s.First.Add(m.spent)
		m.spent = -1
	}
	if m.rows {
		m.s.count(b)
	}
	return b, err
}

// work tells how many workers there are; s may be nil.
func (s *Stats) work(workers int) {
	if s != nil {
		s.Workers.Store(int64(workers))
	}
}

// count takes a batch that was given; s and b may be nil.
func (s *Stats) count(b *vec.Batch) {
	if s != nil && b != nil {
		s.Rows.Add(int64(b.Len))
		s.Batches.Add(1)
	}
}

func (m *measured) since(t time.Time) {
	d := int64(time.Since(t))
	m.s.Nanos.Add(d)
	if m.spent >= 0 {
		m.spent += d
	}
}

func (m *measured) Close() error { return m.in.Close() }
func (m *measured) Block() int64 { return blockOf(m.in) }
