// Package tail is the part of the log that is not in segments yet: recent events as rows in memory, and the blocks that
// keep them on disk. A block is the commit record of one synced batch.
//
// # Format of a block
//
//	format   1 byte, 1
//	flags    1 byte: 1 the body is compressed with S2
//	body     first position, count of commits, then per commit: recorded at (zigzag), relation (0: events), rows;
//	         count of rows, then per row: flags, [entity ordinal, entity], [type], version, [id], [timestamp - recorded],
//	         [payload], [metadata]
//	sum      xxhash64 of all before, 8 bytes little-endian
//
// Numbers are varints, texts and documents (jsonb) have their length before them. The block has all that its events are
// made of: applied in order, blocks give the same log anywhere.
package tail

import (
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Row is one event as it lies in the log. It is not changed after it was handed over.
type Row struct {
	Entity   string
	Type     string
	Ordinal  uint64 // of the entity
	Version  int64
	ID       [16]byte
	HasID    bool // else the id is derived
	HasTime  bool // else the timestamp is recorded_at
	Time     int64
	Recorded int64
	Payload  jsonb.Value
	Metadata jsonb.Value
}

// Timestamp is when the event happened.
func (r *Row) Timestamp() int64 {
	if r.HasTime {
		return r.Time
	}
	return r.Recorded
}

// MemSize estimates the bytes of a row.
func (r *Row) MemSize() int64 {
	return int64(rowSize + len(r.Entity) + len(r.Payload) + len(r.Metadata))
}

const rowSize = 192

// ChunkRows is how many rows a chunk holds.
const ChunkRows = 1024

type chunk [ChunkRows]Row

// Rows is a range of positions [Base, End) with their rows: a value that does not change. Append and Cut make new ones that
// share memory with it; only the newest may be appended to, by one goroutine at a time.
type Rows struct {
	chunks []*chunk
	origin int64 // position of the first place of the first chunk
	base   int64
	end    int64
}

// NewRows returns no rows, the next of which gets position base.
func NewRows(base int64) Rows { return Rows{origin: base, base: base, end: base} }

// Base is the position of the first row.
func (r Rows) Base() int64 { return r.base }

// End is the position after the last row.
func (r Rows) End() int64 { return r.end }

// Len is how many rows there are.
func (r Rows) Len() int { return int(r.end - r.base) }

// At returns the row at a position in [Base, End), not to be changed.
func (r Rows) At(pos int64) *Row {
	i := pos - r.origin
	return &r.chunks[i/ChunkRows][i%ChunkRows]
}

// Append returns the rows with more at the end.
func (r Rows) Append(more []Row) Rows {
	for i := range more {
		at := r.end - r.origin
		if at/ChunkRows == int64(len(r.chunks)) {
			r.chunks = append(r.chunks, new(chunk))
		}
		r.chunks[at/ChunkRows][at%ChunkRows] = more[i]
		r.end++
	}
	return r
}

// Cut returns the rows from position base on.
func (r Rows) Cut(base int64) Rows {
	drop := (base - r.origin) / ChunkRows
	drop = min(drop, int64(len(r.chunks)))
	kept := make([]*chunk, len(r.chunks)-int(drop))
	copy(kept, r.chunks[drop:])
	return Rows{chunks: kept, origin: r.origin + drop*ChunkRows, base: base, end: r.end}
}

// Until returns the first position in [Base, End) recorded after at, End if there is none.
func (r Rows) Until(at int64) int64 {
	lo, hi := r.base, r.end
	for lo < hi {
		mid := lo + (hi-lo)/2
		if r.At(mid).Recorded <= at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
