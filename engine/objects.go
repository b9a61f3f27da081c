package engine

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/storage"
)

// userCatalogs are the catalogs of a database by the versions of its objects, the one used last in front.
type userCatalogs struct {
	mu      sync.Mutex
	made    []versionCatalog
	decoded map[uint32]decodedObject
}

type versionCatalog struct {
	version uint64
	catalog *catalog.Catalog
}

// decodedObject is an object as it was from a moment on.
type decodedObject struct {
	from   storage.Micros
	object catalog.Object
}

// maxUserCatalogs is how many moments the catalog is kept of.
const maxUserCatalogs = 8

// catalogOfView is the catalog of a database at a moment.
func (e *Engine) catalogOfView(database string, v storage.View) *catalog.Catalog {
	base := e.catalogOf(database)
	if v == nil {
		return base // before everything
	}
	e.mu.Lock()
	u := e.users[database]
	if u == nil {
		u = &userCatalogs{decoded: map[uint32]decodedObject{}}
		e.users[database] = u
	}
	e.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	version := v.ObjectsVersion()
	for i, m := range u.made {
		if m.version == version {
			copy(u.made[1:i+1], u.made[:i])
			u.made[0] = m
			return m.catalog
		}
	}
	c := base
	if list := v.Objects(); len(list) > 0 {
		c = base.With(e.decode(u, list)...)
	}
	u.made = append([]versionCatalog{{version, c}}, u.made[:min(len(u.made), maxUserCatalogs-1)]...)
	return c
}

// decode reads objects. One that cannot be read, since a newer program wrote it, is left out and said in the log.
func (e *Engine) decode(u *userCatalogs, list []storage.Object) []catalog.Object {
	out := make([]catalog.Object, 0, len(list))
	for _, o := range list {
		d, ok := u.decoded[o.ID]
		if !ok || d.from != o.From {
			object, err := catalog.Decode(datum.OID(o.ID), o.Value)
			if err != nil {
				e.cfg.Logger.Error("an object of the catalog cannot be read", "error", err)
				continue
			}
			d = decodedObject{o.From, object}
			u.decoded[o.ID] = d
		}
		out = append(out, d.object)
	}
	return out
}

// defined is an object that a transaction has made, changed or dropped (then it is nil).
type defined struct {
	id     datum.OID
	object catalog.Object
}

// overlay is the catalog with what the session alone sees, and what it was made of.
type overlay struct {
	base      *catalog.Catalog
	temporary int // version of the session's temporary objects
	defined   []defined
	catalog   *catalog.Catalog
}

// pastCatalog is the catalog with the views of event types of a position.
type pastCatalog struct {
	of, made *catalog.Catalog
	end      int64
}

// catalog returns the relations of the session's database, as they were at the moment that the transaction is about.
func (s *Session) catalog() *catalog.Catalog { return s.catalogAt(s.tx.present) }

// catalogAt is the catalog of a present; nil is the newest there is. The objects of a transaction's own are in it.
func (s *Session) catalogAt(p *present) *catalog.Catalog {
	if s.pretended != nil {
		return s.pretended
	}
	var c *catalog.Catalog
	if p != nil && p.stated {
		c = s.engine.catalogOfView(s.opts.Database, p.then)
	} else {
		c = s.latestCatalog()
	}
	if p == nil {
		return c
	}
	if end := p.last() + 1; s.past.of != c || s.past.end != end {
		s.past = pastCatalog{of: c, made: c.AsOf(end), end: end}
	}
	return s.past.made
}

// indexed says which indexes have all rows that the transaction sees, nil: all. A snapshot that is older than the newest definitions may have rows that ended before an
// index was made, and that it lacks. A table that is not in the snapshot has no rows there but the transaction's own.
func (s *Session) indexed() func(*catalog.Relation, *catalog.TableIndex) bool {
	p := s.tx.present
	if p == nil || p.stated || p.view == nil {
		return nil
	}
	now, err := s.log.View(context.Background(), storage.Latest)
	if err != nil || len(s.tx.work.objects) == 0 && now.ObjectsVersion() == p.view.ObjectsVersion() {
		return nil
	}
	then := s.engine.catalogOfView(s.opts.Database, p.view)
	return func(rel *catalog.Relation, ix *catalog.TableIndex) bool {
		t, ok := then.Object(rel.OID).(*catalog.TableObject)
		return !ok || slices.ContainsFunc(t.Indexes, func(had catalog.TableIndex) bool { return had.ID == ix.ID })
	}
}

// isWhole reports whether an index has the rows that a table ever had: it was made with the table. One that was made later lacks those that had ended.
func (s *Session) isWhole(rel *catalog.Relation, ix *catalog.TableIndex) bool {
	first, err := catalog.Decode(rel.OID, s.log.FirstObject(uint32(rel.OID)))
	if err != nil {
		return false // nobody else has seen the table
	}
	t, ok := first.(*catalog.TableObject)
	return ok && slices.ContainsFunc(t.Indexes, func(had catalog.TableIndex) bool { return had.ID == ix.ID })
}

// catalogOf is the catalog as a view of the database has it.
func (s *Session) catalogOf(v storage.View) *catalog.Catalog {
	return s.engine.catalogOfView(s.opts.Database, v)
}

// latestCatalog is the newest catalog, with what the session alone sees.
func (s *Session) latestCatalog() *catalog.Catalog {
	if s.latest.catalog == nil || s.latest.version != s.log.ObjectsVersion() {
		v, err := s.log.View(context.Background(), storage.Latest)
		if err != nil {
			return s.engine.catalogOf(s.opts.Database) // the statement itself will meet the error
		}
		if version := v.ObjectsVersion(); s.latest.catalog == nil || s.latest.version != version {
			s.latest = versionCatalog{version, s.engine.catalogOfView(s.opts.Database, v)}
		}
	}
	base := s.latest.catalog
	own := s.tx.work.objects
	if len(own) == 0 && s.temporary.schema == nil {
		return base
	}
	o := &s.overlay
	if o.base != base || o.temporary != s.temporary.version || !slices.Equal(o.defined, own) {
		*o = overlay{base: base, temporary: s.temporary.version, defined: slices.Clone(own)}
		o.catalog = overlaid(base, s.temporary.all(), own)
	}
	return o.catalog
}

// overlaid is a catalog with more objects and with changes.
func overlaid(base *catalog.Catalog, more []catalog.Object, changes []defined) *catalog.Catalog {
	list := append(slices.Clone(base.Objects()), more...)
	for _, d := range changes {
		i := slices.IndexFunc(list, func(o catalog.Object) bool { return o.Head().ID == d.id })
		switch {
		case i >= 0 && d.object == nil:
			list = slices.Delete(list, i, i+1)
		case i >= 0:
			list[i] = d.object
		case d.object != nil:
			list = append(list, d.object)
		}
	}
	return base.With(list...)
}

// temporaries are the session's temporary objects, in a schema of its own. They are kept by no log.
type temporaries struct {
	schema  *catalog.SchemaObject // nil: there were none yet
	objects []catalog.Object
	version int
	stored  map[uint32]bool // tables and indexes of which the log may have something, dropped ones too
}

func (t *temporaries) all() []catalog.Object {
	if t.schema == nil {
		return nil
	}
	return append([]catalog.Object{t.schema}, t.objects...)
}

// has reports whether an object is temporary.
func (t *temporaries) has(d defined) bool {
	if t.schema == nil {
		return false
	}
	if d.object != nil {
		return d.object.Head().Schema == t.schema.ID
	}
	return slices.ContainsFunc(t.objects, func(o catalog.Object) bool { return o.Head().ID == d.id })
}

// keep takes over what a transaction did to temporary objects.
func (t *temporaries) keep(list []defined) {
	for _, d := range list {
		if !t.has(d) {
			continue
		}
		t.objects = slices.DeleteFunc(slices.Clone(t.objects), func(o catalog.Object) bool { return o.Head().ID == d.id })
		if d.object != nil {
			t.objects = append(t.objects, d.object)
		}
		t.version++
	}
}

// passing are the numbers of the temporary tables that a transaction has changed or indexed, and of their indexes, as far as the log has nothing
// of them yet: it is to forget them.
func (t *temporaries) passing(w *work, changes []storage.TableChange) (all []uint32) {
	if t.schema == nil {
		return nil
	}
	var list []*catalog.TableObject
	for i := range changes {
		list = append(list, w.deltas.of(changes[i].Table).rel.Table)
	}
	for _, d := range w.objects {
		if o, ok := d.object.(*catalog.TableObject); ok && len(w.indexes) > 0 {
			list = append(list, o)
		}
	}
	for _, o := range list {
		if o.Schema != t.schema.ID {
			continue
		}
		ids := []uint32{uint32(o.ID)}
		for _, ix := range o.Indexes {
			ids = append(ids, uint32(ix.ID))
		}
		all = append(all, slices.DeleteFunc(ids, func(id uint32) bool { return t.stored[id] || slices.Contains(all, id) })...)
	}
	return all
}

// have notes that the log has something of tables and indexes.
func (t *temporaries) have(ids []uint32) {
	if t.stored == nil {
		t.stored = map[uint32]bool{}
	}
	for _, id := range ids {
		t.stored[id] = true
	}
}

// forgetTemporary deletes what the log has of the session's temporary tables, which nobody needs any more.
func (s *Session) forgetTemporary() {
	if len(s.temporary.stored) == 0 {
		return
	}
	if err := s.log.Forget(slices.Collect(maps.Keys(s.temporary.stored))); err != nil {
		s.engine.cfg.Logger.Warn("rows of temporary tables are deleted at the next start", "error", err)
	}
	s.temporary.stored = nil
}

// dropTemporary drops all temporary objects. What depends on them is among them.
func (s *Session) dropTemporary(ctx context.Context) error {
	if s.temporary.schema == nil {
		return nil
	}
	_, err := s.atomic(ctx, func() (*Rows, error) {
		for _, o := range s.catalog().Objects() {
			if o.Head().Schema == s.temporary.schema.ID {
				s.tx.work.objects = append(s.tx.work.objects, defined{id: o.Head().ID})
			}
		}
		s.reshape()
		return nil, nil
	})
	return err
}

// objectChanges are the changes of the catalog that are kept. Of an object that was changed more than once it is the last.
func (s *Session) objectChanges(w *work) ([]storage.ObjectChange, error) {
	var out []storage.ObjectChange
	at := map[datum.OID]int{}
	for _, d := range w.objects {
		if s.temporary.has(d) {
			continue
		}
		ch := storage.ObjectChange{ID: uint32(d.id)}
		if d.object != nil {
			var err error
			if ch.Value, err = catalog.Encode(d.object); err != nil {
				return nil, err
			}
		}
		if i, ok := at[d.id]; ok {
			out[i] = ch
			continue
		}
		at[d.id] = len(out)
		out = append(out, ch)
	}
	return out, nil
}

// onCommit drops or empties the temporary tables that are to be at the end of a transaction.
func (s *Session) onCommit(ctx context.Context, w *work) error {
	if s.temporary.schema == nil {
		return nil
	}
	c := s.catalog()
	for _, o := range c.Objects() {
		t, ok := o.(*catalog.TableObject)
		if !ok || t.Schema != s.temporary.schema.ID {
			continue
		}
		id := storage.TableID(t.ID)
		switch t.OnCommit {
		case "drop":
			w.objects = append(w.objects, defined{id: t.ID})
			for _, o := range c.Objects() {
				if q, ok := o.(*catalog.SequenceObject); ok && q.Owner == t.ID {
					w.objects = append(w.objects, defined{id: q.ID})
				}
			}
			w.deltas = slices.DeleteFunc(w.deltas, func(d *delta) bool { return d.table == id })
		case "delete":
			v, err := s.log.View(ctx, storage.Latest)
			if err != nil {
				return err
			}
			if w.deltas.of(id) != nil || v.Table(id).Rows() > 0 {
				s.delta(c.ByOID(t.ID)).empty(w.command + 1)
			}
		}
	}
	return nil
}
