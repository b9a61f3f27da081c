package op

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// distinctCount counts the distinct values of each group: values are numbered, and each group is a set of numbers. Where values have
// numbers in a vec.Space and sets of those are not much larger than what they hold, they are used as they are.
type distinctCount struct {
	space   *spaceSets // nil: numbers gives the numbers
	numbers *grouper
	values  keyValues // by number
	sets    numberSets
	ids     []int32
	fresh   []int32
}

func newDistinctCount(t datum.Type) *distinctCount {
	d := &distinctCount{numbers: newGrouper([]datum.Type{t}), values: keyValues{typ: t}}
	d.values.table = &d.numbers.cols[0]
	if isPlainText(t.OID) {
		d.space = &spaceSets{}
	}
	return d
}

// add takes the values of c into groups, those of group -1 not.
func (d *distinctCount) add(c *vec.Column, groups []int32, total int) {
	if d.space != nil {
		if d.space.add(c, groups, total) {
			return
		}
		d.leaveSpace()
	}
	d.sets.counts = append(d.sets.counts, make([]int64, max(0, total-len(d.sets.counts)))...)
	d.number(c)
	for i, g := range groups {
		if g >= 0 {
			d.sets.add(g, d.ids[i])
		}
	}
}

// number gives the rows of c their numbers in ids.
func (d *distinctCount) number(c *vec.Column) {
	d.ids = resized(d.ids, c.Len)
	d.numbers.assign([]*vec.Column{c}, c.Len, d.ids)
	if d.values.inTable {
		d.values.n = d.numbers.len()
	}
	if d.numbers.len() == d.values.n {
		return
	}
	d.fresh = d.numbers.fresh(d.fresh[:0], d.ids, d.values.n)
	d.values.addRows(c, d.fresh)
}

// merge takes group g of o into group groups[g].
func (d *distinctCount) merge(o *distinctCount, groups []int32, total, workers int) {
	if d.space != nil {
		if o.space != nil && d.space.merge(o.space, groups, total) {
			return
		}
		d.leaveSpace()
	}
	o.leaveSpace()
	d.sets.counts = append(d.sets.counts, make([]int64, max(0, total-len(d.sets.counts)))...)
	numbers := d.numbers.cols[0].numberValues(&o.values, &d.values, nil, workers)
	if !d.sets.take(&o.sets, groups, numbers, d.numbers.len(), workers) {
		o.sets.each(func(g, number int32) { d.sets.add(groups[g], numbers[number]) })
	}
}

func (d *distinctCount) result(total int) *vec.Column {
	out := &vec.Column{Kind: vec.Int64, Len: total, I64: make([]int64, total)}
	copy(out.I64, d.sets.counts)
	if d.space != nil {
		for g, b := range d.space.bits {
			out.I64[g] = int64(b.Count(64 * len(b)))
		}
	}
	return out
}

func (d *distinctCount) memSize() int64 {
	if d.space != nil {
		return d.space.memSize()
	}
	return d.numbers.memSize() + d.values.memSize() + d.sets.memSize()
}

// numberSets is a set of small numbers for each group: bitmaps, and where those would be mostly empty a table of pairs.
type numberSets struct {
	counts []int64
	bits   []vec.Bitmap
	words  int // of all bitmaps
	total  int // of all counts
	pairs  intTable
	sparse bool
}

// denseWords is how long the bitmaps may be without regard to what is in them.
const denseWords = 1 << 18

func (s *numberSets) add(g, number int32) {
	if s.sparse {
		n := s.pairs.n
		s.pairs.put(int64(g)<<32 | int64(number))
		s.counts[g] += int64(s.pairs.n - n)
		return
	}
	for int(g) >= len(s.bits) {
		s.bits = append(s.bits, nil)
	}
	w := int(number) >> 6
	if w >= len(s.bits[g]) {
		s.widen(g, w)
		if s.sparse {
			s.add(g, number)
			return
		}
	}
	if word, bit := &s.bits[g][w], uint64(1)<<(number&63); *word&bit == 0 {
		*word |= bit
		s.counts[g]++
		s.total++
	}
}

// widen makes a bitmap reach word w, or gives bitmaps up.
func (s *numberSets) widen(g int32, w int) {
	b := make(vec.Bitmap, max(w+1, 2*len(s.bits[g])))
	copy(b, s.bits[g])
	s.words += len(b) - len(s.bits[g])
	s.bits[g] = b
	if s.words <= max(denseWords, s.total) {
		return
	}
	s.each(func(g, number int32) { s.pairs.put(int64(g)<<32 | int64(number)) })
	s.bits, s.sparse = nil, true
}

// each gives all members of all groups.
func (s *numberSets) each(f func(g, number int32)) {
	for _, p := range s.pairs.vals {
		f(int32(p>>32), int32(p))
	}
	var list []int32
	for g, b := range s.bits {
		list = b.Indices(list[:0], 64*len(b))
		for _, number := range list {
			f(int32(g), number)
		}
	}
}

// take adds the members of all groups of o, of which group g is groups[g] here and number k numbers[k], all below most. It reports false
// and does nothing where that would make bitmaps that are mostly empty.
func (s *numberSets) take(o *numberSets, groups, numbers []int32, most, workers int) bool {
	words := (most + 63) / 64
	if s.sparse || o.sparse || s.words+words*len(o.bits) > max(denseWords, s.total) {
		return false
	}
	for g := range o.bits {
		of := int(groups[g])
		for of >= len(s.bits) {
			s.bits = append(s.bits, nil)
		}
		if n := len(s.bits[of]); n < words {
			s.bits[of] = append(s.bits[of], make(vec.Bitmap, words-n)...)
			s.words += words - n
		}
	}
	added := make([]int64, len(o.bits))
	_ = inParallel(workers, len(o.bits), func(g int) error { // groups have bitmaps of their own
		bits, n := s.bits[groups[g]], int64(0)
		for _, k := range o.bits[g].Indices(nil, 64*len(o.bits[g])) {
			number := numbers[k]
			if word, bit := &bits[number>>6], uint64(1)<<(number&63); *word&bit == 0 {
				*word |= bit
				n++
			}
		}
		added[g] = n
		return nil
	})
	for g, n := range added {
		s.counts[groups[g]] += n
		s.total += int(n)
	}
	return true
}

func (s *numberSets) memSize() int64 {
	return int64(cap(s.counts)*8 + cap(s.bits)*24 + s.words*8 + s.pairs.memSize())
}
