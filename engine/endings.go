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

// endings are how rows ended, by their numbers from 0: some twelve bytes a row, so that a statement may end very many.
type endings struct {
	chunks map[int64]*endingChunk
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
		*r = endingsReader{n, e.chunks[n], true}
	}
	return r.chunk.get(row)
}

// get returns how a row ended, if it did.
func (e *endings) get(row int64) (ending, bool) { return e.chunks[row/endingRows].get(row) }

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
	c := e.chunks[n]
	if c == nil {
		if e.chunks == nil {
			e.chunks = map[int64]*endingChunk{}
		}
		c = &endingChunk{}
		e.chunks[n] = c
	}
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
	for n, c := range e.chunks {
		kept := c.few[:0]
		for _, f := range c.few {
			if f.command < command {
				kept = append(kept, f)
			}
		}
		e.count -= len(c.few) - len(kept)
		c.few = kept
		left := len(kept)
		if c.all != nil {
			for i := range c.all {
				switch p := &c.all[i]; {
				case p.command >= command:
					*p = packedEnding{}
					e.count--
				case p.command != 0:
					left++
				}
			}
		}
		if left == 0 {
			delete(e.chunks, n)
		}
	}
}

// each calls f for the rows in [from, to) that have ended, in order, until it returns false.
func (e *endings) each(from, to int64, f func(row int64, e ending) bool) {
	var list []int64
	for n := range e.chunks {
		if (n+1)*endingRows > from && n*endingRows < to {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	for _, n := range list {
		c, base := e.chunks[n], n*endingRows
		give := func(at int64, p packedEnding) bool {
			row := base + at
			return p.command == 0 || row < from || row >= to || f(row, p.unpack())
		}
		for _, x := range c.few {
			if !give(int64(x.row), x.packedEnding) {
				return
			}
		}
		if c.all == nil {
			continue
		}
		for i, p := range c.all {
			if !give(int64(i), p) {
				return
			}
		}
	}
}

// bytes is about how much memory it takes.
func (e *endings) bytes() int64 { return 16*int64(e.count) + 64*int64(len(e.chunks)) }
