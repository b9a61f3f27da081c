package table

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/allsource-db/allsource/vec"
)

// A block is rows of one commit as they lie on disk until they are in a row group:
//
//	sum    xxhash64 of all that follows, 8 bytes little-endian
//	at     recorded time of the commit, 8 bytes little-endian
//	first  the first row, 8 bytes little-endian
//	flags  1 byte: 1 the body is compressed with S2
//	body   uvarint columns, per column uvarint id, byte kind, byte kind of the elements; uvarint rows, per row uvarint bytes; rows
const (
	blockHead    = 25
	flagS2       = 1
	compressFrom = 1024
)

// Block is rows on their way into a commit: encoded before anybody waits for them, but for time and place.
type Block struct {
	Shape *Shape
	Rows  [][]byte // encoded rows, sharing memory
	data  []byte
}

// NewBlock encodes the rows of batches, whose columns are those of the shape.
func NewBlock(s *Shape, batches []*vec.Batch) (*Block, error) {
	b := &Block{Shape: s}
	n := 0
	for _, batch := range batches {
		if err := s.Check(batch); err != nil {
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
	b.Rows = make([][]byte, n)
	from := 0
	for i, end := range ends {
		b.Rows[i], from = rows[from:end:end], end
	}
	b.pack(rows)
	return b, nil
}

// pack makes the block's bytes.
func (b *Block) pack(rows []byte) {
	body := make([]byte, blockHead, blockHead+8+6*len(b.Shape.Columns)+3*len(b.Rows)+len(rows))
	body = binary.AppendUvarint(body, uint64(len(b.Shape.Columns)))
	for _, c := range b.Shape.Columns {
		body = append(binary.AppendUvarint(body, uint64(c.ID)), byte(c.Kind), byte(c.Elem))
	}
	body = binary.AppendUvarint(body, uint64(len(b.Rows)))
	for _, r := range b.Rows {
		body = binary.AppendUvarint(body, uint64(len(r)))
	}
	body = append(body, rows...)
	if n := len(body) - blockHead; n >= compressFrom {
		small := s2.Encode(make([]byte, s2.MaxEncodedLen(n)), body[blockHead:])
		if len(small) < n-n/8 {
			body = append(body[:blockHead], small...)
			body[blockHead-1] = flagS2
		}
	}
	b.data = body
}

// Encode gives the block its place and time and returns its bytes, valid until the next call.
func (b *Block) Encode(first RowID, at int64) []byte {
	binary.LittleEndian.PutUint64(b.data[8:], uint64(at))
	binary.LittleEndian.PutUint64(b.data[16:], uint64(first))
	binary.LittleEndian.PutUint64(b.data, xxhash.Sum64(b.data[8:]))
	return b.data
}

// Bytes is the size of the encoded block.
func (b *Block) Bytes() int { return len(b.data) }

// Append adds the block's rows to rows.
func (b *Block) Append(rows Rows, at int64) Rows {
	for _, data := range b.Rows {
		rows = rows.Append(Row{Data: data, Shape: b.Shape, At: at})
	}
	return rows
}

// DecodeBlock is the inverse of Encode. The rows may share memory with data.
func DecodeBlock(data []byte) (b *Block, first RowID, at int64, err error) {
	if len(data) < blockHead || xxhash.Sum64(data[8:]) != binary.LittleEndian.Uint64(data) {
		return nil, 0, 0, fmt.Errorf("%w: checksum of a block of %d bytes", ErrCorrupt, len(data))
	}
	at = int64(binary.LittleEndian.Uint64(data[8:]))
	first = int64(binary.LittleEndian.Uint64(data[16:]))
	body := data[blockHead:]
	if data[blockHead-1]&flagS2 != 0 {
		if body, err = s2.Decode(nil, body); err != nil {
			return nil, 0, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	d := decoder{rest: slices.Clip(body)}
	var cols []Column
	for range d.uvarint() {
		if cols = append(cols, Column{ID: uint32(d.uvarint()), Kind: vec.Kind(d.byte()), Elem: vec.Kind(d.byte())}); d.bad {
			break
		}
	}
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		n = 0
	}
	sizes := make([]uint64, n)
	for i := range sizes {
		sizes[i] = d.uvarint()
	}
	b = &Block{Rows: make([][]byte, n), data: data}
	for i, size := range sizes {
		b.Rows[i] = d.take(size)
	}
	if d.bad || len(d.rest) > 0 {
		return nil, 0, 0, fmt.Errorf("%w: body of a block of %d bytes", ErrCorrupt, len(body))
	}
	if b.Shape, err = NewShape(cols); err != nil {
		return nil, 0, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return b, first, at, nil
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
