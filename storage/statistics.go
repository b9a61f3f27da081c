package storage

import (
	"context"
	"math"

	"github.com/allsource-db/allsource/storage/segment"
)

// Statistics describes a log, about: what it says of its content comes from some of the row groups.
type Statistics struct {
	Rows       int64
	Entities   int64
	Types      map[string]float64 // share of the events that have the type
	Timestamp  TimeRange
	RecordedAt TimeRange

	groups int
}

// Of how many row groups and events of the tail statistics are made.
const (
	statisticsGroups = 16
	statisticsTail   = 1024
)

// Statistics returns what was found not long ago; it must not be changed.
func (d *DB) Statistics(ctx context.Context) (*Statistics, error) {
	st := d.state.Load()
	if old := d.statistics.Load(); old != nil && old.fits(st) {
		return old, nil
	}
	s, err := d.describe(ctx, st)
	if err == nil {
		d.statistics.Store(s)
	}
	return s, err
}

// fits reports whether the log has not grown much since.
func (s *Statistics) fits(st *state) bool {
	grown := st.end - 1 - s.Rows
	return grown*8 <= s.Rows && (len(st.groups)-s.groups)*8 <= s.groups
}

func (d *DB) describe(ctx context.Context, st *state) (*Statistics, error) {
	s := &Statistics{Rows: st.end - 1, Types: map[string]float64{}, groups: len(st.groups)}
	s.Timestamp = TimeRange{Low: math.MaxInt64, High: math.MinInt64}
	s.RecordedAt = s.Timestamp
	d.index.mu.RLock()
	s.Entities = int64(d.index.next)
	d.index.mu.RUnlock()
	seen := 0.0
	for i := range min(len(st.groups), statisticsGroups) {
		g := st.groups[i*max(1, len(st.groups)-1)/max(1, min(len(st.groups), statisticsGroups)-1)] // the first, the last, some between
		r, err := g.openReader(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range r.Types() {
			s.Types[t.Type] += float64(t.Rows)
			seen += float64(t.Rows)
		}
		for col, into := range map[segment.Column]*TimeRange{segment.ColTimestamp: &s.Timestamp, segment.ColRecordedAt: &s.RecordedAt} {
			lo, hi, _ := r.Bounds(segment.Ref{Col: col})
			into.add(lo, hi)
		}
	}
	for n, pos := 0, st.sealedEnd(); pos < st.end && n < statisticsTail; n, pos = n+1, pos+1 {
		r := st.tail.At(pos)
		s.Types[r.Type]++
		seen++
		s.Timestamp.add(r.Timestamp(), r.Timestamp())
		s.RecordedAt.add(r.Recorded, r.Recorded)
	}
	for t := range s.Types {
		s.Types[t] /= seen
	}
	return s, nil
}

func (t *TimeRange) add(low, high Micros) { t.Low, t.High = min(t.Low, low), max(t.High, high) }
