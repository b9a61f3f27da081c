package op

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"syscall"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// spillFile is batches in a temporary file: written first, then read from the start, as often as wanted. The file has no
// name once it is made, so nothing is left behind whatever happens. Its bytes are for this process only.
//
// A batch is: rows uvarint, columns uvarint, the columns. A column is: kind byte, flags byte (1 nulls, 2 dictionary,
// 4 absent), the validity words if there are nulls, then either a dictionary column (its length before it) and the codes,
// or the values: words for Bool, 8 bytes each for Int64 and Float64, lengths and bytes for Bytes and Decimal, 16 bytes for
// Interval, lengths and a child column for List, the fields for Struct.
type spillFile struct {
	budget *Budget
	f      *os.File
	w      *bufio.Writer
	rows   int64
	size   int64 // bytes written
	buf    []byte
}

const (
	spillNulls = 1 << iota
	spillDict
	spillAbsent
)

// spillBuffer is what a file that is written or read has in memory beside a batch.
const spillBuffer = 64 << 10

func newSpillFile(b *Budget) (*spillFile, error) {
	f, err := os.CreateTemp(b.tempDir, "allsource-spill-*")
	if err != nil {
		return nil, spillError(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(spillError(err), f.Close())
	}
	return &spillFile{budget: b, f: f, w: bufio.NewWriterSize(f, spillBuffer)}, nil
}

func spillError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return pgerr.New(pgerr.DiskFull, "could not write to temporary file: %w", err)
	}
	return pgerr.New(pgerr.IOError, "temporary file: %w", err)
}

// write appends a batch.
func (s *spillFile) write(b *vec.Batch) error {
	s.buf = binary.AppendUvarint(s.buf[:0], uint64(b.Len))
	s.buf = binary.AppendUvarint(s.buf, uint64(len(b.Cols)))
	for _, c := range b.Cols {
		s.buf = appendColumn(s.buf, c)
	}
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(s.buf)))
	if _, err := s.w.Write(head[:]); err != nil {
		return spillError(err)
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return spillError(err)
	}
	s.rows += int64(b.Len)
	s.size += int64(len(head) + len(s.buf))
	s.budget.wrote(int64(len(s.buf)))
	return nil
}

// finish ends writing and frees what it took.
func (s *spillFile) finish() error {
	if s.w == nil {
		return nil
	}
	err := s.w.Flush()
	s.w, s.buf = nil, nil
	if err != nil {
		return spillError(err)
	}
	return nil
}

// reader starts reading at the beginning; nothing may be written any more.
func (s *spillFile) reader() (*spillReader, error) {
	if err := s.finish(); err != nil {
		return nil, err
	}
	return &spillReader{r: bufio.NewReaderSize(io.NewSectionReader(s.f, 0, math.MaxInt64), spillBuffer)}, nil
}

// at gives the batch that was written when size was off.
func (s *spillFile) at(off int64) (*vec.Batch, error) {
	if s.w != nil {
		if err := s.w.Flush(); err != nil {
			return nil, spillError(err)
		}
	}
	var head [4]byte
	if _, err := s.f.ReadAt(head[:], off); err != nil {
		return nil, spillError(err)
	}
	buf := make([]byte, binary.LittleEndian.Uint32(head[:]))
	if _, err := s.f.ReadAt(buf, off+int64(len(head))); err != nil {
		return nil, spillError(err)
	}
	return decodeBatch(buf)
}

// close may be called more than once.
func (s *spillFile) close() error {
	if s == nil || s.f == nil {
		return nil
	}
	f := s.f
	s.f, s.w = nil, nil
	return f.Close()
}

// spillReader gives the batches of a file in order.
type spillReader struct {
	r   *bufio.Reader
	err error
}

// next returns nil at the end.
func (r *spillReader) next() (*vec.Batch, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, spillError(err)
	}
	buf := make([]byte, binary.LittleEndian.Uint32(head[:]))
	if _, err := io.ReadFull(r.r, buf); err != nil {
		return nil, spillError(err)
	}
	return decodeBatch(buf)
}

func decodeBatch(buf []byte) (*vec.Batch, error) {
	d := spillDecoder{buf: buf}
	b := &vec.Batch{Len: d.int()}
	b.Cols = make([]*vec.Column, d.int())
	for i := range b.Cols {
		b.Cols[i] = d.column(b.Len)
	}
	return b, d.err
}

func appendColumn(dst []byte, c *vec.Column) []byte {
	if c == nil {
		return append(dst, 0, spillAbsent)
	}
	dict := c.Codes != nil && c.Dict.Len <= c.Len/2+1
	if !dict {
		c = c.Flat()
	}
	flags := byte(0)
	if c.Valid != nil {
		flags |= spillNulls
	}
	if dict {
		flags |= spillDict
	}
	dst = append(dst, byte(c.Kind), flags)
	if c.Valid != nil {
		dst = appendWords(dst, c.Valid, c.Len)
	}
	if dict {
		dst = binary.AppendUvarint(dst, uint64(c.Dict.Len))
		dst = appendColumn(dst, c.Dict)
		for _, code := range c.Codes[:c.Len] {
			dst = binary.AppendUvarint(dst, uint64(uint32(code)))
		}
		return dst
	}
	return appendValues(dst, c)
}

func appendWords(dst []byte, b vec.Bitmap, n int) []byte {
	for _, w := range b[:(n+63)/64] {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

func appendValues(dst []byte, c *vec.Column) []byte {
	switch c.Kind {
	case vec.Bool:
		dst = appendWords(dst, c.Bits, c.Len)
	case vec.Int64:
		for _, v := range c.I64[:c.Len] {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
		}
	case vec.Float64:
		for _, v := range c.F64[:c.Len] {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
		}
	case vec.Bytes:
		for i := range c.Len {
			dst = binary.AppendUvarint(dst, uint64(c.Offsets[i+1]-c.Offsets[i]))
		}
		dst = append(dst, c.Data[c.Offsets[0]:c.Offsets[c.Len]]...)
	case vec.Decimal:
		for _, v := range c.Dec[:c.Len] {
			at := len(dst)
			dst = v.AppendBinary(append(dst, 0, 0, 0, 0))
			binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
		}
	case vec.Interval:
		for _, v := range c.Iv[:c.Len] {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Months))
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Days))
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Micros))
		}
	case vec.List:
		for i := range c.Len {
			dst = binary.AppendUvarint(dst, uint64(c.Offsets[i+1]-c.Offsets[i]))
		}
		dst = appendShapes(dst, c)
		dst = appendColumn(dst, c.Child.Slice(int(c.Offsets[0]), int(c.Offsets[c.Len])))
	case vec.Struct:
		dst = binary.AppendUvarint(dst, uint64(len(c.Fields)))
		for _, f := range c.Fields {
			dst = appendColumn(dst, f)
		}
	}
	return dst
}

// appendShapes writes for each row how many dimensions its shape names and these; a single 0 where no row has a shape.
func appendShapes(dst []byte, c *vec.Column) []byte {
	if c.Shapes == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	for _, s := range c.Shapes[:c.Len] {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		for _, d := range s {
			dst = binary.AppendUvarint(dst, uint64(d.Len))
			dst = binary.AppendUvarint(dst, uint64(uint32(d.Lower)))
		}
	}
	return dst
}

// spillDecoder reads what appendColumn wrote; after an error it gives zeros.
type spillDecoder struct {
	buf []byte
	err error
}

var errSpill = errors.New("temporary file is damaged")

func (d *spillDecoder) int() int {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 {
		d.err, d.buf = errSpill, nil
		return 0
	}
	d.buf = d.buf[n:]
	return int(v)
}

func (d *spillDecoder) take(n int) []byte {
	if n < 0 || n > len(d.buf) {
		d.err, d.buf = errSpill, nil
		return make([]byte, max(n, 0))
	}
	out := d.buf[:n:n]
	d.buf = d.buf[n:]
	return out
}

func (d *spillDecoder) words(n int) vec.Bitmap {
	out := vec.NewBitmap(n)
	raw := d.take(len(out) * 8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(raw[i*8:])
	}
	return out
}

// offsets reads n lengths.
func (d *spillDecoder) offsets(n int) []int32 {
	out := make([]int32, n+1)
	for i := range n {
		out[i+1] = out[i] + int32(d.int())
	}
	return out
}

func (d *spillDecoder) shapes(n int) [][]vec.Dim {
	if d.int() == 0 {
		return nil
	}
	out := make([][]vec.Dim, n)
	for i := range out {
		for k := d.int(); k > 0 && d.err == nil; k-- {
			out[i] = append(out[i], vec.Dim{Len: int32(d.int()), Lower: int32(uint32(d.int()))})
		}
	}
	return out
}

func (d *spillDecoder) column(n int) *vec.Column {
	if d.err != nil {
		return nil
	}
	head := d.take(2)
	if head[1]&spillAbsent != 0 {
		return nil
	}
	c := &vec.Column{Kind: vec.Kind(head[0]), Len: n}
	if head[1]&spillNulls != 0 {
		c.Valid = d.words(n)
	}
	if head[1]&spillDict != 0 {
		c.Dict = d.column(d.int())
		c.Codes = make([]int32, n)
		for i := range c.Codes {
			c.Codes[i] = int32(d.int())
		}
		return c
	}
	d.values(c, n)
	return c
}

func (d *spillDecoder) values(c *vec.Column, n int) {
	switch c.Kind {
	case vec.Bool:
		c.Bits = d.words(n)
	case vec.Int64:
		c.I64 = make([]int64, n)
		raw := d.take(8 * n)
		for i := range c.I64 {
			c.I64[i] = int64(binary.LittleEndian.Uint64(raw[i*8:]))
		}
	case vec.Float64:
		c.F64 = make([]float64, n)
		raw := d.take(8 * n)
		for i := range c.F64 {
			c.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[i*8:]))
		}
	case vec.Bytes:
		c.Offsets = d.offsets(n)
		c.Data = d.take(int(c.Offsets[n]))
	case vec.Decimal:
		c.Dec = make([]decimal.Dec, n)
		for i := range c.Dec {
			v, _, err := decimal.Decode(d.take(int(binary.LittleEndian.Uint32(d.take(4)))))
			if err != nil {
				d.err = err
				return
			}
			c.Dec[i] = v
		}
	case vec.Interval:
		c.Iv = make([]vec.IntervalValue, n)
		raw := d.take(16 * n)
		for i := range c.Iv {
			r := raw[i*16:]
			c.Iv[i] = vec.IntervalValue{Months: int32(binary.LittleEndian.Uint32(r)), Days: int32(binary.LittleEndian.Uint32(r[4:])), Micros: int64(binary.LittleEndian.Uint64(r[8:]))}
		}
	case vec.List:
		c.Offsets = d.offsets(n)
		c.Shapes = d.shapes(n)
		c.Child = d.column(int(c.Offsets[n]))
	case vec.Struct:
		c.Fields = make([]*vec.Column, d.int())
		for i := range c.Fields {
			c.Fields[i] = d.column(n)
		}
	}
}
