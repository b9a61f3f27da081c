package segment

import (
	"encoding/binary"
	"math"

	"github.com/allsource-db/allsource/vec"
)

// The blob of a path:
//
//	version, presence, byte kind (0xff: several, then integers: the kinds of the present values),
//	then for what there is of each: numbers, texts of the strings, texts of the jsonb values; checksum
//
// Numbers:
//
//	00 byte scale, integers: mantissas of that scale
//	01 byte scale, integers: mantissas at that scale, integers: the scale of each as it was written
//	02 integers: scales, integers: mantissas, each at its own scale
const (
	numsScaled = iota
	numsAligned
	numsMixed

	mixedKinds = 0xff
)

// ColumnIDs. A path's column and filter follow firstPath, two for each path in the order of Paths.
const (
	blobTypes    ColumnID = 1
	blobEntities ColumnID = 2
	blobNames    ColumnID = 3
	blobOrdinals ColumnID = 4
	blobTimes    ColumnID = 5
	blobIDs      ColumnID = 6
	blobExtras   ColumnID = 7
	blobFilter   ColumnID = 8 // of entity names
	blobOrder    ColumnID = 9 // reserved: the permutation of rows clustered by type
	firstPath    ColumnID = 64
)

// encoders is the scratch memory of Finish.
type encoders struct {
	zip      *compressor
	ints     intsEncoder
	texts    textsEncoder
	presence presenceEncoder
	nums     []int64
	scales   []int64
	codes    []uint16 // types of the rows
	counts   []int    // rows of each type
	rows     int
}

func newEncoders() (*encoders, error) {
	zip, err := newCompressor()
	if err != nil {
		return nil, err
	}
	e := &encoders{zip: zip}
	e.texts = textsEncoder{ints: &e.ints, zip: zip}
	e.presence = presenceEncoder{ints: &e.ints, zip: zip}
	return e, nil
}

// column encodes the values of a path and what zone maps tell of them.
func (e *encoders) column(n *node) (blob []byte, z zone, hashes []uint64) {
	dst := make([]byte, 0, 1024)
	dst = append(dst, formatVersion)
	dst, z.types = e.presence.append(dst, n.rows, e.rows, e.codes, e.counts)
	z.rows = len(n.rows)
	if len(n.kinds) > 0 && !uniform(n.kinds) {
		dst = append(dst, mixedKinds)
		e.nums = e.nums[:0]
		for _, k := range n.kinds {
			e.nums = append(e.nums, int64(k))
			z.has |= 1 << k
			if k == valNull {
				z.nulls++
			}
		}
		dst = e.ints.append(dst, e.nums, false)
	} else {
		k := n.kindAt(0)
		dst = append(dst, k)
		z.has = 1 << k
		if k == valNull {
			z.nulls = z.rows
		}
	}
	if len(n.nums) > 0 {
		dst = e.numbers(dst, n, &z)
	}
	if n.strs.len() > 0 {
		dst = e.texts.append(dst, &n.strs)
		hashes = e.zoneTexts(&n.strs, &z)
	}
	if n.docs.len() > 0 {
		dst = e.texts.append(dst, &n.docs)
	}
	return sealBlob(dst), z, hashes
}

func uniform[T comparable](s []T) bool {
	for _, v := range s {
		if v != s[0] {
			return false
		}
	}
	return true
}

// zoneTexts finds the bounds of the strings just encoded and keeps few distinct ones by their hashes; of many it
// returns the hashes for a filter.
func (e *encoders) zoneTexts(l *byteList, z *zone) (hashes []uint64) {
	if d := &e.texts.dict; e.texts.numbersAll(l) {
		l = &byteList{d.data, d.ends}
	}
	lo, hi := l.at(0), l.at(0)
	for i := 1; i < l.len(); i++ {
		if s := l.at(i); string(s) < string(lo) {
			lo = s
		} else if string(s) > string(hi) {
			hi = s
		}
	}
	z.lowText, z.highText, z.highCut = cutBounds(lo, hi)
	hashes = e.texts.hashes
	if len(hashes) > maxValueSet {
		z.filter = true
		return hashes
	}
	for _, h := range hashes {
		z.values = append(z.values, uint32(h))
	}
	return nil
}

const maxBound = 24

// cutBounds shortens bounds; a high bound that was cut stands for everything that begins with it.
func cutBounds(lo, hi []byte) (low, high string, cut bool) {
	if len(lo) > maxBound {
		lo = lo[:maxBound]
	}
	if cut = len(hi) > maxBound; cut {
		hi = hi[:maxBound]
	}
	return string(lo), string(hi), cut
}

// numbers encodes the numbers of a path.
func (e *encoders) numbers(dst []byte, n *node, z *zone) []byte {
	if len(n.scales) == 0 || uniform(n.scales) {
		s := n.scaleAt(0)
		z.setNumbers(n.nums, s)
		return e.ints.append(append(dst, numsScaled, s), n.nums, true)
	}
	most := uint8(0)
	e.scales = e.scales[:0]
	for _, s := range n.scales {
		most = max(most, s)
		e.scales = append(e.scales, int64(s))
	}
	e.nums = e.nums[:0]
	for i, m := range n.nums {
		v, ok := rescale(m, int(most-n.scales[i]))
		if !ok {
			z.setMixed(n)
			dst = e.ints.append(append(dst, numsMixed), e.scales, false)
			return e.ints.append(dst, n.nums, true)
		}
		e.nums = append(e.nums, v)
	}
	z.setNumbers(e.nums, most)
	dst = e.ints.append(append(dst, numsAligned, most), e.nums, true)
	return e.ints.append(dst, e.scales, false)
}

var pow10 = func() (t [19]int64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = 10 * t[i-1]
	}
	return t
}()

// rescale multiplies by 10^n, if an int64 holds the result.
func rescale(m int64, n int) (int64, bool) {
	if n >= len(pow10) {
		return 0, m == 0
	}
	v := m * pow10[n]
	return v, v/pow10[n] == m
}

// sparseTimes encodes values that some rows have: presence, then integers.
func (e *encoders) sparseTimes(s *sparse[int64]) []byte {
	dst, _ := e.presence.append([]byte{formatVersion}, s.rows, e.rows, e.codes, e.counts)
	if len(s.vals) > 0 {
		dst = e.ints.append(dst, s.vals, true)
	}
	return sealBlob(dst)
}

// idBlob encodes the producers' ids: presence, then 16 bytes each.
func (e *encoders) idBlob(s *sparse[[16]byte]) []byte {
	dst, _ := e.presence.append([]byte{formatVersion}, s.rows, e.rows, e.codes, e.counts)
	for _, id := range s.vals {
		dst = append(dst, id[:]...)
	}
	return sealBlob(dst)
}

// intsBlob encodes one integer a row.
func (e *encoders) intsBlob(vals []int64) []byte {
	return sealBlob(e.ints.append([]byte{formatVersion}, vals, false))
}

// zone is what the meta blob tells of a path's values.
type zone struct {
	rows   int
	nulls  int
	has    uint16 // valueKinds, by bit
	types  vec.Bitmap
	filter bool

	numbers  uint8 // what is known of the numbers
	lowInt   int64
	highInt  int64
	lowNum   float64 // not above the least number, not below the greatest
	highNum  float64
	lowText  string
	highText string
	highCut  bool
	values   []uint32 // low halves of the hashes of all strings; nil: too many
}

const (
	zoneNone   = iota // no numbers
	zoneInts          // only integers, with their bounds
	zoneFloats        // bounds as floats
)

// maxValueSet is how many distinct strings a zone lists.
const maxValueSet = 48

func (z *zone) setNumbers(nums []int64, scale uint8) {
	lo, hi := bounds(nums)
	if scale == 0 {
		z.numbers, z.lowInt, z.highInt = zoneInts, lo, hi
		return
	}
	z.numbers = zoneFloats
	z.lowNum, _ = around(lo, scale)
	_, z.highNum = around(hi, scale)
}

func (z *zone) setMixed(n *node) {
	z.numbers = zoneFloats
	z.lowNum, z.highNum = math.Inf(1), math.Inf(-1)
	for i, m := range n.nums {
		lo, hi := around(m, n.scales[i])
		z.lowNum, z.highNum = min(z.lowNum, lo), max(z.highNum, hi)
	}
}

// around gives floats below and above mantissa/10^scale: conversion, power and division each err by less than one step.
func around(mantissa int64, scale uint8) (lo, hi float64) {
	f := float64(mantissa) / math.Pow10(int(scale))
	lo, hi = f, f
	for range 4 {
		lo, hi = math.Nextafter(lo, math.Inf(-1)), math.Nextafter(hi, math.Inf(1))
	}
	return lo, hi
}

// append encodes a zone: uvarint rows, nulls, kinds, the types, flags (1 filter, 2 integers, 4 floats, 8 strings, 16 the
// high bound is cut), and what these say.
func (z *zone) append(dst []byte, types int) []byte {
	dst = binary.AppendUvarint(dst, uint64(z.rows))
	dst = binary.AppendUvarint(dst, uint64(z.nulls))
	dst = binary.AppendUvarint(dst, uint64(z.has))
	dst = appendBits(dst, z.types, types)
	flags := byte(z.numbers) << 1
	if z.filter {
		flags |= 1
	}
	if z.has>>valString&1 != 0 {
		flags |= 8
	}
	if z.highCut {
		flags |= 16
	}
	dst = append(dst, flags)
	switch z.numbers {
	case zoneInts:
		dst = binary.AppendVarint(binary.AppendVarint(dst, z.lowInt), z.highInt)
	case zoneFloats:
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(z.lowNum))
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(z.highNum))
	}
	if flags&8 != 0 {
		dst = appendText(appendText(dst, z.lowText), z.highText)
		dst = binary.AppendUvarint(dst, uint64(len(z.values)))
		for _, v := range z.values {
			dst = binary.LittleEndian.AppendUint32(dst, v)
		}
	}
	return dst
}

func parseZone(p *parser, rows, types int) (z zone) {
	z.rows = p.count(rows)
	z.nulls = p.count(z.rows)
	z.has = uint16(p.count(1<<numValueKinds - 1))
	z.types = parseBits(p, types)
	flags := p.byte()
	z.filter, z.highCut, z.numbers = flags&1 != 0, flags&16 != 0, flags>>1&3
	switch z.numbers {
	case zoneInts:
		z.lowInt, z.highInt = p.varint(), p.varint()
	case zoneFloats:
		if b := p.bytes(16); b != nil {
			z.lowNum = math.Float64frombits(binary.LittleEndian.Uint64(b))
			z.highNum = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
		}
	}
	if flags&8 != 0 {
		z.lowText, z.highText = string(p.text()), string(p.text())
		z.values = make([]uint32, p.count(maxValueSet))
		for i := range z.values {
			if b := p.bytes(4); b != nil {
				z.values[i] = binary.LittleEndian.Uint32(b)
			}
		}
	}
	return z
}
