package vec

import (
	"math"
	"unsafe"
)

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// Kernels that compare set bits 0 to n-1 of dst, n being the number of values, and leave bits after that (in the same
// word) unspecified. They know no nulls: what they say about a row that has none is to be masked.

// BetweenInt64 sets the bits of values in [lo, hi], or with not of the others.
func BetweenInt64(dst Bitmap, src []int64, lo, hi int64, not bool) {
	done := 0
	if n := len(src) / 8; avx2() && n > 0 {
		between64AVX2(dst.bytes(), &src[0], n, lo, hi, flip(not))
		done = 8 * n
	}
	betweenScalar(dst, src, done, lo, hi, not)
}

// BetweenInt32 is BetweenInt64 for codes.
func BetweenInt32(dst Bitmap, src []int32, lo, hi int32, not bool) {
	done := 0
	if n := len(src) / 8; avx2() && n > 0 {
		between32AVX2(dst.bytes(), &src[0], n, lo, hi, flip(not))
		done = 8 * n
	}
	betweenScalar(dst, src, done, lo, hi, not)
}

// CompareInt64 sets the bits of values that compare so with the constant.
func CompareInt64(dst Bitmap, src []int64, op Op, with int64) {
	lo, hi, not := int64(math.MinInt64), int64(math.MaxInt64), false
	switch op {
	case Eq, Ne:
		lo, hi, not = with, with, op == Ne
	case Lt, Ge:
		if with == lo {
			dst.fill(len(src), op == Ge)
			return
		}
		hi, not = with-1, op == Ge
	case Le, Gt:
		hi, not = with, op == Gt
	}
	BetweenInt64(dst, src, lo, hi, not)
}

// ComparePairs64 compares value by value; b is as long as a.
func ComparePairs64(dst Bitmap, a, b []int64, op Op) {
	if op == Gt || op == Le {
		a, b = b, a // a > b is b < a
	}
	equal, not := op == Eq || op == Ne, op == Ne || op == Le || op == Ge
	b = b[:len(a)]
	done := 0
	if n := len(a) / 8; avx2() && n > 0 {
		if equal {
			equalPairs64AVX2(dst.bytes(), &a[0], &b[0], n, flip(not))
		} else {
			lessPairs64AVX2(dst.bytes(), &a[0], &b[0], n, flip(not))
		}
		done = 8 * n
	}
	if equal {
		equalPairsScalar(dst, a, b, done, not)
	} else {
		lessPairsScalar(dst, a, b, done, not)
	}
}

// CompareFloat64 sets the bits of values that compare so with the constant. NaN equals itself and is greater than all
// else, as PostgreSQL has it.
func CompareFloat64(dst Bitmap, src []float64, op Op, with float64) {
	if with != with {
		compareNaN(dst, src, op)
		return
	}
	// Of values that are NaN no comparison below holds, so that what is greater is told as not less or equal.
	not := op == Ne || op == Gt || op == Ge
	done := 0
	if n := len(src) / 8; avx2() && n > 0 {
		switch op {
		case Eq, Ne:
			equalFloatAVX2(dst.bytes(), &src[0], n, with, flip(not))
		case Lt, Ge:
			lessFloatAVX2(dst.bytes(), &src[0], n, with, flip(not))
		default:
			lessEqualFloatAVX2(dst.bytes(), &src[0], n, with, flip(not))
		}
		done = 8 * n
	}
	switch op {
	case Eq, Ne:
		equalScalar(dst, src, done, with, not)
	case Lt, Ge:
		lessScalar(dst, src, done, with, not)
	default:
		lessEqualScalar(dst, src, done, with, not)
	}
}

// compareNaN compares with NaN.
func compareNaN(dst Bitmap, src []float64, op Op) {
	if op == Le || op == Gt {
		dst.fill(len(src), op == Le)
		return
	}
	not, done := op == Ne || op == Lt, 0
	if n := len(src) / 8; avx2() && n > 0 {
		unorderedFloatAVX2(dst.bytes(), &src[0], n, 0, flip(not))
		done = 8 * n
	}
	nanScalar(dst, src, done, not)
}

// ComparePairsFloat64 compares value by value; b is as long as a. NaN equals itself and is greater than all else.
func ComparePairsFloat64(dst Bitmap, a, b []float64, op Op) {
	if op == Gt || op == Le {
		a, b = b, a
	}
	equal, not := op == Eq || op == Ne, op == Ne || op == Le || op == Ge
	b = b[:len(a)]
	done := 0
	if n := len(a) / 8; avx2() && n > 0 {
		if equal {
			equalPairsFloatAVX2(dst.bytes(), &a[0], &b[0], n, flip(not))
		} else {
			lessPairsFloatAVX2(dst.bytes(), &a[0], &b[0], n, flip(not))
		}
		done = 8 * n
	}
	if equal {
		equalPairsScalar(dst, a, b, done, not)
	} else {
		lessPairsScalar(dst, a, b, done, not)
	}
}

// AnyOf sets the bits of codes whose bit is set in the set, which covers all codes. Where the set is one code, or neighbours, the
// codes are compared instead of looked up.
func AnyOf(dst Bitmap, codes []int32, set Bitmap) {
	if lo, hi, ok := set.interval(); ok {
		BetweenInt32(dst, codes, lo, hi, false)
		return
	}
	for i := 0; i < len(codes); i += 64 {
		w := uint64(0)
		for k, c := range codes[i:min(len(codes), i+64)] {
			w |= set[uint32(c)>>6] >> (uint32(c) & 63) & 1 << (k & 63)
		}
		dst[i>>6] = w
	}
}

// number is what the scalar twins compare.
type number interface{ int32 | int64 | float64 }

// The scalar twins set bits from done on, which is a multiple of 8. They differ in one line: a function for it would be
// called for each value.

func betweenScalar[T number](dst Bitmap, src []T, done int, lo, hi T, not bool) {
	for i := done; i < len(src); i = i | 63 + 1 {
		w := uint64(0)
		for k, v := range src[i:min(len(src), i|63+1)] {
			w |= bit(lo <= v && v <= hi) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func equalScalar[T number](dst Bitmap, src []T, done int, with T, not bool) {
	for i := done; i < len(src); i = i | 63 + 1 {
		w := uint64(0)
		for k, v := range src[i:min(len(src), i|63+1)] {
			w |= bit(v == with) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func lessScalar[T number](dst Bitmap, src []T, done int, with T, not bool) {
	for i := done; i < len(src); i = i | 63 + 1 {
		w := uint64(0)
		for k, v := range src[i:min(len(src), i|63+1)] {
			w |= bit(v < with) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func lessEqualScalar[T number](dst Bitmap, src []T, done int, with T, not bool) {
	for i := done; i < len(src); i = i | 63 + 1 {
		w := uint64(0)
		for k, v := range src[i:min(len(src), i|63+1)] {
			w |= bit(v <= with) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func nanScalar(dst Bitmap, src []float64, done int, not bool) {
	for i := done; i < len(src); i = i | 63 + 1 {
		w := uint64(0)
		for k, v := range src[i:min(len(src), i|63+1)] {
			w |= bit(v != v) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func equalPairsScalar[T number](dst Bitmap, a, b []T, done int, not bool) {
	for i := done; i < len(a); i = i | 63 + 1 {
		w, b := uint64(0), b[i:]
		for k, v := range a[i:min(len(a), i|63+1)] {
			w |= bit(v == b[k] || v != v && b[k] != b[k]) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func lessPairsScalar[T number](dst Bitmap, a, b []T, done int, not bool) {
	for i := done; i < len(a); i = i | 63 + 1 {
		w, b := uint64(0), b[i:]
		for k, v := range a[i:min(len(a), i|63+1)] {
			w |= bit(v < b[k] || b[k] != b[k] && v == v) << (k & 63)
		}
		dst.join(i, w, not)
	}
}

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// join puts the bits of w, or with not their contrary, from bit i on into the word of bit i.
func (b Bitmap) join(i int, w uint64, not bool) {
	if not {
		w = ^w
	}
	at := uint(i) & 63
	b[i>>6] = b[i>>6]&(1<<at-1) | w<<at
}

// fill sets the first n bits to v.
func (b Bitmap) fill(n int, v bool) {
	if v {
		b.SetAll(n)
	} else {
		clear(b[:(n+63)/64])
	}
}

// bytes is where the bits begin; a processor with kernels is little-endian.
func (b Bitmap) bytes() *byte { return (*byte)(unsafe.Pointer(unsafe.SliceData(b))) }
