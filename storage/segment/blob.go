package segment

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

// formatVersion is the first byte of every blob. The last 8 are the xxhash64 of what is before, little-endian; they also
// let packed values be loaded 8 bytes at a time without a check at the end.
const (
	formatVersion = 1
	trailerLen    = 8
)

// maxRaw bounds what a compressed piece may unpack to, so that damaged lengths cannot ask for all memory.
const maxRaw = 1 << 30

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// sealBlob ends a blob that began with formatVersion.
func sealBlob(b []byte) []byte {
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// openBlob verifies a blob and returns a parser over what lies between version and checksum.
func openBlob(b []byte) (*parser, error) {
	if len(b) < 1+trailerLen {
		return nil, corrupt("blob of %d bytes", len(b))
	}
	end := len(b) - trailerLen
	if xxhash.Sum64(b[:end]) != binary.LittleEndian.Uint64(b[end:]) {
		return nil, corrupt("checksum of a blob of %d bytes", len(b))
	}
	if b[0] != formatVersion {
		return nil, corrupt("blob of format version %d", b[0])
	}
	return &parser{buf: b, off: 1, end: end}, nil
}

// parser takes a blob apart. After the first failure every call returns zero values, and err says what was wrong.
type parser struct {
	buf []byte
	off int
	end int // buf has trailerLen more bytes
	err error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = corrupt(format, args...)
	}
	p.off = p.end
}

func (p *parser) byte() byte {
	if p.off >= p.end {
		p.fail("blob ends early")
		return 0
	}
	p.off++
	return p.buf[p.off-1]
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.buf[p.off:p.end])
	if n <= 0 {
		p.fail("bad number at byte %d", p.off)
		return 0
	}
	p.off += n
	return v
}

func (p *parser) varint() int64 {
	v, n := binary.Varint(p.buf[p.off:p.end])
	if n <= 0 {
		p.fail("bad number at byte %d", p.off)
		return 0
	}
	p.off += n
	return v
}

// count reads a number that must not exceed limit.
func (p *parser) count(limit int) int {
	v := p.uvarint()
	if v > uint64(limit) {
		p.fail("count %d exceeds %d", v, limit)
		return 0
	}
	return int(v)
}

// bytes returns the next n bytes, shared with the blob.
func (p *parser) bytes(n int) []byte {
	if n < 0 || n > p.end-p.off {
		p.fail("blob ends early")
		return nil
	}
	p.off += n
	return p.buf[p.off-n : p.off : p.off]
}

// text reads a length and that many bytes.
func (p *parser) text() []byte { return p.bytes(p.count(p.end - p.off)) }

// packed returns the next n bytes and the trailerLen bytes after them, which are there in every blob.
func (p *parser) packed(n int) []byte {
	if p.bytes(n) == nil && p.err != nil {
		return make([]byte, trailerLen)
	}
	return p.buf[p.off-n : p.off+trailerLen]
}

// finish reports a failure, or bytes left over.
func (p *parser) finish() error {
	if p.err == nil && p.off != p.end {
		p.fail("%d bytes too many", p.end-p.off)
	}
	return p.err
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxRaw))
})

// unzstd unpacks src, which must give size bytes.
func unzstd(src []byte, size int) ([]byte, error) {
	// The buffer grows with what is really there, not with what a damaged length says.
	return appendUnzstd(make([]byte, 0, min(size, 64*len(src)+1024)), src, size)
}

// appendUnzstd appends src unpacked, which must give size bytes.
func appendUnzstd(dst, src []byte, size int) ([]byte, error) {
	d, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	out, err := d.DecodeAll(src, dst)
	if err != nil {
		return nil, corrupt("%v", err)
	}
	if n := len(out) - len(dst); n != size {
		return nil, corrupt("%d bytes unpacked, not %d", n, size)
	}
	return out, nil
}

// compressor is the zstd encoder of one builder.
type compressor struct{ enc *zstd.Encoder }

func newCompressor() (*compressor, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(128<<10), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return &compressor{enc}, nil
}

// pack appends src to dst, compressed where that saves a tenth; ok tells.
func (c *compressor) pack(dst, src []byte) (out []byte, ok bool) {
	if len(src) < 64 {
		return append(dst, src...), false
	}
	n := len(dst)
	out = c.enc.EncodeAll(src, dst)
	if len(out)-n > len(src)-len(src)/10 {
		return append(out[:n], src...), false
	}
	return out, true
}
