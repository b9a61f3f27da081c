package storage

import (
	"context"

	"github.com/allsource-db/allsource/storage/segment"
)

// TypeCount is an event type and how many rows have it.
type TypeCount = segment.TypeCount

// TimeRange holds the times of some rows. Exact says that both ends are times of rows.
type TimeRange struct {
	Low, High Micros
	Exact     bool
}

// Summary is what a row group's metadata says of all its rows. It must not be changed.
type Summary struct {
	Types      []TypeCount // every type of the group, in the order of their first rows, with exact counts
	Timestamp  TimeRange
	RecordedAt TimeRange
}

// Summarized is a Group that may know its summary without reading rows.
type Summarized interface {
	// Summary returns nil where the view has only part of the row group.
	Summary(ctx context.Context) (*Summary, error)
}

var _ Summarized = sealedGroup{}

// Summary implements Summarized.
func (v sealedGroup) Summary(ctx context.Context) (*Summary, error) {
	if v.len != v.g.rows {
		return nil, nil
	}
	r, err := v.g.openReader(ctx)
	if err != nil {
		return nil, err
	}
	v.g.used(r)
	s := &Summary{Types: r.Types()}
	s.Timestamp.Low, s.Timestamp.High, s.Timestamp.Exact = r.Bounds(segment.Ref{Col: segment.ColTimestamp})
	s.RecordedAt.Low, s.RecordedAt.High, s.RecordedAt.Exact = r.Bounds(segment.Ref{Col: segment.ColRecordedAt})
	return s, nil
}
