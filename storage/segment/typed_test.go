package segment

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// drawTyped draws a column of a kind; style says what its values are like.
func drawTyped(t *rapid.T, kind, elem vec.Kind, n int) *vec.Column {
	b := vec.NewBuilder(kind, n)
	if kind == vec.List {
		b = vec.NewListBuilder(elem, n)
	}
	style := rapid.IntRange(0, 3).Draw(t, "style")
	nulls := rapid.SampledFrom([]int{0, 1, 30, 2}).Draw(t, "nulls")
	for i := range n {
		if nulls > 0 && rapid.IntRange(0, nulls-1).Draw(t, "null") == 0 {
			b.AppendNull()
			continue
		}
		appendTyped(t, b, kind, elem, style, i)
	}
	return b.Finish()
}

func appendTyped(t *rapid.T, b *vec.Builder, kind, elem vec.Kind, style, i int) {
	switch kind {
	case vec.Bool:
		b.AppendBool(rapid.Bool().Draw(t, "bool"))
	case vec.Int64:
		b.AppendInt([]int64{int64(i) * 3, int64(i % 5), rapid.Int64().Draw(t, "int"), math.MinInt64}[style])
	case vec.Float64:
		b.AppendFloat([]float64{float64(i) / 100, rapid.Float64().Draw(t, "float"), []float64{math.NaN(), math.Inf(1), math.Copysign(0, -1)}[i%3], 7}[style])
	case vec.Bytes:
		b.AppendString([]string{fmt.Sprint("n", i), fmt.Sprint(i % 3), strings.Repeat("long text ", i%20), "same"}[style])
	case vec.Decimal:
		huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
		b.AppendDecimal([]decimal.Dec{{Coef: int64(i), Scale: 2}, {Coef: int64(-i), Scale: int32(i % 4)},
			[]decimal.Dec{{Form: decimal.NaN}, {Big: huge, Scale: 3}, {Coef: 5}}[i%3], {Coef: math.MaxInt64, Scale: int32(i % 2 * 18)}}[style])
	case vec.Interval:
		b.AppendInterval(vec.IntervalValue{Months: int32(i % 3), Days: int32(-i), Micros: int64(i) << 40})
	case vec.List:
		size := rapid.IntRange(0, 4).Draw(t, "elements")
		for k := range size {
			if style == 1 && k == 1 {
				b.Elem().AppendNull()
			} else {
				appendTyped(t, b.Elem(), elem, 0, style, i+k)
			}
		}
		if style == 2 && size == 4 {
			b.AppendShaped([]vec.Dim{{Len: 2, Lower: int32(i)}, {Len: 2, Lower: 1}})
		} else {
			b.AppendList()
		}
	}
}

func showTyped(c *vec.Column, i int) string {
	if c.Null(i) {
		return "null"
	}
	switch c.Kind {
	case vec.Bool:
		return fmt.Sprint(c.Bool(i))
	case vec.Int64:
		return fmt.Sprint(c.Int(i))
	case vec.Float64:
		return fmt.Sprintf("%x", math.Float64bits(c.Float(i)))
	case vec.Bytes:
		return fmt.Sprintf("%q", c.Bytes(i))
	case vec.Decimal:
		return c.Decimal(i).String()
	case vec.Interval:
		return fmt.Sprint(c.Interval(i))
	}
	child, from, to := c.List(i)
	out := fmt.Sprint(c.Dims(i))
	for k := from; k < to; k++ {
		out += "," + showTyped(child, k)
	}
	return out
}

func TestTypedRoundTrip(t *testing.T) {
	kinds := [][2]vec.Kind{{vec.Bool}, {vec.Int64}, {vec.Float64}, {vec.Bytes}, {vec.Decimal}, {vec.Interval}, {vec.List, vec.Int64}, {vec.List, vec.Bytes}, {vec.List, vec.Decimal}}
	enc, err := NewTypedEncoder()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		want := drawTyped(t, kind[0], kind[1], n)
		blob, zone, err := enc.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenTyped(blob, kind[0], kind[1], n)
		if err != nil {
			t.Fatal(err)
		}
		from := rapid.IntRange(0, n).Draw(t, "from")
		to := rapid.IntRange(from, n).Draw(t, "to")
		c, err := got.Read(from, to)
		if err != nil {
			t.Fatal(err)
		}
		var rows []int32
		for i := from; i < to; i++ {
			if got, want := showTyped(c, i-from), showTyped(want, i); got != want {
				t.Fatalf("row %d is %s, expected %s", i, got, want)
			}
			if i%3 > 0 {
				rows = append(rows, int32(i))
			}
		}
		if c, err = got.ReadRows(rows); err != nil {
			t.Fatal(err)
		}
		for k, row := range rows {
			if got, want := showTyped(c, k), showTyped(want, int(row)); got != want {
				t.Fatalf("row %d is %s, expected %s", row, got, want)
			}
		}
		checkZone(t, zone, want)
		place := rapid.IntRange(0, len(blob)-1).Draw(t, "place")
		blob[place] ^= 0x10
		if _, err := OpenTyped(blob, kind[0], kind[1], n); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("a blob with byte %d changed: %v", place, err)
		}
	})
}

// TestTypedRowsTogether reads lists of rows of which most between the first and the last are there, over several blocks: they are read as ranges are.
func TestTypedRowsTogether(t *testing.T) {
	kinds := [][2]vec.Kind{{vec.Bool}, {vec.Int64}, {vec.Float64}, {vec.Bytes}, {vec.Decimal}, {vec.Interval}, {vec.List, vec.Int64}}
	enc, err := NewTypedEncoder()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		some := drawTyped(t, kind[0], kind[1], rapid.IntRange(1, 60).Draw(t, "values"))
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		n := rapid.IntRange(1000, 4000).Draw(t, "rows")
		from := make([]int32, n)
		for i := range from {
			from[i] = int32(rng.IntN(some.Len))
		}
		want := some.Take(from)
		blob, _, err := enc.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenTyped(blob, kind[0], kind[1], n)
		if err != nil {
			t.Fatal(err)
		}
		first := rng.IntN(n / 2)
		for _, gaps := range []int{0, 1, n / 100, n / 5, n / 100} {
			gone := map[int]bool{}
			for range gaps {
				gone[rng.IntN(n)] = true
			}
			var rows []int32
			for i := first; i < n; i++ {
				if !gone[i] {
					rows = append(rows, int32(i))
				}
			}
			c, err := got.ReadRows(rows)
			if err != nil {
				t.Fatal(err)
			}
			for k, row := range rows {
				if got, want := showTyped(c, k), showTyped(want, int(row)); got != want {
					t.Fatalf("%d gaps: row %d is %s, expected %s", gaps, row, got, want)
				}
			}
		}
	})
}

// checkZone asks for every value that is there: it must not be denied.
func checkZone(t *rapid.T, z Zone, c *vec.Column) {
	again, err := ParseZone(z.Append(nil), c.Len)
	if err != nil {
		t.Fatal(err)
	}
	any := false
	for i := range c.Len {
		if c.Null(i) {
			continue
		}
		any = true
		for _, op := range []Op{Eq, Le, Ge, In, NotNull} {
			if !again.MayMatch(op, c.Slice(i, i+1)) {
				t.Fatalf("operation %d with %s is denied", op, showTyped(c, i))
			}
		}
	}
	if !any && again.MayMatch(NotNull, nil) {
		t.Fatal("nulls are said to match")
	}
}

func TestTypedZoneExcludes(t *testing.T) {
	enc, err := NewTypedEncoder()
	if err != nil {
		t.Fatal(err)
	}
	b := vec.NewBuilder(vec.Int64, 0)
	s := vec.NewBuilder(vec.Bytes, 0)
	for i := range 100 {
		b.AppendInt(int64(i) + 1000)
		s.AppendString(fmt.Sprint("m", i))
	}
	_, ints, _ := enc.Encode(b.Finish())
	_, texts, _ := enc.Encode(s.Finish())
	number := func(v int64) *vec.Column { return &vec.Column{Kind: vec.Int64, Len: 1, I64: []int64{v}} }
	text := func(v string) *vec.Column { b := vec.NewBuilder(vec.Bytes, 1); b.AppendString(v); return b.Finish() }
	for i, may := range []bool{ints.MayMatch(Eq, number(999)), ints.MayMatch(Lt, number(1000)), ints.MayMatch(Gt, number(1099)), texts.MayMatch(Eq, text("z")), texts.MayMatch(Lt, text("m"))} {
		if may {
			t.Errorf("comparison %d is not excluded", i)
		}
	}
}
