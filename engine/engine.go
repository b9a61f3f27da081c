// Package engine answers SQL over the log: sessions, statements, transactions, copy. The front doors (the Postgres wire,
// HTTP, the shell) see this package and nothing below it. A statement goes parse, bind, optimize, build, pull; see
// ARCHITECTURE.md for the walk.
package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// Log is what the engine needs of one database's log.
type Log interface {
	View(ctx context.Context, at storage.Micros) (storage.View, error)
	// After is the log as of a moment up to which commits have their place, durable or not yet; Durable waits until they are.
	After(at storage.Micros) storage.View
	Durable(ctx context.Context, at storage.Micros) error
	Append(ctx context.Context, events []storage.Event, p *storage.Progress) (storage.Appended, error)
	AppendIf(ctx context.Context, events []storage.Event, check func(now storage.View) error) (storage.Appended, error)
	NewBulk(asRecorded bool) *storage.Bulk
	Grown() <-chan struct{} // closed when the next events become visible
	Progress(source string) (storage.Progress, bool, error)
	Commit(ctx context.Context, c storage.Commit) (storage.Committed, error)
	// Fate says when a version of a row ended, by the commits that have their place (0: it has not), and the version that replaced it (0: none did).
	Fate(t storage.TableID, row storage.RowID) (closed storage.Micros, next storage.RowID, err error)
	// Ended lists, by their places among rows, the versions that have ended, as Fate says.
	Ended(t storage.TableID, rows []storage.RowID) (places []int, err error)
	Sequence(id uint32) (value int64, called, ok bool, err error)
	// SetSequence is durable with the next commit or Sync.
	SetSequence(id uint32, value int64, called bool) error
	Sync() error
	ObjectsVersion() uint64       // of the catalog with all commits that have their place, as views have one
	FirstObject(id uint32) []byte // the first definition of an object, nil: there is none
	NewObjectID() (uint32, error) // of objects, and of what belongs to them
	// NewTableLoad and NewIndexLoad begin what is written ahead of a commit.
	NewTableLoad(t storage.TableID, cols []storage.TableColumn, indexes []uint32) (*storage.TableLoad, error)
	NewIndexLoad(index uint32) *storage.IndexLoad
	// Forget deletes tables and indexes that nobody else has seen.
	Forget(ids []uint32) error
}

// Logs gives the databases. A database is a tenant: nothing crosses from one to another.
type Logs interface {
	Open(name string) (Log, error) // storage.ErrNoDatabase when there is none
	Names() []string
}

// Config is what an engine is made with; every field must be set except Logger and BatchRows.
type Config struct {
	Logs    Logs
	Memory  int64 // bytes that all statements together may use
	TempDir string
	Now     func() time.Time
	Logger  *slog.Logger
	Workers int // parallel workers of one scan
	// BatchRows is how many rows operators hand on at a time; 0 is the usual number.
	BatchRows int
	// OwnBytes is how much of the rows that a transaction writes to a table stays in memory until the commit; 0 is a share of Memory.
	OwnBytes int64
	// Operators says that statements about single rows go the way of all others. Tests find out whether they are answered the same.
	Operators bool
}

// Engine serves sessions over the databases of one store.
type Engine struct {
	cfg       Config
	mu        sync.Mutex
	sessions  map[int32]*Session
	nextPID   int32
	started   time.Time
	catalogs  map[string]*catalog.Catalog // by database; built-in relations and events do not change
	users     map[string]*userCatalogs    // by database
	plans     *planCache
	notifiers map[string]*notifier // by database
	metrics   Metrics
	budget    *op.Budget               // of all statements together
	lockers   map[string]*lock.Manager // by database
	sequences sync.Map                 // sequenceKey to *sequence
	saved     saved                    // of sequences
}

// Metrics counts what the engine did since it was made; read with atomic loads.
type Metrics struct {
	Statements, Errors, Appended, Repeats, Rows atomic.Int64
}

// New makes an engine.
func New(cfg Config) *Engine {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{cfg: cfg, sessions: map[int32]*Session{}, catalogs: map[string]*catalog.Catalog{}, users: map[string]*userCatalogs{}, plans: newPlanCache(), notifiers: map[string]*notifier{}, lockers: map[string]*lock.Manager{}, started: cfg.Now(), nextPID: 1000,
		budget: op.NewBudget(cfg.Memory, cfg.TempDir)}
}

// Metrics returns the counters.
func (e *Engine) Metrics() *Metrics { return &e.metrics }

// Sessions returns how many sessions are open.
func (e *Engine) Sessions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sessions)
}

// Databases lists the databases' names.
func (e *Engine) Databases() []string { return e.cfg.Logs.Names() }

// SessionOptions say who connects to what.
type SessionOptions struct {
	Database string
	User     string
	Settings map[string]string // startup parameters and -c options
	Remote   string            // the client's address, for pg_stat_activity
	// Notice takes a message that is not an error; may be nil.
	Notice func(*pgerr.Error)
	// Wake says that Notifications has something new. It is called from other goroutines, must not block, and may be nil.
	Wake func()
	// End says that another session wants this one closed, and why. It is called from other goroutines, must not block, and may be nil.
	End func(*pgerr.Error)
}

// Connect opens a session. An unknown database is 3D000.
func (e *Engine) Connect(opts SessionOptions) (*Session, error) {
	log, err := e.cfg.Logs.Open(opts.Database)
	if err != nil {
		return nil, pgerr.New(pgerr.InvalidCatalogName, "database %q does not exist", opts.Database)
	}
	s := newSession(e, log, opts)
	for name, v := range opts.Settings {
		if err := s.vars.set(name, v, false); err != nil {
			return nil, err
		}
	}
	s.vars.session["session_authorization"] = opts.User
	for k, v := range s.vars.session {
		s.vars.start[k] = v
	}
	var secret [4]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return nil, err
	}
	s.secret = binary.BigEndian.Uint32(secret[:])
	e.mu.Lock()
	defer e.mu.Unlock()
	e.nextPID++
	s.pid = e.nextPID
	e.sessions[s.pid] = s
	return s, nil
}

// Cancel stops what the session with the key is doing, if the secret is right. It is no error if there is no such session.
func (e *Engine) Cancel(pid int32, secret uint32) {
	e.mu.Lock()
	s := e.sessions[pid]
	e.mu.Unlock()
	if s != nil && s.secret == secret {
		s.interrupt(errUserCancel)
	}
}

// session is the session of a number, nil if there is none of the database.
func (e *Engine) session(pid int32, database string) *Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.sessions[pid]; s != nil && s.opts.Database == database {
		return s
	}
	return nil
}

func (e *Engine) drop(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s.pid)
}
