package op

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// sortKeys turns the sort keys of rows into bytes that order as the rows do. A key is a byte for null or not, then the
// type's own ordered bytes, complemented for DESC.
type sortKeys struct {
	keys  []plan.SortKey
	progs []*expr.Program
}

func newSortKeys(env *Env, keys []plan.SortKey) *sortKeys {
	s := &sortKeys{keys: keys}
	for _, k := range keys {
		s.progs = append(s.progs, expr.Compile(k.Expr, env.X))
	}
	return s
}

// encoded holds the keys of a batch's rows.
type encoded struct {
	data []byte
	ends []int
}

func (e *encoded) at(i int) []byte {
	from := 0
	if i > 0 {
		from = e.ends[i-1]
	}
	return e.data[from:e.ends[i]:e.ends[i]]
}

// encode evaluates the keys of all rows of b.
func (s *sortKeys) encode(b *vec.Batch) (*encoded, error) {
	cols, err := evalAll(s.progs, b)
	if err != nil {
		return nil, err
	}
	return s.encodeColumns(cols, b.Len), nil
}

// encodeColumns makes the keys of n rows from their columns.
func (s *sortKeys) encodeColumns(cols []*vec.Column, n int) *encoded {
	e := &encoded{data: make([]byte, 0, n*(1+9*len(cols))), ends: make([]int, n)}
	for i := range n {
		for k, c := range cols {
			e.data = appendSortKey(e.data, s.keys[k], c, i)
		}
		e.ends[i] = len(e.data)
	}
	return e
}

func appendSortKey(dst []byte, k plan.SortKey, c *vec.Column, i int) []byte {
	const first, value, last = 0, 1, 2
	if c.Null(i) {
		if k.NullsFirst {
			return append(dst, first)
		}
		return append(dst, last)
	}
	dst = append(dst, value)
	at := len(dst)
	dst = datum.AppendSortKey(dst, k.Expr.Type(), c, i)
	if k.Desc {
		for j := at; j < len(dst); j++ {
			dst[j] = ^dst[j]
		}
	}
	return dst
}
