package segment

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// Integers (a known count of int64):
//
//	00 constant   varint value
//	01 blocks     varint base, uvarint unit, then per block of 1024 a head, then the packed values of all blocks
//	   head       byte width (0x80 set: differences), uvarint low, if differences varint least
//
// A value is base + unit*x. In a block of values, x is low + packed. In a block of differences the first x is low, and
// every further one is the one before + least + packed (the first packed value is 0). All sums are modulo 2^64.
const (
	intsConst  = 0
	intsBlocks = 1

	intBlock   = 1024
	deltaBlock = 0x80
)

type intsBlock struct {
	low   uint64
	least uint64
	off   int32
	width uint8
	delta bool
}

// ints reads integers. It is immutable.
type ints struct {
	n      int
	base   uint64
	unit   uint64
	blocks []intsBlock // nil: constant base
	data   []byte
}

// intsEncoder holds the scratch memory of encoding.
type intsEncoder struct {
	x, d   [intBlock]uint64
	packed []byte
}

// append encodes vals; without differences any value is found in constant time.
func (e *intsEncoder) append(dst []byte, vals []int64, differences bool) []byte {
	lo, hi := bounds(vals)
	if lo == hi {
		return binary.AppendVarint(append(dst, intsConst), lo)
	}
	unit := commonUnit(vals, lo)
	dst = binary.AppendVarint(append(dst, intsBlocks), lo)
	dst = binary.AppendUvarint(dst, unit)
	e.packed = e.packed[:0]
	for len(vals) > 0 {
		n := min(len(vals), intBlock)
		x := e.x[:n]
		low, high := ^uint64(0), uint64(0)
		if unit == 1 {
			for i, v := range vals[:n] {
				u := uint64(v) - uint64(lo)
				low, high, x[i] = min(low, u), max(high, u), u
			}
		} else {
			for i, v := range vals[:n] {
				u := (uint64(v) - uint64(lo)) / unit
				low, high, x[i] = min(low, u), max(high, u), u
			}
		}
		dst = e.appendBlock(dst, x, low, high, differences)
		vals = vals[n:]
	}
	return append(dst, e.packed...)
}

// appendBlock appends the head of a block, with values from low to high, to dst and the values to e.packed.
func (e *intsEncoder) appendBlock(dst []byte, x []uint64, low, high uint64, differences bool) []byte {
	w := packWidth(high - low)
	if differences && w > 2 {
		least, most := int64(x[1]-x[0]), int64(x[1]-x[0])
		for i := 2; i < len(x); i++ {
			d := int64(x[i] - x[i-1])
			least, most = min(least, d), max(most, d)
		}
		if dw := packWidth(uint64(most - least)); dw+2 <= w {
			d := e.d[:len(x)]
			d[0] = 0
			for i := 1; i < len(x); i++ {
				d[i] = x[i] - x[i-1] - uint64(least)
			}
			e.packed = appendPacked(e.packed, d, dw)
			dst = binary.AppendUvarint(append(dst, byte(dw)|deltaBlock), x[0])
			return binary.AppendVarint(dst, least)
		}
	}
	for i := range x {
		x[i] -= low
	}
	e.packed = appendPacked(e.packed, x, w)
	return binary.AppendUvarint(append(dst, byte(w)), low)
}

func bounds(vals []int64) (lo, hi int64) {
	if len(vals) == 0 {
		return 0, 0
	}
	lo, hi = vals[0], vals[0]
	for _, v := range vals {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// commonUnit gives the greatest common divisor of the distances from lo.
func commonUnit(vals []int64, lo int64) uint64 {
	if len(vals) < 16 {
		return 1
	}
	var g uint64
	for _, v := range vals {
		d := uint64(v) - uint64(lo)
		if d == 0 || g != 0 && d%g == 0 {
			continue
		}
		if g = gcd(g, d); g == 1 {
			return 1
		}
	}
	return max(g, 1)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// parseInts reads n integers.
func parseInts(p *parser, n int) *ints {
	c := &ints{n: n, unit: 1}
	switch mode := p.byte(); mode {
	case intsConst:
		c.base = uint64(p.varint())
		return c
	case intsBlocks:
	default:
		p.fail("integers in mode %d", mode)
		return c
	}
	c.base = uint64(p.varint())
	c.unit = p.uvarint()
	nb := (n + intBlock - 1) / intBlock
	if nb*2 > p.end-p.off {
		p.fail("integers end early")
		return c
	}
	c.blocks = make([]intsBlock, nb)
	total := 0
	for i := range c.blocks {
		b := &c.blocks[i]
		w := p.byte()
		b.delta, b.width = w&deltaBlock != 0, w&^deltaBlock
		b.low = p.uvarint()
		if b.delta {
			b.least = uint64(p.varint())
		}
		if b.width > 56 && b.width != 64 {
			p.fail("width %d", b.width)
		}
		b.off = int32(total)
		total += packedLen(min(n-i*intBlock, intBlock), uint(b.width))
	}
	c.data = p.packed(total)
	if p.err != nil {
		c.blocks = nil
	}
	return c
}

// at returns value i. Blocks of differences cost O(block): see intCursor.
func (c *ints) at(i int) int64 {
	if c.blocks == nil {
		return int64(c.base)
	}
	b := &c.blocks[i/intBlock]
	i %= intBlock
	if !b.delta {
		return int64(c.base + c.unit*(b.low+vec.PackedAt(c.data[b.off:], i, uint(b.width))))
	}
	x := b.low + uint64(i)*b.least
	for k := 1; k <= i; k++ {
		x += vec.PackedAt(c.data[b.off:], k, uint(b.width))
	}
	return int64(c.base + c.unit*x)
}

// search goes from value i, which is x, to the first that is at least v, at most to number end; all are of one block.
func (c *ints) search(i, end int, x, v int64) (int, int64) {
	if c.blocks == nil {
		if x < v {
			i = end
		}
		return i, x
	}
	b := &c.blocks[i/intBlock]
	data, w, base := c.data[b.off:], uint(b.width), (i/intBlock)*intBlock
	for x < v {
		if i++; i == end {
			break
		}
		packed := vec.PackedAt(data, i-base, w)
		if b.delta {
			x += int64(c.unit * (b.least + packed))
		} else {
			x = int64(c.base + c.unit*(b.low+packed))
		}
	}
	return i, x
}

// readInts stores the values from i on.
func readInts[T int32 | int64](c *ints, dst []T, i int) {
	if c.blocks == nil {
		for k := range dst {
			dst[k] = T(c.base)
		}
		return
	}
	for len(dst) > 0 {
		b, at := &c.blocks[i/intBlock], i%intBlock
		n := min(len(dst), intBlock-at)
		if b.delta {
			readDeltas(c, b, dst[:n], at)
		} else {
			unpack(dst[:n], c.data[b.off:], at, uint(b.width), c.base+c.unit*b.low, c.unit)
		}
		dst, i = dst[n:], i+n
	}
}

func unpack[T int32 | int64](dst []T, src []byte, from int, width uint, base, unit uint64) {
	switch dst := any(dst).(type) {
	case []int32:
		vec.Unpack32(dst, src, from, width, base, unit)
	case []int64:
		vec.Unpack64(dst, src, from, width, base, unit)
	}
}

// readDeltas unpacks the differences of the values and sums them up.
func readDeltas[T int32 | int64](c *ints, b *intsBlock, dst []T, at int) {
	data, w := c.data[b.off:], uint(b.width)
	x := b.low + (uint64(at)-1)*b.least // the value before dst, after all differences before it
	if at > 0 && w > 0 {
		var before [intBlock]int64
		vec.Unpack64(before[:at], data, 0, w, 0, 1)
		for _, d := range before[:at] {
			x += uint64(d)
		}
	}
	unpack(dst, data, at, w, c.unit*b.least, c.unit)
	start := T(c.base + c.unit*x)
	if dst, ok := any(dst).([]int64); ok {
		vec.PrefixSum(dst, int64(start))
		return
	}
	for k := range dst {
		start += dst[k]
		dst[k] = start
	}
}

// between sets the bits of dst for n values from number from on, a multiple of 64: 1 for those in
// [lo, hi], or with not for the others. Packed values are compared as they are.
func (c *ints) between(dst vec.Bitmap, from, n int, lo, hi int64, not bool) {
	if c.blocks == nil {
		fill(dst, n, (lo <= int64(c.base) && int64(c.base) <= hi) != not)
		return
	}
	var vals [intBlock]int64
	for done := 0; done < n; {
		b, at := &c.blocks[(from+done)/intBlock], (from+done)%intBlock
		k := min(n-done, intBlock-at)
		out := dst[done>>6:]
		if first, last, ok := c.frame(b, lo, hi); ok {
			vec.PackedBetween(out, c.data[b.off:], at, k, uint(b.width), first, last, not)
		} else if low, high, ok := c.reach(b); ok && (high < lo || low > hi || lo <= low && high <= hi) {
			fill(out, k, (lo <= low && high <= hi) != not)
		} else {
			readInts(c, vals[:k], from+done)
			vec.BetweenInt64(out, vals[:k], lo, hi, not)
		}
		done += k
	}
}

// fill sets n bits of dst, or clears them.
func fill(dst vec.Bitmap, n int, to bool) {
	if to {
		dst.SetAll(n)
	} else {
		clear(dst[:(n+63)/64])
	}
}

// reach bounds the values of a block of differences that rises, as times mostly do.
func (c *ints) reach(b *intsBlock) (low, high int64, ok bool) {
	if !b.delta || b.width > 40 || int64(b.least) < 0 || b.least > 1<<40 {
		return 0, 0, false
	}
	over, most := bits.Mul64(c.unit, (intBlock-1)*(b.least+1<<b.width-1))
	low = int64(c.base + c.unit*b.low)
	if over != 0 || most > math.MaxInt64 || low > math.MaxInt64-int64(most) {
		return 0, 0, false
	}
	return low, low + int64(most), true
}

// frame moves an interval into the packed values of a block: those from first to last are in it, none if first > last. It
// fails where packed values do not order as the values do.
func (c *ints) frame(b *intsBlock, lo, hi int64) (first, last uint64, ok bool) {
	if b.delta || b.width > 56 || c.unit == 0 {
		return 0, 0, false
	}
	least := int64(c.base + c.unit*b.low)
	over, most := bits.Mul64(c.unit, 1<<b.width-1)
	if over != 0 || most > math.MaxInt64 || least > math.MaxInt64-int64(most) {
		return 0, 0, false
	}
	if hi < least || lo > least+int64(most) || lo > hi {
		return 1, 0, true
	}
	if lo > least {
		first = (uint64(lo-least) + c.unit - 1) / c.unit
	}
	return first, uint64(hi-least) / c.unit, true
}

// bitsPerValue estimates the packed size.
func bitsPerValue(distinct int) int { return bits.Len(uint(max(distinct, 1) - 1)) }

func (c *ints) memSize() int { return 64 + len(c.blocks)*32 }

// unpackFrom is how many values of a block are wanted before it is cheaper to unpack it than to read them one by one.
const unpackFrom = 16

// gatherInts stores the values at places, which ascend.
func gatherInts[T int32 | int64](c *ints, dst []T, places []int32) {
	if c.blocks == nil {
		for k := range dst {
			dst[k] = T(c.base)
		}
		return
	}
	var vals [intBlock]T
	for len(places) > 0 {
		blk := int(places[0]) / intBlock
		n := min(len(places), intBlock)
		if end := int32((blk + 1) * intBlock); places[n-1] >= end {
			n, _ = slices.BinarySearch(places[:n], end)
		}
		b, start := &c.blocks[blk], blk*intBlock
		switch {
		case !b.delta && n < unpackFrom:
			for k, at := range places[:n] {
				dst[k] = T(c.base + c.unit*(b.low+vec.PackedAt(c.data[b.off:], int(at)-start, uint(b.width))))
			}
		default:
			if !b.delta {
				start = int(places[0]) &^ 7 // groups of eight are unpacked together
			}
			readInts(c, vals[:int(places[n-1])+1-start], start)
			for k, at := range places[:n] {
				dst[k] = vals[int(at)-start]
			}
		}
		dst, places = dst[n:], places[n:]
	}
}

// intCursor reads single values, best in ascending order.
type intCursor struct {
	c    *ints
	blk  int
	vals []int64
}

func (k *intCursor) at(i int) int64 {
	c := k.c
	if c.blocks == nil || !c.blocks[i/intBlock].delta {
		return c.at(i)
	}
	blk := i / intBlock
	if k.vals == nil || k.blk != blk {
		n := min(c.n-blk*intBlock, intBlock)
		if k.vals == nil {
			k.vals = make([]int64, intBlock)
		}
		readInts(c, k.vals[:n], blk*intBlock)
		k.blk = blk
	}
	return k.vals[i%intBlock]
}
