package table

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
)

func TestGroupRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols, batch := anyBatch(t)
		v := &Versions{Columns: cols, Values: batch.Cols}
		if rapid.Bool().Draw(t, "sparse") {
			for i := range batch.Len {
				v.IDs = append(v.IDs, int64(100+3*i))
				v.Begins = append(v.Begins, int64(1000+i/4))
				v.Ends = append(v.Ends, int64(2000-i))
			}
		}
		enc, err := NewGroupEncoder()
		if err != nil {
			t.Fatal(err)
		}
		g, err := enc.Encode(v, batch.Len)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(g.Meta, func(part uint32) ([]byte, error) {
			i := slices.IndexFunc(g.Parts, func(p Part) bool { return p.ID == part })
			return g.Parts[i].Data, nil
		})
		if err != nil || r.Len() != batch.Len {
			t.Fatal(err)
		}
		for k := range cols {
			c, err := r.Read(&cols[k], 0, r.Len())
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Len() {
				if got, want := show(c, i), show(batch.Cols[k], i); got != want {
					t.Fatalf("row %d of column %d is %s, expected %s", i, cols[k].ID, got, want)
				}
			}
		}
		ids, err1 := r.IDs(0, r.Len())
		begins, err2 := r.Begins(0, r.Len(), nil)
		ends, err3 := r.Ends(0, r.Len())
		if err1 != nil || err2 != nil || err3 != nil || !slices.Equal(ids, v.IDs) || !slices.Equal(begins, v.Begins) || !slices.Equal(ends, v.Ends) {
			t.Fatal(ids, begins, ends, err1, err2, err3)
		}
		if v.IDs != nil {
			at, err := r.Find([]RowID{99, v.IDs[0], v.IDs[0] + 1, v.IDs[batch.Len-1]})
			if want := []int32{-1, 0, -1, int32(batch.Len - 1)}; batch.Len > 1 && (err != nil || !slices.Equal(at, want)) {
				t.Fatalf("found at %v (%v), expected %v", at, err, want)
			}
		}
		added := Column{ID: 99, Kind: vec.Int64, Missing: &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{42}}}
		if c, err := r.Read(&added, 0, r.Len()); err != nil || c.Int(0) != 42 || !r.MayMatch(&added, segment.Eq, nil) {
			t.Fatal(fmt.Sprint("a column that the group has not: ", c, err))
		}
	})
}

func TestFindInLargeGroup(t *testing.T) {
	const n = 1024 + 3*fenceRows + 17
	gaps := map[string]func(i int) int64{
		"few":    func(i int) int64 { return 2 + int64(i/1000) },
		"same":   func(int) int64 { return 7 },
		"varied": func(i int) int64 { return 1 + int64(i*i%97) },
		"wide":   func(i int) int64 { return 1 + int64(i%3)<<40 },
	}
	for name, gap := range gaps {
		t.Run(name, func(t *testing.T) { findInGroup(t, n, gap) })
	}
}

func findInGroup(t *testing.T, n int, gap func(i int) int64) {
	v := &Versions{Columns: []Column{{ID: 1, Kind: vec.Int64}}, Values: []*vec.Column{{Kind: vec.Int64, Len: n, I64: make([]int64, n)}}}
	for i, id := 0, int64(10); i < n; i++ {
		v.IDs = append(v.IDs, id)
		id += gap(i)
	}
	enc, err := NewGroupEncoder()
	if err != nil {
		t.Fatal(err)
	}
	g, err := enc.Encode(v, n)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(g.Meta, func(part uint32) ([]byte, error) {
		return g.Parts[slices.IndexFunc(g.Parts, func(p Part) bool { return p.ID == part })].Data, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	some := rapid.OneOf(rapid.Int64Range(1, v.IDs[n-1]+3), rapid.SampledFrom(v.IDs), rapid.Map(rapid.SampledFrom(v.IDs), func(id RowID) RowID { return id + 1 }))
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(some, 1, 200, rapid.ID[int64]).Draw(t, "ids")
		slices.Sort(ids)
		at, err := r.Find(ids)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			place, found := slices.BinarySearch(v.IDs, id)
			if found != (at[i] >= 0) || found && int(at[i]) != place {
				t.Fatalf("version %d is at %d, expected %d, %v", id, at[i], place, found)
			}
			if before, err := r.Before(id); err != nil || before != place {
				t.Fatalf("%d versions come before %d (%v), expected %d", before, id, err, place)
			}
		}
	})
}
