package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// foldAggregates are the folds of events, which PostgreSQL has no names for: what the rows of a group, in their order, leave.
var foldAggregates = []Aggregate{
	{OID: ownOIDs + 400, Name: "jsonb_merge_agg", Args: []datum.OID{datum.JSONB}, Ret: datum.JSONB, Strict: true, OrderMatters: true,
		Doc: "the values joined by ||: of objects the last value of each key", New: newDocumentFold(false)},
	{OID: ownOIDs + 401, Name: "jsonb_deep_merge_agg", Args: []datum.OID{datum.JSONB}, Ret: datum.JSONB, Strict: true, OrderMatters: true,
		Doc: "the values merged at every depth: of objects the last value of each path", New: newDocumentFold(true)},
	{OID: ownOIDs + 404, Name: MergedMember, Args: []datum.OID{datum.JSONB, datum.JSONB}, Ret: datum.JSONB, OrderMatters: true,
		Doc: "jsonb_merge_agg(document) -> key, where member is document -> key", New: newMemberFold},
	{OID: ownOIDs + 402, Name: "first", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Strict: true, OrderMatters: true,
		Doc: "the first value that is not null", New: newEdge(false)},
	{OID: ownOIDs + 403, Name: "last", Args: []datum.OID{datum.AnyElement}, Ret: datum.AnyElement, Strict: true, OrderMatters: true,
		Doc: "the last value that is not null", New: newEdge(true)},
}

// MergedMember is the name of the aggregate that folds one member of documents, which need not be read for it where they are known
// to be objects: its second argument is asked for nothing else.
const MergedMember = "jsonb_merge_member_agg"

// Partial is an Accumulator that wants to know that its groups may begin with rows that it never gets, because it will be
// merged into one that has them.
type Partial interface {
	Accumulator
	// Part says so; it comes before all rows.
	Part()
}

// documentFold folds jsonb. Neither || nor a deep merge is associative: what comes after rows that are elsewhere is kept value by
// value until it is merged.
type documentFold struct {
	folds []jsonb.Fold
	deep  bool
	part  bool
	size  int
}

func newDocumentFold(deep bool) func([]datum.Type) Accumulator {
	return func([]datum.Type) Accumulator { return &documentFold{deep: deep} }
}

func (a *documentFold) Part() { a.part = true }

func (a *documentFold) Grow(n int) { a.folds = grown(a.folds, n) }

func (a *documentFold) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i := range n {
		if taken(args[0], groups, i) {
			a.take(groups[i], args[0].Bytes(i))
		}
	}
	return nil
}

func (a *documentFold) take(g int32, v jsonb.Value) {
	f := &a.folds[g]
	f.Deep = a.deep
	a.size -= f.MemSize()
	if a.part {
		f.Keep(v)
	} else {
		f.Add(v)
	}
	a.size += f.MemSize()
}

func (a *documentFold) Merge(other Accumulator, groups []int32) error {
	a.part = false // what others are merged into has all that comes before them
	o := other.(*documentFold)
	for i, g := range groups {
		o.folds[i].Each(func(v jsonb.Value) { a.take(g, v) })
	}
	return nil
}

func (a *documentFold) Result(_ *Ctx, n int) (*vec.Column, error) {
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range a.folds[:n] {
		if v := a.folds[i].Value(); v != nil {
			b.AppendBytes(v)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish(), nil
}

func (a *documentFold) MemSize() int { return cap(a.folds)*56 + a.size }

func (a *documentFold) Step(args []*vec.Column, i int, g int32) error {
	a.take(g, args[0].Bytes(i))
	return nil
}

func (a *documentFold) Copy(from, to int32) {
	v := a.folds[from].Value()
	a.folds[to] = jsonb.FoldFrom(v)
	a.size += len(v)
}

// edge keeps the first or the last row of each group.
type edge struct {
	typ  datum.Type
	last bool
	vals *vec.Builder
	row  []int32 // place in vals of the group's value, plus one; 0: it has none
	now  []int32 // of Add: the row that the group takes, plus one
}

func newEdge(last bool) func([]datum.Type) Accumulator {
	return func(types []datum.Type) Accumulator {
		return &edge{typ: types[0], last: last, vals: datum.NewBuilder(types[0], 0)}
	}
}

func (a *edge) Grow(n int) { a.row, a.now = grown(a.row, n), grown(a.now, n) }

func (a *edge) Add(_ *Ctx, args []*vec.Column, groups []int32, n int) error {
	c := args[0]
	var touched []int32
	for i := range n {
		g := groups[i]
		if g < 0 || !a.last && a.row[g] != 0 || c.Null(i) {
			continue
		}
		if a.now[g] == 0 {
			touched = append(touched, g)
		} else if !a.last {
			continue
		}
		a.now[g] = int32(i + 1)
	}
	for _, g := range touched {
		a.take(g, c, int(a.now[g]-1))
		a.now[g] = 0
	}
	return nil
}

func (a *edge) take(g int32, c *vec.Column, i int) {
	if a.vals.Len() > 2*len(a.row)+vec.BatchRows {
		a.refill(a.vals.Finish())
	}
	a.vals.AppendFrom(c, i)
	a.row[g] = int32(a.vals.Len())
}

// refill takes the values over that have not been replaced by others.
func (a *edge) refill(old *vec.Column) {
	a.vals = datum.NewBuilder(a.typ, len(a.row))
	for g, r := range a.row {
		if r > 0 {
			a.vals.AppendFrom(old, int(r-1))
			a.row[g] = int32(a.vals.Len())
		}
	}
}

func (a *edge) Merge(other Accumulator, groups []int32) error {
	o := other.(*edge)
	vals := o.vals.Finish()
	for i, g := range groups {
		if o.row[i] > 0 && (a.last || a.row[g] == 0) {
			a.take(g, vals, int(o.row[i]-1))
		}
	}
	return nil
}

func (a *edge) Result(_ *Ctx, n int) (*vec.Column, error) {
	vals := a.vals.Finish()
	b := datum.NewBuilder(a.typ, n)
	for _, r := range a.row[:n] {
		if r == 0 {
			b.AppendNull()
		} else {
			b.AppendFrom(vals, int(r-1))
		}
	}
	a.refill(vals)
	return b.Finish(), nil
}

func (a *edge) MemSize() int { return cap(a.row)*8 + a.vals.Len()*16 + a.vals.Bytes() }

func (a *edge) Step(args []*vec.Column, i int, g int32) error {
	if a.last || a.row[g] == 0 {
		a.take(g, args[0], i)
	}
	return nil
}

func (a *edge) Copy(from, to int32) { a.row[to] = a.row[from] }

// memberFold keeps the last member of each group, as long as all documents are objects: with any that is none, || makes an array,
// which has no members.
type memberFold struct {
	edge
	array []bool
}

func newMemberFold(types []datum.Type) Accumulator {
	return &memberFold{edge: edge{typ: types[0], last: true, vals: datum.NewBuilder(types[0], 0)}}
}

func (a *memberFold) Grow(n int) {
	a.edge.Grow(n)
	a.array = grown(a.array, n)
}

func (a *memberFold) look(documents *vec.Column, i int, g int32) {
	if !documents.Null(i) && jsonb.Value(documents.Bytes(i)).Kind() != jsonb.Object {
		a.array[g] = true
	}
}

func (a *memberFold) Add(c *Ctx, args []*vec.Column, groups []int32, n int) error {
	for i, g := range groups[:n] {
		if g >= 0 {
			a.look(args[1], i, g)
		}
	}
	return a.edge.Add(c, args[:1], groups, n)
}

func (a *memberFold) Step(args []*vec.Column, i int, g int32) error {
	a.look(args[1], i, g)
	if args[0].Null(i) {
		return nil
	}
	return a.edge.Step(args, i, g)
}

func (a *memberFold) Merge(other Accumulator, groups []int32) error {
	o := other.(*memberFold)
	for i, g := range groups {
		a.array[g] = a.array[g] || o.array[i]
	}
	return a.edge.Merge(&o.edge, groups)
}

func (a *memberFold) Result(c *Ctx, n int) (*vec.Column, error) {
	for g, is := range a.array[:n] {
		if is {
			a.row[g] = 0
		}
	}
	return a.edge.Result(c, n)
}

func (a *memberFold) MemSize() int { return a.edge.MemSize() + cap(a.array) }

func (a *memberFold) Copy(from, to int32) {
	a.edge.Copy(from, to)
	a.array[to] = a.array[from]
}

var (
	_ = []Stepper{&documentFold{}, &edge{}, &memberFold{}}
	_ = []Partial{&documentFold{}}
)
