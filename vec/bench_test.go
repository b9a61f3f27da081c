package vec

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchRows is a batch.
const benchRows = BatchRows

// benchmarks has a row for every kernel whose speed decides whether its assembly stays.
var benchmarks = []struct {
	name string
	run  func(d *benchData)
}{
	{"Unpack64/7", func(d *benchData) { Unpack64(d.ints, d.packed, 0, 7, 5, 1) }},
	{"Unpack64/20x1000", func(d *benchData) { Unpack64(d.ints, d.packed, 0, 20, 5, 1000) }},
	{"Unpack64/40", func(d *benchData) { Unpack64(d.ints, d.packed, 0, 40, 5, 1) }},
	{"Unpack64/40x1000", func(d *benchData) { Unpack64(d.ints, d.packed, 0, 40, 5, 1000) }},
	{"Unpack32/4", func(d *benchData) { Unpack32(d.codes, d.packed, 0, 4, 0, 1) }},
	{"Unpack32/15", func(d *benchData) { Unpack32(d.codes, d.packed, 0, 15, 0, 1) }},
	{"PackedBetween/15", func(d *benchData) { PackedBetween(d.bits, d.packed, 0, benchRows, 15, 100, 20000, false) }},
	{"PackedBetween/40", func(d *benchData) { PackedBetween(d.bits, d.packed, 0, benchRows, 40, 100, 1<<39, false) }},
	{"PrefixSum", func(d *benchData) { PrefixSum(d.ints, 1) }},
	{"DivideFloats", func(d *benchData) { DivideFloats(d.floats, d.small, 100) }},
	{"BetweenInt64", func(d *benchData) { BetweenInt64(d.bits, d.small, 5, 5000, false) }},
	{"BetweenInt32", func(d *benchData) { BetweenInt32(d.bits, d.codes, 5, 5000, false) }},
	{"ComparePairs64", func(d *benchData) { ComparePairs64(d.bits, d.small, d.ints, Lt) }},
	{"CompareFloat64", func(d *benchData) { CompareFloat64(d.bits, d.floats, Gt, 50) }},
	{"ComparePairsFloat64", func(d *benchData) { ComparePairsFloat64(d.bits, d.floats, d.floats, Ge) }},
	{"EqualText", func(d *benchData) { EqualText(d.bits, d.offsets, d.text, []byte("/garden/ee7")) }},
	{"PrefixText", func(d *benchData) { PrefixText(d.bits, d.offsets, d.text, []byte("/gar")) }},
	{"SuffixText", func(d *benchData) { SuffixText(d.bits, d.offsets, d.text, []byte("/ee7")) }},
	{"ContainsText", func(d *benchData) { ContainsText(d.bits, d.offsets, d.text, []byte("/ee7")) }},
	{"Bounds", func(d *benchData) { Bounds(d.small) }},
	{"MostCode", func(d *benchData) { MostCode(d.few) }},
	{"Tally/2", func(d *benchData) { Tally(d.counts[:2], d.two) }},
	{"Tally/64", func(d *benchData) { Tally(d.counts, d.few) }},
	{"FloorTo", func(d *benchData) { FloorTo(d.ints, d.small, 0, 3600) }},
	{"Take", func(d *benchData) { (&Column{Kind: Int64, Len: benchRows, I64: d.small}).Take(d.few) }},
	{"Indices", func(d *benchData) { Bitmap(d.half).Indices(nil, benchRows) }},
	{"AnyOf", func(d *benchData) { AnyOf(d.bits, d.few, d.set) }},
}

type benchData struct {
	packed     []byte
	ints       []int64
	small      []int64
	codes, few []int32
	two        []int32
	counts     []int64
	floats     []float64
	bits, set  Bitmap
	half       Bitmap
	offsets    []int32
	text       []byte
}

func newBenchData() *benchData {
	r := rand.New(rand.NewPCG(1, 2))
	d := &benchData{packed: make([]byte, 8*benchRows+PackedTail), ints: make([]int64, benchRows), small: make([]int64, benchRows),
		codes: make([]int32, benchRows), few: make([]int32, benchRows), floats: make([]float64, benchRows), bits: NewBitmap(benchRows), set: NewBitmap(64),
		two: make([]int32, benchRows), counts: make([]int64, 64)}
	for i := range d.packed {
		d.packed[i] = byte(r.Uint32())
	}
	for i := range benchRows {
		d.small[i], d.few[i], d.two[i], d.floats[i] = r.Int64N(10000), r.Int32N(64), r.Int32N(2), r.Float64()*100
	}
	d.half = NewBitmap(benchRows)
	for i := range d.half {
		d.half[i] = r.Uint64()
	}
	d.offsets = []int32{0}
	for range benchRows {
		d.text = fmt.Appendf(d.text, "/%s/%03x", []string{"garden", "kitchen", "books", "music"}[r.IntN(4)], r.IntN(4096))
		d.offsets = append(d.offsets, int32(len(d.text)))
	}
	d.set[0] = 0x1248_1248_8421_ffff
	return d
}

// BenchmarkKernels tells the nanoseconds for a batch of 4,096 values at each level.
func BenchmarkKernels(b *testing.B) {
	for _, k := range benchmarks {
		for _, l := range Levels() {
			b.Run(fmt.Sprintf("%s/%s", k.name, l), func(b *testing.B) {
				defer Use(l)()
				d := newBenchData()
				for b.Loop() {
					k.run(d)
				}
			})
		}
	}
}
