package vec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/allsource-db/allsource/vec/decimal"
)

// anyColumn makes a column of a kind, perhaps with nulls, perhaps dictionary coded, of which both may have nulls.
func anyColumn(r *rand.Rand, k Kind, n int) *Column {
	if r.IntN(3) == 0 && k != List && k != Struct {
		size := 1 + r.IntN(20)
		c := &Column{Kind: k, Len: n, Codes: make([]int32, n), Dict: flatColumn(r, k, size)}
		for i := range c.Codes {
			c.Codes[i] = int32(r.IntN(size))
		}
		if r.IntN(2) == 0 {
			c.Valid = NewBitmap(n)
			for w := range c.Valid {
				c.Valid[w] = r.Uint64()
			}
		}
		return c
	}
	return flatColumn(r, k, n)
}

func flatColumn(r *rand.Rand, k Kind, n int) *Column {
	b := NewBuilder(k, n)
	switch k {
	case List:
		b = NewListBuilder(Int64, n)
	case Struct:
		b = NewStructBuilder([]Kind{Int64, Bytes}, n)
	}
	nulls := r.IntN(2) == 0
	for range n {
		if nulls && r.IntN(4) == 0 {
			b.AppendNull()
			continue
		}
		v := r.IntN(1000)
		switch k {
		case Bool:
			b.AppendBool(v%2 == 0)
		case Int64:
			b.AppendInt(int64(v))
		case Float64:
			b.AppendFloat(float64(v) / 8)
		case Bytes:
			b.AppendString(fmt.Sprintf("%0*d", v%7, v))
		case Decimal:
			b.AppendDecimal(decimal.New(int64(v), 2))
		case Interval:
			b.AppendInterval(IntervalValue{Micros: int64(v)})
		case List:
			for i := range v % 3 {
				b.Elem().AppendInt(int64(i))
			}
			b.AppendList()
		case Struct:
			b.Field(0).AppendInt(int64(v))
			b.Field(1).AppendString("x")
			b.AppendStruct()
		}
	}
	return b.Finish()
}

// said is row i as text, so that columns of any form compare.
func said(c *Column, i int) string {
	if c.Null(i) {
		return "null"
	}
	switch c.Kind {
	case Bool:
		return fmt.Sprint(c.Bool(i))
	case Int64:
		return fmt.Sprint(c.Int(i))
	case Float64:
		return fmt.Sprint(c.Float(i))
	case Bytes:
		return fmt.Sprintf("%q", c.Bytes(i))
	case Decimal:
		return c.Decimal(i).String()
	case Interval:
		return fmt.Sprint(c.Interval(i))
	case List:
		child, from, to := c.List(i)
		s := "["
		for k := from; k < to; k++ {
			s += said(child, k) + " "
		}
		return s + "]"
	}
	s := "("
	for _, f := range c.Fields {
		s += said(f, i) + " "
	}
	return s + ")"
}

// TestTaking compares Take, Flat, Slice and the bitmaps of columns with what their rows say.
func TestTaking(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 60 {
		for k := Bool; k <= Struct; k++ {
			n := lengths[r.IntN(20)]
			c := anyColumn(r, k, n)
			idx := make([]int32, 0)
			for range lengths[r.IntN(20)] {
				if n > 0 && r.IntN(8) > 0 {
					idx = append(idx, int32(r.IntN(n)))
				} else if r.IntN(2) == 0 {
					idx = append(idx, -1)
				}
			}
			from := r.IntN(n + 1)
			to := from + r.IntN(n-from+1)
			taken, flat, part := c.Take(idx), c.Flat(), c.Slice(from, to)
			check := func(what string, got *Column, i int, want string) {
				t.Helper()
				if got.Len <= i || said(got, i) != want {
					t.Fatalf("kind %d, %s, row %d of %d: %s, not %s", k, what, i, got.Len, said(got, i), want)
				}
			}
			for o, i := range idx {
				if i < 0 {
					check("take", taken, o, "null")
				} else {
					check("take", taken, o, said(c, int(i)))
				}
			}
			for i := range n {
				check("flat", flat, i, said(c, i))
			}
			for i := from; i < to; i++ {
				check("slice", part, i-from, said(c, i))
			}
			valid := c.Validity()
			for i := range n {
				if (valid == nil || valid.Get(i)) == c.Null(i) {
					t.Fatalf("kind %d: validity of row %d", k, i)
				}
				if k == Bool && (c.Truth().Get(i) != (said(c, i) == "true") || c.Falsity().Get(i) != (said(c, i) == "false")) {
					t.Fatalf("truth of row %d", i)
				}
			}
			nulls := NullColumn(k, n)
			for i := range n {
				check("nulls", nulls, i, "null")
			}
		}
	}
}

func TestBitmaps(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, n := range lengths {
		b := NewBitmap(n)
		for i := range b {
			b[i] = r.Uint64() & r.Uint64()
		}
		var want []int32
		for i := range n {
			if b.Get(i) {
				want = append(want, int32(i))
			}
		}
		if got := b.Indices([]int32{-7}, n); fmt.Sprint(got) != fmt.Sprint(append([]int32{-7}, want...)) {
			t.Fatalf("%d bits: indices %v, not %v", n, got, want)
		}
		if b.Count(n) != len(want) {
			t.Fatalf("%d bits: %d set", n, b.Count(n))
		}
		not := Not(NewBitmap(n), b)
		if not.Count(n) != n-len(want) {
			t.Fatalf("%d bits: %d are not set", n, not.Count(n))
		}
	}
}
