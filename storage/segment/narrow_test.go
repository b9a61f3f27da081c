package segment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// narrowGroup has every form of column that Narrow knows: all rows, rows of some types, few rows, most rows, any rows; codes,
// numbered texts, integers, decimals of one and of several scales, times that rise and times that do not.
func narrowGroup(t *testing.T, rows int, rising bool) *Reader {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(rows), 3))
	b := NewBuilder()
	at := int64(1000)
	for i := range rows {
		doc := fmt.Sprintf(`{"word":"w%d","sku":"SKU-%05d","n":%d,"price":%d.%02d,"mixed":%d.%d`,
			rnd.IntN(40), rnd.IntN(3000), rnd.Int64N(4000)-2000, rnd.IntN(1000), rnd.IntN(100), rnd.IntN(100), rnd.IntN(100))
		if i%7 == 0 || rnd.IntN(3) == 0 {
			doc += fmt.Sprintf(`,"some":%d`, rnd.IntN(50))
		}
		if i%97 == 5 {
			doc += fmt.Sprintf(`,"few":"f%d"`, rnd.IntN(3))
		}
		if i%89 != 3 {
			doc += fmt.Sprintf(`,"most":%d`, rnd.IntN(50))
		}
		if i%5 == 2 {
			doc += fmt.Sprintf(`,"typed":"x%d"`, rnd.IntN(9))
		}
		if rnd.IntN(20) == 0 {
			doc += `,"nulls":null`
		} else {
			doc += fmt.Sprintf(`,"nulls":%d`, rnd.IntN(9))
		}
		if at += rnd.Int64N(5000); !rising {
			at = rnd.Int64N(1 << 40)
		}
		e := &Event{Entity: fmt.Sprint("e", rnd.IntN(300)), Type: fmt.Sprint("t", i%5), Payload: []byte(doc + "}"), Timestamp: at, HasTime: true}
		if err := b.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return openGroup(t, mustFinish(t, b))
}

// TestNarrow compares what Narrow leaves with what the rows say: no row that satisfies the predicate may be missing, and
// what is compared exactly leaves no other.
func TestNarrow(t *testing.T) {
	for _, rows := range []int{1, 63, 1500, 5000} {
		for _, rising := range []bool{true, false} {
			r := narrowGroup(t, rows, rising)
			rnd := rand.New(rand.NewPCG(9, uint64(rows)))
			for range 150 {
				ref, vals, exact := randomTest(r, rnd)
				op := []Op{Eq, Lt, Le, Gt, Ge, In}[rnd.IntN(6)]
				if vals.Kind == vec.Bytes && op != In {
					op = Eq
				}
				if op != In {
					vals = vals.Slice(0, 1)
				}
				from := rnd.IntN(rows)
				to := from + rnd.IntN(rows-from) + 1
				if rnd.IntN(3) == 0 {
					from, to = 0, rows
				}
				checkNarrow(t, r, Pred{ref, op, vals}, rnd.IntN(2) == 0, from, to, exact)
			}
		}
	}
}

// randomTest chooses a column and values to compare it with; exact tells that Narrow decides every row.
func randomTest(r *Reader, rnd *rand.Rand) (ref Ref, vals *vec.Column, exact bool) {
	text := func(of string, n int) *vec.Column {
		b := vec.NewBuilder(vec.Bytes, 3)
		for range 3 {
			b.AppendString(fmt.Sprintf(of, rnd.IntN(n)))
		}
		return b.Finish()
	}
	ints := func(of func() int64) *vec.Column {
		b := vec.NewBuilder(vec.Int64, 3)
		for range 3 {
			b.AppendInt(of())
		}
		return b.Finish()
	}
	path := func(key string, as vec.ReadAs) Ref { return Ref{Col: ColPayload, Path: []string{key}, As: as} }
	switch rnd.IntN(12) {
	case 0:
		return Ref{Col: ColType}, text("t%d", 7), r.rows > 1
	case 1:
		lo, hi, _ := r.Bounds(Ref{Col: ColTimestamp})
		return Ref{Col: ColTimestamp}, ints(func() int64 { return lo + rnd.Int64N(hi-lo+2) }), true
	case 2:
		return path("word", vec.AsText), text("w%d", 50), r.rows > 1000
	case 3:
		return path("sku", vec.AsText), text([]string{"SKU-%05d", "SKU-%d"}[rnd.IntN(2)], 3000), r.rows > 1000
	case 4:
		return path("few", vec.AsText), text("f%d", 4), r.rows > 1000
	case 5:
		return path("typed", vec.AsText), text("x%d", 10), r.rows > 1000
	case 6:
		return path("some", vec.AsInt), ints(func() int64 { return rnd.Int64N(60) - 5 }), false
	case 7:
		return path("most", vec.AsFloat), ints(func() int64 { return rnd.Int64N(60) - 5 }), false
	case 8:
		return path("nulls", vec.AsFloat), ints(func() int64 { return rnd.Int64N(12) - 1 }), false
	case 9:
		b := vec.NewBuilder(vec.Float64, 3)
		for range 3 {
			b.AppendFloat([]float64{float64(rnd.IntN(100_000)) / 100, rnd.Float64() * 1000, math.NaN(), math.Inf(1), 1e300}[min(4, rnd.IntN(40)/9)])
		}
		return path("price", vec.AsFloat), b.Finish(), false
	case 10:
		b := vec.NewBuilder(vec.Decimal, 3)
		for range 3 {
			b.AppendDecimal(decimal.New(rnd.Int64N(10000), 2))
		}
		return path("mixed", vec.AsDecimal), b.Finish(), false
	}
	return path("n", vec.AsInt), ints(func() int64 {
		return []int64{rnd.Int64N(4000) - 2000, math.MinInt64, math.MaxInt64}[max(0, rnd.IntN(40)-37)]
	}), false
}

func checkNarrow(t *testing.T, r *Reader, p Pred, nulls bool, from, to int, exact bool) {
	t.Helper()
	ctx := context.Background()
	col, err := r.Read(ctx, p.Ref, 0, r.Len())
	if err != nil {
		t.Fatal(err)
	}
	set := vec.NewBitmap(r.Len())
	set.SetAll(r.Len())
	if err := r.Narrow(ctx, p, nulls, from, to, set); err != nil {
		t.Fatal(err)
	}
	left, right := 0, 0
	for row := from; row < to; row++ {
		holds := satisfies(col, row, p) || nulls && col.Null(row)
		if holds && !set.Get(row) {
			t.Fatalf("%v %v %d: row %d of [%d, %d) of %d is missing", p.Ref, p.Op, p.Values.I64, row, from, to, r.Len())
		}
		if set.Get(row) {
			left++
		}
		if holds {
			right++
		}
	}
	if exact && !nulls && left != right {
		t.Errorf("%v %v: %d rows are left of [%d, %d), %d satisfy it", p.Ref, p.Op, left, from, to, right)
	}
}

// satisfies compares a row with the values.
func satisfies(col *vec.Column, row int, p Pred) bool {
	if col.Null(row) {
		return false
	}
	for i := range p.Values.Len {
		if compareWith(col, row, p.Values, i, p.Op) {
			return true
		}
	}
	return false
}

func compareWith(col *vec.Column, row int, vals *vec.Column, i int, op Op) bool {
	if col.Kind == vec.Bytes {
		return string(col.Bytes(row)) == string(vals.Bytes(i))
	}
	number := func(c *vec.Column, i int) float64 {
		switch c.Kind {
		case vec.Int64:
			return float64(c.Int(i))
		case vec.Decimal:
			return c.Decimal(i).Float64()
		}
		return c.Float(i)
	}
	a, b := number(col, row), number(vals, i)
	switch op {
	case Lt:
		return a < b
	case Le:
		return a <= b
	case Gt:
		return a > b
	case Ge:
		return a >= b
	}
	return a == b
}
