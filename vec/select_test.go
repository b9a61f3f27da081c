package vec

import "testing"

// TestSelectNth selects from values in orders that are slow for naive pivots.
func TestSelectNth(t *testing.T) {
	for _, n := range []int{1, 2, 3, 599, 600, 601, 5000} {
		orders := map[string]func(i int) int64{
			"rising": func(i int) int64 { return int64(i) }, "falling": func(i int) int64 { return int64(n - i) },
			"equal": func(int) int64 { return 7 }, "organ pipe": func(i int) int64 { return int64(min(i, n-i)) }, "saw": func(i int) int64 { return int64(i % 17) },
		}
		for name, f := range orders {
			for _, k := range []int{0, n / 3, n / 2, n - 1} {
				vals := make([]int64, n)
				for i := range vals {
					vals[i] = f(i)
				}
				SelectNth(vals, k)
				for i, v := range vals {
					if i < k && v > vals[k] || i > k && v < vals[k] {
						t.Fatalf("%s of %d: value %d at %d, %d at %d", name, n, v, i, vals[k], k)
					}
				}
			}
		}
	}
}
