package storage

import (
	"context"
	"fmt"
	"testing"

	"github.com/allsource-db/allsource/vec/jsonb"
)

const longLife = 100_000

// loadLongLife makes one entity with many events, each of which sets 3 of 60 keys: its state has some 4 KB. Other entities' events lie
// between them.
func loadLongLife(b *testing.B, d *DB) {
	ctx := context.Background()
	bulk := d.NewBulk(false)
	defer bulk.Abort()
	g, seq := bulk.Group(), 0
	for i := range uint64(2 * longLife) {
		h := mix(i)
		ev := Event{Entity: "long", Type: "changed", Payload: fmt.Appendf(nil, `{"n": %d, "field-%02d": "%016x%016x%016x", "field-%02d": %d.%02d}`,
			i, h%40, h, mix(h), mix(h+1), 40+h>>8%20, h>>20%100000, h>>40%100)}
		if i%2 > 0 {
			ev.Entity, ev.Payload = fmt.Sprint("other-", h>>32%5000), []byte(`{"seen": true}`)
		}
		if err := g.Add(segmentEvent(&ev)); err != nil {
			b.Fatal(err)
		}
		if g.Len() == maxGroupRows || i == 2*longLife-1 {
			if err := bulk.Add(ctx, seq, g); err != nil {
				b.Fatal(err)
			}
			seq++
		}
	}
	if _, err := bulk.Commit(ctx, nil); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkState is the state of an entity of 100,000 events: at the first question, and at versions all over its life afterwards.
func BenchmarkState(b *testing.B) {
	s, d := benchStore(b)
	defer s.Close()
	loadLongLife(b, d)
	ctx := context.Background()
	v, err := d.View(ctx, Latest)
	if err != nil {
		b.Fatal(err)
	}
	state := func(b *testing.B, version int64) (size int) {
		err := v.States(ctx, "long", []int64{version}, func(_ int, state jsonb.Value) error {
			size = len(state)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		return size
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			batch := s.pdb.NewBatch()
			_ = batch.DeleteRange(dbKey(d.num, kindSnapshot), after(dbKey(d.num, kindSnapshot)), nil)
			if err := s.commit(batch, false); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(state(b, longLife)), "state-bytes")
		}
		n, size := snapshots(b, d)
		b.ReportMetric(float64(n), "snapshots")
		b.ReportMetric(float64(size), "snapshot-bytes")
	})
	b.Run("warm", func(b *testing.B) {
		i := uint64(0)
		for b.Loop() {
			state(b, int64(mix(i)%longLife)+1)
			i++
		}
	})
}
