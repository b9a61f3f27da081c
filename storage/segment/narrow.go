package segment

import (
	"bytes"
	"context"
	"math"
	"math/bits"
	"strconv"

	"github.com/allsource-db/allsource/vec"
)

// maxIntervals is how many intervals of values rows are compared with; predicates of more are left to others.
const maxIntervals = 4

// interval is the integers from lo to hi.
type interval struct{ lo, hi int64 }

// Narrow clears in set, which has a bit for each row of the group, rows of [from, to) that do not satisfy p; bits outside are
// left unspecified. It compares codes and numbers as they are packed, and where it cannot, or is not sure, leaves a row
// in. Rows without a value satisfy no predicate; with nulls they stay.
func (r *Reader) Narrow(ctx context.Context, p Pred, nulls bool, from, to int, set vec.Bitmap) error {
	if p.Op >= NotNull || p.Values == nil || p.Values.Len == 0 || p.Values.Len > maxIntervals || from >= to {
		return nil
	}
	n := narrowing{from: from &^ 63, to: to, set: set, nulls: nulls}
	switch p.Ref.Col {
	case ColType:
		codes, err := r.typeCodes(ctx)
		if codes == nil || err != nil || p.Op != Eq && p.Op != In || p.Values.Kind != vec.Bytes {
			return err
		}
		n.every(codes, r.typesOf(p))
	case ColTimestamp:
		if r.times != r.rows || p.Values.Kind != vec.Int64 {
			return nil
		}
		c, err := r.timesColumn(ctx)
		if err != nil {
			return err
		}
		n.every(c.vals, intervalsOf(p, func(i int) (int64, int64) { return p.Values.Int(i), p.Values.Int(i) }))
	case ColPayload, ColMetadata:
		return r.narrowPath(ctx, p, n)
	}
	return nil
}

// typesOf are the codes of the event types that an equality names.
func (r *Reader) typesOf(p Pred) []interval {
	out := []interval{}
	anyValue(p, func(i int) bool {
		for code, t := range r.types {
			if t.Type == string(p.Values.Bytes(i)) {
				out = append(out, interval{int64(code), int64(code)})
			}
		}
		return false
	})
	return out
}

func (r *Reader) narrowPath(ctx context.Context, p Pred, n narrowing) error {
	plan := r.resolve(p.Ref.Col, p.Ref.Path)
	if !plan.leaf(r.meta) {
		return nil
	}
	z := &r.nodes[plan.node].zone
	texts := p.Ref.As == vec.AsText && z.has == hasString && p.Values.Kind == vec.Bytes && (p.Op == Eq || p.Op == In)
	numbers := z.has == hasNumber && (p.Ref.As == vec.AsFloat || p.Ref.As == vec.AsDecimal || p.Ref.As == vec.AsInt && z.numbers == zoneInts)
	if !texts && !numbers {
		return nil
	}
	c, err := r.column(ctx, plan.node)
	if err != nil {
		return err
	}
	if c.kinds != nil {
		return nil
	}
	var vals *ints
	var in []interval
	if texts {
		vals, in, err = c.strs.numbersOf(p)
	} else if x := &c.nums; x.mode != numsMixed {
		vals, in = x.mantissas, mantissasOf(p, x.scale)
	}
	if vals == nil || err != nil {
		return err
	}
	n.some(vals, in, c.pres)
	return nil
}

// numbersOf are the codes or numbers, and the integers that have them, of the texts that an equality names.
func (t *texts) numbersOf(p Pred) (*ints, []interval, error) {
	in := []interval{}
	switch t.mode {
	case textsDict:
		dict, err := t.column()
		if err != nil {
			return nil, nil, err
		}
		same := vec.NewBitmap(dict.Len)
		anyValue(p, func(i int) bool {
			vec.EqualText(same, dict.Offsets, dict.Data, p.Values.Bytes(i))
			for _, code := range same.Indices(nil, dict.Len) {
				in = append(in, interval{int64(code), int64(code)})
			}
			return false
		})
	case textsNumbered:
		anyValue(p, func(i int) bool {
			v := p.Values.Bytes(i)
			digits, ok := bytes.CutPrefix(v, t.value)
			num, err := strconv.ParseInt(string(digits), 10, 64)
			if ok && err == nil && bytes.Equal(appendNumbered(nil, t.value, num, t.digits), v) {
				in = append(in, interval{num, num})
			}
			return false
		})
	default:
		return nil, nil, nil
	}
	return t.ints, in, nil
}

// mantissasOf are the numbers of a scale that may satisfy a comparison: values are rounded, to both sides.
func mantissasOf(p Pred, scale uint8) []interval {
	if int(scale) >= len(float10) {
		return nil
	}
	value := func(i int) float64 { return math.NaN() }
	switch p.Values.Kind {
	case vec.Int64:
		value = func(i int) float64 { return float64(p.Values.Int(i)) }
	case vec.Float64:
		value = p.Values.Float
	case vec.Decimal:
		value = func(i int) float64 { return p.Values.Decimal(i).Float64() }
	}
	return intervalsOf(p, func(i int) (int64, int64) {
		v := value(i) * float10[scale]
		slack := 2 + math.Abs(v)/(1<<50)
		if !(math.Abs(v)+slack < 1<<62) {
			return math.MinInt64, math.MaxInt64
		}
		return int64(math.Floor(v - slack)), int64(math.Ceil(v + slack))
	})
}

// intervalsOf are the integers that may satisfy a comparison with values that lie between two integers each.
func intervalsOf(p Pred, value func(i int) (lo, hi int64)) []interval {
	out := []interval{}
	anyValue(p, func(i int) bool {
		v := interval{math.MinInt64, math.MaxInt64}
		lo, hi := value(i)
		switch exact := lo == hi; p.Op {
		case Eq, In:
			v = interval{lo, hi}
		case Lt, Le:
			v.hi = hi
			if p.Op == Lt && exact && hi > math.MinInt64 {
				v.hi--
			}
		case Gt, Ge:
			v.lo = lo
			if p.Op == Gt && exact && lo < math.MaxInt64 {
				v.lo++
			}
		}
		out = append(out, v)
		return false
	})
	return out
}

// narrowing is a range of rows, which begins with a word of the set.
type narrowing struct {
	from, to int
	set      vec.Bitmap
	nulls    bool // rows without a number stay
}

// every keeps the rows whose numbers, one a row, lie in one of the intervals.
func (n narrowing) every(vals *ints, in []interval) {
	if in == nil {
		return
	}
	words := n.set[n.from>>6 : (n.to+63)>>6]
	if len(in) == 0 {
		clear(words)
		return
	}
	for i, w := range vals.inside(in, n.from, n.to-n.from) {
		words[i] &= w
	}
}

// some keeps the rows that have a number in one of the intervals, and those that have none as n says; nil intervals keep all.
func (n narrowing) some(vals *ints, in []interval, pres *presence) {
	if pres.all() {
		n.every(vals, in)
		return
	}
	if in == nil {
		return
	}
	first := pres.before(n.from)
	start := first &^ 63
	words := n.set[n.from>>6 : (n.to+63)>>6]
	count := pres.before(n.to) - start
	if len(in) == 0 || count <= 0 {
		if !n.nulls {
			clear(words)
		}
		return
	}
	inside := vals.inside(in, start, count)
	if pres.few != nil {
		keep := vec.NewBitmap(len(words) * 64)
		if n.nulls {
			keep.SetAll(len(words) * 64)
		}
		for k := first - start; k < count; k++ {
			keep.SetTo(int(pres.few[start+k])-n.from, inside.Get(k))
		}
		for i, w := range keep {
			words[i] &= w
		}
		return
	}
	for i := range words {
		at := n.from>>6 + i
		there := pres.set[at]
		k := int(pres.rank[at]) - start
		keep := uint64(0)
		if n.nulls {
			keep = ^there
		}
		for ; there != 0 && k < count; there &= there - 1 {
			keep |= inside[k>>6] >> (uint(k) & 63) & 1 << bits.TrailingZeros64(there)
			k++
		}
		words[i] &= keep
	}
}

// inside marks n values from number from on, a multiple of 64, that lie in one of the intervals.
func (c *ints) inside(in []interval, from, n int) vec.Bitmap {
	out := vec.NewBitmap(n)
	c.between(out, from, n, in[0].lo, in[0].hi, false)
	var more vec.Bitmap
	for _, v := range in[1:] {
		if more == nil {
			more = vec.NewBitmap(n)
		}
		c.between(more, from, n, v.lo, v.hi, false)
		for i, w := range more {
			out[i] |= w
		}
	}
	return out
}
