package segment

import (
	"context"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/allsource-db/allsource/vec"
)

// MayMatch reports whether a row of the group can satisfy p; false is certain. It decides by the meta blob where that
// suffices, and fetches the small filter of a column for an equality on texts with many distinct values.
func (r *Reader) MayMatch(ctx context.Context, p Pred) (bool, error) {
	if r.rows == 0 {
		return false, nil
	}
	if p.Op != NotNull && (p.Values == nil || p.Values.Len == 0 || p.Op > NotNull) {
		return true, nil
	}
	switch p.Ref.Col {
	case ColPosition, ColRecordedAt, ColTimestamp:
		lo, hi, _ := r.Bounds(p.Ref)
		return matchInts(p, lo, hi), nil
	case ColType:
		return r.matchTypes(p), nil
	case ColEntity:
		return r.matchTexts(ctx, p, &r.names, "entity filter", blobFilter)
	case ColPayload, ColMetadata:
		return r.matchPath(ctx, p)
	}
	return true, nil
}

func (r *Reader) matchPath(ctx context.Context, p Pred) (bool, error) {
	plan := r.resolve(p.Ref.Col, p.Ref.Path)
	if plan.nothing(r.meta) {
		return false, nil
	}
	if !plan.leaf(r.meta) {
		return true, nil
	}
	z := &r.nodes[plan.node].zone
	if p.Ref.As == vec.AsJSON {
		return true, nil
	}
	if z.rows == z.nulls {
		return false, nil // SQL null, and no comparison holds
	}
	if p.Op == NotNull {
		return true, nil
	}
	switch p.Ref.As {
	case vec.AsText:
		if z.has&^(hasString|hasNull) == 0 {
			return r.matchTexts(ctx, p, z, "filter "+r.nodeName(plan.node), firstPath+ColumnID(2*plan.node)+1)
		}
	case vec.AsFloat, vec.AsInt, vec.AsDecimal:
		if z.has&^(hasNumber|hasNull) == 0 && z.numbers == zoneInts {
			return matchInts(p, z.lowInt, z.highInt), nil
		}
		if z.has&^(hasNumber|hasNull) == 0 && z.numbers == zoneFloats && p.Ref.As != vec.AsInt {
			return matchFloats(p, z.lowNum, z.highNum), nil
		}
	}
	return true, nil
}

// outside compares one value with bounds: it is before all values, or after them.
type outside struct{ below, above bool }

// meets reports whether a comparison with a value at that place can hold. Equal bounds of a value count for neither.
func (o outside) meets(op Op, atLow, atHigh bool) bool {
	switch op {
	case Eq, In:
		return !o.below && !o.above
	case Lt:
		return !o.below && !atLow
	case Le:
		return !o.below
	case Gt:
		return !o.above && !atHigh
	case Ge:
		return !o.above
	}
	return true
}

// anyValue reports whether f holds for a value of the predicate; null never does.
func anyValue(p Pred, f func(i int) bool) bool {
	for i := range p.Values.Len {
		if !p.Values.Null(i) && f(i) {
			return true
		}
	}
	return false
}

func matchInts(p Pred, lo, hi int64) bool {
	if p.Op == NotNull {
		return true
	}
	if p.Values.Kind == vec.Int64 {
		return anyValue(p, func(i int) bool {
			v := p.Values.Int(i)
			return outside{v < lo, v > hi}.meets(p.Op, v == lo, v == hi)
		})
	}
	return matchFloats(p, math.Nextafter(float64(lo), math.Inf(-1)), math.Nextafter(float64(hi), math.Inf(1)))
}

// matchFloats compares with bounds that no value reaches: at neither end a value is met exactly.
func matchFloats(p Pred, lo, hi float64) bool {
	value := func(i int) float64 { return 0 }
	switch p.Values.Kind {
	case vec.Int64:
		value = func(i int) float64 { return float64(p.Values.Int(i)) }
	case vec.Float64:
		value = p.Values.Float
	case vec.Decimal:
		value = func(i int) float64 { return p.Values.Decimal(i).Float64() }
	default:
		return true
	}
	return anyValue(p, func(i int) bool {
		v := value(i)
		if v != v || v-v != 0 {
			return true
		}
		// The value itself may have been rounded.
		low, high := math.Nextafter(v, math.Inf(-1)), math.Nextafter(v, math.Inf(1))
		return outside{high < lo, low > hi}.meets(p.Op, false, false)
	})
}

func (r *Reader) matchTypes(p Pred) bool {
	if p.Op == NotNull || p.Values.Kind != vec.Bytes {
		return true
	}
	return anyValue(p, func(i int) bool {
		v := string(p.Values.Bytes(i))
		for _, t := range r.types {
			var ok bool
			switch p.Op {
			case Eq, In:
				ok = t.Type == v
			case Lt:
				ok = t.Type < v
			case Le:
				ok = t.Type <= v
			case Gt:
				ok = t.Type > v
			case Ge:
				ok = t.Type >= v
			}
			if ok {
				return true
			}
		}
		return false
	})
}

// inBounds compares a text with the bounds of texts.
func (z *zone) inBounds(op Op, v []byte) bool {
	o := outside{below: string(v) < z.lowText, above: string(v) > z.highText}
	if z.highCut && len(v) > len(z.highText) && string(v[:len(z.highText)]) == z.highText {
		o.above = false
	}
	return o.meets(op, false, false)
}

// lists reports whether the zone, which lists all distinct texts, has one of that hash.
func (z *zone) lists(h uint64) bool { return slices.Contains(z.values, uint32(h)) }

// mayHold is inBounds, and for equality the list where there is one: a zone without filter.
func (z *zone) mayHold(op Op, v []byte) bool {
	if !z.inBounds(op, v) {
		return false
	}
	return op != Eq && op != In || len(z.values) == 0 || z.lists(xxhash.Sum64(v))
}

// matchTexts compares with the bounds of texts, and for equality with their hashes or filter.
func (r *Reader) matchTexts(ctx context.Context, p Pred, z *zone, name string, id ColumnID) (bool, error) {
	if p.Op == NotNull || p.Values.Kind != vec.Bytes {
		return true, nil
	}
	var f filter
	var err error
	found := anyValue(p, func(i int) bool {
		v := p.Values.Bytes(i)
		if !z.inBounds(p.Op, v) || err != nil {
			return false
		}
		if p.Op != Eq && p.Op != In {
			return true
		}
		h := xxhash.Sum64(v)
		if !z.filter {
			return z.lists(h)
		}
		if f == nil {
			f, err = r.filter(ctx, name, id)
		}
		return err == nil && f.has(h)
	})
	return found, err
}

func (r *Reader) filter(ctx context.Context, name string, id ColumnID) (filter, error) {
	return open(ctx, r, name, id, func(blob []byte) (filter, int, error) {
		f, err := parseFilter(blob)
		return f, len(blob), err
	})
}
