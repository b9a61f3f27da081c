package engine

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/ddl"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/storage"
)

// define runs a statement that defines objects.
func (s *Session) define(ctx context.Context, p *Prepared) (*Rows, error) {
	st := p.stmt.Stmt
	if err := s.writable(st.Tag()); err != nil {
		return nil, err
	}
	if x, ok := st.(*syntax.CreateIndex); ok && x.Concurrently && s.tx.block {
		return nil, pgerr.New(pgerr.ActiveSQLTransaction, "CREATE INDEX CONCURRENTLY cannot run inside a transaction block")
	}
	p, err := s.withSource(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.atomic(ctx, func() (*Rows, error) {
		ch, err := s.planChange(ctx, p)
		if err == nil {
			err = s.changesIdle(ch, st)
		}
		if err == nil {
			_, err = s.present(ctx) // what it reads of rows is as of after it has its locks
		}
		if err != nil {
			return nil, err
		}
		rows, err := s.applyChange(ctx, ch)
		if err != nil {
			return nil, err
		}
		if _, ok := st.(*syntax.CreateTableAs); ok && rows >= 0 {
			return done("SELECT " + itoa(rows)), nil
		}
		return done(st.Tag()), nil
	})
}

// maintain runs a statement that looks after tables and indexes.
func (s *Session) maintain(ctx context.Context, p *Prepared) error {
	if what := maintainsAlone(p.stmt.Stmt); what != "" && s.tx.block {
		return pgerr.New(pgerr.ActiveSQLTransaction, "%s cannot run inside a transaction block", what)
	}
	dc, err := s.defineContext(ctx, p)
	if err != nil {
		return err
	}
	return ddl.Maintain(dc, p.stmt.Stmt)
}

// maintainsAlone is the name of a statement that cannot be part of a transaction, "" if it can.
func maintainsAlone(st syntax.Stmt) string {
	switch st := st.(type) {
	case *syntax.Vacuum:
		if !st.Analyze {
			return "VACUUM"
		}
	case *syntax.Cluster:
		if st.Table == nil {
			return "CLUSTER"
		}
	case *syntax.Reindex:
		switch concurrent := slices.ContainsFunc(st.Options, func(o *syntax.Option) bool { return o.Name == "concurrently" }); {
		case st.Concurrently || concurrent:
			return "REINDEX CONCURRENTLY"
		case st.Kind != "TABLE" && st.Kind != "INDEX":
			return "REINDEX " + st.Kind
		}
	}
	return ""
}

// planChange plans a definition and locks what it is about. It is planned again where the catalog was changed before all of that was locked.
func (s *Session) planChange(ctx context.Context, p *Prepared) (*ddl.Change, error) {
	locked := map[changeLock]bool{}
	for {
		dc, err := s.defineContext(ctx, p)
		if err != nil {
			return nil, err
		}
		var said []*pgerr.Error
		dc.Notice = func(n *pgerr.Error) { said = append(said, n) }
		before, more := dc.Bind.Catalog, false
		ch, err := ddl.Plan(dc, p.stmt.Stmt)
		if err == nil {
			reads, err := s.filledFrom(ctx, ch, before)
			if err == nil {
				more, err = s.lockChanged(ctx, append(changeLocks(ch, p.stmt.Stmt, before), reads...), locked)
			}
			if err != nil {
				return nil, err
			}
		}
		if more && s.catalog() != before {
			continue
		}
		for _, n := range said {
			s.notice(n)
		}
		return ch, err
	}
}

// namesOf are the names that an object takes in its schema.
func namesOf(o catalog.Object) []lock.Key {
	schema := uint32(o.Head().Schema)
	out := []lock.Key{{Kind: lock.Name, Object: schema, Name: o.Head().Name}}
	if t := catalog.TableOf(o); t != nil {
		for i := range t.Indexes {
			out = append(out, lock.Key{Kind: lock.Name, Object: schema, Name: t.Indexes[i].Name})
		}
	}
	return out
}

// emptied are the tables whose rows a change removes.
func emptied(ch *ddl.Change) (ids []datum.OID) {
	for _, w := range ch.Work {
		if e, ok := w.(ddl.Empty); ok {
			ids = append(ids, e.Table)
		}
	}
	return ids
}

// defineContext is what a definition is planned in.
func (s *Session) defineContext(ctx context.Context, p *Prepared) (*ddl.Context, error) {
	newID := func() (datum.OID, error) {
		id, err := s.log.NewObjectID()
		return datum.OID(id), err
	}
	path := s.path()
	if s.temporary.schema == nil && (wantsTemporary(p.stmt.Stmt) || len(path) > 0 && path[0] == "pg_temp") {
		id, err := newID()
		if err != nil {
			return nil, err
		}
		s.temporary.schema = &catalog.SchemaObject{Header: catalog.Header{ID: id, Name: "pg_temp_" + strconv.Itoa(int(s.pid))}}
		s.temporary.version++
	}
	out := &ddl.Context{Bind: s.bindContext(ctx, p.script, nil), NewID: newID, Notice: s.notice,
		Constant: func(x syntax.Expr, t catalog.TypeRef) (*string, error) { return s.defaultText(ctx, x, t) },
		Setting:  s.functionSetting, Under: func(config []string, do func(*bind.Context) error) error {
			defer s.vars.within(config)()
			return do(s.bindContext(ctx, p.script, nil))
		},
		LastValue: func(o *catalog.SequenceObject) (int64, error) { v, _, err := s.sequenceState(o); return v, err }}
	bodies, _ := s.vars.get("check_function_bodies")
	out.Bodies = bodies == "on"
	out.Path, out.Roles = s.listedSchemas(path), []string{"allsource", s.opts.User}
	if s.temporary.schema != nil {
		out.Temporary = s.temporary.schema.ID
	}
	return out, nil
}

// wantsTemporary reports whether a statement makes temporary objects.
func wantsTemporary(st syntax.Stmt) bool {
	temp := func(p syntax.Persistence, n syntax.Name) bool {
		return p == syntax.Temporary || n.Qualifier() == "pg_temp"
	}
	switch st := st.(type) {
	case *syntax.CreateTable:
		return temp(st.Persistence, st.Name)
	case *syntax.CreateTableAs:
		return temp(st.Persistence, st.Name)
	case *syntax.CreateView:
		return temp(st.Persistence, st.Name)
	case *syntax.CreateSequence:
		return temp(st.Persistence, st.Name)
	}
	return false
}

// defaultText evaluates an expression as the value that rows have which are there already.
func (s *Session) defaultText(ctx context.Context, x syntax.Expr, t catalog.TypeRef) (*string, error) {
	typ, _ := s.catalog().Resolve(t)
	col, err := s.constant(ctx, x, typ, "")
	if err != nil || col.Null(0) {
		return nil, err
	}
	text := string(datum.AppendText(nil, typ, col, 0, &datum.Env{}))
	return &text, nil
}

// changeMode is how what a statement changes is locked: indexes and comments leave it to those who read.
func changeMode(st syntax.Stmt) lock.Mode {
	switch st.(type) {
	case *syntax.CreateIndex:
		return lock.ShareRowExclusive
	case *syntax.Comment:
		return lock.ShareUpdateExclusive
	}
	return lock.AccessExclusive
}

// changeLock is a lock of a definition.
type changeLock struct {
	key  lock.Key
	mode lock.Mode
}

// changeLocks keep others from what changes and goes, from the names that are new, and from dropping what is needed. Rows that a new foreign key may
// refer to stay as they are.
func changeLocks(ch *ddl.Change, st syntax.Stmt, before *catalog.Catalog) (list []changeLock) {
	add := func(id datum.OID, mode lock.Mode) {
		list = append(list, changeLock{lock.Key{Kind: lock.Table, Object: uint32(id)}, mode})
	}
	var names []changeLock
	ids := slices.Concat(ch.Dropped, emptied(ch))
	for _, o := range ch.Objects {
		ids = append(ids, o.Head().ID)
		had := before.Object(o.Head().ID)
		for _, n := range namesOf(o) {
			if had == nil || !slices.Contains(namesOf(had), n) {
				names = append(names, changeLock{n, lock.Exclusive})
			}
		}
	}
	for _, id := range ids {
		if before.ByOID(id) != nil || before.Object(id) != nil {
			add(id, changeMode(st))
		}
	}
	for _, id := range ch.Needs {
		mode := lock.AccessShare
		if slices.Contains(ch.Refers, id) {
			mode = lock.ShareRowExclusive
		}
		add(id, mode)
	}
	return append(list, names...)
}

// lockChanged takes locks, and reports whether there was one that is not among those locked before.
func (s *Session) lockChanged(ctx context.Context, list []changeLock, locked map[changeLock]bool) (more bool, err error) {
	for _, l := range list {
		if locked[l] {
			continue
		}
		if err := s.lock(ctx, l.key, l.mode); err != nil {
			return more, err
		}
		locked[l], more = true, true
	}
	return more, nil
}

// applyChange puts the objects into the transaction and does what there is to do with rows. It returns how many rows were put into a new
// table, -1 if none was filled.
func (s *Session) applyChange(ctx context.Context, ch *ddl.Change) (rows int64, err error) {
	w := &s.tx.work
	before := s.catalog()
	for _, id := range ch.Dropped {
		w.objects = append(w.objects, defined{id: id})
	}
	for _, o := range ch.Objects {
		if before.Object(o.Head().ID) == nil {
			if w.fresh == nil {
				w.fresh = map[uint32]bool{}
			}
			w.fresh[uint32(o.Head().ID)] = true
		}
		w.objects = append(w.objects, defined{id: o.Head().ID, object: o})
	}
	rows = -1
	for i, x := range ch.Work {
		n, err := s.doWork(ctx, ch.Work[i:])
		if err != nil {
			return rows, err
		}
		if r, ok := x.(ddl.Run); ok && r.Count {
			rows = n
		}
	}
	s.reshape()
	return rows, nil
}

// reshape makes the deltas those of the tables as they are now.
func (s *Session) reshape() {
	w := &s.tx.work
	c := s.catalog()
	for _, d := range w.deltas {
		if rel := c.ByOID(datum.OID(d.table)); rel != nil && rel.Table != nil {
			d.rel = rel
		}
	}
}

// doWork does the first thing of what is left to do with rows.
func (s *Session) doWork(ctx context.Context, left []ddl.Work) (int64, error) {
	x := left[0]
	if r, ok := x.(ddl.Run); !ok || !r.Count {
		// What changes a table is about all of its rows, those too that came after the transaction's snapshot.
		s.newest = true
		defer func() { s.newest = false }()
	}
	switch x := x.(type) {
	case ddl.Check:
		return 0, s.checkRows(ctx, x, left)
	case ddl.Run:
		return s.runWork(ctx, x)
	case ddl.Build:
		return s.buildIndex(ctx, x, s.mayLoad(left))
	case ddl.SetSequence:
		s.restartSequence(x.Sequence, x.Value)
	case ddl.Empty:
		rel := s.catalog().ByOID(x.Table)
		s.delta(rel).empty(s.tx.work.command)
		s.tx.work.command++
	}
	return 0, nil
}

// checkRows looks for a row that must not be there, by no index of a table that gets one: what the transaction has put into it is not found by that.
func (s *Session) checkRows(ctx context.Context, x ddl.Check, left []ddl.Work) error {
	s.tx.work.command++
	var plain []catalog.Object
	for _, w := range left {
		if b, ok := w.(ddl.Build); ok {
			t, err := catalog.Clone(b.Table)
			if err != nil {
				return err
			}
			t.Indexes, t.Constraints = nil, nil
			plain = append(plain, t)
		}
	}
	s.pretended = ddl.Apply(s.catalog(), plain, nil)
	defer func() { s.pretended = nil }()
	p, err := s.internal(ctx, x.Query, nil)
	if err != nil {
		return err
	}
	rows, err := s.query(ctx, p, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	b, err := rows.Next()
	if err != nil || b == nil || b.Len == 0 {
		return err
	}
	var texts []string
	env := s.env()
	for i, f := range p.Fields {
		text := "null"
		if !b.Cols[i].Null(0) {
			text = string(datum.AppendText(nil, f.Type, b.Cols[i], 0, env))
		}
		texts = append(texts, text)
	}
	return x.Failed(texts)
}

// runWork executes a statement that changes rows, while other objects stand in the catalog.
func (s *Session) runWork(ctx context.Context, x ddl.Run) (int64, error) {
	s.tx.work.command++
	c := s.catalog()
	s.pretended = ddl.Apply(c, x.Objects, nil)
	defer func() { s.pretended = nil }()
	st, err := syntax.ParseOne(x.Statement)
	if err != nil {
		return 0, err
	}
	p, err := s.prepare(ctx, st, x.Statement, nil)
	if err != nil {
		return 0, err
	}
	rows, err := s.runModify(ctx, p, nil)
	if err != nil {
		return 0, err
	}
	tag := rows.Tag()
	n, err := strconv.ParseInt(tag[strings.LastIndexByte(tag, ' ')+1:], 10, 64)
	return n, err
}

// buildIndex makes an index over rows that are there. Where the transaction goes on, or has changed them, they are written again with their keys in it.
func (s *Session) buildIndex(ctx context.Context, x ddl.Build, load bool) (int64, error) {
	v, err := s.log.View(ctx, storage.Latest)
	if err != nil {
		return 0, err
	}
	d := s.tx.work.deltas.of(storage.TableID(x.Table.ID))
	if v.Table(storage.TableID(x.Table.ID)).Rows() == 0 && d == nil {
		return 0, nil
	}
	plain, err := catalog.Clone(x.Table)
	if err != nil {
		return 0, err
	}
	plain.Constraints = nil
	for i := range plain.Columns {
		plain.Columns[i].Generated = catalog.Expression{}
		plain.Columns[i].Identity = ""
	}
	for i := range plain.Columns {
		c := &plain.Columns[i]
		if c.Dropped {
			continue
		}
		rel := s.catalog().ByOID(x.Table.ID)
		name := `"` + strings.ReplaceAll(c.Name, `"`, `""`) + `"`
		update := "UPDATE " + `"` + strings.ReplaceAll(rel.Schema, `"`, `""`) + `"."` + strings.ReplaceAll(rel.Name, `"`, `""`) + `" SET ` + name + " = " + name
		if load && d == nil {
			return 0, s.loadIndex(ctx, v, x, plain, update)
		}
		return s.runWork(ctx, ddl.Run{Objects: []catalog.Object{plain}, Statement: update})
	}
	return 0, nil
}
