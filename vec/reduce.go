package vec

// Bounds returns the least and the greatest value, zeros if there is none.
func Bounds(src []int64) (lo, hi int64) {
	if len(src) == 0 {
		return 0, 0
	}
	lo, hi = src[0], src[0]
	if n := len(src) / 4; avx2() && n > 1 {
		var lanes [8]int64
		bounds64AVX2(&lanes[0], &src[0], n)
		for i := range 4 {
			lo, hi = min(lo, lanes[i]), max(hi, lanes[4+i])
		}
		src = src[4*n:]
	}
	for _, v := range src {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// MostCode returns the greatest code, as an unsigned number, so that one that is negative is greater than all others; 0 if
// there is none.
func MostCode(codes []int32) uint32 {
	most := uint32(0)
	if n := len(codes) / 8; avx2() && n > 0 {
		most = most32AVX2(&codes[0], n)
		codes = codes[8*n:]
	}
	for _, c := range codes {
		most = max(most, uint32(c))
	}
	return most
}

// FloorTo stores for each value the greatest of start + unit*k that is not above it. The unit is above 0, and no
// difference of a value and start overflows.
func FloorTo(dst, src []int64, start, unit int64) {
	if n := len(src) / 4; avx2() && n > 0 && unit <= 1<<40 && floor64AVX2(&dst[0], &src[0], n, start, float64(unit)) {
		dst, src = dst[4*n:], src[4*n:]
	}
	dst = dst[:len(src)]
	for i, v := range src {
		r := (v - start) % unit
		dst[i] = v - r - unit&(r>>63)
	}
}
