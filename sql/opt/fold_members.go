package opt

import (
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// foldsDocuments reports whether column i of an aggregation is the fold of documents with || whose members can be had from a scan: a
// member of the fold is a fold of the member.
func foldsDocuments(n *plan.Aggregate, i int) bool {
	if n.Sets != nil || i < len(n.Keys) {
		return false
	}
	c := n.Calls[i-len(n.Keys)]
	if c.Fn.Name != "jsonb_merge_agg" || c.Distinct || c.Filter != nil {
		return false
	}
	col, ok := c.Args[0].(*expr.Col)
	return ok && givesPaths(n.Input, col.Index, false)
}

// memberCalls are the folds of members that an aggregation is wanted for: one for each first key of the paths.
type memberCalls struct {
	calls []plan.AggCall
	keys  []memberKey
}

type memberKey struct {
	col int // of the aggregation: the fold of documents
	key string
}

// memberCalls lists them, as they are over the input.
func (need wants) memberCalls(n *plan.Aggregate) (out memberCalls) {
	for _, w := range need.sorted() {
		if w.path == "" || need[column(w.col)] {
			continue
		}
		k := memberKey{w.col, w.keys()[0]}
		if out.place(k) >= 0 {
			continue
		}
		c := n.Calls[w.col-len(n.Keys)]
		jsonB := datum.T(datum.JSONB)
		c.Fn, c.Typ = funcs.LookupAggregate(funcs.MergedMember)[0], jsonB
		c.Args = []expr.Expr{&expr.Call{Fn: arrow("->", datum.Text), Args: []expr.Expr{c.Args[0], textConst(k.key)}, Typ: jsonB, Pos: -1}, c.Args[0]}
		out.calls, out.keys = append(out.calls, c), append(out.keys, k)
	}
	return out
}

func (m memberCalls) place(k memberKey) int {
	for i, is := range m.keys {
		if is == k {
			return i
		}
	}
	return -1
}

// overMembers puts a projection over the pruned aggregation that computes the paths from the members, or from the whole where that
// is wanted too.
func overMembers(out *plan.Aggregate, need wants, give found, m memberCalls) (plan.Node, found) {
	first := len(out.Fields) - len(m.keys)
	p := &plan.Project{Input: out, Fields: append([]plan.Field(nil), out.Fields[:first]...)}
	for i, f := range p.Fields {
		p.Exprs = append(p.Exprs, &expr.Col{Index: i, Typ: f.Type, Name: f.Name})
	}
	for _, w := range need.sorted() {
		if w.path == "" {
			continue
		}
		from, keys := give[column(w.col)], w.keys()
		if !need[column(w.col)] {
			from, keys = first+m.place(memberKey{w.col, keys[0]}), keys[1:]
		}
		e := expr.Expr(&expr.Col{Index: from, Typ: out.Fields[from].Type, Name: out.Fields[from].Name})
		if w.as != vec.AsJSON || len(keys) > 0 {
			name := map[bool]string{true: "#>", false: "#>>"}[w.as == vec.AsJSON]
			e = &expr.Call{Fn: arrow(name, datum.ArrayOf(datum.Text)), Args: []expr.Expr{e, keysConst(keys)}, Typ: w.typeOf(), Pos: -1}
		}
		give[w] = len(p.Exprs)
		p.Exprs, p.Fields = append(p.Exprs, e), append(p.Fields, plan.Field{Name: strings.Join(w.keys(), "."), Type: w.typeOf()})
	}
	return p, give
}

// arrow is the operator that takes a part of a jsonb document.
func arrow(name string, by datum.OID) *funcs.Func {
	for _, f := range funcs.LookupOperator(name, 2) {
		if f.Args[0] == datum.JSONB && f.Args[1] == by {
			return f
		}
	}
	return nil
}

func textConst(s string) *expr.Const {
	b := vec.NewBuilder(vec.Bytes, 1)
	b.AppendString(s)
	return &expr.Const{Val: b.Finish(), Typ: datum.T(datum.Text)}
}

func keysConst(keys []string) *expr.Const {
	b := vec.NewListBuilder(vec.Bytes, 1)
	for _, k := range keys {
		b.Elem().AppendString(k)
	}
	b.AppendList()
	return &expr.Const{Val: b.Finish(), Typ: datum.T(datum.ArrayOf(datum.Text))}
}
