package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// kernels has a row for every kernel: check runs it once over n values and compares what it stored with a model that
// goes value by value. The harness runs each row at every level, for lengths around the lanes, with the memory that the
// kernel may touch ending where no memory is.
var kernels = []struct {
	name  string
	check func(g *given, n int) error
}{
	{"Unpack64", checkUnpack64},
	{"Unpack32", checkUnpack32},
	{"PackedBetween", checkPackedBetween},
	{"PrefixSum", checkPrefixSum},
	{"DivideFloats", checkDivideFloats},
	{"BetweenInt64", checkBetweenInt64},
	{"BetweenInt32", checkBetweenInt32},
	{"CompareInt64", checkCompareInt64},
	{"ComparePairs64", checkComparePairs64},
	{"CompareFloat64", checkCompareFloat64},
	{"ComparePairsFloat64", checkComparePairsFloat64},
	{"AnyOf", checkAnyOf},
	{"Texts", checkTexts},
	{"Bounds", checkBounds},
	{"MostCode", checkMostCode},
	{"FloorTo", checkFloorTo},
	{"Tally", checkTally},
}

var lengths = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025}

func TestKernels(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for _, k := range kernels {
		t.Run(k.name, func(t *testing.T) {
			for _, l := range Levels() {
				atLevel(t, l, func() {
					for round := range rounds {
						for _, n := range lengths {
							runKernel(t, k.check, n, uint64(round))
						}
					}
				})
			}
		})
	}
}

func atLevel(t *testing.T, l Level, f func()) {
	undo := Use(l)
	defer undo()
	if got, _ := CPU(); got != l {
		t.Fatalf("level %s, not %s", got, l)
	}
	f()
}

func runKernel(t *testing.T, check func(*given, int) error, n int, seed uint64) {
	t.Helper()
	g := &given{Rand: rand.New(rand.NewPCG(seed, uint64(n))), t: t}
	defer g.free()
	if err := check(g, n); err != nil {
		l, _ := CPU()
		t.Fatalf("level %s, %d values, seed %d: %v", l, n, seed, err)
	}
}

func TestLevelNames(t *testing.T) {
	for _, c := range []struct {
		env string
		bad bool
	}{{"", false}, {"scalar", false}, {"AVX2", true}, {"sse9", true}} {
		t.Setenv("ALLSOURCE_CPU", c.env)
		l, err := startLevel()
		if (err != nil) != c.bad || c.env == "scalar" && l != Scalar || c.env != "scalar" && l != bestLevel() {
			t.Errorf("%q: %s, %v", c.env, l, err)
		}
	}
}

// given makes the inputs of one run from a seed; their memory ends before a page that cannot be touched.
type given struct {
	*rand.Rand
	t      *testing.T
	mapped [][]byte
}

func guarded[T any](g *given, n int) []T {
	var one T
	b := g.memory(n * int(unsafe.Sizeof(one)))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// int64s are values of which many are extreme or near one of the marks.
func (g *given) int64s(n int, marks ...int64) []int64 {
	marks = append(marks, 0, math.MinInt64, math.MaxInt64)
	out := guarded[int64](g, n)
	for i := range out {
		switch g.IntN(4) {
		case 0:
			out[i] = int64(g.Uint64())
		case 1:
			out[i] = int64(g.Uint64()) >> g.IntN(64)
		default:
			out[i] = marks[g.IntN(len(marks))] + int64(g.IntN(3)-1)
		}
	}
	return out
}

func (g *given) float64s(n int, marks ...float64) []float64 {
	marks = append(marks, 0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0xfff8000000000123), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64)
	out := guarded[float64](g, n)
	for i := range out {
		if g.IntN(3) == 0 {
			out[i] = g.NormFloat64() * math.Pow(10, float64(g.IntN(20)-10))
		} else {
			out[i] = marks[g.IntN(len(marks))]
		}
	}
	return out
}

func (g *given) bitmap(n int) Bitmap {
	b := Bitmap(guarded[uint64](g, (n+63)/64))
	for i := range b {
		b[i] = g.Uint64()
	}
	return b
}

func sameBits(got Bitmap, n int, want func(i int) bool) error {
	for i := range n {
		if got.Get(i) != want(i) {
			return fmt.Errorf("bit %d is %v", i, got.Get(i))
		}
	}
	return nil
}

func same[T comparable](got []T, want func(i int) T) error {
	for i, v := range got {
		if w := want(i); v != w {
			return fmt.Errorf("value %d is %v, not %v", i, v, w)
		}
	}
	return nil
}

// packedValues makes n packed values after some that are not read; the memory ends PackedTail bytes after the last.
func (g *given) packedValues(n int, width uint) (src []byte, from int, vals []uint64) {
	from = []int{0, 0, 8, g.IntN(40)}[g.IntN(4)]
	vals = make([]uint64, n)
	src = guarded[byte](g, (int(width)*(from+n)+7)/8+PackedTail)
	for i := range src {
		src[i] = byte(g.Uint32())
	}
	for i := range vals {
		switch g.IntN(3) {
		case 0:
			vals[i] = packedMask(width)
		case 1:
			vals[i] = g.Uint64() & packedMask(width)
		}
		for b := range width {
			bit := uint(from+i)*width + b
			src[bit/8] = src[bit/8]&^(1<<(bit%8)) | byte(vals[i]>>b&1)<<(bit%8)
		}
	}
	return src, from, vals
}

func (g *given) width() uint {
	if g.IntN(20) == 0 {
		return 64
	}
	return uint(g.IntN(wideWidth + 1))
}

func (g *given) unit() uint64 {
	return []uint64{1, 1, 1000, uint64(g.Uint32()), g.Uint64()}[g.IntN(5)]
}

func checkUnpack64(g *given, n int) error {
	w, base, unit := g.width(), g.Uint64(), g.unit()
	src, from, vals := g.packedValues(n, w)
	dst := guarded[int64](g, n)
	Unpack64(dst, src, from, w, base, unit)
	if n > 0 && PackedAt(src, from+n-1, w) != vals[n-1] {
		return fmt.Errorf("width %d: PackedAt", w)
	}
	if err := same(dst, func(i int) int64 { return int64(base + unit*vals[i]) }); err != nil {
		return fmt.Errorf("width %d from %d unit %d: %w", w, from, unit, err)
	}
	return nil
}

func checkUnpack32(g *given, n int) error {
	w, base, unit := g.width(), g.Uint64(), g.unit()
	src, from, vals := g.packedValues(n, w)
	dst := guarded[int32](g, n)
	Unpack32(dst, src, from, w, base, unit)
	if err := same(dst, func(i int) int32 { return int32(base + unit*vals[i]) }); err != nil {
		return fmt.Errorf("width %d from %d unit %d: %w", w, from, unit, err)
	}
	return nil
}

func checkPackedBetween(g *given, n int) error {
	w, not := g.width(), g.IntN(2) == 0
	src, from, vals := g.packedValues(n, w)
	mark := func() uint64 {
		if n > 0 && g.IntN(2) == 0 {
			return vals[g.IntN(n)] + uint64(g.IntN(3)) - 1
		}
		return g.Uint64() & packedMask(w)
	}
	lo, hi := mark(), mark()
	switch g.IntN(4) {
	case 0:
		lo = 0
	case 1:
		hi = math.MaxUint64
	case 2:
		hi = lo
	}
	dst := g.bitmap(n)
	PackedBetween(dst, src, from, n, w, lo, hi, not)
	if err := sameBits(dst, n, func(i int) bool { return (lo <= vals[i] && vals[i] <= hi) != not }); err != nil {
		return fmt.Errorf("width %d from %d, [%d, %d] not %v: %w", w, from, lo, hi, not, err)
	}
	return nil
}

func checkPrefixSum(g *given, n int) error {
	vals, start := g.int64s(n), int64(g.Uint64())
	want := make([]int64, n)
	sum := start
	for i, v := range vals {
		sum += v
		want[i] = sum
	}
	PrefixSum(vals, start)
	return same(vals, func(i int) int64 { return want[i] })
}

func checkDivideFloats(g *given, n int) error {
	src, divisor := guarded[int64](g, n), []float64{1, 10, 100, 1e3, 1e22}[g.IntN(5)]
	limits := []int64{-1 << 51, 1<<51 - 1, 0, -1, 1, 12345}
	for i := range src {
		src[i] = limits[g.IntN(len(limits))]
		if g.IntN(2) == 0 {
			src[i] = int64(g.Uint64()) >> 12
		}
	}
	dst := guarded[float64](g, n)
	if !DivideFloats(dst, src, divisor) {
		return fmt.Errorf("refused")
	}
	if err := same(dst, func(i int) float64 { return float64(src[i]) / divisor }); err != nil || n == 0 {
		return err
	}
	src[g.IntN(n)] = []int64{-1<<51 - 1, 1 << 51, math.MinInt64, math.MaxInt64, 1 << 52, 1<<52 - 1<<51}[g.IntN(6)]
	if DivideFloats(dst, src, divisor) {
		return fmt.Errorf("took a number that is too large")
	}
	return nil
}

func checkBetweenInt64(g *given, n int) error {
	lo, hi, not := int64(g.Uint64()), int64(g.Uint64())>>g.IntN(64), g.IntN(2) == 0
	if g.IntN(3) == 0 {
		hi = lo
	}
	src, dst := g.int64s(n, lo, hi), g.bitmap(n)
	BetweenInt64(dst, src, lo, hi, not)
	return sameBits(dst, n, func(i int) bool { return (lo <= src[i] && src[i] <= hi) != not })
}

func checkBetweenInt32(g *given, n int) error {
	lo, hi, not := int32(g.Uint32()), int32(g.Uint32())>>g.IntN(32), g.IntN(2) == 0
	src, dst := guarded[int32](g, n), g.bitmap(n)
	for i := range src {
		src[i] = []int32{lo, hi, lo - 1, hi + 1, math.MinInt32, math.MaxInt32, 0, int32(g.Uint32())}[g.IntN(8)]
	}
	BetweenInt32(dst, src, lo, hi, not)
	return sameBits(dst, n, func(i int) bool { return (lo <= src[i] && src[i] <= hi) != not })
}

// holds says what a comparison says of two values that compare as c does with 0.
func holds(op Op, c int) bool {
	return [...]bool{Eq: c == 0, Ne: c != 0, Lt: c < 0, Le: c <= 0, Gt: c > 0, Ge: c >= 0}[op]
}

func order[T int64 | float64](a, b T) int {
	aNaN, bNaN := a != a, b != b
	switch {
	case aNaN || bNaN:
		return int(bit(aNaN)) - int(bit(bNaN))
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func checkCompareInt64(g *given, n int) error {
	for op := Eq; op <= Ge; op++ {
		with := g.int64s(1)[0]
		src, dst := g.int64s(n, with), g.bitmap(n)
		CompareInt64(dst, src, op, with)
		if err := sameBits(dst, n, func(i int) bool { return holds(op, order(src[i], with)) }); err != nil {
			return fmt.Errorf("op %d with %d: %w", op, with, err)
		}
	}
	return nil
}

func checkComparePairs64(g *given, n int) error {
	for op := Eq; op <= Ge; op++ {
		a, b, dst := g.int64s(n), g.int64s(n), g.bitmap(n)
		ComparePairs64(dst, a, b, op)
		if err := sameBits(dst, n, func(i int) bool { return holds(op, order(a[i], b[i])) }); err != nil {
			return fmt.Errorf("op %d: %w", op, err)
		}
	}
	return nil
}

func checkCompareFloat64(g *given, n int) error {
	for op := Eq; op <= Ge; op++ {
		with := g.float64s(1)[0]
		src, dst := g.float64s(n, with, math.Nextafter(with, math.Inf(1))), g.bitmap(n)
		CompareFloat64(dst, src, op, with)
		if err := sameBits(dst, n, func(i int) bool { return holds(op, order(src[i], with)) }); err != nil {
			return fmt.Errorf("op %d with %g: %w", op, with, err)
		}
	}
	return nil
}

func checkComparePairsFloat64(g *given, n int) error {
	for op := Eq; op <= Ge; op++ {
		a, b, dst := g.float64s(n), g.float64s(n), g.bitmap(n)
		ComparePairsFloat64(dst, a, b, op)
		if err := sameBits(dst, n, func(i int) bool { return holds(op, order(a[i], b[i])) }); err != nil {
			return fmt.Errorf("op %d: %w", op, err)
		}
	}
	return nil
}

func checkAnyOf(g *given, n int) error {
	size := 1 + g.IntN(300)
	set, codes, dst := g.bitmap(size), guarded[int32](g, n), g.bitmap(n)
	if g.IntN(2) == 0 { // neighbours only, perhaps none
		clear(set)
		for c, end := g.IntN(size), g.IntN(size+1); c < end; c++ {
			set.Set(c)
		}
	}
	for i := range codes {
		codes[i] = int32(g.IntN(size))
	}
	AnyOf(dst, codes, set)
	return sameBits(dst, n, func(i int) bool { return set.Get(int(codes[i])) })
}

// checkTexts takes texts over few letters, so that needles are found whole, in part, and across two texts.
func checkTexts(g *given, n int) error {
	letters, longest := 1+g.IntN(3), 1+g.IntN(30)
	first := g.IntN(9)
	size := first
	offsets := guarded[int32](g, n+1)
	offsets[0] = int32(first)
	for i := range n {
		size += g.IntN(longest)
		offsets[i+1] = int32(size)
	}
	data := guarded[byte](g, size)
	for i := range data {
		data[i] = 'a' + byte(g.IntN(letters))
	}
	text := func(i int) string { return string(data[offsets[i]:offsets[i+1]]) }
	needle := []byte(strings.Repeat("b", g.IntN(3)))
	if n > 0 && g.IntN(4) > 0 {
		s := text(g.IntN(n))
		from := g.IntN(len(s) + 1)
		needle = []byte(s[from : from+g.IntN(len(s)-from+1)])
	}
	for _, k := range []struct {
		name string
		run  func(dst Bitmap, offsets []int32, data, needle []byte)
		want func(s, needle string) bool
	}{
		{"equal", EqualText, func(s, needle string) bool { return s == needle }},
		{"prefix", PrefixText, strings.HasPrefix},
		{"suffix", SuffixText, strings.HasSuffix},
		{"contains", ContainsText, strings.Contains},
	} {
		dst := g.bitmap(n)
		k.run(dst, offsets, data, needle)
		if err := sameBits(dst, n, func(i int) bool { return k.want(text(i), string(needle)) }); err != nil {
			return fmt.Errorf("%s %q: %w", k.name, needle, err)
		}
	}
	return nil
}

func checkBounds(g *given, n int) error {
	src := g.int64s(n)
	if n > 0 && g.IntN(2) == 0 {
		for i := range src {
			src[i] >>= 20
		}
		src[g.IntN(n)] = []int64{math.MinInt64, math.MaxInt64}[g.IntN(2)] // in every lane, sooner or later
	}
	lo, hi := Bounds(src)
	if n > 0 && (lo != slices.Min(src) || hi != slices.Max(src)) {
		return fmt.Errorf("%d to %d", lo, hi)
	}
	return nil
}

func checkMostCode(g *given, n int) error {
	codes, want := guarded[int32](g, n), uint32(0)
	for i := range codes {
		codes[i] = int32(g.IntN(1000))
	}
	if n > 0 {
		codes[g.IntN(n)] = []int32{1001, -1, math.MaxInt32, math.MinInt32}[g.IntN(4)]
	}
	for _, c := range codes {
		want = max(want, uint32(c))
	}
	if got := MostCode(codes); got != want {
		return fmt.Errorf("%d, not %d", got, want)
	}
	return nil
}

func checkTally(g *given, n int) error {
	codes := guarded[int32](g, n)
	kinds := []int{1, 2, 4, 5, 256, 257, 1000}[g.IntN(7)]
	got, want := guarded[int64](g, kinds), make([]int64, kinds)
	for i := range got {
		got[i] = int64(i)
		want[i] = int64(i)
	}
	for i := range codes {
		codes[i] = int32(g.IntN(kinds))
		want[codes[i]]++
	}
	if Tally(got, codes); !slices.Equal(got, want) {
		return fmt.Errorf("%v, not %v", got, want)
	}
	return nil
}

func checkFloorTo(g *given, n int) error {
	unit, start := []int64{1, 3, 1000, 3600e6, 86400e6, 7 * 86400e6, 1 << 40, 1<<51 + 1}[g.IntN(8)], []int64{0, 0, -5, 3 * 86400e6}[g.IntN(4)]
	src, dst := guarded[int64](g, n), guarded[int64](g, n)
	for i := range src {
		limit := int64(1 << 51)
		k := g.Int64N(2*limit/unit+1) - limit/unit
		src[i] = start + k*unit + []int64{0, -1, 1, unit - 1}[g.IntN(4)]
	}
	if n > 0 && g.IntN(4) == 0 {
		src[g.IntN(n)] = []int64{1 << 51, -1<<51 - 1, 1 << 60, -1 << 60}[g.IntN(4)]
	}
	FloorTo(dst, src, start, unit)
	return same(dst, func(i int) int64 {
		k := (src[i] - start) / unit
		if k*unit > src[i]-start {
			k--
		}
		return start + k*unit
	})
}
