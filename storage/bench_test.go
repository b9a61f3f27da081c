package storage

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allsource-db/allsource/storage/segment"
)

func benchPayload(dst []byte, i uint64) []byte {
	h := mix(i)
	return fmt.Appendf(dst, `{"order":%d,"amount":%d.%02d,"currency":"EUR","sku":"sku-%04d","quantity":%d,"path":"/shop/%d","session":"%016x%016x","ok":true,"address":{"city":"city-%d","zip":"%05d"},"agent":"browser/%d"}`,
		i, h%500, h>>9%100, h>>20%5000, h>>33%9, h>>40%300, h, mix(h), h>>50%200, h>>44%99999, h>>58%12)
}

func benchEvent(i uint64) Event {
	h := mix(i * 3)
	// About as skewed as a web shop's customers.
	entity := h % 190000
	if h>>40%3 > 0 {
		entity %= 4000
	}
	return Event{Entity: fmt.Sprintf("customer-%d", entity), Type: fmt.Sprintf("type-%d", h>>50%15), Payload: benchPayload(nil, i),
		HasTime: true, Timestamp: int64(i) * 1000, Expected: AnyVersion}
}

func benchStore(b *testing.B) (*Store, *DB) {
	s, err := Open(b.TempDir(), Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	d, err := s.Database(FirstDatabase)
	if err != nil {
		b.Fatal(err)
	}
	return s, d
}

// BenchmarkAppend64 is single durable appends from 64 connections.
func BenchmarkAppend64(b *testing.B) {
	s, d := benchStore(b)
	defer s.Close()
	var next atomic.Uint64
	b.SetParallelism(32) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := d.Append(context.Background(), []Event{benchEvent(next.Add(1))}, nil); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	m := s.Metrics()
	b.ReportMetric(float64(m.Appends)/float64(max(m.AppendBatches, 1)), "appends/sync")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func loadBulk(b *testing.B, d *DB, from, n uint64, ids bool) {
	ctx := context.Background()
	bulk := d.NewBulk(false)
	defer bulk.Abort()
	g := bulk.Group()
	seq := 0
	for i := from; i < from+n; i++ {
		ev := benchEvent(i)
		if ids {
			ev.HasID = true
			for k := range 16 {
				ev.ID[k] = byte(mix(i+uint64(k)) >> 11)
			}
		}
		if err := g.Add(segmentEvent(&ev)); err != nil {
			b.Fatal(err)
		}
		if g.Len() == maxGroupRows || i == from+n-1 {
			if err := bulk.Add(ctx, seq, g); err != nil {
				b.Fatal(err)
			}
			seq++
		}
	}
	if r, err := bulk.Commit(ctx, nil); err != nil || r.New != int64(n) {
		b.Fatal(r, err)
	}
}

// BenchmarkBulk loads 200,000 events of about 300 bytes from one goroutine.
func BenchmarkBulk(b *testing.B) {
	for _, ids := range []bool{false, true} {
		b.Run(fmt.Sprintf("ids=%v", ids), func(b *testing.B) {
			s, d := benchStore(b)
			defer s.Close()
			const n = 200_000
			next := uint64(0)
			for b.Loop() {
				loadBulk(b, d, next, n, ids)
				next += n
			}
			b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "events/s")
			if err := s.pdb.Flush(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Metrics().DiskBytes)/float64(next), "B/event")
		})
	}
}

// BenchmarkEntityLast20 is the last 20 events of an entity, warm, in 2 million events.
func BenchmarkEntityLast20(b *testing.B) {
	s, d := benchStore(b)
	defer s.Close()
	events := uint64(2_000_000)
	if testing.Short() {
		events = 300_000
	}
	for at := uint64(0); at < events; at += 300_000 {
		loadBulk(b, d, at, min(300_000, events-at), false)
	}
	ctx := context.Background()
	v := mustView(b, d, Latest)
	b.ResetTimer()
	i := 0
	for b.Loop() {
		name := fmt.Sprintf("customer-%d", mix(uint64(i))%4000)
		i++
		last, err := v.Version(ctx, name)
		if err != nil {
			b.Fatal(err)
		}
		if got, err := positionsOf(v, name, last-19, last+1); err != nil || len(got) != int(min(20, last)) {
			b.Fatal(got, err)
		}
	}
	began := time.Now()
	name := "customer-17"
	if _, err := positionsOf(v, name, 0, 1<<40); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(began).Microseconds()), "us/history")
}

// BenchmarkOpen opens a store of 10 million events and 5 million entities.
func BenchmarkOpen(b *testing.B) {
	events := uint64(10_000_000)
	if testing.Short() {
		events = 500_000
	}
	dir := b.TempDir()
	open := func() (*Store, *DB) {
		s, err := Open(dir, Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			b.Fatal(err)
		}
		d, err := s.Database(FirstDatabase)
		if err != nil {
			b.Fatal(err)
		}
		return s, d
	}
	s, d := open()
	ctx := context.Background()
	began := time.Now()
	for at := uint64(0); at < events; {
		bulk := d.NewBulk(false)
		for seq := 0; seq < 16 && at < events; seq++ {
			g := bulk.Group()
			for ; g.Len() < maxGroupRows && at < events; at++ {
				ev := segment.Event{Entity: fmt.Sprintf("device-%d", mix(at)%(events/2)), Type: "reading", PayloadValue: emptyObject, HasID: true}
				ev.ID[0], ev.ID[7], ev.ID[8], ev.ID[15] = byte(at), byte(at>>8), byte(at>>16), byte(at>>24)
				if err := g.Add(&ev); err != nil {
					b.Fatal(err)
				}
			}
			if err := bulk.Add(ctx, seq, g); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := bulk.Commit(ctx, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)/time.Since(began).Seconds(), "loaded/s")
	var tail []Event
	for i := range uint64(60_000) {
		if tail = append(tail, benchEvent(i)); len(tail) == 100 {
			if _, err := d.Append(ctx, tail, nil); err != nil {
				b.Fatal(err)
			}
			tail = tail[:0]
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var last time.Duration
	for b.Loop() {
		began := time.Now()
		s, d = open()
		last = time.Since(began)
		b.StopTimer()
		b.ReportMetric(float64(s.Metrics().DiskBytes)/float64(events), "B/event")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(last.Milliseconds()), "ms/open")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys>>20), "MiB-sys")
}
