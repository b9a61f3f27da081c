package engine

import (
	"slices"

	"github.com/allsource-db/allsource/storage"
)

// ending is how a row ended.
type ending struct {
	command int32
	next    storage.RowID // own row that replaced it; 0: it was deleted
}

// endings are how rows ended, by their numbers from 0: some twelve bytes a row, so that a statement may end very many. Most transactions end a
// row or some, so the chunk that is met first needs no map.
type endings struct {
	first  endingChunk
	at     int64                  // number of first
	chunks map[int64]*endingChunk // by their numbers, first among them; nil: there is at most first
	count  int
}

// endingRows is how many consecutive numbers a chunk is for, and fewEndings how many of them are in a list.
const (
	endingRows = 1024
	fewEndings = 512
)

// endingChunk is a sorted list, and from some length on an array with a place for each row.
type endingChunk struct {
	few []fewEnding
	one [1]fewEnding // where few begins
	all *[endingRows]packedEnding
}

type packedEnding struct {
	command int32  // 0: it has not ended
	next    uint32 // own row, negated
}

type fewEnding struct {
	row uint16
	packedEnding
}

func (p packedEnding) unpack() ending { return ending{p.command, -storage.RowID(p.next)} }

func (c *endingChunk) place(row uint16) (int, bool) {
	if n := len(c.few); n == 0 || c.few[n-1].row < row {
		return n, false
	}
	return slices.BinarySearchFunc(c.few, row, func(f fewEnding, row uint16) int { return int(f.row) - int(row) })
}

// endingsReader looks rows up of which neighbours mostly lie in one chunk. Nothing is added meanwhile.
type endingsReader struct {
	n     int64
	chunk *endingChunk
	known bool
}

func (r *endingsReader) get(e *endings, row int64) (ending, bool) {
	if n := row / endingRows; !r.known || n != r.n {
		*r = endingsReader{n, e.find(n), true}
	}
	return r.chunk.get(row)
}

// get returns how a row ended, if it did.
func (e *endings) get(row int64) (ending, bool) { return e.find(row / endingRows).get(row) }

// find is the chunk with a number, nil if none of its rows has ended.
func (e *endings) find(n int64) *endingChunk {
	switch {
	case e.chunks != nil:
		return e.chunks[n]
	case e.at == n && e.count > 0:
		return &e.first
	}
	return nil
}

func (c *endingChunk) get(row int64) (ending, bool) {
	if c == nil {
		return ending{}, false
	}
	if c.all != nil {
		p := c.all[row%endingRows]
		return p.unpack(), p.command != 0
	}
	i, ok := c.place(uint16(row % endingRows))
	if !ok {
		return ending{}, false
	}
	return c.few[i].unpack(), true
}

// set says how a row ended, in the place of what was said before.
func (e *endings) set(row int64, to ending) {
	if e.chunk(row/endingRows).set(uint16(row%endingRows), packedEnding{to.command, uint32(-to.next)}) {
		e.count++
	}
}

// setAll is set for many rows. What replaced them, if anything, are own rows that are numbered from that of to downwards.
func (e *endings) setAll(rows []int64, to ending) {
	for i := 0; i < len(rows); {
		n, end := rows[i]/endingRows, i+1
		for end < len(rows) && rows[end]/endingRows == n {
			end++
		}
		c := e.chunk(n)
		if c.all == nil && len(c.few)+end-i > fewEndings {
			c.spread()
		}
		for ; i < end; i++ {
			if c.set(uint16(rows[i]%endingRows), packedEnding{to.command, uint32(-to.next)}) {
				e.count++
			}
			if to.next != 0 {
				to.next--
			}
		}
	}
}

// chunk is the chunk with a number, which is made.
func (e *endings) chunk(n int64) *endingChunk {
	c := e.find(n)
	switch {
	case c != nil:
		return c
	case e.count == 0 && e.chunks == nil:
		e.at, e.first = n, endingChunk{}
		e.first.few = e.first.one[:0]
		return &e.first
	case e.chunks == nil:
		e.chunks = map[int64]*endingChunk{e.at: &e.first}
	}
	c = &endingChunk{}
	e.chunks[n] = c
	return c
}

// spread makes an array of the list.
func (c *endingChunk) spread() {
	c.all = new([endingRows]packedEnding)
	for _, f := range c.few {
		c.all[f.row] = f.packedEnding
	}
	c.few = nil
}

// set reports whether the row had not ended before.
func (c *endingChunk) set(at uint16, p packedEnding) (fresh bool) {
	if c.all == nil {
		i, found := c.place(at)
		switch {
		case found:
			c.few[i].packedEnding = p
			return false
		case len(c.few) < fewEndings:
			c.few = slices.Insert(c.few, i, fewEnding{at, p})
			return true
		}
		c.spread()
	}
	fresh = c.all[at].command == 0
	c.all[at] = p
	return fresh
}

// forget takes back what the commands from one on said.
func (e *endings) forget(command int32) {
	if e.chunks == nil {
		taken, _ := e.first.forget(command)
		e.count -= taken
		return
	}
	for n, c := range e.chunks {
		taken, left := c.forget(command)
		if e.count -= taken; left == 0 {
			delete(e.chunks, n)
		}
	}
}

// forget returns how many endings it has taken back, and how many are left.
func (c *endingChunk) forget(command int32) (taken, left int) {
	kept := c.few[:0]
	for _, f := range c.few {
		if f.command < command {
			kept = append(kept, f)
		}
	}
	taken, left = len(c.few)-len(kept), len(kept)
	c.few = kept
	if c.all == nil {
		return taken, left
	}
	for i := range c.all {
		switch p := &c.all[i]; {
		case p.command >= command:
			*p = packedEnding{}
			taken++
		case p.command != 0:
			left++
		}
	}
	return taken, left
}

// each calls f for the rows in [from, to) that have ended, in order, until it returns false.
func (e *endings) each(from, to int64, f func(row int64, e ending) bool) {
	if e.chunks == nil {
		e.first.each(e.at*endingRows, from, to, f)
		return
	}
	var list []int64
	for n := range e.chunks {
		if (n+1)*endingRows > from && n*endingRows < to {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	for _, n := range list {
		if !e.chunks[n].each(n*endingRows, from, to, f) {
			return
		}
	}
}

// each is endings.each for a chunk whose first row is base; it reports whether f has never returned false.
func (c *endingChunk) each(base, from, to int64, f func(row int64, e ending) bool) bool {
	give := func(at int64, p packedEnding) bool {
		row := base + at
		return p.command == 0 || row < from || row >= to || f(row, p.unpack())
	}
	for _, x := range c.few {
		if !give(int64(x.row), x.packedEnding) {
			return false
		}
	}
	if c.all == nil {
		return true
	}
	for i, p := range c.all {
		if !give(int64(i), p) {
			return false
		}
	}
	return true
}

// bytes is about how much memory it takes.
func (e *endings) bytes() int64 { return 16*int64(e.count) + 64*int64(len(e.chunks)) }
