package engine

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/storage"
)

// Without authentication configured every user is the owner of everything; the catalog shows the session's user and
// the bootstrap role.
const (
	ownerOID       datum.OID = 10
	firstDatabase  datum.OID = 5
	sessionRoleOID datum.OID = 16000
)

// epoch is PostgreSQL's: microseconds of values count from it.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func micros(t time.Time) storage.Micros { return t.Sub(epoch).Microseconds() }

// serverView is what built-in relations may know of the server, as the session sees it.
type serverView struct{ s *Session }

// Databases lists them with OIDs that follow their order.
func (v serverView) Databases(context.Context) ([]catalog.Database, error) {
	var out []catalog.Database
	for i, name := range v.s.engine.Databases() {
		out = append(out, catalog.Database{OID: firstDatabase + datum.OID(i), Name: name, Owner: ownerOID})
	}
	return out, nil
}

// Roles lists the bootstrap role and the session's user.
func (v serverView) Roles(context.Context) ([]catalog.Role, error) {
	out := []catalog.Role{{OID: ownerOID, Name: "allsource", Super: true, CreateRole: true, CreateDB: true, Login: true}}
	if v.s.opts.User != "allsource" {
		out = append(out, catalog.Role{OID: sessionRoleOID, Name: v.s.opts.User, Super: true, CreateRole: true, CreateDB: true, Login: true})
	}
	return out, nil
}

// Settings lists the parameters with the session's values.
func (v serverView) Settings(context.Context) ([]catalog.Setting, error) {
	out := make([]catalog.Setting, 0, len(settings))
	for _, p := range settings {
		value, _ := v.s.vars.get(p.name)
		row := catalog.Setting{Name: p.name, Value: value, Doc: p.doc, Context: "user", Type: "string", Source: "default", Default: p.def, Category: "AllSource"}
		if p.readOnly {
			row.Context = "internal"
		}
		if value != p.def {
			row.Source = "session"
		}
		out = append(out, row)
	}
	return out, nil
}

// Sessions lists the sessions of the same database.
func (v serverView) Sessions(context.Context) ([]catalog.Session, error) {
	e := v.s.engine
	e.mu.Lock()
	all := make([]*Session, 0, len(e.sessions))
	for _, s := range e.sessions {
		if s.opts.Database == v.s.opts.Database {
			all = append(all, s)
		}
	}
	e.mu.Unlock()
	waits := map[int32]string{}
	for _, w := range e.lockManager(v.s.opts.Database).Waits() {
		waits[w.PID] = lockType(w.Key.Kind)
	}
	out := make([]catalog.Session, 0, len(all))
	for _, s := range all {
		a := s.activity()
		a.WaitsFor = waits[a.PID]
		out = append(out, a)
	}
	return out, nil
}

// lockType is what pg_locks calls a kind.
func lockType(k lock.Kind) string {
	switch k {
	case lock.Table:
		return "relation"
	case lock.Row:
		return "tuple"
	case lock.IndexKey, lock.Name:
		return "object"
	}
	return "advisory"
}

// Locks lists what sessions of the same database have locked or wait for.
func (v serverView) Locks() []catalog.Lock {
	held := v.s.engine.lockManager(v.s.opts.Database).Held()
	out := make([]catalog.Lock, len(held))
	for i, h := range held {
		l := catalog.Lock{Type: lockType(h.Key.Kind), Mode: h.Mode.String(), PID: h.PID, Granted: h.Granted}
		switch k := h.Key; k.Kind {
		case lock.Table, lock.Row:
			l.Relation = datum.OID(k.Object)
		case lock.IndexKey, lock.Name:
			l.Object = datum.OID(k.Object)
		default:
			l.Class, l.Object, l.Two = datum.OID(uint64(k.Row)>>32), datum.OID(uint32(k.Row)), k.Object == 1
		}
		out[i] = l
	}
	return out
}

// SequenceState says where a sequence stands.
func (v serverView) SequenceState(id datum.OID) (int64, bool, error) {
	q, ok := v.s.catalog().Object(id).(*catalog.SequenceObject)
	if !ok {
		return 0, false, nil
	}
	return v.s.sequenceState(q)
}

func (s *Session) activity() catalog.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := catalog.Session{PID: s.pid, Database: s.opts.Database, User: s.opts.User, Application: s.opts.Settings["application_name"],
		Port: -1, Started: micros(s.began), State: s.state, Query: s.queryText, StateChanged: micros(s.stateAt)}
	if !s.queryAt.IsZero() {
		row.QueryStarted = micros(s.queryAt)
	}
	if !s.txAt.IsZero() {
		row.TxStarted = micros(s.txAt)
	}
	if host, port, err := net.SplitHostPort(s.opts.Remote); err == nil {
		row.Client = host
		if n, err := strconv.Atoi(port); err == nil {
			row.Port = int32(n)
		}
	}
	return row
}

// path returns the schemas that search_path names, whether they are there or not; "$user" is the user's name.
func (s *Session) path() []string {
	v, _ := s.vars.get("search_path")
	var out []string
	names, _ := schemaNames(v)
	for _, part := range names {
		if part == "$user" {
			part = s.opts.User
		}
		if part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}

// listedSchemas gives the schema of temporary objects its name in a path.
func (s *Session) listedSchemas(path []string) []string {
	i := slices.Index(path, "pg_temp")
	switch {
	case i < 0:
		return path
	case s.temporary.schema == nil:
		return slices.Delete(path, i, i+1)
	}
	path[i] = s.temporary.schema.Name
	return path
}

// searchPath returns the schemas in which names are looked up, in order. Temporary objects come first where the path does not say
// otherwise; that does not make their schema the one in which objects are made.
func (s *Session) searchPath() []string {
	path := s.listedSchemas(s.path())
	if t := s.temporary.schema; t != nil && !slices.Contains(path, t.Name) {
		return append([]string{t.Name}, path...)
	}
	return path
}

// catalogOf is the catalog of what every database has.
func (e *Engine) catalogOf(database string) *catalog.Catalog {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.catalogs[database]
	if c == nil {
		c = catalog.NewTyped(database, &eventTypes{engine: e, database: database})
		e.catalogs[database] = c
	}
	return c
}
