package funcs

import (
	"context"
	"errors"
	"testing"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// The answers in testdata are PostgreSQL 15's, taken with psql.
func TestArrayGolden(t *testing.T) { golden(t, "testdata/array.txt") }

func oneInt(v int64) *vec.Column { return &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{v}} }

// TestSeriesLimits asks for all rows of a series at once, as callers do that do not take it in parts.
func TestSeriesLimits(t *testing.T) {
	all, huge := allAtOnce(intSeries), []*vec.Column{oneInt(1), oneInt(100_000_000_000)}
	c := testCtx()
	c.Room = 1 << 20
	var pe *pgerr.Error
	if _, err := all(c, huge, 0); !errors.As(err, &pe) || pe.Code != pgerr.OutOfMemory {
		t.Fatalf("a huge series: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c.Context = ctx
	if _, err := all(c, huge, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled series: %v", err)
	}
}

func TestRandomUUIDs(t *testing.T) {
	col, err := randomUUIDs(nil, nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range col.Len {
		id := col.Bytes(i)
		if len(id) != 16 || id[6]>>4 != 4 || id[8]>>6 != 2 || seen[string(id)] {
			t.Fatalf("row %d: %x", i, id)
		}
		seen[string(id)] = true
	}
}
