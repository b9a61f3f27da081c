package table

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Closing says that a version ended: when, and which one took its place (0: none, it was deleted). Kept says that the other one has the keys of
// this one in every index, and no entries of its own there: it is found by those of this one.
type Closing struct {
	Row  RowID
	At   int64
	Next RowID
	Kept bool
}

// link is Next and Kept in one number.
func (c *Closing) link() int64 {
	if c.Kept {
		return c.Next<<1 | 1
	}
	return c.Next << 1
}

func closingOf(row RowID, at, link int64) Closing { return Closing{row, at, link >> 1, link&1 != 0} }

// Never is the end of a version that was dropped before its commit: it lies before every moment.
const Never int64 = math.MinInt64

// ChunkRows is how many consecutive rows have their closings of one commit under one key.
const ChunkRows = 1024

// Closings of a page lie in chunks of as many rows as the keys on disk do.
const (
	PageRows  = 1 << 16
	perPage   = PageRows / ChunkRows
	fewInPage = 48 // so many closings of a chunk lie in a sorted list
)

// Page is the closings of PageRows consecutive versions, as far as they are known: it only grows. Who reads needs no lock.
type Page struct {
	mu     sync.Mutex // held by who adds
	chunks [perPage]closingChunk
	bytes  atomic.Int64
	ready  chan struct{} // closed when Loaded was called
	err    error
	count  atomic.Int32
}

// closingChunk is a sorted list that is replaced by a longer one, and from some length on an array with a place for each row.
type closingChunk struct {
	few atomic.Pointer[[]fewClosing]
	all atomic.Pointer[[ChunkRows]oneClosing]
}

type fewClosing struct {
	row  uint16
	at   int64
	link int64
}

// oneClosing is stored link first, and read at first.
type oneClosing struct {
	at   atomic.Int64 // openMark, or the time
	link atomic.Int64
}

// openMark stands for no time, in an array: arrays begin with zeros, so the times there make room for it.
const openMark = 0

// NewPage returns a page without closings. It is not to be read before Loaded.
func NewPage() *Page {
	p := &Page{ready: make(chan struct{})}
	p.bytes.Store(perPage*16 + 64)
	return p
}

// Loaded says that all closings that are on disk were added, or why not.
func (p *Page) Loaded(err error) {
	p.err = err
	close(p.ready)
}

// Wait returns when the page was loaded.
func (p *Page) Wait() error {
	<-p.ready
	return p.err
}

// MemSize estimates the bytes that the page takes.
func (p *Page) MemSize() int64 { return p.bytes.Load() }

// Len is how many closings the page has.
func (p *Page) Len() int { return int(p.count.Load()) }

// inArray makes a time one that is not openMark.
func inArray(at int64) int64 {
	if at >= 0 {
		return at + 1
	}
	return at
}

func outOfArray(v int64) int64 {
	if v > 0 {
		return v - 1
	}
	return v
}

// Add enters a closing; one that is there already stays as it is. It reports whether it is new.
func (p *Page) Add(c Closing) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := int(c.Row % PageRows)
	chunk, row := &p.chunks[place/ChunkRows], uint16(place%ChunkRows)
	if all := chunk.all.Load(); all != nil {
		return p.addTo(all, int(row), c)
	}
	var few []fewClosing
	if old := chunk.few.Load(); old != nil {
		few = *old
	}
	i, found := slices.BinarySearchFunc(few, row, func(f fewClosing, row uint16) int { return int(f.row) - int(row) })
	if found {
		return false
	}
	if len(few) < fewInPage {
		longer := make([]fewClosing, 0, len(few)+1)
		longer = append(append(append(longer, few[:i]...), fewClosing{row, c.At, c.link()}), few[i:]...)
		chunk.few.Store(&longer)
		p.bytes.Add(24)
		p.count.Add(1)
		return true
	}
	all := new([ChunkRows]oneClosing)
	for _, f := range few {
		all[f.row].link.Store(f.link)
		all[f.row].at.Store(inArray(f.at))
	}
	p.addTo(all, int(row), c)
	chunk.all.Store(all)
	chunk.few.Store(nil)
	p.bytes.Add(16*ChunkRows - 24*int64(len(few)))
	return true
}

func (p *Page) addTo(all *[ChunkRows]oneClosing, row int, c Closing) bool {
	one := &all[row]
	if one.at.Load() != openMark {
		return false
	}
	one.link.Store(c.link())
	one.at.Store(inArray(c.At))
	p.count.Add(1)
	return true
}

// Find returns the closing of a version, if it is closed.
func (p *Page) Find(row RowID) (c Closing, ok bool) {
	place := int(row % PageRows)
	chunk := &p.chunks[place/ChunkRows]
	// The list is looked at first: it is taken away after the array is there.
	few := chunk.few.Load()
	if all := chunk.all.Load(); all != nil {
		one := &all[place%ChunkRows]
		v := one.at.Load()
		if v == openMark {
			return Closing{}, false
		}
		return closingOf(row, outOfArray(v), one.link.Load()), true
	}
	if few == nil {
		return Closing{}, false
	}
	i, found := slices.BinarySearchFunc(*few, uint16(place%ChunkRows), func(f fewClosing, row uint16) int { return int(f.row) - int(row) })
	if !found {
		return Closing{}, false
	}
	return closingOf(row, (*few)[i].at, (*few)[i].link), true
}

// Each calls f for the closings of rows in [from, to), which lie in the page, ascending.
func (p *Page) Each(from, to RowID, f func(c Closing)) {
	base := from - from%PageRows
	for k := range p.chunks {
		first := base + int64(k)*ChunkRows
		if first+ChunkRows <= from || first >= to {
			continue
		}
		chunk := &p.chunks[k]
		few := chunk.few.Load()
		if all := chunk.all.Load(); all != nil {
			for i := max(from, first); i < min(to, first+ChunkRows); i++ {
				one := &all[i-first]
				if v := one.at.Load(); v != openMark {
					f(closingOf(i, outOfArray(v), one.link.Load()))
				}
			}
			continue
		}
		if few == nil {
			continue
		}
		for _, c := range *few {
			if row := first + int64(c.row); row >= from && row < to {
				f(closingOf(row, c.at, c.link))
			}
		}
	}
}

// AppendClosings appends closings that ended up to a time and are in one order with their rows:
//
//	byte 0, uvarint closings, per closing: uvarint row since the one before (or since the chunk's first), uvarint 0 (deleted) or
//	2 * (next - row), +1 if it is kept, uvarint how long before the time it ended
//
// Older programs wrote those of one commit, without the byte, the doubling and the time.
func AppendClosings(dst []byte, at int64, closings []Closing) []byte {
	dst = binary.AppendUvarint(append(dst, 0), uint64(len(closings)))
	last := closings[0].Row - closings[0].Row%ChunkRows
	for i := range closings {
		c := &closings[i]
		dst = appendEnd(binary.AppendUvarint(dst, uint64(c.Row-last)), at, c)
		last = c.Row
	}
	return dst
}

// DecodeClosings is the inverse of AppendClosings for a chunk.
func DecodeClosings(data []byte, chunk int64, at int64, f func(c Closing)) error {
	d := decoder{rest: data}
	old := len(data) > 0 && data[0] != 0
	if !old {
		d.byte()
	}
	row := chunk * ChunkRows
	for range d.uvarint() {
		row += int64(d.uvarint())
		c := Closing{Row: row, At: at}
		if !old {
			c = d.end(row, at)
		} else if after := d.uvarint(); after > 0 {
			c.Next = row + int64(after)
		}
		if d.bad || row/ChunkRows != chunk {
			return fmt.Errorf("%w: closings of chunk %d", ErrCorrupt, chunk)
		}
		f(c)
	}
	if d.bad || len(d.rest) > 0 {
		return fmt.Errorf("%w: closings of chunk %d", ErrCorrupt, chunk)
	}
	return nil
}

// AppendEnded appends closings of commits that came together, the last of them at a time, in any order:
//
//	uvarint closings, per closing: varint row since the one before, the rest as AppendClosings has it
func AppendEnded(dst []byte, at int64, closings []Closing) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(closings)))
	last := RowID(0)
	for i := range closings {
		c := &closings[i]
		dst = appendEnd(binary.AppendVarint(dst, c.Row-last), at, c)
		last = c.Row
	}
	return dst
}

// DecodeEnded is the inverse of AppendEnded.
func DecodeEnded(data []byte, at int64) ([]Closing, error) {
	d := decoder{rest: data}
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		return nil, fmt.Errorf("%w: %d closings in %d bytes", ErrCorrupt, n, len(data))
	}
	out := make([]Closing, n)
	row := RowID(0)
	for i := range out {
		row += d.varint()
		out[i] = d.end(row, at)
	}
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("%w: closings of %d bytes", ErrCorrupt, len(data))
	}
	return out, nil
}

// appendEnd appends what there is to say of a closing but its row.
func appendEnd(dst []byte, at int64, c *Closing) []byte {
	link := uint64(0)
	if c.Next != 0 {
		link = uint64(c.Next-c.Row) << 1
	}
	if c.Kept {
		link |= 1
	}
	return binary.AppendUvarint(binary.AppendUvarint(dst, link), uint64(at-c.At))
}

// end is the inverse of appendEnd.
func (d *decoder) end(row RowID, at int64) Closing {
	link := d.uvarint()
	c := Closing{Row: row, At: at - int64(d.uvarint()), Kept: link&1 != 0}
	if link > 1 {
		c.Next = row + int64(link>>1)
	}
	return c
}
