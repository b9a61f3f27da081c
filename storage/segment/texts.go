package segment

import (
	"slices"
	"sort"
	"strconv"
	"sync"

	"github.com/allsource-db/allsource/vec"
)

// Texts (a known count of byte strings):
//
//	00 constant   text
//	01 dictionary uvarint count, its texts (not again a dictionary), integers: the codes
//	02 plain      byte form, integers: lengths as stored, uvarint pieces, bytes
//	              pieces 0: uvarint size and all bytes as they are; else per piece uvarint texts, raw size, packed size,
//	              then the pieces, each zstd, or as it is where packed = raw
//	03 numbered   text prefix, byte digits, integers: each text is the prefix and a number, of that many digits with
//	              leading zeros, or of as many as needed without (digits 0)
//
// The form is 0 as is, 1 lower-case hexadecimal (two digits a byte), 2 uuid (16 bytes). "text" is a uvarint length and
// the bytes.
const (
	textsConst = iota
	textsDict
	textsPlain
	textsNumbered
)

const (
	formAsIs = iota
	formHex
	formUUID
)

const maxDigits = 18

type textPiece struct {
	first, end int // texts
	raw        int // bytes unpacked
	data       []byte
}

// texts reads byte strings. It is immutable, apart from remembering what is asked for often.
type texts struct {
	n      int
	mode   byte
	value  []byte // constant, or prefix
	form   byte
	digits int
	ints   *ints // codes, lengths or numbers
	dict   *texts
	data   []byte
	pieces []textPiece // none: data is all bytes

	offsets func() []uint32             // of texts of several lengths in data
	column  func() (*vec.Column, error) // the dictionary, or the constant
	whole   unpackedTexts
}

// parseTexts reads n texts.
func parseTexts(p *parser, n int) *texts {
	t := &texts{n: n, mode: p.byte()}
	switch t.mode {
	case textsConst:
		t.value = p.text()
	case textsDict:
		count := p.count(n)
		t.dict = parseTexts(p, count)
		if t.dict.mode == textsDict || count == 0 {
			p.fail("dictionary")
		}
		t.ints = parseInts(p, n)
	case textsPlain:
		if t.form = p.byte(); t.form > formUUID {
			p.fail("texts of form %d", t.form)
		}
		t.ints = parseInts(p, n)
		t.parsePieces(p)
		t.offsets = sync.OnceValue(t.makeOffsets)
	case textsNumbered:
		t.value = p.text()
		t.digits = p.count(maxDigits)
		t.ints = parseInts(p, n)
	default:
		p.fail("texts in mode %d", t.mode)
	}
	if p.err != nil {
		t = &texts{mode: textsConst}
	}
	t.column = sync.OnceValues(t.makeColumn)
	return t
}

func (t *texts) parsePieces(p *parser) {
	count := p.count(t.n)
	if count == 0 {
		t.data = p.text()
		if l := t.ints.base; t.ints.blocks == nil && (l > uint64(len(t.data)) || l*uint64(t.n) != uint64(len(t.data))) {
			p.fail("%d texts of %d bytes in %d bytes", t.n, l, len(t.data))
		}
		return
	}
	if count*3 > p.end-p.off {
		p.fail("blob ends early")
		return
	}
	t.pieces = make([]textPiece, count)
	packed := make([]int, count)
	at := 0
	for i := range t.pieces {
		pc := &t.pieces[i]
		pc.first = at
		at += p.count(t.n - at)
		pc.end = at
		pc.raw = p.count(maxRaw)
		packed[i] = p.count(p.end - p.off)
	}
	if at != t.n {
		p.fail("pieces hold %d texts of %d", at, t.n)
	}
	for i := range t.pieces {
		t.pieces[i].data = p.bytes(packed[i])
	}
}

// makeOffsets sums the lengths; damaged ones are cut to the data.
func (t *texts) makeOffsets() []uint32 {
	out, _ := t.sumLengths(0, t.n, len(t.data))
	return out
}

// sumLengths gives where the stored texts [from, to) begin and end within size bytes; ok if they fill them.
func (t *texts) sumLengths(from, to, size int) (offsets []uint32, ok bool) {
	offsets = make([]uint32, to-from+1)
	lens := make([]int32, to-from)
	readInts(t.ints, lens, from)
	sum := 0
	for k, l := range lens {
		if l < 0 || int(l) > size-sum {
			l = int32(size - sum)
			ok = true
		}
		sum += int(l)
		offsets[k+1] = uint32(sum)
	}
	return offsets, !ok && sum == size
}

func (t *texts) isDict() bool { return t.mode == textsDict || t.mode == textsConst }

// makeColumn makes the column that codes refer to.
func (t *texts) makeColumn() (*vec.Column, error) {
	if t.mode == textsConst {
		return &vec.Column{Kind: vec.Bytes, Len: 1, Offsets: []int32{0, int32(len(t.value))}, Data: t.value}, nil
	}
	if t.mode != textsDict {
		return nil, corrupt("texts without a dictionary")
	}
	return t.dict.all()
}

// readCodes stores the codes of the texts from i on.
func (t *texts) readCodes(dst []int32, i int) error {
	if t.mode == textsConst {
		clear(dst)
		return nil
	}
	readInts(t.ints, dst, i)
	return checkCodes(dst, t.dict.n)
}

// textCursor reads single texts, best in ascending order.
type textCursor struct {
	t       *texts
	ints    intCursor
	every   bool        // it reads all or many texts: what it unpacks is not counted
	whole   *vec.Column // all texts unpacked, or nil
	piece   *textPiece  // unpacked in raw
	raw     []byte
	offsets []uint32
}

// appendTo appends text i.
func (k *textCursor) appendTo(dst []byte, i int) ([]byte, error) {
	t := k.t
	switch t.mode {
	case textsConst:
		return append(dst, t.value...), nil
	case textsDict:
		col, err := t.column()
		if err != nil {
			return dst, err
		}
		code := k.number(i)
		if uint64(code) >= uint64(col.Len) {
			return dst, corrupt("code %d in a dictionary of %d", code, col.Len)
		}
		return append(dst, col.Data[col.Offsets[code]:col.Offsets[code+1]]...), nil
	case textsNumbered:
		return appendNumbered(dst, t.value, k.number(i), t.digits), nil
	}
	s, err := k.stored(i)
	switch {
	case err != nil:
		return dst, err
	case k.whole != nil:
		return append(dst, k.whole.Bytes(i)...), nil
	}
	return appendForm(dst, s, t.form)
}

// number returns the code or number of text i.
func (k *textCursor) number(i int) int64 {
	if k.ints.c == nil {
		k.ints.c = k.t.ints
	}
	return k.ints.at(i)
}

func appendNumbered(dst, prefix []byte, v int64, digits int) []byte {
	dst = append(dst, prefix...)
	var buf [20]byte
	s := strconv.AppendInt(buf[:0], v, 10)
	for n := len(s); n < digits; n++ {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

func appendForm(dst, s []byte, form byte) ([]byte, error) {
	switch form {
	case formHex:
		return appendHex(dst, s), nil
	case formUUID:
		if len(s) != 16 {
			return dst, corrupt("uuid of %d bytes", len(s))
		}
		for i, part := range [...][]byte{s[:4], s[4:6], s[6:8], s[8:10], s[10:]} {
			if i > 0 {
				dst = append(dst, '-')
			}
			dst = appendHex(dst, part)
		}
		return dst, nil
	}
	return append(dst, s...), nil
}

// hexPairs are the two digits of each byte.
var hexPairs = func() (t [256][2]byte) {
	const digits = "0123456789abcdef"
	for i := range t {
		t[i] = [2]byte{digits[i>>4], digits[i&15]}
	}
	return t
}()

func appendHex(dst, s []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, 2*len(s))[:n+2*len(s)]
	for i, c := range s {
		p := &hexPairs[c]
		dst[n+2*i], dst[n+2*i+1] = p[0], p[1]
	}
	return dst
}

// stored returns text i of a plain block as it is stored, unless k.whole has it.
func (k *textCursor) stored(i int) ([]byte, error) {
	t := k.t
	if k.whole != nil {
		return nil, nil
	}
	if len(t.pieces) == 0 {
		if t.ints.blocks == nil {
			l := int(t.ints.base)
			return t.data[i*l : i*l+l], nil
		}
		if k.offsets == nil {
			k.offsets = t.offsets()
		}
		return t.data[k.offsets[i]:k.offsets[i+1]], nil
	}
	if k.piece == nil || i < k.piece.first || i >= k.piece.end {
		if err := k.unpack(i); err != nil || k.whole != nil {
			return nil, err
		}
	}
	i -= k.piece.first
	return k.raw[k.offsets[i]:k.offsets[i+1]], nil
}

// unpack makes the piece of text i the current one, or unpacks all.
func (k *textCursor) unpack(i int) (err error) {
	t := k.t
	if !k.every {
		if k.whole, err = t.unpacked(1); k.whole != nil || err != nil {
			return err
		}
	}
	pc := &t.pieces[sort.Search(len(t.pieces)-1, func(n int) bool { return t.pieces[n].end > i })]
	raw := pc.data
	if len(raw) != pc.raw {
		if raw, err = unzstd(raw, pc.raw); err != nil {
			return err
		}
	}
	offsets, ok := t.sumLengths(pc.first, pc.end, len(raw))
	if !ok {
		return corrupt("texts do not fill their piece")
	}
	k.piece, k.raw, k.offsets = pc, raw, offsets
	return nil
}

// memSize estimates what is remembered beside the blob.
func (t *texts) memSize() int {
	n := 200 + len(t.pieces)*64
	if t.ints != nil {
		n += t.ints.memSize()
	}
	if t.mode == textsPlain && len(t.pieces) == 0 && t.ints.blocks != nil {
		n += 4 * t.n
	}
	if t.dict != nil {
		n += t.dict.memSize() + 4*t.dict.n
		for _, p := range t.dict.pieces {
			n += p.raw
		}
		n += 2 * len(t.dict.data)
	}
	return n
}
