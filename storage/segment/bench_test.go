package segment

import (
	"context"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

func BenchmarkAddLine(b *testing.B) {
	lines := shopLines(MaxRows)
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	b.SetBytes(int64(size / len(lines)))
	bl := NewBuilder()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if bl.Len() == MaxRows {
			bl.Reset()
			i = 0
		}
		if err := bl.AddLine(lines[i], nil); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkGroup parses and encodes whole groups.
func BenchmarkGroup(b *testing.B) {
	lines := shopLines(MaxRows)
	bl := NewBuilder()
	for b.Loop() {
		for _, l := range lines {
			if err := bl.AddLine(l, nil); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := bl.Finish(nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*MaxRows/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkRead(b *testing.B) {
	e := buildLines(b, NewBuilder(), shopLines(MaxRows))
	r := openGroup(b, e)
	ctx := context.Background()
	for _, bm := range []struct {
		name string
		ref  Ref
	}{
		{"entity", Ref{Col: ColEntity}},
		{"version", Ref{Col: ColVersion}},
		{"timestamp", Ref{Col: ColTimestamp}},
		{"type", Ref{Col: ColType}},
		{"dictionary", Ref{Col: ColPayload, Path: []string{"country"}, As: vec.AsText}},
		{"float", Ref{Col: ColPayload, Path: []string{"amount"}, As: vec.AsFloat}},
		{"int", Ref{Col: ColPayload, Path: []string{"qty"}, As: vec.AsInt}},
		{"hex", Ref{Col: ColPayload, Path: []string{"session"}, As: vec.AsText}},
		{"object", Ref{Col: ColPayload, Path: []string{"user"}}},
		{"payload", Ref{Col: ColPayload}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				for from := 0; from < MaxRows; from += vec.BatchRows {
					if _, err := r.Read(ctx, bm.ref, from, from+vec.BatchRows); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N)*MaxRows/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// BenchmarkPoint opens a group and reads 20 documents, as a history of one entity does.
func BenchmarkPoint(b *testing.B) {
	e := buildLines(b, NewBuilder(), shopLines(MaxRows))
	openGroup(b, e)
	rows := make([]int32, 20)
	for i := range rows {
		rows[i] = int32(i * 3001)
	}
	ctx := context.Background()
	for _, cold := range []bool{true, false} {
		name := map[bool]string{true: "cold", false: "warm"}[cold]
		b.Run(name, func(b *testing.B) {
			r, err := reopen(e)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if cold {
					if r, err = reopen(e); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := r.ReadRows(ctx, Ref{Col: ColPayload}, rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
