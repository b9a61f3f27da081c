package funcs

import (
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// The functions here make bodies of functions on single values. Rows with a null argument are not computed; constants are
// computed once.

func int1(f func(a int64) (int64, error)) Body {
	return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Int(i))
		b.AppendInt(v)
		return err
	})
}

func int2(f func(a, b int64) (int64, error)) Body {
	return rowwise(vec.Int64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Int(i), a[1].Int(i))
		b.AppendInt(v)
		return err
	})
}

func float1(f func(a float64) (float64, error)) Body {
	return rowwise(vec.Float64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Float(i))
		b.AppendFloat(v)
		return err
	})
}

func float2(f func(a, b float64) (float64, error)) Body {
	return rowwise(vec.Float64, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Float(i), a[1].Float(i))
		b.AppendFloat(v)
		return err
	})
}

func dec1(f func(a decimal.Dec) (decimal.Dec, error)) Body {
	return rowwise(vec.Decimal, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Decimal(i))
		if err != nil {
			return numericError(err)
		}
		b.AppendDecimal(v)
		return nil
	})
}

func dec2(f func(a, b decimal.Dec) (decimal.Dec, error)) Body {
	return rowwise(vec.Decimal, func(_ *Ctx, b *vec.Builder, a []*vec.Column, i int) error {
		v, err := f(a[0].Decimal(i), a[1].Decimal(i))
		if err != nil {
			return numericError(err)
		}
		b.AppendDecimal(v)
		return nil
	})
}
