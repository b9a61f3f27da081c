package tail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/allsource-db/allsource/vec/jsonb"
)

// ErrCorrupt is wrapped by the error of a block that is not as it was written.
var ErrCorrupt = errors.New("commit record is damaged")

// Block is the rows of one synced batch: one or more commits.
type Block struct {
	First int64 // position of the first row
	Rows  []Row // rows of equal recorded time are one commit
}

const (
	blockFormat  = 1
	flagS2       = 1
	compressFrom = 1024 // smaller bodies stay as they are
)

const (
	rowHasID = 1 << iota
	rowHasTime
	rowNoPayload  // {}
	rowNoMetadata // {}
	rowSameType   // as the row before
	rowSameEntity
)

var emptyObject = jsonb.EmptyObject

// AppendBlock appends the encoding of b to dst.
func AppendBlock(dst []byte, b *Block) []byte {
	start := len(dst)
	dst = append(dst, blockFormat, 0)
	dst = appendBody(dst, b)
	if n := len(dst) - start - 2; n >= compressFrom {
		dst = slices.Grow(dst, s2.MaxEncodedLen(n)) // the packed body is made behind the other
		if small := s2.Encode(dst[len(dst):cap(dst)], dst[start+2:]); len(small) < n {
			dst = append(dst[:start+2], small...)
			dst[start+1] = flagS2
		}
	}
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(dst[start:]))
}

func appendBody(dst []byte, b *Block) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.First))
	commits := 0
	for i := range b.Rows {
		if i == 0 || b.Rows[i].Recorded != b.Rows[i-1].Recorded {
			commits++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(commits))
	for i := 0; i < len(b.Rows); {
		j := i + 1
		for j < len(b.Rows) && b.Rows[j].Recorded == b.Rows[i].Recorded {
			j++
		}
		dst = binary.AppendVarint(dst, b.Rows[i].Recorded)
		dst = binary.AppendUvarint(dst, 0)
		dst = binary.AppendUvarint(dst, uint64(j-i))
		i = j
	}
	prev := &Row{}
	for i := range b.Rows {
		dst = appendRow(dst, &b.Rows[i], prev)
		prev = &b.Rows[i]
	}
	return dst
}

func appendRow(dst []byte, r, prev *Row) []byte {
	flags := byte(0)
	set := func(f byte, on bool) bool {
		if on {
			flags |= f
		}
		return on
	}
	at := len(dst)
	dst = append(dst, 0)
	if !set(rowSameEntity, prev.Version > 0 && prev.Ordinal == r.Ordinal) {
		dst = binary.AppendUvarint(dst, r.Ordinal)
		dst = appendBytes(dst, r.Entity)
	}
	if !set(rowSameType, prev.Version > 0 && prev.Type == r.Type) {
		dst = appendBytes(dst, r.Type)
	}
	dst = binary.AppendUvarint(dst, uint64(r.Version))
	if set(rowHasID, r.HasID) {
		dst = append(dst, r.ID[:]...)
	}
	if set(rowHasTime, r.HasTime) {
		dst = binary.AppendVarint(dst, r.Time-r.Recorded)
	}
	if !set(rowNoPayload, string(r.Payload) == string(emptyObject)) {
		dst = appendBytes(dst, r.Payload)
	}
	if !set(rowNoMetadata, string(r.Metadata) == string(emptyObject)) {
		dst = appendBytes(dst, r.Metadata)
	}
	dst[at] = flags
	return dst
}

func appendBytes[T string | []byte | jsonb.Value](dst []byte, b T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// DecodeBlock is the inverse of AppendBlock. The rows may share memory with data.
func DecodeBlock(data []byte) (*Block, error) {
	if len(data) < 10 {
		return nil, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(data))
	}
	content, sum := data[:len(data)-8], binary.LittleEndian.Uint64(data[len(data)-8:])
	if xxhash.Sum64(content) != sum {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	if content[0] != blockFormat {
		return nil, fmt.Errorf("%w: format %d", ErrCorrupt, content[0])
	}
	body := content[2:]
	if content[1]&flagS2 != 0 {
		var err error
		if body, err = s2.Decode(nil, body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	d := decoder{rest: body}
	b := d.block()
	if d.bad || len(d.rest) != 0 {
		return nil, fmt.Errorf("%w: body of %d bytes", ErrCorrupt, len(body))
	}
	return b, nil
}

type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) block() *Block {
	b := &Block{First: int64(d.uvarint())}
	commits := d.uvarint()
	var times []int64
	for range commits {
		at := d.varint()
		relation, rows := d.uvarint(), d.uvarint()
		if d.bad || relation != 0 || rows > uint64(len(d.rest)) || len(times)+int(rows) > math.MaxInt32 {
			d.bad = true
			return nil
		}
		for range rows {
			times = append(times, at)
		}
	}
	b.Rows = make([]Row, len(times))
	prev := &Row{}
	for i := range b.Rows {
		b.Rows[i].Recorded = times[i]
		d.row(&b.Rows[i], prev)
		prev = &b.Rows[i]
	}
	return b
}

func (d *decoder) row(r, prev *Row) {
	flags := d.take(1)
	if d.bad {
		return
	}
	f := flags[0]
	r.Ordinal, r.Entity, r.Type = prev.Ordinal, prev.Entity, prev.Type
	if f&rowSameEntity == 0 {
		r.Ordinal = d.uvarint()
		r.Entity = string(d.bytes())
	}
	if f&rowSameType == 0 {
		r.Type = string(d.bytes())
	}
	r.Version = int64(d.uvarint())
	if f&rowHasID != 0 {
		r.HasID = true
		copy(r.ID[:], d.take(16))
	}
	if f&rowHasTime != 0 {
		r.HasTime = true
		r.Time = r.Recorded + d.varint()
	}
	r.Payload, r.Metadata = emptyObject, emptyObject
	if f&rowNoPayload == 0 {
		r.Payload = d.bytes()
	}
	if f&rowNoMetadata == 0 {
		r.Metadata = d.bytes()
	}
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.bad = true
		return nil
	}
	out := d.rest[:n:n]
	d.rest = d.rest[n:]
	return out
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	return d.take(int(n))
}
