package table

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/allsource-db/allsource/vec"
)

// A block is rows of one commit, or of some that came together, as they lie on disk until they are in a row group:
//
//	sum    xxhash64 of all that follows, 8 bytes little-endian
//	at     recorded time of the first commit, 8 bytes little-endian
//	first  the first row, 8 bytes little-endian
//	flags  1 byte: 1 the body is compressed with S2, 2 the rows are of several commits
//	body   uvarint columns, per column uvarint id, byte kind, byte kind of the elements; of several commits: uvarint commits, per commit
//	       uvarint rows, uvarint time since the first; uvarint rows, per row uvarint bytes; rows
const (
	blockHead    = 25
	flagS2       = 1
	flagSeveral  = 2
	compressFrom = 1024
)

// Block is rows on their way into a commit: encoded before anybody waits for them, but for time and place.
type Block struct {
	Shape *Shape
	Rows  [][]byte // encoded rows, sharing memory
	bytes int      // of the rows
	data  []byte   // of a large one: all but time and place
}

// NewBlock encodes the rows of batches, whose columns are those of the shape.
func NewBlock(s *Shape, batches []*vec.Batch) (*Block, error) {
	b := &Block{Shape: s}
	n := 0
	for _, batch := range batches {
		if err := s.Check(batch, false); err != nil {
			return nil, err
		}
		n += batch.Len
	}
	var rows []byte
	ends := make([]int, 0, n)
	for _, batch := range batches {
		for i := range batch.Len {
			rows = s.AppendRow(rows, batch, i)
			ends = append(ends, len(rows))
		}
	}
	b.Rows, b.bytes = make([][]byte, n), len(rows)
	from := 0
	for i, end := range ends {
		b.Rows[i], from = rows[from:end:end], end
	}
	if b.IsLarge() {
		b.data = AppendBlocks(nil, 0, []Timed{{Block: b}})
	}
	return b, nil
}

// IsLarge says that the block is better on its own: it is packed before it has its place.
func (b *Block) IsLarge() bool { return b.bytes >= compressFrom }

// Timed is the rows of one commit in a block.
type Timed struct {
	*Block
	At int64
}

// AppendBlocks packs rows of commits, which follow each other and have one shape, into one block.
func AppendBlocks(dst []byte, first RowID, parts []Timed) []byte {
	one, head := parts[0], len(dst)
	if len(parts) == 1 && one.data != nil {
		dst = append(dst, one.data...)
	} else {
		dst = appendBody(append(dst, make([]byte, blockHead)...), parts)
	}
	block := dst[head:]
	binary.LittleEndian.PutUint64(block[8:], uint64(one.At))
	binary.LittleEndian.PutUint64(block[16:], uint64(first))
	binary.LittleEndian.PutUint64(block, xxhash.Sum64(block[8:]))
	return dst
}

// appendBody appends the body of a block to its head, where it leaves the flags.
func appendBody(dst []byte, parts []Timed) []byte {
	head := len(dst)
	dst = binary.AppendUvarint(dst, uint64(len(parts[0].Shape.Columns)))
	for _, c := range parts[0].Shape.Columns {
		dst = append(binary.AppendUvarint(dst, uint64(c.ID)), byte(c.Kind), byte(c.Elem))
	}
	if len(parts) > 1 {
		dst[head-1] |= flagSeveral
		dst = binary.AppendUvarint(dst, uint64(len(parts)))
		for _, p := range parts {
			dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(len(p.Rows))), uint64(p.At-parts[0].At))
		}
	}
	n := 0
	for _, p := range parts {
		n += len(p.Rows)
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for _, p := range parts {
		for _, r := range p.Rows {
			dst = binary.AppendUvarint(dst, uint64(len(r)))
		}
	}
	for _, p := range parts {
		for _, r := range p.Rows {
			dst = append(dst, r...)
		}
	}
	if n := len(dst) - head; n >= compressFrom {
		small := s2.Encode(make([]byte, s2.MaxEncodedLen(n)), dst[head:])
		if len(small) < n-n/8 {
			dst[head-1] |= flagS2
			dst = append(dst[:head], small...)
		}
	}
	return dst
}

// Append adds the block's rows to rows.
func (b *Block) Append(rows Rows, at int64) Rows {
	for _, data := range b.Rows {
		rows = rows.Append(Row{Data: data, Shape: b.Shape, At: at})
	}
	return rows
}

// DecodeBlock is the inverse of AppendBlocks. The rows may share memory with data.
func DecodeBlock(data []byte) (parts []Timed, first RowID, err error) {
	if len(data) < blockHead || xxhash.Sum64(data[8:]) != binary.LittleEndian.Uint64(data) {
		return nil, 0, fmt.Errorf("%w: checksum of a block of %d bytes", ErrCorrupt, len(data))
	}
	at := int64(binary.LittleEndian.Uint64(data[8:]))
	first = int64(binary.LittleEndian.Uint64(data[16:]))
	flags, body := data[blockHead-1], data[blockHead:]
	if flags&flagS2 != 0 {
		if body, err = s2.Decode(nil, body); err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	d := decoder{rest: slices.Clip(body)}
	var cols []Column
	for range d.uvarint() {
		if cols = append(cols, Column{ID: uint32(d.uvarint()), Kind: vec.Kind(d.byte()), Elem: vec.Kind(d.byte())}); d.bad {
			break
		}
	}
	shape, err := NewShape(cols)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	counts := d.commits(flags, shape, at, &parts)
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		n = 0
	}
	sizes := make([]uint64, n)
	for i := range sizes {
		sizes[i] = d.uvarint()
	}
	rows := make([][]byte, n)
	for i, size := range sizes {
		rows[i] = d.take(size)
	}
	for i := range parts {
		count := n // of the only one
		if counts != nil {
			count = counts[i]
		}
		if count > uint64(len(rows)) {
			d.bad, count = true, 0
		}
		parts[i].Rows, rows = rows[:count:count], rows[count:]
	}
	if d.bad || len(d.rest) > 0 || len(rows) > 0 {
		return nil, 0, fmt.Errorf("%w: body of a block of %d bytes", ErrCorrupt, len(body))
	}
	return parts, first, nil
}

// commits makes the parts of a block, without their rows, and returns how many each has; nil: there is one.
func (d *decoder) commits(flags byte, shape *Shape, at int64, parts *[]Timed) (counts []uint64) {
	if flags&flagSeveral == 0 {
		*parts = []Timed{{&Block{Shape: shape}, at}}
		return nil
	}
	for range d.uvarint() {
		counts = append(counts, d.uvarint())
		if *parts = append(*parts, Timed{&Block{Shape: shape}, at + int64(d.uvarint())}); d.bad {
			break
		}
	}
	return counts
}

// Len is how many rows the block has; nil has none.
func (b *Block) Len() int {
	if b == nil {
		return 0
	}
	return len(b.Rows)
}

// MemSize estimates the bytes that the block's rows take in a tail; nil has none.
func (b *Block) MemSize() int64 {
	if b == nil {
		return 0
	}
	n := int64(rowSize * len(b.Rows))
	for _, r := range b.Rows {
		n += int64(len(r))
	}
	return n
}
