package bind

import (
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/funcs"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
)

// cteScope is a list of the WITH queries that can be named, the nearest first.
type cteScope struct {
	up     *cteScope
	name   string
	id     int
	fields []plan.Field
	// A recursive query while its terms are bound: state says which.
	state recursion
	used  bool // the recursive term names it
	added int  // how many of the last columns SEARCH and CYCLE have added
	mute  bool // it changes a table and has no RETURNING
}

type recursion uint8

const (
	notRecursive recursion = iota
	inFirstTerm            // where it must not name itself
	inRecursiveTerm
)

func (s *cteScope) find(name string) *cteScope {
	for c := s; c != nil; c = c.up {
		if c.name == name {
			return c
		}
	}
	return nil
}

// cteRef reads a WITH query.
func (b *binder) cteRef(c *cteScope, t *syntax.TableName) (*source, error) {
	if len(t.Times) > 0 {
		return nil, b.errorIn(t, pgerr.WrongObjectType, "FOR SYSTEM_TIME and FOR VALID_TIME are for tables, and %q is a WITH query", c.name)
	}
	if c.mute {
		return nil, b.errorIn(t, pgerr.FeatureNotSupported, "WITH query %q does not have a RETURNING clause", c.name)
	}
	if c.state == inFirstTerm {
		return nil, b.errorIn(t, pgerr.InvalidRecursion, "recursive reference to query %q must not appear within its non-recursive term", c.name)
	}
	c.used = true
	ref := &plan.CTERef{ID: c.id, Name: c.name, Fields: c.fields}
	it := itemOf(aliasOf(t.Alias, c.name), c.fields)
	it.aliased = t.Alias != nil
	if c.state == inRecursiveTerm {
		for i := len(it.cols) - c.added; i < len(it.cols); i++ {
			it.cols[i].unseen = true
		}
	}
	return b.named(ref, it, t.Alias, t)
}

// with binds a WITH clause: the definitions, to be put around the query, and the names it may use. Where it is that of a statement, and of no
// query inside, top is true, and its queries may change tables.
func (b *binder) with(w *syntax.With, e *env, top bool) ([]*plan.With, *cteScope, error) {
	if w == nil {
		return nil, e.ctes, nil
	}
	in := *e
	var out []*plan.With
	seen := map[string]bool{}
	for _, c := range w.CTEs {
		if seen[c.Name] {
			return nil, nil, b.errorIn(c, pgerr.DuplicateAlias, "WITH query name %q specified more than once", c.Name)
		}
		seen[c.Name] = true
		q, ok := c.Stmt.(*syntax.Query)
		if !ok {
			node, scope, err := b.changingWith(c, &in, top)
			if err != nil {
				return nil, nil, err
			}
			in.ctes = scope
			out = append(out, node)
			continue
		}
		if c.Search != nil || c.Cycle != nil {
			var err error
			if c, q, err = b.searched(c, q, &in); err != nil {
				return nil, nil, err
			}
		}
		b.nextCTE++
		node := &plan.With{ID: b.nextCTE, Name: c.Name, Materialized: c.Materialized == syntax.MaterializedAlways}
		scope := &cteScope{up: in.ctes, name: c.Name, id: node.ID, added: len(added(c))}
		var err error
		if w.Recursive {
			err = b.recursive(node, scope, c, q, &in)
		} else {
			node.Def, err = b.query(q, &in, false)
		}
		if err != nil {
			return nil, nil, err
		}
		if scope.fields, err = b.cteFields(node.Def.Schema(), c); err != nil {
			return nil, nil, err
		}
		scope.state = notRecursive
		in.ctes = scope
		out = append(out, node)
	}
	return out, in.ctes, nil
}

// changingWith binds a statement in WITH that changes a table.
func (b *binder) changingWith(c *syntax.CTE, e *env, top bool) (*plan.With, *cteScope, error) {
	if !top {
		return nil, nil, b.errorIn(c, pgerr.FeatureNotSupported, "WITH clause containing a data-modifying statement must be at the top level")
	}
	b.nextCTE++
	node := &plan.With{ID: b.nextCTE, Name: c.Name, Materialized: true}
	in := *e
	in.top = false
	var err error
	switch s := c.Stmt.(type) {
	case *syntax.Insert:
		node.Def, err = b.insert(s, &in)
	case *syntax.Update:
		node.Def, err = b.update(s, &in)
	case *syntax.Delete:
		node.Def, err = b.deleteRows(s, &in)
	case *syntax.Merge:
		node.Def, err = b.merge(s, &in)
	default:
		err = b.errorIn(c, pgerr.FeatureNotSupported, "%s not supported in WITH query", c.Stmt.Tag())
	}
	if err != nil {
		return nil, nil, err
	}
	scope := &cteScope{up: e.ctes, name: c.Name, id: node.ID}
	if gives, _ := returns(node.Def); !gives {
		scope.mute = true
		return node, scope, nil
	}
	scope.fields, err = b.cteFields(node.Def.Schema(), c)
	return node, scope, err
}

// cteFields names the columns of a WITH query.
func (b *binder) cteFields(fields []plan.Field, c *syntax.CTE) ([]plan.Field, error) {
	if len(c.Columns) > len(fields) {
		return nil, b.errorIn(c, pgerr.InvalidColumnReference, "WITH query %q has %d columns available but %d columns specified",
			c.Name, len(fields), len(c.Columns))
	}
	out := append([]plan.Field(nil), fields...)
	for i, n := range c.Columns {
		out[i].Name = n.Name
	}
	return out, nil
}

// recursive binds a query of WITH RECURSIVE, which need not be recursive.
func (b *binder) recursive(node *plan.With, scope *cteScope, c *syntax.CTE, q *syntax.Query, e *env) error {
	set, ok := q.Body.(*syntax.SetOp)
	in := *e
	in.ctes, scope.state = scope, inFirstTerm
	if !ok || set.Op != syntax.Union {
		if !namesTable(q, c.Name) {
			in.ctes = scope.up
		}
		def, err := b.query(q, &in, false)
		if pgerr.Is(err, pgerr.InvalidRecursion) {
			return b.errorIn(c, pgerr.InvalidRecursion, "recursive query %q does not have the form non-recursive-term UNION [ALL] recursive-term", c.Name)
		}
		node.Def = def
		return err
	}
	found, err := b.checkRecursion(c.Name, set.Right)
	if err != nil {
		return err
	}
	if !found {
		def, err := b.query(q, &in, false)
		node.Def = def
		return err
	}
	if len(q.OrderBy) > 0 || q.Limit != nil || q.Skip != nil {
		return b.errorIn(q, pgerr.FeatureNotSupported, "ORDER BY, LIMIT and OFFSET in a recursive query are not supported").
			WithHint("Put them on the query that reads it.")
	}
	withs, ctes, err := b.with(q.With, &in, false)
	if err != nil {
		return err
	}
	in.ctes = ctes
	first, err := b.query(set.Left, &in, false)
	if err != nil {
		return err
	}
	if scope.fields, err = b.cteFields(first.Schema(), c); err != nil {
		return err
	}
	scope.state = inRecursiveTerm
	rec, err := b.query(set.Right, &in, true)
	if err != nil {
		return err
	}
	if rec, err = b.recursiveTypes(first.Schema(), rec, set, c); err != nil {
		return err
	}
	node.Def, node.Rec, node.All = wrapWiths(first, withs), wrapWiths(rec, withs), set.All
	return nil
}

// recursiveTypes converts the recursive term to the first term's types, which must be the types of the whole.
func (b *binder) recursiveTypes(fields []plan.Field, rec plan.Node, set *syntax.SetOp, c *syntax.CTE) (plan.Node, error) {
	rf := rec.Schema()
	if len(rf) != len(fields) {
		return nil, b.errorOf(firstTarget(set.Right), pgerr.SyntaxError, "each UNION query must have the same number of columns")
	}
	for i, f := range fields {
		t, err := b.setColumn("UNION", f, rf[i], set)
		if err != nil {
			return nil, err
		}
		if t.OID != f.Type.OID || !canCoerce(rf[i].Type.OID, t.OID, funcs.Implicit) {
			return nil, b.errorOf(firstTarget(set.Left), pgerr.DatatypeMismatch,
				"recursive query %q column %d has type %s in non-recursive term but type %s overall", c.Name, i+1, formatType(f.Type), formatType(t)).
				WithHint("Cast the output of the non-recursive term to the correct type.")
		}
		if rec, err = b.retype(rec, i, f.Type, firstTarget(set.Right)); err != nil {
			return nil, err
		}
	}
	return rec, nil
}

// namesTable reports whether a query names a table so; a name that an inner WITH hides counts too.
func namesTable(q *syntax.Query, name string) bool {
	found := false
	syntax.Walk(q, func(n syntax.Node) bool {
		if t, ok := n.(*syntax.TableName); ok && len(t.Name) == 1 && t.Name[0] == name {
			found = true
		}
		return !found
	})
	return found
}

// wrapWiths puts definitions around a query, the first outermost.
func wrapWiths(n plan.Node, withs []*plan.With) plan.Node {
	for i := len(withs) - 1; i >= 0; i-- {
		w := *withs[i]
		w.Body = n
		n = &w
	}
	return n
}

// isEvents reports whether a relation takes appends.
func isEvents(r *catalog.Relation) bool { return r.OID == catalog.EventsOID }
