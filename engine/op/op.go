// Package op is the relational operators at work: each pulls batches of columns from its inputs and gives batches. The
// engine builds a tree of them from a plan, opens the root, asks it for batches until there are none, and closes it.
//
// An operator is made for one execution: it is opened once, by one goroutine, and used by that goroutine. A batch from
// Next has at least one row and is never changed afterwards: columns may be kept. Memory that grows with the data is
// accounted to the query's Budget; operators that can put rows aside do so in temporary files when it runs out, the
// others fail with 53200. DESIGN.md says how answers stay the same bit for bit.
package op

import (
	"context"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/vec"
)

// Op is an operator.
type Op interface {
	// Open makes the operator and its inputs ready. The context lives until Close.
	Open(ctx context.Context) error
	// Next gives the next batch, nil at the end and whenever it is asked after the end.
	Next(ctx context.Context) (*vec.Batch, error)
	// Close frees everything, waits for what the operator started, and may be called at any time and more than once.
	Close() error
}

// Blocked is an operator that knows from which block of the log its last batch came: no batch spans two. Blocks are runs
// of BlockRows positions, so they do not depend on how events are stored.
type Blocked interface {
	Op
	// Block numbers the block of the last batch, -1 when there is none.
	Block() int64
}

// BlockRows is the length of a block.
const BlockRows = 65536

// blockOf asks an operator for its block.
func blockOf(o Op) int64 {
	if b, ok := o.(Blocked); ok {
		return b.Block()
	}
	return -1
}

// Env is what the operators of one execution share.
type Env struct {
	X       *expr.EvalCtx
	Budget  *Budget
	Rows    int   // rows per batch
	Workers int   // goroutines that one scan may use
	Crew    *Crew // of a scan that goes on beside another one; otherwise nil
}

// With returns the environment of operators inside another row context.
func (e *Env) With(x *expr.EvalCtx) *Env {
	n := *e
	n.X = x
	return &n
}

// typesOf lists the types of expressions.
func typesOf(list []expr.Expr) []datum.Type {
	out := make([]datum.Type, len(list))
	for i, e := range list {
		out[i] = e.Type()
	}
	return out
}

func evalAll(ps []*expr.Program, b *vec.Batch) ([]*vec.Column, error) {
	out := make([]*vec.Column, len(ps))
	for i, p := range ps {
		c, err := p.Eval(b)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// drain gives f every batch of an open operator or another source.
func drain(ctx context.Context, in source, f func(*vec.Batch) error) error {
	for {
		b, err := in.Next(ctx)
		if err != nil || b == nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Collect opens an operator and gives all its rows as one batch of the types, or limit of them (-1: all). It does not close
// the operator.
func Collect(ctx context.Context, env *Env, o Op, types []datum.Type, limit int) (*vec.Batch, error) {
	if err := o.Open(ctx); err != nil {
		return nil, err
	}
	acct := env.Budget.account()
	defer acct.release()
	var list []*vec.Batch
	rows := 0
	for limit < 0 || rows < limit {
		b, err := o.Next(ctx)
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		if err := acct.need(acct.held + memSize(b)); err != nil {
			return nil, err
		}
		list = append(list, b)
		rows += b.Len
	}
	return concatBatches(types, list), nil
}

// closeAll closes operators that may be nil and gives the first error.
func closeAll(ops ...Op) error {
	var first error
	for _, o := range ops {
		if o == nil {
			continue
		}
		if err := o.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// concat puts columns of one type together into a flat one.
func concat(t datum.Type, cols []*vec.Column) *vec.Column {
	if len(cols) == 1 {
		return cols[0]
	}
	cols = sameKind(cols)
	n := 0
	for _, c := range cols {
		n += c.Len
	}
	kind := datum.KindOf(t.OID)
	if len(cols) > 0 {
		kind = cols[0].Kind
	}
	if c := concatPlain(kind, cols, n); c != nil {
		return c
	}
	if c := concatCodes(kind, cols, n); c != nil {
		return c
	}
	b := builderLike(kind, t, cols, n)
	for _, c := range cols {
		for i := range c.Len {
			b.AppendFrom(c, i)
		}
	}
	return b.Finish()
}

// Concat puts columns of one kind together; lists take the shape of theirs.
func Concat(k vec.Kind, cols []*vec.Column) *vec.Column {
	if len(cols) == 1 {
		return cols[0]
	}
	n := 0
	for _, c := range cols {
		n += c.Len
	}
	if c := concatPlain(k, cols, n); c != nil {
		return c
	}
	b := builderLike(k, datum.Type{}, cols, n)
	for _, c := range cols {
		for i := range c.Len {
			b.AppendFrom(c, i)
		}
	}
	return b.Finish()
}

// sameKind makes the columns one kind. Text inside documents comes as numbers from some row groups and as text from
// others (see vec.ReadAs); a cast above reads either.
func sameKind(cols []*vec.Column) []*vec.Column {
	mixed := false
	for _, c := range cols {
		mixed = mixed || c.Kind != cols[0].Kind
	}
	if !mixed {
		return cols
	}
	out := make([]*vec.Column, len(cols))
	for k, c := range cols {
		t := datum.Text
		switch c.Kind {
		case vec.Int64:
			t = datum.Int8
		case vec.Float64:
			t = datum.Float8
		case vec.Decimal:
			t = datum.Numeric
		case vec.Bool:
			t = datum.Bool
		default:
			out[k] = c
			continue
		}
		b := vec.NewBuilder(vec.Bytes, c.Len)
		for i := range c.Len {
			if c.Null(i) {
				b.AppendNull()
			} else {
				b.AppendBytes(datum.AppendText(nil, datum.T(t), c, i, nil))
			}
		}
		out[k] = b.Finish()
	}
	return out
}

// concatPlain joins columns of numbers without nulls.
func concatPlain(kind vec.Kind, cols []*vec.Column, n int) *vec.Column {
	for _, c := range cols {
		if c.Kind != kind || c.Codes != nil || c.Valid != nil {
			return nil
		}
	}
	out := &vec.Column{Kind: kind, Len: n}
	switch kind {
	case vec.Int64:
		out.I64 = make([]int64, 0, n)
		for _, c := range cols {
			out.I64 = append(out.I64, c.I64[:c.Len]...)
		}
	case vec.Float64:
		out.F64 = make([]float64, 0, n)
		for _, c := range cols {
			out.F64 = append(out.F64, c.F64[:c.Len]...)
		}
	default:
		return nil
	}
	return out
}

// concatCodes joins columns of text with dictionaries, whose entries are no nulls, under one dictionary; nil for others, and where
// the dictionaries have so many entries that nothing would be saved. A dictionary without entries is no place for the codes of nulls.
func concatCodes(kind vec.Kind, cols []*vec.Column, n int) *vec.Column {
	if kind != vec.Bytes {
		return nil
	}
	var last *vec.Column
	size := 0
	for _, c := range cols {
		if c.Codes == nil || c.Dict.Valid != nil || c.Dict.Codes != nil {
			return nil
		}
		if c.Dict != last {
			last = c.Dict
			size += last.Len
		}
	}
	if size == 0 || size > n/2 {
		return nil
	}
	codes := make([]int32, 0, n)
	var valid vec.Bitmap
	var to []int32 // what the entries of last are in the one dictionary
	numbers, dict := map[string]int32{}, vec.NewBuilder(kind, 0)
	last = nil
	for _, c := range cols {
		if c.Dict != last {
			last, to = c.Dict, to[:0]
			for i := range last.Len {
				to = append(to, numbered(numbers, dict, last.Bytes(i)))
			}
		}
		if c.Valid != nil && valid == nil {
			valid = vec.NewBitmap(n)
			for i := range codes {
				valid.Set(i)
			}
		}
		for i, code := range c.Codes[:c.Len] {
			null := c.Valid != nil && !c.Valid.Get(i)
			if valid != nil && !null {
				valid.Set(len(codes))
			}
			if null {
				code = 0
			} else {
				code = to[code]
			}
			codes = append(codes, code)
		}
	}
	return &vec.Column{Kind: kind, Len: n, Codes: codes, Dict: dict.Finish(), Valid: valid}
}

// numbered is the number of a text in a dictionary that it is added to where it is new.
func numbered(numbers map[string]int32, dict *vec.Builder, text []byte) int32 {
	k, ok := numbers[string(text)]
	if !ok {
		k = int32(len(numbers))
		numbers[string(text)] = k
		dict.AppendBytes(text)
	}
	return k
}

// builderLike returns a builder for the kind that the columns have, which nested values shape.
func builderLike(kind vec.Kind, t datum.Type, cols []*vec.Column, n int) *vec.Builder {
	if kind == datum.KindOf(t.OID) && kind != vec.List && kind != vec.Struct {
		return vec.NewBuilder(kind, n)
	}
	for _, c := range cols {
		if c.Codes != nil {
			c = c.Dict
		}
		switch {
		case kind == vec.List && c.Child != nil:
			return vec.NewListBuilder(c.Child.Kind, n)
		case kind == vec.Struct && len(c.Fields) > 0:
			kinds := make([]vec.Kind, len(c.Fields))
			for i, f := range c.Fields {
				kinds[i] = f.Kind
			}
			return vec.NewStructBuilder(kinds, n)
		}
	}
	if kind == datum.KindOf(t.OID) {
		return datum.NewBuilder(t, n)
	}
	return vec.NewBuilder(kind, n)
}

// concatBatches puts batches together into one of flat columns; it has the columns of types even when there are none.
func concatBatches(types []datum.Type, list []*vec.Batch) *vec.Batch {
	out := &vec.Batch{Cols: make([]*vec.Column, len(types))}
	for _, b := range list {
		out.Len += b.Len
	}
	for k, t := range types {
		out.Cols[k] = concatColumn(t, list, k)
	}
	return out
}

// concatColumn is column k of concatBatches, nil where one of the batches has none.
func concatColumn(t datum.Type, list []*vec.Batch, k int) *vec.Column {
	cols := make([]*vec.Column, len(list))
	for i, b := range list {
		if cols[i] = b.Cols[k]; cols[i] == nil {
			return nil
		}
	}
	return concat(t, cols)
}

// nullColumns returns n rows of nulls.
func nullColumns(types []datum.Type, n int) []*vec.Column {
	out := make([]*vec.Column, len(types))
	for i, t := range types {
		one := datum.NewBuilder(t, 1)
		one.AppendNull()
		out[i] = vec.Repeat(one.Finish(), 0, n)
	}
	return out
}

// with closes a WITH query's rows after the operator that reads them.
type with struct {
	Op
	rows *Shared
}

// NewWith is body; closing it closes rows too.
func NewWith(body Op, rows *Shared) Op { return &with{body, rows} }

func (w *with) Block() int64 { return blockOf(w.Op) }

func (w *with) Close() error {
	err := w.Op.Close()
	if e := w.rows.Close(); err == nil {
		err = e
	}
	return err
}
