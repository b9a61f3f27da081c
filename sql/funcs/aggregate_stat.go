package funcs

import (
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// moments is a count, a sum and a sum of squared differences from the mean, kept by Youngs and Cramer's method (1971), as
// PostgreSQL keeps them.
type moments struct{ n, sx, sxx float64 }

func (m *moments) add(x float64) error {
	before := m.sx
	m.n++
	m.sx += x
	if m.n > 1 {
		tmp := x*m.n - m.sx
		m.sxx += tmp * tmp / (m.n * (m.n - 1))
		if endless(m.sx, m.sxx) {
			if !endless(before, x) {
				return errFloatOverflow
			}
			m.sxx = math.NaN()
		}
	} else if math.IsInf(x, 0) || math.IsNaN(x) {
		m.sxx = math.NaN()
	}
	return nil
}

func (m *moments) merge(o moments) {
	switch {
	case o.n == 0:
	case m.n == 0:
		*m = o
	default:
		n := m.n + o.n
		tmp := m.sx/m.n - o.sx/o.n
		*m = moments{n, m.sx + o.sx, m.sxx + o.sxx + m.n*o.n*tmp*tmp/n}
	}
}

// A finish turns the moments of a group into the result; false is null.
func varPopOf(m moments) (float64, bool)     { return m.sxx / m.n, m.n > 0 }
func varSampOf(m moments) (float64, bool)    { return m.sxx / (m.n - 1), m.n > 1 }
func stddevPopOf(m moments) (float64, bool)  { return math.Sqrt(m.sxx / m.n), m.n > 0 }
func stddevSampOf(m moments) (float64, bool) { return math.Sqrt(m.sxx / (m.n - 1)), m.n > 1 }

type varianceAcc struct {
	m      []moments
	finish func(moments) (float64, bool)
}

func newVariance(finish func(moments) (float64, bool)) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator { return &varianceAcc{finish: finish} }
}

func (a *varianceAcc) Grow(n int) { a.m = grown(a.m, n) }

func (a *varianceAcc) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if !taken(args[0], groups, i) {
			continue
		}
		if err := a.Step(args, i, groups[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *varianceAcc) Merge(other Accumulator, groups []int32) error {
	for i, g := range groups {
		a.m[g].merge(other.(*varianceAcc).m[i])
	}
	return nil
}

func (a *varianceAcc) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Float64, n)
	for i := range n {
		if v, ok := a.finish(a.m[i]); ok {
			b.AppendFloat(v)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish(), nil
}

func (a *varianceAcc) MemSize() int { return cap(a.m) * 24 }

// decMoments is the same for exact numbers: sums of values and squares.
type decMoments struct {
	n       int64
	sx, sxx decimal.Dec
}

type decVariance struct {
	m    []decMoments
	get  func(c *vec.Column, i int) decimal.Dec
	samp bool
	root bool
}

func (a *decVariance) Grow(n int) { a.m = grown(a.m, n) }

func (a *decVariance) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if !taken(args[0], groups, i) {
			continue
		}
		if err := a.Step(args, i, groups[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *decMoments) merge(o decMoments) (err error) {
	m.n += o.n
	if m.sx, err = m.sx.Add(o.sx); err != nil {
		return err
	}
	m.sxx, err = m.sxx.Add(o.sxx)
	return err
}

func (a *decVariance) Merge(other Accumulator, groups []int32) error {
	for i, g := range groups {
		if err := a.m[g].merge(other.(*decVariance).m[i]); err != nil {
			return numericError(err)
		}
	}
	return nil
}

func (a *decVariance) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Decimal, n)
	for i := range n {
		m := a.m[i]
		if m.n == 0 || a.samp && m.n == 1 {
			b.AppendNull()
			continue
		}
		v, err := a.finish(m)
		if err != nil {
			return nil, numericError(err)
		}
		b.AppendDecimal(v)
	}
	return b.Finish(), nil
}

// finish is (n·Σx² − (Σx)²) / (n·(n or n−1)), and its root.
func (a *decVariance) finish(m decMoments) (decimal.Dec, error) {
	if !m.sx.IsFinite() {
		return decimal.NotANumber(), nil
	}
	n, div := decimal.FromInt64(m.n), decimal.FromInt64(m.n)
	if a.samp {
		div = decimal.FromInt64(m.n - 1)
	}
	sq, err := m.sx.Mul(m.sx)
	if err != nil {
		return sq, err
	}
	num, err := n.Mul(m.sxx)
	if err == nil {
		num, err = num.Sub(sq)
	}
	if err != nil || num.Sign() <= 0 {
		return decimal.FromInt64(0), err
	}
	den, err := n.Mul(div)
	if err != nil {
		return den, err
	}
	q, err := num.Quo(den)
	if err != nil || !a.root {
		return q, err
	}
	r, err := q.Sqrt()
	if err == nil && r.Scale > q.Scale {
		r = r.Round(q.Scale)
	}
	return r, err
}

func (a *decVariance) MemSize() int { return cap(a.m) * 88 }

// varianceAggregates are the six names for every numeric type.
func varianceAggregates() []Aggregate {
	types := []datum.OID{datum.Int8, datum.Int4, datum.Int2, datum.Float4, datum.Float8, datum.Numeric}
	names := []struct {
		name       string
		first      datum.OID // OIDs follow the order of types
		samp, root bool
		finish     func(moments) (float64, bool)
		doc        string
	}{
		{"var_pop", 2718, false, false, varPopOf, "variance of the population"},
		{"var_samp", 2641, true, false, varSampOf, "variance of a sample"},
		{"variance", 2148, true, false, varSampOf, "variance of a sample"},
		{"stddev_pop", 2724, false, true, stddevPopOf, "standard deviation of the population"},
		{"stddev_samp", 2712, true, true, stddevSampOf, "standard deviation of a sample"},
		{"stddev", 2154, true, true, stddevSampOf, "standard deviation of a sample"},
	}
	var out []Aggregate
	for _, v := range names {
		for i, t := range types {
			a := Aggregate{OID: v.first + datum.OID(i), Name: v.name, Args: []datum.OID{t}, Ret: datum.Numeric, Strict: true, Doc: v.doc}
			switch t {
			case datum.Float4, datum.Float8:
				a.Ret, a.New = datum.Float8, newVariance(v.finish)
			default:
				get := intDec
				if t == datum.Numeric {
					get = decDec
				}
				a.New = func([]datum.Type) Accumulator { return &decVariance{get: get, samp: v.samp, root: v.root} }
			}
			out = append(out, a)
		}
	}
	return out
}

// pairs are the moments of two variables, Y first as the functions' arguments are.
type pairs struct{ n, sx, sxx, sy, syy, sxy float64 }

func (p *pairs) add(y, x float64) error {
	finiteX, finiteY := !endless(p.sx, x), !endless(p.sy, y)
	p.n++
	p.sx += x
	p.sy += y
	if p.n == 1 {
		if math.IsInf(x, 0) || math.IsNaN(x) {
			p.sxx, p.sxy = math.NaN(), math.NaN()
		}
		if math.IsInf(y, 0) || math.IsNaN(y) {
			p.syy, p.sxy = math.NaN(), math.NaN()
		}
		return nil
	}
	dx, dy := x*p.n-p.sx, y*p.n-p.sy
	scale := 1 / (p.n * (p.n - 1))
	p.sxx += dx * dx * scale
	p.syy += dy * dy * scale
	p.sxy += dx * dy * scale
	if finiteX && endless(p.sx, p.sxx) || finiteY && endless(p.sy, p.syy) || finiteX && finiteY && math.IsInf(p.sxy, 0) {
		return errFloatOverflow
	}
	return nil
}

// endless reports whether one of two numbers is infinite.
func endless(a, b float64) bool { return math.IsInf(a, 0) || math.IsInf(b, 0) }

func (p *pairs) merge(o pairs) {
	switch {
	case o.n == 0:
	case p.n == 0:
		*p = o
	default:
		n := p.n + o.n
		dx, dy := p.sx/p.n-o.sx/o.n, p.sy/p.n-o.sy/o.n
		w := p.n * o.n / n
		*p = pairs{n, p.sx + o.sx, p.sxx + o.sxx + w*dx*dx, p.sy + o.sy, p.syy + o.syy + w*dy*dy, p.sxy + o.sxy + w*dx*dy}
	}
}

type pairAcc struct {
	p      []pairs
	finish func(pairs) (float64, bool)
	count  bool
}

func (a *pairAcc) Grow(n int) { a.p = grown(a.p, n) }

func (a *pairAcc) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if taken(args[0], groups, i) && !args[1].Null(i) {
			if err := a.p[groups[i]].add(args[0].Float(i), args[1].Float(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *pairAcc) Merge(other Accumulator, groups []int32) error {
	for i, g := range groups {
		a.p[g].merge(other.(*pairAcc).p[i])
	}
	return nil
}

func (a *pairAcc) Result(_ *Ctx, n int) (*vec.Column, error) {
	if a.count {
		b := vec.NewBuilder(vec.Int64, n)
		for _, p := range a.p[:n] {
			b.AppendInt(int64(p.n))
		}
		return b.Finish(), nil
	}
	b := vec.NewBuilder(vec.Float64, n)
	for _, p := range a.p[:n] {
		if v, ok := a.finish(p); ok && p.n > 0 {
			b.AppendFloat(v)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish(), nil
}

func (a *pairAcc) MemSize() int { return cap(a.p) * 48 }

// pairAggregates are correlation and linear regression.
func pairAggregates() []Aggregate {
	two := []datum.OID{datum.Float8, datum.Float8}
	row := func(oid datum.OID, name, doc string, f func(pairs) (float64, bool)) Aggregate {
		return Aggregate{OID: oid, Name: name, Args: two, Ret: datum.Float8, Strict: true, Doc: doc, New: func([]datum.Type) Accumulator { return &pairAcc{finish: f} }}
	}
	return []Aggregate{
		{OID: 2818, Name: "regr_count", Args: two, Ret: datum.Int8, Strict: true, Doc: "number of rows in which neither argument is null", New: func([]datum.Type) Accumulator { return &pairAcc{count: true} }},
		row(2819, "regr_sxx", "sum of squares of the independent variable", func(p pairs) (float64, bool) { return p.sxx, true }),
		row(2820, "regr_syy", "sum of squares of the dependent variable", func(p pairs) (float64, bool) { return p.syy, true }),
		row(2821, "regr_sxy", "sum of products of both variables", func(p pairs) (float64, bool) { return p.sxy, true }),
		row(2822, "regr_avgx", "mean of the independent variable", func(p pairs) (float64, bool) { return p.sx / p.n, true }),
		row(2823, "regr_avgy", "mean of the dependent variable", func(p pairs) (float64, bool) { return p.sy / p.n, true }),
		row(2824, "regr_r2", "square of the correlation", func(p pairs) (float64, bool) {
			if p.syy == 0 {
				return 1, p.sxx != 0
			}
			return p.sxy * p.sxy / (p.sxx * p.syy), p.sxx != 0
		}),
		row(2825, "regr_slope", "slope of the fitted line", func(p pairs) (float64, bool) { return p.sxy / p.sxx, p.sxx != 0 }),
		row(2826, "regr_intercept", "intercept of the fitted line", func(p pairs) (float64, bool) { return (p.sy - p.sx*p.sxy/p.sxx) / p.n, p.sxx != 0 }),
		row(2827, "covar_pop", "covariance of the population", func(p pairs) (float64, bool) { return p.sxy / p.n, true }),
		row(2828, "covar_samp", "covariance of a sample", func(p pairs) (float64, bool) { return p.sxy / (p.n - 1), p.n > 1 }),
		row(2829, "corr", "correlation", func(p pairs) (float64, bool) { return p.sxy / math.Sqrt(p.sxx*p.syy), p.sxx != 0 && p.syy != 0 }),
	}
}
