package storage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestKeyRunsAreSearched adds keys, some of them more than once, to runs that go to disk now and then, and looks for ranges of them
// meanwhile. A cursor keeps giving what was there when it was made.
func TestKeyRunsAreSearched(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), Options{Memory: 32 << 20})
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	k := &keyRuns{d: d}
	type entry struct {
		key []byte
		row int64
	}
	var all []entry
	listed := func(lo, hi []byte, desc bool) []entry {
		var out []entry
		for _, e := range all {
			if bytes.Compare(e.key, lo) >= 0 && (hi == nil || bytes.Compare(e.key, hi) < 0) {
				out = append(out, e)
			}
		}
		slices.SortFunc(out, func(a, b entry) int {
			if c := bytes.Compare(a.key, b.key); c != 0 {
				return c
			}
			return int(b.row - a.row)
		})
		if desc {
			slices.Reverse(out)
		}
		return out
	}
	read := func(c *keyCursor, most int) []entry {
		var out []entry
		for len(out) < most {
			key, row, ok, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			out = append(out, entry{key, row})
		}
		return out
	}
	same := func(what string, got, want []entry) {
		t.Helper()
		if !slices.EqualFunc(got, want, func(a, b entry) bool { return bytes.Equal(a.key, b.key) && a.row == b.row }) {
			t.Fatalf("%s: %d entries, expected %d", what, len(got), len(want))
		}
	}
	keyOf := func(n int) []byte { return fmt.Appendf(nil, "key %06d.", n) }
	const n = 20000
	for i := range 6 * n {
		e := entry{keyOf(rng.IntN(n)), int64(i)}
		all = append(all, e)
		if err := k.add(e.key, e.row); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(4000) > 0 {
			continue
		}
		lo := rng.IntN(n)
		hi := keyOf(lo + rng.IntN(200))
		if rng.IntN(9) == 0 {
			hi = nil
		}
		desc := rng.IntN(2) == 0
		c, err := k.seek(keyOf(lo), hi, desc)
		if err != nil {
			t.Fatal(err)
		}
		want := listed(keyOf(lo), hi, desc)
		got := read(c, len(want)/2)
		for j := range 100 { // not for this cursor
			e := entry{keyOf(rng.IntN(n)), int64(1<<30 + i*100 + j)}
			all = append(all, e)
			if err := k.add(e.key, e.row); err != nil {
				t.Fatal(err)
			}
		}
		if rng.IntN(5) == 0 {
			if err := k.spill(); err != nil {
				t.Fatal(err)
			}
		}
		same(fmt.Sprint("range from ", lo, " backwards ", desc), append(got, read(c, 1<<30)...), want)
		key := keyOf(rng.IntN(n + n/10))
		rows, err := k.with(key)
		if err != nil {
			t.Fatal(err)
		}
		if want := listed(key, append(bytes.Clone(key), 0), false); len(rows) != len(want) {
			t.Fatalf("%d rows have %s, expected %d", len(rows), key, len(want))
		}
	}
	if len(k.files) < 3 {
		t.Errorf("only %d runs went to disk", len(k.files))
	}
	c, err := k.seek(nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	same("all", read(c, 1<<30), listed(nil, nil, false))
	var merged []entry
	k.sort()
	lo, bounds := []byte(nil), k.bounds(4)
	if len(bounds) != 3 {
		t.Errorf("%d bounds between four parts", len(bounds))
	}
	for _, hi := range append(bounds, nil) {
		before := len(merged)
		err := k.between(lo, hi, func(key []byte, row int64) error {
			merged = append(merged, entry{bytes.Clone(key), row})
			return nil
		})
		if part := len(merged) - before; err != nil || part < len(all)/8 || part > len(all)/2 {
			t.Errorf("a part of four has %d of %d entries, error %v", part, len(all), err)
		}
		lo = hi
	}
	same("in parts", merged, listed(nil, nil, false))
	k.remove()
}

// TestKeyFilter: no key that was added is missed, and few others pass.
func TestKeyFilter(t *testing.T) {
	f := newKeyFilter()
	const n = 100_000
	for i := range n {
		f.add(fmt.Append(nil, "in ", i))
	}
	wrong := 0
	for i := range n {
		if !f.may(fmt.Append(nil, "in ", i)) {
			t.Fatalf("key %d was added", i)
		}
		if f.may(fmt.Append(nil, "out ", i)) {
			wrong++
		}
	}
	if wrong > n/500 {
		t.Errorf("%d of %d keys that were not added pass", wrong, n)
	}
}
