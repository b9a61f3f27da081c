package op

import (
	"math"
	"math/bits"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// How many pages are held: that many while there is memory, and so many even when there is none, as many places as a frame reads.
const (
	mostPages  = 16
	leastPages = 4
)

// pagedRows is what the calls of a window read of one partition, in a file: pages of equally many rows, any of which can be read
// again. Those read last are held.
type pagedRows struct {
	env   *Env
	acct  account
	types []datum.Type
	used  []int // columns that there are
	size  int   // rows of a page
	n     int
	marks *rowMarks // of the rows that begin a group of peers; nil where nobody asks for them

	waits   []*vec.Batch // rows that are not yet in a page
	waiting int
	file    *spillFile
	offs    []int64 // of the pages

	cache []*rowPage
	clock int64
}

// rowPage is rows [from, to) of the partition, and what was made of them.
type rowPage struct {
	from, to int
	cols     []*vec.Column
	pieces   map[*windowCall]*argPiece
	trees    map[*windowCall]*extremeTree
	key      *vec.Column // that RANGE with offsets compares
	read     int64       // clock of the last use
}

// newPagedRows makes room for rows of about so many bytes.
func newPagedRows(env *Env, w *windowing, peers bool, rowBytes int64) *pagedRows {
	bytes := min(max(env.Budget.limit/64, 512), 1<<20)
	r := &pagedRows{env: env, acct: env.Budget.account(), types: w.types, used: w.used}
	r.size = int(min(max(bytes/max(rowBytes, 1), 16), vec.BatchRows))
	if peers {
		r.marks = &rowMarks{}
	}
	return r
}

// add appends rows, of which some begin groups of peers.
func (r *pagedRows) add(b *vec.Batch, peers []int32) error {
	if r.n+b.Len >= math.MaxInt32 {
		return pgerr.New(pgerr.ProgramLimitExceeded, "a partition of a window has more than %d rows", math.MaxInt32-1)
	}
	if r.marks != nil {
		for _, p := range peers {
			r.marks.set(r.n + int(p))
		}
	}
	r.n += b.Len
	if len(r.used) == 0 {
		return nil
	}
	r.waits, r.waiting = append(r.waits, r.plain(b)), r.waiting+b.Len
	if r.waiting < r.size {
		return nil
	}
	return r.write(r.waiting / r.size * r.size)
}

// plain gives the columns that are used, each of the kind that its type has: a page is read without the others.
func (r *pagedRows) plain(b *vec.Batch) *vec.Batch {
	out := &vec.Batch{Len: b.Len, Cols: make([]*vec.Column, len(r.types))}
	for _, k := range r.used {
		out.Cols[k] = b.Cols[k]
		if kind := datum.KindOf(r.types[k].OID); b.Cols[k].Kind != kind {
			out.Cols[k] = sameKind([]*vec.Column{b.Cols[k], {Kind: kind}})[0]
		}
	}
	return out
}

// write puts the first rows that wait into pages.
func (r *pagedRows) write(rows int) error {
	if r.file == nil {
		f, err := newSpillFile(r.env.Budget)
		if err != nil {
			return err
		}
		r.file = f
	}
	all := &vec.Batch{Len: r.waiting, Cols: make([]*vec.Column, len(r.types))}
	pieces := make([]*vec.Column, len(r.waits))
	for _, k := range r.used {
		for i, b := range r.waits {
			pieces[i] = b.Cols[k]
		}
		all.Cols[k] = concat(r.types[k], pieces)
	}
	for at := 0; at < rows; at += r.size {
		r.offs = append(r.offs, r.file.size)
		if err := r.file.write(heldRows(all, at, min(at+r.size, rows))); err != nil {
			return err
		}
	}
	r.waits, r.waiting = nil, r.waiting-rows
	if r.waiting > 0 {
		r.waits = append(r.waits, settled(heldRows(all, rows, all.Len)))
	}
	return nil
}

// finish ends adding.
func (r *pagedRows) finish() error {
	if r.marks != nil {
		r.marks.finish()
	}
	if r.waiting == 0 {
		return nil
	}
	return r.write(r.waiting)
}

// page gives the page that a row is in.
func (r *pagedRows) page(row int) (*rowPage, error) {
	r.clock++
	for _, p := range r.cache {
		if row >= p.from && row < p.to {
			p.read = r.clock
			return p, nil
		}
	}
	if err := r.env.X.Fn.Context.Err(); err != nil {
		return nil, err
	}
	n := row / r.size
	p := &rowPage{from: n * r.size, to: min((n+1)*r.size, r.n), read: r.clock}
	if len(r.used) > 0 {
		b, err := r.file.at(r.offs[n])
		if err != nil {
			return nil, err
		}
		p.cols = b.Cols
	}
	r.cache = append(r.cache, p)
	if len(r.cache) > mostPages {
		r.forget()
	}
	for !r.acct.set(r.memSize()) && r.shrink() {
	}
	return p, nil
}

// shrink lets a page go if that can be done.
func (r *pagedRows) shrink() bool {
	if len(r.cache) <= leastPages {
		return false
	}
	r.forget()
	r.acct.set(r.memSize())
	return true
}

// forget lets the page go that was not used for the longest time.
func (r *pagedRows) forget() {
	oldest := 0
	for i, p := range r.cache {
		if p.read < r.cache[oldest].read {
			oldest = i
		}
	}
	r.cache = slices.Delete(r.cache, oldest, oldest+1)
}

// each calls f with all pages in their order.
func (r *pagedRows) each(f func(p *rowPage) error) error {
	for row := 0; row < r.n; row += r.size {
		p, err := r.page(row)
		if err != nil {
			return err
		}
		if err := f(p); err != nil {
			return err
		}
	}
	return nil
}

// memSize estimates what the pages and marks hold; trees and rows left out are as large as numbers.
func (r *pagedRows) memSize() int64 {
	n := int64(len(r.offs)) * 8
	if r.marks != nil {
		n += int64(len(r.marks.rows)) * 12
	}
	for _, p := range r.cache {
		n += 16 * int64(p.to-p.from)
		for _, c := range p.cols {
			if c != nil {
				n += int64(c.MemSize())
			}
		}
	}
	return n
}

func (r *pagedRows) close() error {
	if r == nil {
		return nil
	}
	r.cache, r.waits = nil, nil
	r.acct.release()
	return r.file.close()
}

// rowMarks is a set of rows that tells how many of its rows come before one, and which is the n-th.
type rowMarks struct {
	rows   vec.Bitmap
	before []int32 // rows of the set before each word
	n      int
}

func (m *rowMarks) set(row int) {
	for row/64 >= len(m.rows) {
		m.rows = append(m.rows, 0)
	}
	m.rows.Set(row)
}

func (m *rowMarks) finish() {
	m.before, m.n = make([]int32, len(m.rows)), 0
	for i, w := range m.rows {
		m.before[i] = int32(m.n)
		m.n += bits.OnesCount64(w)
	}
}

// upTo counts the rows of the set up to a row, itself too.
func (m *rowMarks) upTo(row int) int {
	w := row / 64
	if w >= len(m.rows) {
		return m.n
	}
	return int(m.before[w]) + bits.OnesCount64(m.rows[w]<<(63-row%64))
}

// at is the row with the number n of the set, from 0.
func (m *rowMarks) at(n int) int {
	w := sort.Search(len(m.before), func(i int) bool { return int(m.before[i]) > n }) - 1
	word := m.rows[w]
	for range n - int(m.before[w]) {
		word &= word - 1
	}
	return 64*w + bits.TrailingZeros64(word)
}
