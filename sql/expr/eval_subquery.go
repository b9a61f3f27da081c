package expr

import (
	"encoding/binary"
	"math"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// keptAnswers bounds how many answers of a correlated subquery are kept for rows to come.
const keptAnswers = 1 << 14

// subqueryNode runs a plan once, or once per distinct value of the columns that it reads of the row.
type subqueryNode struct {
	query   *Subquery
	test    node
	op      *funcs.Func
	compare node  // of rows
	outer   []int // columns of the row that the plan reads
	kind    vec.Kind
	answers map[string]*answer
	key     []byte
}

// answer is what a plan gave, made ready for tests.
type answer struct {
	rows *vec.Batch
	set  *values // of the only column; nil where a set does not do
}

func (c *compiler) subquery(e *Subquery) node {
	n := &subqueryNode{query: e, op: e.Op, kind: kindOf(e.Type()), answers: map[string]*answer{}}
	if e.Test != nil {
		n.test = c.compile(e.Test)
	}
	if e.Compare != nil {
		n.compare = c.compile(e.Compare)
	}
	if c.x.Subqueries != nil {
		n.outer = c.x.Subqueries.OuterCols(e)
	}
	return n
}

func (n *subqueryNode) eval(x *EvalCtx, b *vec.Batch) (*vec.Column, error) {
	if x.Subqueries == nil {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "a subquery cannot stand here")
	}
	var test *vec.Column
	if n.test != nil {
		var err error
		if test, err = n.test.eval(x, b); err != nil {
			return nil, err
		}
	}
	if len(n.outer) == 0 && b.Len > 0 {
		return n.same(x, test, b)
	}
	groups, firsts := n.group(b)
	var pieces []piece
	for g, rows := range groups {
		a, err := n.answer(x, firsts[g], b, int(rows[0]))
		if err != nil {
			return nil, err
		}
		var t *vec.Column
		if test != nil {
			t = test.Take(rows)
		}
		v, err := n.value(x, a, t, len(rows))
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{v, rows})
	}
	return merge(n.kind, b.Len, pieces), nil
}

// same answers all rows by one run.
func (n *subqueryNode) same(x *EvalCtx, test *vec.Column, b *vec.Batch) (*vec.Column, error) {
	a, err := n.answer(x, "", b, -1)
	if err != nil {
		return nil, err
	}
	return n.value(x, a, test, b.Len)
}

// group collects the rows with equal values in the columns that the plan reads.
func (n *subqueryNode) group(b *vec.Batch) (rows [][]int32, keys []string) {
	at := map[string]int{}
	for i := range b.Len {
		n.key = n.key[:0]
		for _, c := range n.outer {
			n.key = appendPhysical(n.key, b.Cols[c], i)
		}
		g, ok := at[string(n.key)]
		if !ok {
			g = len(rows)
			at[string(n.key)] = g
			rows, keys = append(rows, nil), append(keys, string(n.key))
		}
		rows[g] = append(rows[g], int32(i))
	}
	return rows, keys
}

// answer runs the plan for a row, or remembers.
func (n *subqueryNode) answer(x *EvalCtx, key string, b *vec.Batch, row int) (*answer, error) {
	if a, ok := n.answers[key]; ok {
		return a, nil
	}
	outer := append(x.Outer[:len(x.Outer):len(x.Outer)], OuterRow{Batch: b, Row: max(row, 0)})
	rows, err := x.Subqueries.RunSubquery(x, n.query, outer)
	if err != nil {
		return nil, err
	}
	if k := n.query.Kind; (k == Scalar || k == RowQuery) && rows.Len > 1 {
		return nil, pgerr.New(pgerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
	}
	a := &answer{rows: rows}
	if n.equality() && len(rows.Cols) == 1 && kindOf(n.query.Test.Type()) != vec.Struct {
		a.set = newValues(n.query.Test.Type())
		a.set.add(rows.Cols[0], 0, rows.Len)
	}
	if len(n.answers) >= keptAnswers {
		clear(n.answers)
	}
	n.answers[key] = a
	return a, nil
}

// equality reports whether the test asks for an equal value, or for the absence of one.
func (n *subqueryNode) equality() bool {
	q := n.query
	if q.Compare != nil {
		return false
	}
	switch q.Kind {
	case InQuery:
		return true
	case AnyQuery:
		return q.Op.Name == "=" && sameArgs(q.Op)
	case AllQuery:
		return q.Op.Name == "<>" && sameArgs(q.Op)
	}
	return false
}

// opTypes are the types of the operator's arguments: the test's, and the declared one of the other side.
func (n *subqueryNode) opTypes() []datum.Type {
	t := n.query.Test.Type()
	if sameArgs(n.op) {
		return []datum.Type{t, t}
	}
	return []datum.Type{t, datum.T(n.op.Args[1])}
}

func sameArgs(op *funcs.Func) bool { return len(op.Args) == 2 && op.Args[0] == op.Args[1] }

// value is the subquery's value for n rows with the tests given.
func (n *subqueryNode) value(x *EvalCtx, a *answer, test *vec.Column, rows int) (*vec.Column, error) {
	q := n.query
	var v *vec.Column
	switch q.Kind {
	case Scalar:
		if a.rows.Len == 0 {
			return vec.NullColumn(n.kind, rows), nil
		}
		return vec.Repeat(a.rows.Cols[0], 0, rows), nil
	case RowQuery:
		if a.rows.Len == 0 {
			return vec.NullColumn(vec.Bool, rows), nil
		}
		right := make([]*vec.Column, len(a.rows.Cols))
		for i, c := range a.rows.Cols {
			right[i] = vec.Repeat(c, 0, rows)
		}
		return n.compareRows(x, test.Flat().Fields, right, rows)
	case ArrayOf:
		list, err := listOf(a.rows.Cols[0], q.Typ)
		if err != nil {
			return nil, err
		}
		return vec.Repeat(list, 0, rows), nil
	case Exists:
		return vec.Repeat(BoolConst((a.rows.Len > 0) != q.Not).Val, 0, rows), nil
	case InQuery:
		if a.set != nil {
			return a.set.test(test, q.Not), nil
		}
		v = anyEqual(test.Flat(), q.Test, a.rows)
	default:
		if a.set != nil {
			v = a.set.test(test, q.Kind == AllQuery)
			break
		}
		var err error
		if v, err = n.compareAll(x, a, test); err != nil {
			return nil, err
		}
	}
	if q.Not {
		yes, no := truth(v)
		v = boolColumn(no, yes, rows)
	}
	return v, nil
}

// listOf makes an array of all rows of c, which may be arrays themselves.
func listOf(c *vec.Column, t datum.Type) (*vec.Column, error) {
	if c.Kind == vec.List && c.Len > 0 && kindOf(elemType(t)) != vec.List {
		b := newBuilder(t, 1)
		rows := make([]int32, c.Len)
		for i := range rows {
			rows[i] = int32(i)
		}
		err := funcs.NestArrays(b, c, rows)
		return b.Finish(), err
	}
	return &vec.Column{Kind: vec.List, Len: 1, Offsets: []int32{0, int32(c.Len)}, Child: c.Flat()}, nil
}

// compareAll runs op ANY or ALL over the rows.
func (n *subqueryNode) compareAll(x *EvalCtx, a *answer, test *vec.Column) (*vec.Column, error) {
	yes, no := vec.NewBitmap(test.Len), vec.NewBitmap(test.Len)
	m := a.rows.Len
	if n.compare != nil {
		test = test.Flat()
	}
	for i := range test.Len {
		var res *vec.Column
		var err error
		switch {
		case m == 0:
		case n.compare != nil:
			left := make([]*vec.Column, len(test.Fields))
			for k, f := range test.Fields {
				left[k] = vec.Repeat(f, i, m)
			}
			if res, err = n.compareRows(x, left, a.rows.Cols, m); err != nil {
				return nil, err
			}
		default:
			if res, err = call(x, n.op, n.opTypes(), vec.Bool, []*vec.Column{vec.Repeat(test, i, m), a.rows.Cols[0]}, m); err != nil {
				return nil, err
			}
		}
		fold(res, 0, m, n.query.Kind == AllQuery, i, yes, no)
	}
	return boolColumn(yes, no, test.Len), nil
}

// compareRows compares n rows of the test with as many of the query.
func (n *subqueryNode) compareRows(x *EvalCtx, left, right []*vec.Column, rows int) (*vec.Column, error) {
	return n.compare.eval(x, &vec.Batch{Len: rows, Cols: append(left[:len(left):len(left)], right...)})
}

// anyEqual is IN where the test is a row: one with as many fields as there are columns is equal when all its fields are, different when one is, unknown
// otherwise. A value of a row type is one value.
func anyEqual(test *vec.Column, e Expr, rows *vec.Batch) *vec.Column {
	fields, types := []*vec.Column{test}, []datum.Type{e.Type()}
	if row, ok := e.(*Row); ok {
		fields, types = test.Fields, typesOf(row.Elems)
	}
	yes, no := vec.NewBitmap(test.Len), vec.NewBitmap(test.Len)
	for i := range test.Len {
		best := -1
		for j := 0; j < rows.Len && best < 1; j++ {
			all := 1
			for k, f := range fields {
				all = min3(all, equal3(types[k], f, i, rows.Cols[k], j))
			}
			if all >= 0 {
				best = max(best, all)
			}
		}
		switch best {
		case 1:
			yes.Set(i)
		case -1:
			no.Set(i)
		}
	}
	return boolColumn(yes, no, test.Len)
}

// min3 is AND over equal3's values.
func min3(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return min(a, b)
}

// appendPhysical appends row i of c as bytes that differ where the values differ in any way.
func appendPhysical(dst []byte, c *vec.Column, i int) []byte {
	if c.Null(i) {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch c.Kind {
	case vec.Bool:
		if c.Bool(i) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case vec.Int64:
		return binary.LittleEndian.AppendUint64(dst, uint64(c.Int(i)))
	case vec.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.Float(i)))
	case vec.Bytes:
		v := c.Bytes(i)
		dst = binary.AppendUvarint(dst, uint64(len(v)))
		return append(dst, v...)
	case vec.Decimal:
		v := c.Decimal(i).AppendBinary(nil)
		dst = binary.AppendUvarint(dst, uint64(len(v)))
		return append(dst, v...)
	case vec.Interval:
		v := c.Interval(i)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Months))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Days))
		return binary.LittleEndian.AppendUint64(dst, uint64(v.Micros))
	case vec.List:
		child, from, to := c.List(i)
		dims := c.Dims(i)
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(to-from)), uint64(len(dims)))
		for _, d := range dims {
			dst = binary.AppendVarint(binary.AppendUvarint(dst, uint64(d.Len)), int64(d.Lower))
		}
		for k := from; k < to; k++ {
			dst = appendPhysical(dst, child, k)
		}
	case vec.Struct:
		f := c.Flat()
		for _, x := range f.Fields {
			dst = appendPhysical(dst, x, i)
		}
	}
	return dst
}
