package vec

import (
	"encoding/binary"
	"unsafe"
)

// Packed values: values of width bits, the first in the lowest bits of the first byte, without gaps. The width is 0 to 56,
// or 64. After the bytes that hold the values there must be PackedTail more: readers load eight bytes at a time.
const PackedTail = 8

// The widths up to which eight values are unpacked in 32-bit lanes, and in 64-bit lanes.
const (
	narrowWidth = 25
	wideWidth   = 56
)

// Unpack64 stores base + unit*x for the packed values x from number from on, modulo 2^64.
func Unpack64(dst []int64, src []byte, from int, width uint, base, unit uint64) {
	if avx2() && width > 0 && width <= wideWidth && len(dst) >= 16 {
		head := -from & 7
		unpackScalar(dst[:head], src, from, width, base, unit)
		dst, from = dst[head:], from+head
		at := from / 8 * int(width)
		if n := packedGroups(len(dst), len(src)-at, width); n > 0 {
			p, s, w := unsafe.SliceData(dst), &src[at], int(width)
			switch mask := packedMask(width); {
			case width <= narrowWidth && unit == 1:
				unpackNarrow64AVX2(p, s, n, w, &narrowTables[w][0], uint32(mask), base, unit)
			case width <= narrowWidth:
				unpackNarrow64UnitAVX2(p, s, n, w, &narrowTables[w][0], uint32(mask), base, unit)
			case unit == 1:
				unpackWide64AVX2(p, s, n, w, &wideTables[w][0], mask, base, unit)
			default:
				unpackWide64UnitAVX2(p, s, n, w, &wideTables[w][0], mask, base, unit)
			}
			dst, from = dst[8*n:], from+8*n
		}
	}
	unpackScalar(dst, src, from, width, base, unit)
}

// Unpack32 stores base + unit*x modulo 2^32.
func Unpack32(dst []int32, src []byte, from int, width uint, base, unit uint64) {
	if avx2() && width > 0 && width <= narrowWidth && len(dst) >= 16 {
		head := -from & 7
		unpackScalar(dst[:head], src, from, width, base, unit)
		dst, from = dst[head:], from+head
		at := from / 8 * int(width)
		if n := packedGroups(len(dst), len(src)-at, width); n > 0 {
			p, s, w, mask := unsafe.SliceData(dst), &src[at], int(width), uint32(packedMask(width))
			if unit == 1 {
				unpackNarrow32AVX2(p, s, n, w, &narrowTables[w][0], mask, uint32(base), uint32(unit))
			} else {
				unpackNarrow32UnitAVX2(p, s, n, w, &narrowTables[w][0], mask, uint32(base), uint32(unit))
			}
			dst, from = dst[8*n:], from+8*n
		}
	}
	unpackScalar(dst, src, from, width, base, unit)
}

func unpackScalar[T int32 | int64](dst []T, src []byte, from int, width uint, base, unit uint64) {
	if width == 0 {
		for k := range dst {
			dst[k] = T(base)
		}
		return
	}
	mask, bit := packedMask(width), uint(from)*width
	if unit == 1 {
		for k := range dst {
			dst[k] = T(base + binary.LittleEndian.Uint64(src[bit>>3:])>>(bit&7)&mask)
			bit += width
		}
		return
	}
	for k := range dst {
		dst[k] = T(base + unit*(binary.LittleEndian.Uint64(src[bit>>3:])>>(bit&7)&mask))
		bit += width
	}
}

// PackedAt returns packed value i.
func PackedAt(src []byte, i int, width uint) uint64 {
	bit := uint(i) * width
	return binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7) & packedMask(width)
}

// packedMask has the low width bits set.
func packedMask(width uint) uint64 { return 1<<width - 1 }

// PackedBetween sets the bits of dst for n packed values from number from on: 1 for those in [lo, hi], as unsigned
// numbers, or with not for the others.
func PackedBetween(dst Bitmap, src []byte, from, n int, width uint, lo, hi uint64, not bool) {
	mask := packedMask(width)
	if lo > mask || lo > hi {
		dst.fill(n, not)
		return
	}
	if hi = min(hi, mask); lo == 0 && hi == mask {
		dst.fill(n, !not)
		return
	}
	done := 0
	if avx2() && width <= wideWidth && from&7 == 0 && n >= 8 {
		at := from / 8 * int(width)
		if groups := packedGroups(n, len(src)-at, width); groups > 0 {
			d, s, w := dst.bytes(), &src[at], int(width)
			if width <= narrowWidth {
				betweenNarrowAVX2(d, s, groups, w, &narrowTables[w][0], uint32(mask), uint32(lo), uint32(hi), flip(not))
			} else {
				betweenWideAVX2(d, s, groups, w, &wideTables[w][0], mask, lo, hi, flip(not))
			}
			done = 8 * groups
		}
	}
	betweenPackedScalar(dst, src, from, done, n, width, lo, hi, not)
}

// betweenPackedScalar sets bits [done, n) of dst; done is a multiple of 8.
func betweenPackedScalar(dst Bitmap, src []byte, from, done, n int, width uint, lo, hi uint64, not bool) {
	mask, at, span := packedMask(width), uint(from+done)*width, hi-lo
	for i := done; i < n; i = i | 63 + 1 {
		w := uint64(0)
		for k := range min(n, i|63+1) - i {
			x := binary.LittleEndian.Uint64(src[at>>3:]) >> (at & 7) & mask
			w |= bit(x-lo <= span) << (k & 63)
			at += width
		}
		dst.join(i, w, not)
	}
}

// PrefixSum adds to each value all those before it, and start, modulo 2^64.
func PrefixSum(vals []int64, start int64) {
	for i, v := range vals {
		start += v
		vals[i] = start
	}
}

// DivideFloats stores float64(src)/divisor. It reports false, and dst is not to be used, if a value of src may not be a
// float exactly (it is 2^51 or more, or less than -2^51).
func DivideFloats(dst []float64, src []int64, divisor float64) bool {
	if n := len(src) / 4; avx2() && n > 0 {
		if !divideFloatsAVX2(&dst[0], &src[0], n, divisor) {
			return false
		}
		dst, src = dst[4*n:], src[4*n:]
	}
	dst = dst[:len(src)]
	var all uint64
	for i, v := range src {
		all |= uint64(v) + 1<<51
		dst[i] = float64(v) / divisor
	}
	return all>>52 == 0
}

// packedGroups is how many groups of eight of n values can be loaded by 16 bytes without reaching beyond size bytes.
func packedGroups(n, size int, width uint) int {
	reach := int(width)/2 + 16
	if width > narrowWidth {
		reach = 6*int(width)/8 + 16
	}
	if size < reach {
		return 0
	}
	return min(n/8, (size-reach)/int(width)+1)
}

func flip(not bool) int {
	if not {
		return 255
	}
	return 0
}

// narrowTables and wideTables say for each width how the bytes of a group of eight values go to the lanes, and by how
// many bits each lane is shifted then; the generator of the assembly describes their form.
var (
	narrowTables = func() (t [narrowWidth + 1][64]byte) {
		for w := range t {
			for v := range 8 {
				bit := w*v - w*(v/4)*4/8*8 // within the half's 16 bytes
				for b := range 4 {
					t[w][4*v+b] = byte(bit/8 + b)
				}
				t[w][32+4*v] = byte(bit % 8)
			}
		}
		return t
	}()
	wideTables = func() (t [wideWidth + 1][128]byte) {
		for w := range t {
			for v := range 8 {
				bit := w*v - w*(v/2)*2/8*8 // within the pair's 16 bytes
				for b := range 8 {
					t[w][8*v+b] = byte(bit/8 + b)
				}
				t[w][64+8*v] = byte(bit % 8)
			}
		}
		return t
	}()
)
