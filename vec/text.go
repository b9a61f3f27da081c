package vec

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Kernels over texts set a bit for each value whose text is so; values are data[offsets[i]:offsets[i+1]], there is one
// offset more than values. Bits of nulls are to be masked, bits after the last value are unspecified.

// EqualText sets the bits of texts that are the needle.
func EqualText(dst Bitmap, offsets []int32, data, needle []byte) {
	affixText(dst, offsets, data, needle, affix{end: true, least: len(needle), most: len(needle)})
}

// SuffixText sets the bits of texts that end with the needle.
func SuffixText(dst Bitmap, offsets []int32, data, needle []byte) {
	affixText(dst, offsets, data, needle, affix{end: true, least: len(needle), most: math.MaxInt32})
}

// PrefixText sets the bits of texts that begin with the needle.
func PrefixText(dst Bitmap, offsets []int32, data, needle []byte) {
	affixText(dst, offsets, data, needle, affix{least: len(needle), most: math.MaxInt32})
}

// affix says where the needle is to stand, and how long the text may be.
type affix struct {
	end         bool
	least, most int
}

func (a affix) holds(text, needle []byte) bool {
	switch {
	case len(text) < a.least || len(text) > a.most:
		return false
	case a.end:
		return string(text[len(text)-len(needle):]) == string(needle)
	}
	return string(text[:len(needle)]) == string(needle)
}

// affixText compares eight bytes of each text as one number. Where a text has no eight bytes before its end, or after its
// begin, texts are compared one by one.
func affixText(dst Bitmap, offsets []int32, data, needle []byte, a affix) {
	n := len(offsets) - 1
	if a.least > math.MaxInt32 {
		dst.fill(n, false)
		return
	}
	lo, hi := 0, n // the texts that have them
	if a.end {
		lo, _ = slices.BinarySearch(offsets[1:], 8)
	} else {
		hi, _ = slices.BinarySearch(offsets[:n], int32(max(len(data)-7, 0)))
	}
	lo = min(n, (lo+63)/64*64)
	if groups := (hi - lo) / 8; avx2() && groups > 0 {
		mask, want := a.word(needle)
		at, disp := &offsets[lo], 0
		if a.end {
			at, disp = &offsets[lo+1], -8
		}
		affixAVX2(dst[lo>>6:].bytes(), &offsets[lo], at, &data[0], disp, groups, mask, want, uint32(a.least), uint32(a.most))
		a.scalar(dst, offsets, data, needle, 0, lo)
		hi = lo + 8*groups
		for i := lo; i < hi && len(needle) > 8; i += 64 {
			for w := dst[i>>6] & (1<<min(hi-i, 64) - 1); w != 0; w &= w - 1 {
				r := i + bits.TrailingZeros64(w)
				dst.SetTo(r, a.holds(data[offsets[r]:offsets[r+1]], needle))
			}
		}
		lo = hi
	} else {
		lo = 0
	}
	a.scalar(dst, offsets, data, needle, lo, n)
}

// scalar sets the bits of texts [from, to) one by one; from is a multiple of 8.
func (a affix) scalar(dst Bitmap, offsets []int32, data, needle []byte, from, to int) {
	for i := from; i < to; i = i | 63 + 1 {
		w := uint64(0)
		for k := range min(to, i|63+1) - i {
			w |= bit(a.holds(data[offsets[i+k]:offsets[i+k+1]], needle)) << (k & 63)
		}
		dst.join(i, w, false)
	}
}

// word is up to eight bytes of the needle, where they stand among the eight bytes that are compared.
func (a affix) word(needle []byte) (mask, want uint64) {
	var buf [8]byte
	k := min(len(needle), 8)
	mask = 1<<(8*k) - 1
	if a.end {
		copy(buf[8-k:], needle[len(needle)-k:])
		mask <<= 64 - 8*k
	} else {
		copy(buf[:], needle)
	}
	return mask, binary.LittleEndian.Uint64(buf[:])
}

// ContainsText sets the bits of texts that have the needle in them. It searches the bytes of all texts at once, and finds
// the text of each hit.
func ContainsText(dst Bitmap, offsets []int32, data, needle []byte) {
	n := len(offsets) - 1
	if len(needle) == 0 {
		dst.fill(n, true)
		return
	}
	dst.fill(n, false)
	row, at, end := 0, int(offsets[0]), int(offsets[n])
	for {
		hit := indexText(data[at:end], needle)
		if hit < 0 {
			return
		}
		at += hit
		row = rowOf(offsets, row, int32(at))
		if at+len(needle) > int(offsets[row+1]) {
			at++ // it runs into the next text
			continue
		}
		dst.Set(row)
		if at = int(offsets[row+1]); at == end {
			return
		}
	}
}

// rowOf finds the text of a byte, from a text before it on: near ones first.
func rowOf(offsets []int32, row int, at int32) int {
	step := 1
	for row+step < len(offsets) && offsets[row+step] <= at {
		row += step
		step *= 2
	}
	for ; step > 0; step /= 2 {
		if row+step < len(offsets) && offsets[row+step] <= at {
			row += step
		}
	}
	return row
}

// indexText is bytes.Index. Candidates are the places where the needle's first and last byte are at their distance.
func indexText(s, needle []byte) int {
	last := len(needle) - 1
	if !avx2() || last == 0 || len(s) < 64 {
		return bytes.Index(s, needle)
	}
	from := 0
	for {
		blocks := (len(s) - from - last) / 32
		if blocks <= 0 {
			break
		}
		hit := indexPairAVX2(&s[from], blocks, int(needle[0]), int(needle[last]), last)
		from += hit
		if hit == 32*blocks {
			break
		}
		if string(s[from:from+last+1]) == string(needle) {
			return from
		}
		from++
	}
	if i := bytes.Index(s[from:], needle); i >= 0 {
		return from + i
	}
	return -1
}
