package storage

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

var benchColumns = []TableColumn{{ID: 1, Kind: vec.Int64}, {ID: 2, Kind: vec.Int64}, {ID: 3, Kind: vec.Bytes}, {ID: 4, Kind: vec.Float64}}

// benchRows are rows [from, from+n) of an account table; balance is moved by round.
func benchRows(from, n, round int) *vec.Batch {
	id, balance, name, rate := vec.NewBuilder(vec.Int64, n), vec.NewBuilder(vec.Int64, n), vec.NewBuilder(vec.Bytes, n), vec.NewBuilder(vec.Float64, n)
	for i := range n {
		h := mix(uint64(from + i))
		id.AppendInt(int64(from + i))
		balance.AppendInt(int64(h%100000) + int64(round))
		name.AppendString(fmt.Sprint("branch ", h>>20%200))
		rate.AppendFloat(float64(h>>40%1000) / 100)
	}
	return &vec.Batch{Len: n, Cols: []*vec.Column{id.Finish(), balance.Finish(), name.Finish(), rate.Finish()}}
}

func loadTable(b *testing.B, d *DB, t TableID, n int, batches []*vec.Batch) {
	l, err := d.NewTableLoad(t, benchColumns, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Abort()
	rows := 0
	for rows < n {
		for _, batch := range batches {
			if err := l.Add(context.Background(), batch, nil); err != nil {
				b.Fatal(err)
			}
			rows += batch.Len
		}
	}
	if _, err := d.Commit(context.Background(), Commit{Tables: []TableChange{{Table: t, Load: l}}}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkTableLoad loads rows of four columns from one goroutine.
func BenchmarkTableLoad(b *testing.B) {
	s, d := benchStore(b)
	defer s.Close()
	var batches []*vec.Batch
	for i := range 16 {
		batches = append(batches, benchRows(i*4096, 4096, 0))
	}
	rows := 0
	for b.Loop() {
		loadTable(b, d, 1, 1<<20, batches)
		rows += 1 << 20
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	if err := s.pdb.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(s.Metrics().DiskBytes)/float64(rows), "B/row")
}

// sumTable scans two columns of a view and adds one up.
func sumTable(b *testing.B, v TableView) (sum int64, rows int) {
	ctx := context.Background()
	groups, _, err := v.Groups(ctx, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, g := range groups {
		visible, err := g.Visible(ctx)
		if err != nil {
			b.Fatal(err)
		}
		for from := 0; from < g.Len(); from += 4096 {
			to := min(from+4096, g.Len())
			c, err := g.Read(ctx, benchColumns[1], from, to)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := g.Read(ctx, benchColumns[0], from, to); err != nil {
				b.Fatal(err)
			}
			for i, v := range c.I64 {
				if visible == nil || visible.Get(from+i) {
					sum += v
					rows++
				}
			}
		}
	}
	return sum, rows
}

// BenchmarkTableScan adds up a column of a million rows: of a fresh table, after three million updates, and as of before these.
func BenchmarkTableScan(b *testing.B) {
	s, d := benchStore(b)
	defer s.Close()
	ctx := context.Background()
	const n, step = 1 << 20, 4096
	var batches []*vec.Batch
	for i := range n / step {
		batches = append(batches, benchRows(i*step, step, 0))
	}
	loadTable(b, d, 1, n, batches)
	loadTable(b, d, 2, n, batches)
	before := mustView(b, d, Latest).At()
	rows := make([]RowID, n) // of each account, the open version
	for i := range rows {
		rows[i] = int64(i) + 1
	}
	for round := range 3 * n / step {
		batch := benchRows(round*step%n, step, round)
		ch := TableChange{Table: 2, Columns: benchColumns, Rows: []*vec.Batch{batch}}
		at, closed := make([]int, step), []Closing(nil)
		for i := range step {
			// Accounts all over the table, each once in a round.
			at[i] = (i*(n/step) + int(mix(uint64(round)))&(n/step-1)) % n
			closed = append(closed, Closing{Row: rows[at[i]], Next: i})
		}
		ch.Closed = closingsOf(closed...)
		r, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}})
		if err != nil {
			b.Fatal(err)
		}
		for i, k := range at {
			rows[k] = r.First(2) + int64(i)
		}
	}
	settle := func() {
		if err := d.sealTables(ctx, true); err != nil {
			b.Fatal(err)
		}
		if err := d.Compact(ctx); err != nil {
			b.Fatal(err)
		}
	}
	settle()
	for _, x := range []struct {
		name string
		t    TableID
		at   Micros
	}{{"fresh", 1, Latest}, {"updated", 2, Latest}, {"before", 2, before}} {
		b.Run(x.name, func(b *testing.B) {
			for b.Loop() {
				if _, got := sumTable(b, mustView(b, d, x.at).Table(x.t)); got != n {
					b.Fatalf("%d rows", got)
				}
			}
		})
	}
	v := mustView(b, d, Latest).TableBetween(2, math.MinInt64, math.MaxInt64, true).(*tableView)
	b.Logf("%d base groups, %d history groups, %.1f MB", len(v.st.groups), len(v.st.history), float64(s.Metrics().DiskBytes)/1e6)
}

// BenchmarkTableCommit64 is single durable inserts, and single updates by key, from 64 connections.
func BenchmarkTableCommit64(b *testing.B) {
	for _, update := range []bool{false, true} {
		b.Run(fmt.Sprintf("update=%v", update), func(b *testing.B) {
			s, d := benchStore(b)
			defer s.Close()
			ctx := context.Background()
			var next atomic.Int64
			b.SetParallelism(32) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				mine, row := next.Add(1), RowID(0)
				for pb.Next() {
					ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(int(mine), 1, 0)}}
					if !update {
						mine = next.Add(1)
					}
					ch.Keys = []IndexKeys{{Index: 2, Keys: [][]byte{binary.BigEndian.AppendUint64(nil, uint64(mine))}}}
					if update && row > 0 {
						ch.Closed = closingsOf(Closing{Row: row, Next: 0, Kept: true})
					}
					r, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}})
					if err != nil {
						b.Error(err)
						return
					}
					row = r.First(1)
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkTablePoint finds a row by its key and reads it, in a million rows of which some were updated.
func BenchmarkTablePoint(b *testing.B) {
	s, d := benchStore(b)
	defer s.Close()
	ctx := context.Background()
	const n, step = 1 << 20, 1 << 16
	key := func(id int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }
	l, err := d.NewTableLoad(1, benchColumns, []uint32{2})
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < n; from += step {
		keys := IndexKeys{Index: 2}
		for i := range step {
			keys.Keys = append(keys.Keys, key(from+i))
		}
		if err := l.Add(ctx, benchRows(from, step, 0), []IndexKeys{keys}); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := d.Commit(ctx, Commit{Tables: []TableChange{{Table: 1, Load: l}}}); err != nil {
		b.Fatal(err)
	}
	for i := range 2000 {
		id := i * 500
		ch := TableChange{Table: 1, Columns: benchColumns, Rows: []*vec.Batch{benchRows(id, 1, 1)}, Keys: []IndexKeys{{2, [][]byte{key(id)}}}, Closed: closingsOf(Closing{Row: int64(id) + 1})}
		if _, err := d.Commit(ctx, Commit{Tables: []TableChange{ch}}); err != nil {
			b.Fatal(err)
		}
	}
	at := uint64(0)
	for b.Loop() {
		at++
		id := int(mix(at) % n)
		v := mustView(b, d, Latest).Table(1)
		c := v.Seek(ctx, 2, KeyRange{Lo: key(id), Hi: append(key(id), 0)})
		_, row, ok, err := c.Next(ctx)
		if err != nil || !ok {
			b.Fatal(ok, err)
		}
		batch, err := v.Read(ctx, benchColumns, []RowID{row})
		if err != nil || batch.Cols[0].Int(0) != int64(id) {
			b.Fatal(err)
		}
	}
}
