package vec

import (
	"math/bits"
	"slices"
)

// Bitmap is a little-endian bit set in Arrow's layout: bit i is bit i%64 of word i/64. Bits past the length that
// its owner keeps are unspecified. A nil Bitmap used as validity means "all valid".
type Bitmap []uint64

// NewBitmap returns a cleared bitmap for n bits.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)/64) }

// Get reports bit i.
func (b Bitmap) Get(i int) bool { return b[i>>6]>>(uint(i)&63)&1 != 0 }

// Set sets bit i.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (uint(i) & 63) }

// Clear clears bit i.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (uint(i) & 63) }

// SetTo sets bit i to v.
func (b Bitmap) SetTo(i int, v bool) {
	if v {
		b.Set(i)
	} else {
		b.Clear(i)
	}
}

// SetAll sets the first n bits.
func (b Bitmap) SetAll(n int) {
	for i := range (n + 63) / 64 {
		b[i] = ^uint64(0)
	}
}

// Count returns how many of the first n bits are set.
func (b Bitmap) Count(n int) int {
	c := 0
	for _, w := range b[:n>>6] {
		c += bits.OnesCount64(w)
	}
	if r := uint(n) & 63; r != 0 {
		c += bits.OnesCount64(b[n>>6] & (1<<r - 1))
	}
	return c
}

// And stores a AND b over n bits in dst and returns it; a nil operand counts as all ones, two nils give nil.
func And(dst, a, b Bitmap, n int) Bitmap {
	if a == nil && b == nil {
		return nil
	}
	w := (n + 63) / 64
	if cap(dst) < w {
		dst = make(Bitmap, w)
	}
	dst = dst[:w]
	switch {
	case a == nil:
		copy(dst, b[:w])
	case b == nil:
		copy(dst, a[:w])
	default:
		for i := range dst {
			dst[i] = a[i] & b[i]
		}
	}
	return dst
}

// Slice returns bits [from, to): they share memory where from is a multiple of 64. A nil bitmap gives nil.
func (b Bitmap) Slice(from, to int) Bitmap {
	if b == nil || from&63 == 0 {
		if b == nil {
			return nil
		}
		return b[from>>6 : (to+63)>>6]
	}
	out := NewBitmap(to - from)
	at, shift := from>>6, uint(from)&63
	for i := range out {
		w := b[at+i] >> shift
		if at+i+1 < len(b) {
			w |= b[at+i+1] << (64 - shift)
		}
		out[i] = w
	}
	return out
}

// Not stores the contrary of a in dst and returns it.
func Not(dst, a Bitmap) Bitmap {
	for i, w := range a {
		dst[i] = ^w
	}
	return dst[:len(a)]
}

// Indices appends to dst the positions of the bits set among the first n.
func (b Bitmap) Indices(dst []int32, n int) []int32 {
	dst = slices.Grow(dst, b.Count(n))
	for wi := range (n + 63) / 64 {
		w := b[wi]
		if rest := n - wi*64; rest < 64 {
			w &= 1<<uint(rest) - 1
		}
		if w == 0 {
			continue
		}
		at := len(dst)
		dst = dst[:at+bits.OnesCount64(w)]
		for k := range dst[at:] {
			dst[at+k] = int32(wi*64 + bits.TrailingZeros64(w))
			w &= w - 1
		}
	}
	return dst
}

// widestInterval is how many words of a set are looked at in order to find out that it is an interval.
const widestInterval = 64

// interval gives the first and last bit of a set in which all bits between them are set; for an empty one, hi is less than lo.
func (b Bitmap) interval() (lo, hi int32, ok bool) {
	if len(b) > widestInterval {
		return 0, 0, false
	}
	lo, hi = 0, -1
	count := 0
	for i, w := range b {
		if w == 0 {
			continue
		}
		if count == 0 {
			lo = int32(64*i + bits.TrailingZeros64(w))
		}
		hi = int32(64*i + 63 - bits.LeadingZeros64(w))
		count += bits.OnesCount64(w)
	}
	return lo, hi, int(hi-lo)+1 == count
}
