package vec

import (
	"math"
	"slices"
)

// SelectNth moves the value that a sort would put at k there, none greater before it, none less after it. It is Floyd and
// Rivest's SELECT (1975); where it does not narrow down, as on values arranged to make it slow, it sorts.
func SelectNth[T int64 | float64](vals []T, k int) {
	lo, hi := 0, len(vals)-1
	for rounds := 0; lo < hi; rounds++ {
		if rounds > 64 {
			slices.Sort(vals[lo : hi+1])
			return
		}
		if hi-lo > 600 {
			// The pivot is the one that stands at k's place in a sample around k.
			n, i := float64(hi-lo+1), float64(k-lo+1)
			z := math.Log(n)
			s := 0.5 * math.Exp(2*z/3)
			d := 0.5 * math.Sqrt(z*s*(n-s)/n)
			if i < n/2 {
				d = -d
			}
			from := max(lo, int(float64(k)-i*s/n+d))
			to := min(hi, int(float64(k)+(n-i)*s/n+d))
			SelectNth(vals[from:to+1], k-from)
		}
		lo, hi = narrow(vals, lo, hi, k)
	}
}

// narrow parts vals[lo:hi+1] by the value at k and gives the part that k is in.
func narrow[T int64 | float64](vals []T, lo, hi, k int) (int, int) {
	pivot := vals[k]
	i, j := lo, hi
	for i <= j {
		for vals[i] < pivot {
			i++
		}
		for pivot < vals[j] {
			j--
		}
		if i <= j {
			vals[i], vals[j] = vals[j], vals[i]
			i, j = i+1, j-1
		}
	}
	switch {
	case k <= j:
		return lo, j
	case k >= i:
		return i, hi
	}
	return k, k
}
