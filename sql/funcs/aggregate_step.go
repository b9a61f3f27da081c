package funcs

import (
	"github.com/allsource-db/allsource/vec"
)

// Stepper is an accumulator that aggregates over moving frames can use: it takes rows one by one, its states can be copied, and they
// are still there after Result.
type Stepper interface {
	Accumulator
	// Step takes row i of args, which are not null where the aggregate is strict, into group g.
	Step(args []*vec.Column, i int, g int32) error
	// Copy makes the state of group to that of group from.
	Copy(from, to int32)
}

// Remover is a Stepper from which rows can be taken out again, with the same result as if they had never come.
type Remover interface {
	Stepper
	// Remove takes row i, which came before all others that are in group g, out of it. It reports false, leaving the group
	// to be made anew, where the result would not be exact.
	Remove(args []*vec.Column, i int, g int32) bool
}

func (a *countAcc) Step(_ []*vec.Column, _ int, g int32) error {
	a.n[g]++
	return nil
}

func (a *countAcc) Copy(from, to int32) { a.n[to] = a.n[from] }

func (a *countAcc) Remove(_ []*vec.Column, _ int, g int32) bool {
	a.n[g]--
	return true
}

func (a *fold[T]) Step(args []*vec.Column, i int, g int32) error { return a.take(g, a.get(args[0], i)) }

func (a *fold[T]) Copy(from, to int32) { a.v[to], a.seen[to] = a.v[from], a.seen[from] }

// intSum is a fold that counts, so that it knows when no row is left.
type intSum struct {
	fold[int64]
	n []int64
}

func (a *intSum) Grow(n int) {
	a.fold.Grow(n)
	a.n = grown(a.n, n)
}

func (a *intSum) Step(args []*vec.Column, i int, g int32) error {
	a.n[g]++
	return a.fold.Step(args, i, g)
}

func (a *intSum) Copy(from, to int32) {
	a.fold.Copy(from, to)
	a.n[to] = a.n[from]
}

func (a *intSum) Remove(args []*vec.Column, i int, g int32) bool {
	a.n[g]--
	a.v[g] -= a.get(args[0], i)
	a.seen[g] = a.n[g] > 0
	return true
}

func (a *intSum) Merge(other Accumulator, groups []int32) error {
	return a.fold.Merge(&other.(*intSum).fold, groups)
}

func (a *decSum) Step(args []*vec.Column, i int, g int32) (err error) {
	a.n[g]++
	v := a.get(args[0], i)
	a.widest = grown(a.widest, len(a.sum))
	switch old := a.sum[g].Scale; {
	case v.Scale > old:
		a.widest[g] = 1
	case v.Scale == old:
		a.widest[g]++
	}
	if a.sum[g], err = a.sum[g].Add(v); err != nil {
		return numericError(err)
	}
	return nil
}

func (a *decSum) Copy(from, to int32) {
	a.sum[to], a.n[to] = a.sum[from], a.n[from]
	a.widest = grown(a.widest, len(a.sum))
	a.widest[to] = a.widest[from]
}

// Remove is exact for finite numbers, as long as another value is left that has as many decimals as the sum shows.
func (a *decSum) Remove(args []*vec.Column, i int, g int32) bool {
	v := a.get(args[0], i)
	if !v.IsFinite() || !a.sum[g].IsFinite() {
		return false
	}
	if v.Scale == a.sum[g].Scale {
		if a.widest[g]--; a.widest[g] == 0 && v.Scale > 0 {
			return false
		}
	}
	s, err := a.sum[g].Sub(v)
	if err != nil {
		return false
	}
	a.n[g]--
	a.sum[g] = s
	return true
}

func (a *intervalSum) Step(args []*vec.Column, i int, g int32) error {
	a.take(g, args[0].Interval(i), 1)
	return nil
}

func (a *intervalSum) Copy(from, to int32) { a.sum[to], a.n[to] = a.sum[from], a.n[from] }

func (a *intervalSum) Remove(args []*vec.Column, i int, g int32) bool {
	v := args[0].Interval(i)
	a.take(g, vec.IntervalValue{Months: -v.Months, Days: -v.Days, Micros: -v.Micros}, -1)
	return true
}

func (a *varianceAcc) Step(args []*vec.Column, i int, g int32) error {
	return a.m[g].add(args[0].Float(i))
}

func (a *varianceAcc) Copy(from, to int32) { a.m[to] = a.m[from] }

func (a *decVariance) Step(args []*vec.Column, i int, g int32) error {
	x := a.get(args[0], i)
	sq, err := x.Mul(x)
	if err == nil {
		err = a.m[g].merge(decMoments{1, x, sq})
	}
	if err != nil {
		return numericError(err)
	}
	return nil
}

func (a *decVariance) Copy(from, to int32) { a.m[to] = a.m[from] }

// Remove is exact for integers; decimals would have to give back the digits that they asked for.
func (a *decVariance) Remove(args []*vec.Column, i int, g int32) bool {
	x := a.get(args[0], i)
	m := &a.m[g]
	if x.Scale > 0 || !x.IsFinite() || !m.sx.IsFinite() || m.sx.Scale > 0 {
		return false
	}
	sq, err := x.Mul(x)
	if err != nil {
		return false
	}
	sx, err := m.sx.Sub(x)
	if err != nil {
		return false
	}
	sxx, err := m.sxx.Sub(sq)
	if err != nil {
		return false
	}
	*m = decMoments{m.n - 1, sx, sxx}
	return true
}

func (a *pairAcc) Step(args []*vec.Column, i int, g int32) error {
	if !args[1].Null(i) && !args[0].Null(i) {
		return a.p[g].add(args[0].Float(i), args[1].Float(i))
	}
	return nil
}

func (a *pairAcc) Copy(from, to int32) { a.p[to] = a.p[from] }

func (a *textMinMax) Step(args []*vec.Column, i int, g int32) error {
	a.take(g, args[0].Bytes(i))
	return nil
}

func (a *textMinMax) Copy(from, to int32) { a.v[to] = a.v[from] }

func (a *anyMinMax) Step(args []*vec.Column, i int, g int32) error {
	a.take(g, args[0], i)
	return nil
}

func (a *anyMinMax) Copy(from, to int32) { a.v[to] = a.v[from] }

var _ = []Stepper{&countAcc{}, &fold[bool]{}, &intSum{}, &decSum{}, &intervalSum{}, &varianceAcc{}, &decVariance{}, &pairAcc{}, &textMinMax{}, &anyMinMax{}}
var _ = []Remover{&countAcc{}, &intSum{}, &decSum{}, &intervalSum{}, &decVariance{}}
