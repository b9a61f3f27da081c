package funcs

import (
	"bytes"
	"slices"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// aggregateTables are the aggregates by topic (PostgreSQL documentation, section 9.21).
func aggregateTables() [][]Aggregate {
	return [][]Aggregate{countAggregates, sumAggregates, minMaxAggregates(), boolAggregates, varianceAggregates(), pairAggregates(),
		collectAggregates, orderedAggregates, foldAggregates}
}

var countAggregates = []Aggregate{
	{OID: 2803, Name: "count", Args: nil, Ret: datum.Int8, Doc: "number of rows", New: newCount},
	{OID: 2147, Name: "count", Args: []datum.OID{datum.Any}, Ret: datum.Int8, Strict: true, Doc: "number of rows in which the argument is not null", New: newCount},
}

func newCount([]datum.Type) Accumulator { return &countAcc{} }

type countAcc struct{ n []int64 }

func (a *countAcc) Grow(n int) { a.n = grown(a.n, n) }

func (a *countAcc) Add(_ *Ctx, _ []*vec.Column, groups []int32, n int) error {
	for _, g := range groups[:n] {
		if g >= 0 {
			a.n[g]++
		}
	}
	return nil
}

// AddCounts implements Counter.
func (a *countAcc) AddCounts(groups []int32, counts []int64) {
	for i, g := range groups {
		a.n[g] += counts[i]
	}
}

func (a *countAcc) Merge(other Accumulator, groups []int32) error {
	for i, c := range other.(*countAcc).n[:len(groups)] {
		a.n[groups[i]] += c
	}
	return nil
}

func (a *countAcc) Result(_ *Ctx, n int) (*vec.Column, error) {
	return &vec.Column{Kind: vec.Int64, Len: n, I64: append([]int64(nil), a.n[:n]...)}, nil
}

func (a *countAcc) MemSize() int { return cap(a.n) * 8 }

// grown returns s with length at least n; new elements are zero.
func grown[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	if n <= cap(s) {
		return s[:n]
	}
	out := make([]T, n, max(n, 2*cap(s)))
	copy(out, s)
	return out
}

// taken reports whether row i goes into a group: it has one, and a strict aggregate's argument is not null.
func taken(col *vec.Column, groups []int32, i int) bool { return groups[i] >= 0 && !col.Null(i) }

var boolAggregates = []Aggregate{
	{OID: 2517, Name: "bool_and", Args: []datum.OID{datum.Bool}, Ret: datum.Bool, Strict: true, Doc: "whether all values are true", New: foldBool(func(a, b bool) bool { return a && b })},
	{OID: 2518, Name: "bool_or", Args: []datum.OID{datum.Bool}, Ret: datum.Bool, Strict: true, Doc: "whether any value is true", New: foldBool(func(a, b bool) bool { return a || b })},
	{OID: 2519, Name: "every", Args: []datum.OID{datum.Bool}, Ret: datum.Bool, Strict: true, Doc: "whether all values are true", New: foldBool(func(a, b bool) bool { return a && b })},
	{OID: 2236, Name: "bit_and", Args: []datum.OID{datum.Int2}, Ret: datum.Int2, Strict: true, Doc: "bitwise and of all values", New: foldInt(func(a, b int64) int64 { return a & b })},
	{OID: 2238, Name: "bit_and", Args: []datum.OID{datum.Int4}, Ret: datum.Int4, Strict: true, Doc: "bitwise and of all values", New: foldInt(func(a, b int64) int64 { return a & b })},
	{OID: 2240, Name: "bit_and", Args: []datum.OID{datum.Int8}, Ret: datum.Int8, Strict: true, Doc: "bitwise and of all values", New: foldInt(func(a, b int64) int64 { return a & b })},
	{OID: 2237, Name: "bit_or", Args: []datum.OID{datum.Int2}, Ret: datum.Int2, Strict: true, Doc: "bitwise or of all values", New: foldInt(func(a, b int64) int64 { return a | b })},
	{OID: 2239, Name: "bit_or", Args: []datum.OID{datum.Int4}, Ret: datum.Int4, Strict: true, Doc: "bitwise or of all values", New: foldInt(func(a, b int64) int64 { return a | b })},
	{OID: 2241, Name: "bit_or", Args: []datum.OID{datum.Int8}, Ret: datum.Int8, Strict: true, Doc: "bitwise or of all values", New: foldInt(func(a, b int64) int64 { return a | b })},
	{OID: 6164, Name: "bit_xor", Args: []datum.OID{datum.Int2}, Ret: datum.Int2, Strict: true, Doc: "bitwise exclusive or of all values", New: foldInt(func(a, b int64) int64 { return a ^ b })},
	{OID: 6165, Name: "bit_xor", Args: []datum.OID{datum.Int4}, Ret: datum.Int4, Strict: true, Doc: "bitwise exclusive or of all values", New: foldInt(func(a, b int64) int64 { return a ^ b })},
	{OID: 6166, Name: "bit_xor", Args: []datum.OID{datum.Int8}, Ret: datum.Int8, Strict: true, Doc: "bitwise exclusive or of all values", New: foldInt(func(a, b int64) int64 { return a ^ b })},
	{OID: 2242, Name: "bit_and", Args: []datum.OID{datum.Bit}, Ret: datum.Bit, Strict: true, Doc: "bitwise and of all values", New: foldBits(bitwise("AND", bitAnd))},
	{OID: 2243, Name: "bit_or", Args: []datum.OID{datum.Bit}, Ret: datum.Bit, Strict: true, Doc: "bitwise or of all values", New: foldBits(bitwise("OR", bitOr))},
	{OID: 6167, Name: "bit_xor", Args: []datum.OID{datum.Bit}, Ret: datum.Bit, Strict: true, Doc: "bitwise exclusive or of all values", New: foldBits(bitwise("XOR", bitXor))},
}

// fold combines the values of a group with an associative function; no value gives null. get reads a row, put writes one.
type fold[T any] struct {
	v    []T
	seen []bool
	op   func(a, b T) (T, error)
	get  func(c *vec.Column, i int) T
	put  func(b *vec.Builder, v T)
	kind vec.Kind
	size int // bytes of a value, estimated
	// fast, where it is set, takes rows that are all there from plain values.
	fast func(a *fold[T], c *vec.Column, groups []int32) error
}

func foldBool(op func(a, b bool) bool) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator {
		return &fold[bool]{op: func(a, b bool) (bool, error) { return op(a, b), nil }, get: (*vec.Column).Bool, put: (*vec.Builder).AppendBool, kind: vec.Bool, size: 1}
	}
}

func foldInt(op func(a, b int64) int64) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator {
		return &fold[int64]{op: func(a, b int64) (int64, error) { return op(a, b), nil }, get: (*vec.Column).Int, put: (*vec.Builder).AppendInt, kind: vec.Int64, size: 8}
	}
}

func foldBits(op bitPair) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator {
		return &fold[[]byte]{op: func(a, b []byte) ([]byte, error) { return op(make([]byte, 0, len(a)), a, b) }, kind: vec.Bytes, size: 32,
			get: func(c *vec.Column, i int) []byte { return bytes.Clone(c.Bytes(i)) }, put: (*vec.Builder).AppendBytes}
	}
}

func (a *fold[T]) Grow(n int) { a.v, a.seen = grown(a.v, n), grown(a.seen, n) }

func (a *fold[T]) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	col := args[0]
	if a.fast != nil && col.Codes == nil && col.Valid == nil && !slices.Contains(groups[:n], -1) {
		return a.fast(a, col, groups[:n])
	}
	for i := range n {
		if !taken(col, groups, i) {
			continue
		}
		if err := a.take(groups[i], a.get(col, i)); err != nil {
			return err
		}
	}
	return nil
}

func (a *fold[T]) take(g int32, v T) (err error) {
	if !a.seen[g] {
		a.seen[g], a.v[g] = true, v
		return nil
	}
	a.v[g], err = a.op(a.v[g], v)
	return err
}

func (a *fold[T]) Merge(other Accumulator, groups []int32) error {
	o := other.(*fold[T])
	for i, g := range groups {
		if !o.seen[i] {
			continue
		}
		if err := a.take(g, o.v[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *fold[T]) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(a.kind, n)
	for i := range n {
		if a.seen[i] {
			a.put(b, a.v[i])
		} else {
			b.AppendNull()
		}
	}
	return b.Finish(), nil
}

func (a *fold[T]) MemSize() int { return cap(a.v)*a.size + cap(a.seen) }
