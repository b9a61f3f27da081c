package op

import (
	"math/bits"
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// joinTable finds the right rows that have a key. Rows are divided into partitions by the highest bits of what stands for their keys,
// and every partition is filled by one goroutine: the words of its rows and its slots fit in the cache, and nothing is locked. It is not
// changed once it is built.
type joinTable struct {
	keys *joinKeys
	held heldKeys // where words are hashes
	list []int32  // right rows, those of a key together and in their order; of the last one of a key all bits are inverted

	// Words that lie close together are places of an array, which has the place in list of their first row plus one.
	direct []int32
	low    uint64
	shift  int // of a word less low, what remains is its partition

	// Others are hashed.
	words []uint64    // hash of the row at each place of list
	parts []hashSlots // whose entries are places in list
	bits  int         // of a hash, that say its partition
}

const (
	// joinPartition is how many rows a partition should have: words, numbers and slots take some 300 KB.
	joinPartition = 8 << 10
	// mostPartitions bounds how many places rows are written to at a time.
	mostPartitions = 1 << 10
	// parallelBuild is how many rows are worth more than one goroutine.
	parallelBuild = 32 << 10
	// buildBytes is what building takes for each row beside the columns, at most.
	buildBytes = 64
)

// joinBuilder makes a joinTable.
type joinBuilder struct {
	t       *joinTable
	starts  []int        // first row of each batch, then the number of rows
	words   []uint64     // of each row
	valid   []vec.Bitmap // rows of each batch that can match; nil: all
	chunks  []int        // first batch of each piece of work, then the number of batches
	places  [][]int32    // of each chunk, where its next row of each partition goes
	sorted  []uint64     // words in the order of the partitions
	begin   []int32      // of each partition, in list; then the end
	workers int
}

// buildJoinTable makes the table of rows whose keys are listed batch by batch; lens are the lengths of the batches.
func buildJoinTable(env *Env, k *joinKeys, lens []int) (*joinTable, error) {
	b := &joinBuilder{t: &joinTable{keys: k}, starts: make([]int, 1, len(k.list)+1), workers: env.Workers}
	for _, n := range lens {
		b.starts = append(b.starts, b.starts[len(b.starts)-1]+n)
	}
	rows := b.starts[len(k.list)]
	switch {
	case rows == 0:
		return b.t, nil
	case len(k.types) == 0: // all rows have the same key
		b.t.list = make([]int32, rows)
		for i := range b.t.list {
			b.t.list[i] = int32(i)
		}
		b.t.list[rows-1] = ^b.t.list[rows-1]
		return b.t, nil
	}
	b.cut(rows)
	b.words, b.valid = make([]uint64, rows), make([]vec.Bitmap, len(k.list))
	if !k.exact() {
		b.t.held.cols = make([]heldColumn, len(k.types))
	}
	for _, step := range []func() error{b.translate, b.hold, b.divide, b.group} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.t, nil
}

// cut divides the batches into pieces of about the same number of rows.
func (b *joinBuilder) cut(rows int) {
	if rows < parallelBuild || b.workers < 2 {
		b.workers = 1
	}
	pieces := 4 * b.workers
	if b.workers == 1 {
		pieces = 1
	}
	b.chunks = append(b.chunks, 0)
	for i := range b.t.keys.list {
		if b.starts[i+1] >= rows*len(b.chunks)/pieces {
			b.chunks = append(b.chunks, i+1)
		}
	}
}

// each runs f for every piece of work.
func (b *joinBuilder) each(f func(chunk int) error) error {
	return inParallel(b.workers, len(b.chunks)-1, f)
}

// translate makes words of all keys.
func (b *joinBuilder) translate() error {
	k := b.t.keys
	return b.each(func(chunk int) error {
		w := newKeyWords(k)
		for i := b.chunks[chunk]; i < b.chunks[chunk+1]; i++ {
			n := k.list[i][0].Len
			b.valid[i] = w.of(k.list[i], n, b.words[b.starts[i]:b.starts[i+1]])
		}
		return nil
	})
}

// hold keeps the keys where their words do not tell all.
func (b *joinBuilder) hold() error {
	k := b.t.keys
	return inParallel(b.workers, len(b.t.held.cols), func(c int) error {
		held := &b.t.held.cols[c]
		rows := b.starts[len(k.list)]
		if k.forms[c] != byBytes {
			held.words = make([]uint64, rows)
			w := newKeyWords(k)
			for i, cols := range k.list {
				w.column(c, cols[c], cols[c].Len, held.words[b.starts[i]:b.starts[i+1]])
			}
			return nil
		}
		held.ends = make([]uint64, 0, rows)
		var key, buf []byte
		for _, cols := range k.list {
			for i := range cols[c].Len {
				d, row := resolved(cols[c], i)
				key, buf = k.bytes(c, d, row, buf)
				held.data = append(roomFor(held.data, len(key)), key...)
				held.ends = append(held.ends, uint64(len(held.data)))
			}
		}
		return nil
	})
}

// divide puts the words in the order of their partitions, in each of which rows keep their order.
func (b *joinBuilder) divide() error {
	if err := b.choose(); err != nil {
		return err
	}
	t, chunks := b.t, len(b.chunks)-1
	parts := 1 << t.bits
	if t.direct != nil {
		parts = (len(t.direct)-1)>>t.shift + 1
	}
	b.places = make([][]int32, chunks)
	err := b.each(func(chunk int) error {
		counts := make([]int32, parts)
		b.walk(chunk, func(_ int, w uint64) { counts[t.partition(w)]++ })
		b.places[chunk] = counts
		return nil
	})
	if err != nil {
		return err
	}
	b.begin = make([]int32, 1, parts+1)
	at := int32(0)
	for p := range parts {
		for _, counts := range b.places {
			counts[p], at = at, at+counts[p]
		}
		b.begin = append(b.begin, at)
	}
	b.sorted, t.list = make([]uint64, at), make([]int32, at)
	return b.each(func(chunk int) error {
		places := b.places[chunk]
		b.walk(chunk, func(row int, w uint64) {
			at := &places[t.partition(w)]
			b.sorted[*at], t.list[*at] = w, int32(row)
			*at++
		})
		return nil
	})
}

// walk gives f all rows of a piece that can match.
func (b *joinBuilder) walk(chunk int, f func(row int, w uint64)) {
	for i := b.chunks[chunk]; i < b.chunks[chunk+1]; i++ {
		valid, start := b.valid[i], b.starts[i]
		for k, w := range b.words[start:b.starts[i+1]] {
			if valid == nil || valid.Get(k) {
				f(start+k, w)
			}
		}
	}
}

// choose decides between an array and slots, and how many partitions there are. Integers become hashes here where there is no array.
func (b *joinBuilder) choose() error {
	t, rows := b.t, b.starts[len(b.valid)]
	want := 0 // bits
	for want < bits.Len(mostPartitions-1) && rows>>want > joinPartition && b.workers > 1 {
		want++
	}
	if t.keys.exact() {
		low, high, some := b.extent()
		if span := high - low; some && span < uint64(4*rows+64) {
			t.direct, t.low = make([]int32, span+1), low
			t.shift = max(0, bits.Len64(span)-want)
			return b.each(func(chunk int) error {
				for i := b.starts[b.chunks[chunk]]; i < b.starts[b.chunks[chunk+1]]; i++ {
					b.words[i] -= low
				}
				return nil
			})
		}
	}
	t.bits, t.parts = want, make([]hashSlots, 1<<want)
	if !t.keys.exact() {
		return nil
	}
	return b.each(func(chunk int) error {
		for i := b.starts[b.chunks[chunk]]; i < b.starts[b.chunks[chunk+1]]; i++ {
			b.words[i] = mixInt(int64(b.words[i]))
		}
		return nil
	})
}

// extent is the least and the greatest of the words, which are integers with a sign unless they are numbers of names.
func (b *joinBuilder) extent() (low, high uint64, some bool) {
	var least, most int64
	for chunk := range len(b.chunks) - 1 {
		b.walk(chunk, func(_ int, w uint64) {
			if v := int64(w); !some {
				least, most, some = v, v, true
			} else {
				least, most = min(least, v), max(most, v)
			}
		})
	}
	return uint64(least), uint64(most), some
}

func (t *joinTable) partition(w uint64) int {
	if t.direct != nil {
		return int(w >> t.shift)
	}
	return int(w >> (64 - t.bits)) // no partition but the first without bits: shifts by 64 give 0
}

// group brings the rows of each key together and enters the keys, partition by partition.
func (b *joinBuilder) group() error {
	t := b.t
	if t.direct == nil {
		t.words = b.sorted
	}
	return inParallel(b.workers, len(b.begin)-1, func(p int) error {
		from, to := b.begin[p], b.begin[p+1]
		g := keyGroups{ids: make([]int32, to-from)}
		if t.direct != nil {
			t.numberDirect(b.sorted[from:to], &g)
		} else {
			t.numberHashed(p, t.list[from:to], b.sorted[from:to], &g)
		}
		starts := g.arrange(t.list[from:to], b.sorted[from:to])
		if t.direct != nil {
			for _, at := range starts[:len(g.firsts)] {
				t.direct[b.sorted[from+at]] = from + at + 1
			}
			return nil
		}
		for i, s := range t.parts[p] {
			if s != 0 {
				t.parts[p][i] = slotOf(uint64(s), from+starts[s.entry()])
			}
		}
		return nil
	})
}

// keyGroups are the rows of a partition by their keys.
type keyGroups struct {
	ids    []int32 // number of the key of each row
	firsts []int32 // first row of each key
}

func (t *joinTable) numberDirect(words []uint64, g *keyGroups) {
	for i, w := range words {
		id := &t.direct[w]
		if *id == 0 {
			g.firsts = append(doubled(g.firsts), int32(i))
			*id = int32(len(g.firsts))
		}
		g.ids[i] = *id - 1
	}
}

func (t *joinTable) numberHashed(p int, rows []int32, words []uint64, g *keyGroups) {
	slots, exact := &t.parts[p], t.keys.exact()
	for i, w := range words {
		slots.room(len(g.firsts))
		h := w << t.bits
		at := slots.first(h)
		for ; ; at = slots.after(at) {
			s := (*slots)[at]
			if s == 0 {
				(*slots)[at] = slotOf(h, int32(len(g.firsts)))
				g.ids[i] = int32(len(g.firsts))
				g.firsts = append(doubled(g.firsts), int32(i))
				break
			}
			if !s.maybe(h) {
				continue
			}
			first := g.firsts[s.entry()]
			if words[first] == w && (exact || t.held.same(rows[first], rows[i])) {
				g.ids[i] = s.entry()
				break
			}
		}
	}
}

// arrange puts the rows of each key next to each other and marks the last ones. It returns where the rows of each key begin.
func (g *keyGroups) arrange(list []int32, words []uint64) []int32 {
	if len(g.firsts) == len(list) { // every row has a key of its own
		for i, row := range list {
			list[i] = ^row
		}
		return g.ids
	}
	starts, next := make([]int32, len(g.firsts)), make([]int32, len(g.firsts))
	for _, id := range g.ids {
		next[id]++
	}
	at := int32(0)
	for id, n := range next {
		starts[id], next[id] = at, at
		at += n
	}
	rows, of := slices.Clone(list), slices.Clone(words)
	for i, id := range g.ids {
		list[next[id]], words[next[id]] = rows[i], of[i]
		next[id]++
	}
	for _, end := range next {
		list[end-1] = ^list[end-1]
	}
	return starts
}

// memSize estimates the bytes held.
func (t *joinTable) memSize() int64 {
	n := len(t.list)*4 + len(t.direct)*4 + len(t.words)*8
	for _, s := range t.parts {
		n += len(s) * 8
	}
	for _, c := range t.held.cols {
		n += len(c.words)*8 + cap(c.data) + cap(c.ends)*8
	}
	return int64(n)
}

// row is the right row at a place of the list.
func (t *joinTable) row(place int32) int32 {
	row := t.list[place]
	return row ^ row>>31
}
