package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/vec"
)

// change runs a plan that changes or locks rows of tables, or may do so by the functions that it calls.
func (s *Session) change(ctx context.Context, p *Prepared, params []*vec.Column) (*Rows, error) {
	if p.locks || p.appends() {
		if err := s.writable(p.stmt.Stmt.Tag()); err != nil {
			return nil, err
		}
	}
	return s.atomic(ctx, func() (*Rows, error) {
		// The snapshot of a transaction that reads repeatably is that of before the wait for a table.
		if _, err := s.present(ctx); err != nil {
			return nil, err
		}
		p, err := s.lockTables(ctx, p, params)
		if err != nil {
			return nil, err
		}
		switch n := p.node.(type) {
		case *plan.Append:
			return s.runAppend(ctx, p, n, params)
		case *plan.Truncate:
			return done("TRUNCATE TABLE"), s.truncate(ctx, n)
		}
		return s.runModify(ctx, p, params)
	})
}

// lockTables locks the tables that a plan changes. Where somebody has altered one meanwhile the plan is made again.
func (s *Session) lockTables(ctx context.Context, p *Prepared, params []*vec.Column) (*Prepared, error) {
	before := p.catalog
	if !p.tables {
		before = s.catalog()
	}
	for {
		for _, t := range p.changed {
			if err := s.lockTable(ctx, t.oid, t.mode); err != nil {
				return nil, err
			}
		}
		now := s.catalog()
		if now == before {
			return p, nil
		}
		again := *p
		if err := s.compile(ctx, &again, p.ParamTypes, params); err != nil {
			return nil, err
		}
		p, before = &again, now
	}
}

type tableLock struct {
	oid  datum.OID
	mode lock.Mode
}

// changedTables lists the tables that a plan is about, and how they are locked for it.
func changedTables(n plan.Node) []tableLock {
	var read, out []tableLock
	var walk func(n plan.Node) bool
	walk = func(n plan.Node) bool {
		switch n := n.(type) {
		case *plan.Scan:
			if n.Relation.Table != nil && n.System == nil {
				read = append(read, tableLock{n.Relation.OID, lock.AccessShare})
			}
		case *plan.Modify:
			out = append(out, tableLock{n.Relation.OID, lock.RowExclusive})
		case *plan.LockRows:
			for _, t := range n.Rows {
				if t.Strength >= 0 {
					out = append(out, tableLock{t.Relation.OID, lock.RowShare})
				}
			}
		case *plan.Truncate:
			for _, r := range n.Relations {
				out = append(out, tableLock{r.OID, lock.AccessExclusive})
			}
		}
		for _, sub := range plan.Subplans(n) {
			plan.Walk(sub, walk)
		}
		return true
	}
	plan.Walk(n, walk)
	for _, t := range read { // who changes a table reads it too
		if !slices.ContainsFunc(out, func(o tableLock) bool { return o.oid == t.oid }) {
			out = append(out, t)
		}
	}
	return out
}

// runModify runs a plan with tables to change to its end; its rows wait in memory.
func (s *Session) runModify(ctx context.Context, p *Prepared, params []*vec.Column) (*Rows, error) {
	cfg, err := s.presentConfig(ctx, params)
	if err != nil {
		return nil, err
	}
	cfg.serial = p.runs
	x, root, err := s.openWith(ctx, p.node, cfg)
	if err != nil {
		return nil, err
	}
	m := topModify(p.node)
	if m == nil && !plan.Modifies(p.node) && !p.runs && s.tx.block {
		return streamed(ctx, p, x, root), nil // it only locks, and the locks stay
	}
	defer x.Close()
	var rows []*vec.Batch
	for {
		b, err := root.Next(ctx)
		if err == nil && b != nil {
			rows = append(rows, b)
			continue
		}
		if err == nil {
			err = x.complete(ctx)
		}
		if err = closeWith(root, err); err != nil {
			return nil, err
		}
		break
	}
	if m == nil {
		return manyRows("SELECT", p.Fields, rows), nil
	}
	tag := [...]string{plan.InsertRows: "INSERT 0", plan.UpdateRows: "UPDATE", plan.DeleteRows: "DELETE", plan.MergeRows: "MERGE"}[m.Kind]
	if x.changed(m) == 0 || m.Conflict != nil || m.Kind == plan.MergeRows {
		if err := s.durable(ctx); err != nil {
			return nil, err
		}
	}
	if m.Returning == nil {
		return done(tag + " " + itoa(x.changed(m))), nil
	}
	return manyRows(tag, p.Fields, rows), nil
}

// topModify is the node that a statement is about, nil if it is a query.
func topModify(n plan.Node) *plan.Modify {
	switch n := n.(type) {
	case *plan.Modify:
		return n
	case *plan.With:
		return topModify(n.Body)
	}
	return nil
}

// manyRows is an answer that is there already, in batches.
func manyRows(tag string, fields []Field, list []*vec.Batch) *Rows {
	return &Rows{Fields: fields, tag: tag, counts: true, pull: func() (*vec.Batch, error) {
		if len(list) == 0 {
			return nil, nil
		}
		b := list[0]
		list = list[1:]
		return b, nil
	}}
}

// complete runs what in WITH changes tables and was not asked for all its rows.
func (x *execution) complete(ctx context.Context) error {
	for _, w := range x.changing {
		if err := w.Fill(ctx); err != nil {
			return err
		}
	}
	return nil
}

// truncate empties tables, which are locked.
func (s *Session) truncate(ctx context.Context, n *plan.Truncate) error {
	list := n.Relations
	for i := 0; i < len(list); i++ {
		for _, in := range s.referencesTo(list[i]) {
			if containsRelation(list, in.rel.OID) {
				continue
			}
			if !n.Cascade {
				return pgerr.New(pgerr.FeatureNotSupported, "cannot truncate a table referenced in a foreign key constraint").
					WithDetail("Table %q references %q.", in.rel.Name, list[i].Name).
					WithHint("Truncate table %q at the same time, or use TRUNCATE ... CASCADE.", in.rel.Name)
			}
			s.notice(&pgerr.Error{Code: "00000", Message: "truncate cascades to table \"" + in.rel.Name + "\""})
			if err := s.lockTable(ctx, in.rel.OID, lock.AccessExclusive); err != nil {
				return err
			}
			list = append(list[:len(list):len(list)], in.rel)
		}
	}
	for _, rel := range list {
		if err := s.idle(rel.OID, rel.Name, "TRUNCATE"); err != nil {
			return err
		}
	}
	w := &s.tx.work
	for _, rel := range list {
		s.delta(rel).empty(w.command)
		if n.Restart {
			for _, q := range s.sequencesOf(rel) {
				s.restartSequence(q.ID, q.Start)
			}
		}
	}
	return nil
}

func (s *Session) referencesTo(rel *catalog.Relation) []inward {
	r := s.references(rel)
	return r.in
}

func containsRelation(list []*catalog.Relation, oid datum.OID) bool {
	for _, r := range list {
		if r.OID == oid {
			return true
		}
	}
	return false
}

// sequencesOf are the sequences that serve the columns of a table.
func (s *Session) sequencesOf(rel *catalog.Relation) []*catalog.SequenceObject {
	var out []*catalog.SequenceObject
	for _, o := range s.catalog().Objects() {
		if q, ok := o.(*catalog.SequenceObject); ok && q.Owner == rel.OID {
			out = append(out, q)
		}
	}
	return out
}

var _ op.Op = (*modifier)(nil)
