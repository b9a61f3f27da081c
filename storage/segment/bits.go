package segment

import (
	"encoding/binary"
	"math/bits"
)

// Packed values: n values of w bits, the first in the lowest bits of the first byte, without gaps, filled up to a whole
// byte. Widths 57 to 63 are written as 64, so that any value lies within 8 bytes from its first byte. What reads packed
// values (package vec) may touch up to 8 bytes after them.

// packWidth gives the width that holds v.
func packWidth(v uint64) uint {
	w := uint(bits.Len64(v))
	if w > 56 {
		return 64
	}
	return w
}

func packedLen(n int, w uint) int { return (n*int(w) + 7) / 8 }

// appendPacked appends the values in w bits each.
func appendPacked(dst []byte, vals []uint64, w uint) []byte {
	if w == 0 {
		return dst
	}
	end := len(dst) + packedLen(len(vals), w)
	var acc uint64
	var nb uint
	for _, v := range vals {
		acc |= v << nb
		if nb += w; nb < 64 {
			continue
		}
		dst = binary.LittleEndian.AppendUint64(dst, acc)
		nb -= 64
		acc = v >> (w - nb) // a shift by 64 gives 0
	}
	for ; len(dst) < end; acc >>= 8 {
		dst = append(dst, byte(acc))
	}
	return dst
}
