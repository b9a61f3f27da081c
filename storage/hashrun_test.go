package storage

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// memParts is where a test keeps the parts of runs.
type memParts map[string][]byte

func (m memParts) fetch(object uint64, part uint32) ([]byte, error) {
	return m[fmt.Sprint(object, part)], nil
}

func (m memParts) put(object uint64) func(uint32, []byte) error {
	return func(part uint32, data []byte) error {
		if _, twice := m[fmt.Sprint(object, part)]; twice {
			return fmt.Errorf("part %d is written twice", part)
		}
		m[fmt.Sprint(object, part)] = data
		return nil
	}
}

func writeTestRun(t fataler, m memParts, object uint64, pairs []pair) *hashRun {
	pairs = slices.Clone(pairs)
	sortPairs(pairs)
	w := newRunWriter(object, int64(len(pairs)), m.put(object))
	for _, p := range pairs {
		w.add(p)
	}
	run, err := w.finish()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return run
}

func TestHashRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := memParts{}
		var runs []*hashRun
		want := map[uint64][]uint64{}
		var hashes []uint64
		for object := range uint64(rapid.IntRange(1, 4).Draw(t, "runs")) {
			n := rapid.SampledFrom([]int{1, 7, 2048, 2049, 9000, 70000}).Draw(t, "count")
			seed := rapid.Uint64().Draw(t, "seed")
			skew := rapid.SampledFrom([]int{0, 0, 0, 30}).Draw(t, "skew")
			var pairs []pair
			for i := range uint64(n) {
				h := mix(seed+i/2) >> skew // every hash twice
				v := mix(i) >> rapid.SampledFrom([]int{40}).Draw(t, "width")
				pairs = append(pairs, pair{h, v})
				want[short(h)] = append(want[short(h)], v)
				hashes = append(hashes, h)
			}
			runs = append(runs, writeTestRun(t, m, object, pairs))
		}
		check := func(runs []*hashRun, what string) {
			for i := 0; i < len(hashes); i += 1 + len(hashes)/500 {
				var got []uint64
				for _, r := range runs {
					var err error
					if got, err = r.lookup(hashes[i], m.fetch, got); err != nil {
						t.Fatalf("%v", err)
					}
				}
				expect := slices.Clone(want[short(hashes[i])])
				slices.Sort(got)
				slices.Sort(expect)
				if !slices.Equal(got, expect) {
					t.Fatalf("%s: hash %x has %v, expected %v", what, hashes[i], got, expect)
				}
			}
			false1 := 0
			for i := range uint64(2000) {
				h := mix(i * 77777777)
				if _, there := want[short(h)]; there {
					continue
				}
				for _, r := range runs {
					if f := m[fmt.Sprint(r.object, r.filter(h))]; filterHas(f, h) {
						false1++
					}
					if got, err := r.lookup(h, m.fetch, nil); err != nil || len(got) > 0 {
						t.Fatalf("%s: hash %x is not there and has %v (%v)", what, h, got, err)
					}
				}
			}
			if limit := 2000 * len(runs) / 10; false1 > limit {
				t.Fatalf("%s: the filters let %d of %d through", what, false1, 2000*len(runs))
			}
		}
		check(runs, "runs")
		merged, err := mergeRuns(runs, m.fetch, 99, m.put(99))
		if err != nil {
			t.Fatalf("%v", err)
		}
		if int(merged.count) != len(hashes) {
			t.Fatalf("%d merged, expected %d", merged.count, len(hashes))
		}
		check([]*hashRun{merged}, "merged")
		list, err := decodeRunList(runList(append(runs, merged)))
		if err != nil || len(list) != len(runs)+1 || *list[len(runs)] != *merged {
			t.Fatalf("list of runs: %v %v", list, err)
		}
	})
}

func TestDerivedIDs(t *testing.T) {
	m := newIDMaker([]byte("0123456789abcdef"), 3)
	rapid.Check(t, func(t *rapid.T) {
		pos := rapid.Int64Range(0, 1<<62-1).Draw(t, "position")
		at := rapid.Int64Range(-1e15, 1e16).Draw(t, "recorded")
		id := m.derive(pos, at)
		if id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("%x is no UUID of version 7", id)
		}
		if got, ok := m.position(id); !ok || got != pos {
			t.Fatalf("%x is of position %d, expected %d", id, got, pos)
		}
		if later := m.derive(pos, at+1); string(later[:]) <= string(id[:]) {
			t.Fatalf("%x a microsecond after %x", later, id)
		}
	})
	if a, b := m.derive(1, 0), newIDMaker([]byte("0123456789abcdef"), 4).derive(1, 0); a == b {
		t.Fatal("two databases make the same id")
	}
}

func TestDueRuns(t *testing.T) {
	// A run of merged ones must not be merged again for each new one.
	var runs []*hashRun
	written, added := int64(0), int64(0)
	for range 2000 {
		runs = append(runs, &hashRun{count: 1})
		added++
		for from := dueRuns(runs); from >= 0; from = dueRuns(runs) {
			n := int64(0)
			for _, r := range runs[from:] {
				n += r.count
			}
			written += n
			runs = append(runs[:from:from], &hashRun{count: n})
		}
		if len(runs) > 24 {
			t.Fatalf("%d runs after %d", len(runs), added)
		}
	}
	if written > added*10 {
		t.Fatalf("%d entries are written for %d", written, added)
	}
}
