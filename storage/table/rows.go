package table

import (
	"fmt"

	"github.com/allsource-db/allsource/vec"
)

// Row is a version of a row as it lies in the tail. It is not changed after it was handed over.
type Row struct {
	Data  []byte
	Shape *Shape
	At    int64 // recorded time of the commit that added it
}

// rowSize is what a row of the tail takes beside its data.
const rowSize = 40

// MemSize estimates the bytes of a row.
func (r *Row) MemSize() int64 { return int64(rowSize + len(r.Data)) }

// tailChunk is how many rows a chunk of a tail holds: few, since many tables have but few rows there.
const tailChunk = 128

type rowChunk [tailChunk]Row

// Rows is the versions [Base, End): a value that does not change. Append and Cut make new ones that share memory with it;
// only the newest may be appended to, by one goroutine at a time.
type Rows struct {
	chunks []*rowChunk
	origin RowID // of the first place of the first chunk
	base   RowID
	end    RowID
}

// NewRows returns no rows, the next of which is base.
func NewRows(base RowID) Rows { return Rows{origin: base, base: base, end: base} }

// Base is the first row.
func (r Rows) Base() RowID { return r.base }

// End is the row after the last.
func (r Rows) End() RowID { return r.end }

// Len is how many rows there are.
func (r Rows) Len() int { return int(r.end - r.base) }

// At returns a row in [Base, End), not to be changed.
func (r Rows) At(id RowID) *Row {
	i := id - r.origin
	return &r.chunks[i/tailChunk][i%tailChunk]
}

// Append returns the rows with one more at the end.
func (r Rows) Append(row Row) Rows {
	at := r.end - r.origin
	if at/tailChunk == int64(len(r.chunks)) {
		r.chunks = append(r.chunks, new(rowChunk))
	}
	r.chunks[at/tailChunk][at%tailChunk] = row
	r.end++
	return r
}

// Cut returns the rows from base on.
func (r Rows) Cut(base RowID) Rows {
	drop := min((base-r.origin)/tailChunk, int64(len(r.chunks)))
	kept := make([]*rowChunk, len(r.chunks)-int(drop))
	copy(kept, r.chunks[drop:])
	return Rows{chunks: kept, origin: r.origin + drop*tailChunk, base: base, end: r.end}
}

// Until returns the first row in [Base, End) that was added after at, End if there is none.
func (r Rows) Until(at int64) RowID {
	lo, hi := r.base, r.end
	for lo < hi {
		mid := lo + (hi-lo)/2
		if r.At(mid).At <= at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Read returns a column of n rows; at names each.
func (r Rows) Read(c *Column, n int, at func(i int) RowID) (*vec.Column, error) {
	b := c.Builder(n)
	var shape *Shape
	place := -1
	var absent *vec.Column
	for i := range n {
		row := r.At(at(i))
		if row.Shape != shape {
			shape = row.Shape
			place = shape.Place(c)
		}
		if place < 0 {
			if absent == nil {
				absent = c.Absent(1)
			}
			b.AppendFrom(absent, 0)
			continue
		}
		d := decoder{rest: row.Data}
		nulls := d.take(uint64(len(shape.Columns)+7) / 8)
		if d.bad {
			return nil, fmt.Errorf("%w: row %d", ErrCorrupt, at(i))
		}
		if nulls[place>>3]>>(place&7)&1 != 0 {
			b.AppendNull()
			continue
		}
		for k := range place {
			if nulls[k>>3]>>(k&7)&1 == 0 {
				d.skip(shape.Columns[k].Kind)
			}
		}
		if d.value(c.Kind, c.elem(), b); d.bad {
			return nil, fmt.Errorf("%w: row %d", ErrCorrupt, at(i))
		}
	}
	return b.Last(), nil
}
