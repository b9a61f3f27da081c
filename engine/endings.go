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

// endings are how rows ended, by their numbers from 0: some twelve bytes a row, next to nothing where one statement ends rows that follow each other,
// so that it may end very many. Most transactions end a row or some, so the chunk that is met first needs no map.
type endings struct {
	first  endingChunk
	at     int64                  // number of first
	chunks map[int64]*endingChunk // by their numbers, first among them; nil: there is at most first
	count  int
	inRuns int // of count, those in runs
}

// endingRows is how many consecutive numbers a chunk is for, and fewEndings how many of them are in a list.
const (
	endingRows = 1024
	fewEndings = 512
)

// endingChunk is a run, or else a sorted list, and from some length on an array with a place for each row.
type endingChunk struct {
	run endingRun
	few []fewEnding
	all *[endingRows]packedEnding
}

// endingRun is rows that follow each other, ended by one command; what replaced them, if anything, follows each other too.
type endingRun struct {
	first, rows uint16
	packedEnding
}

// find is how a row of the run ended; the command is 0 for others.
func (r *endingRun) find(row uint16) packedEnding {
	if row < r.first || row-r.first >= r.rows {
		return packedEnding{}
	}
	return r.after(row - r.first)
}

// after is how the row so many after it ended, if it did as this one.
func (p packedEnding) after(rows uint16) packedEnding {
	if p.next != 0 {
		p.next += uint32(rows)
	}
	return p
}

// extend adds rows to the run if they follow on it, or if the chunk has none yet.
func (c *endingChunk) extend(first, rows uint16, p packedEnding) bool {
	r := &c.run
	switch {
	case c.all != nil || len(c.few) > 0:
		return false
	case r.rows == 0:
		*r = endingRun{first, rows, p}
	case first == r.first+r.rows && p == r.after(r.rows):
		r.rows += rows
	default:
		return false
	}
	return true
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
	if c.run.rows > 0 {
		p := c.run.find(uint16(row % endingRows))
		return p.unpack(), p.command != 0
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
func (e *endings) set(row int64, to ending) { e.setAll([]int64{row}, to) }

// setAll is set for many rows. What replaced them, if anything, are own rows that are numbered from that of to downwards.
func (e *endings) setAll(rows []int64, to ending) {
	p := packedEnding{to.command, uint32(-to.next)}
	for i := 0; i < len(rows); {
		n, end := rows[i]/endingRows, i+1
		for end < len(rows) && rows[end]/endingRows == n {
			end++
		}
		e.setIn(e.chunk(n), rows[i:end], p)
		p, i = p.after(uint16(end-i)), end
	}
}

// setIn is setAll for rows of a chunk.
func (e *endings) setIn(c *endingChunk, rows []int64, p packedEnding) {
	first := uint16(rows[0] % endingRows)
	if rows[len(rows)-1]-rows[0] == int64(len(rows)-1) && ascending(rows) && c.extend(first, uint16(len(rows)), p) {
		e.count += len(rows)
		e.inRuns += len(rows)
		return
	}
	if r := c.run; r.rows > 0 {
		e.inRuns -= int(r.rows)
		if c.run = (endingRun{}); int(r.rows)+len(rows) > fewEndings {
			c.spread()
		}
		for i := range r.rows {
			c.set(r.first+i, r.after(i))
		}
	} else if c.all == nil && len(c.few)+len(rows) > fewEndings {
		c.spread()
	}
	for i, row := range rows {
		if c.set(uint16(row%endingRows), p.after(uint16(i))) {
			e.count++
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

// set says how a row ended, in a chunk that is no run. It reports whether the row had not ended before.
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
		e.forgetIn(&e.first, command)
		return
	}
	for n, c := range e.chunks {
		if left := e.forgetIn(c, command); left == 0 {
			delete(e.chunks, n)
		}
	}
}

// forgetIn is forget for a chunk, and returns how many endings are left in it.
func (e *endings) forgetIn(c *endingChunk, command int32) (left int) {
	if r := c.run; r.rows > 0 {
		if r.command < command {
			return int(r.rows)
		}
		e.count -= int(r.rows)
		e.inRuns -= int(r.rows)
		c.run = endingRun{}
		return 0
	}
	taken, left := c.forget(command)
	e.count -= taken
	return left
}

// forget returns how many endings it has taken back from a chunk that is no run, and how many are left.
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
	for i := range c.run.rows {
		if !give(int64(c.run.first+i), c.run.after(i)) {
			return false
		}
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
func (e *endings) bytes() int64 { return 16*int64(e.count-e.inRuns) + 80*int64(len(e.chunks)) }
