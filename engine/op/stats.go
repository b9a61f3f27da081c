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
	Loops   atomic.Int64 // times opened
	// Of scans: stored bytes of the row groups read, groups read and left out, rows before the filter.
	Bytes   atomic.Int64
	Groups  atomic.Int64
	Skipped atomic.Int64
	Scanned atomic.Int64
}

// Measure wraps an operator so that it counts in s.
func Measure(in Op, s *Stats) Op { return &measured{in: in, s: s} }

type measured struct {
	in Op
	s  *Stats
}

func (m *measured) Open(ctx context.Context) error {
	defer m.since(time.Now())
	m.s.Loops.Add(1)
	return m.in.Open(ctx)
}

func (m *measured) Next(ctx context.Context) (*vec.Batch, error) {
	defer m.since(time.Now())
	b, err := m.in.Next(ctx)
	if b != nil {
		m.s.Rows.Add(int64(b.Len))
		m.s.Batches.Add(1)
	}
	return b, err
}

func (m *measured) since(t time.Time) { m.s.Nanos.Add(int64(time.Since(t))) }

func (m *measured) Close() error { return m.in.Close() }
func (m *measured) Block() int64 { return blockOf(m.in) }
