package storage

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/vec"
)

// TestOne compares the version that One gives with that of a walk over the index: in views of the newest state and in old ones, while keys get
// new versions and lose them, with more keys than are remembered.
func TestOne(t *testing.T) {
	s, err := Open("data", Options{FS: NewMemFS(), Memory: 64 << 20, Manual: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := s.Database(FirstDatabase)
	if err != nil {
		t.Fatal(err)
	}
	s.known = newNewestRows(newestBytes * newestShards * 2)
	rnd := rand.New(rand.NewPCG(1, 2))
	open := map[int]RowID{}
	var views []View
	key := func(k int) []byte {
		b := binary.BigEndian.AppendUint32([]byte{1}, uint32(k))
		if k%10 == 0 {
			b = append(b, make([]byte, 40)...) // too long to be remembered
		}
		return b
	}
	for range 600 {
		k := rnd.IntN(300)
		row, was := open[k]
		ch := TableChange{Table: 20000, Columns: []TableColumn{{ID: 1, Kind: vec.Int64}}}
		if was {
			ch.Closed = closingsOf(Closing{Row: row, Next: -1})
		}
		if stays := !was || rnd.IntN(4) > 0; stays {
			ch.Rows = []*vec.Batch{{Len: 1, Cols: []*vec.Column{{Kind: vec.Int64, Len: 1, I64: []int64{int64(k)}}}}}
			ch.Keys = []IndexKeys{{Index: 20001, Keys: [][]byte{key(k)}}}
			if was {
				ch.Closed = closingsOf(Closing{Row: row, Next: 0, Kept: rnd.IntN(4) > 0})
			}
		}
		c, err := d.Commit(context.Background(), Commit{Tables: []TableChange{ch}})
		if err != nil {
			t.Fatal(err)
		}
		if delete(open, k); len(ch.Rows) > 0 {
			open[k] = c.First(20000)
		}
		v, err := d.View(context.Background(), Latest)
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, v)
		for range 5 {
			sameOne(t, views[rnd.IntN(len(views))].Table(20000), key(rnd.IntN(300)))
		}
		sameOne(t, v.Table(20000), key(k))
	}
}

func sameOne(t *testing.T, v TableView, key []byte) {
	t.Helper()
	ctx := context.Background()
	_, want, has, err := v.Seek(ctx, 20001, KeyRange{Lo: key, Hi: append(key[:len(key):len(key)], 0)}).Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got, ok, err := v.One(ctx, 20001, key)
	if err != nil || ok != has || ok && got != want {
		t.Fatalf("key %x: version %d (%v, %v), expected %d (%v)", key, got, ok, err, want, has)
	}
}
