package storage

import (
	"context"
	"errors"

	"github.com/allsource-db/allsource/storage/segment"
)

var errStub = errors.New("not written yet")

// Store is an open data folder: databases side by side in one Pebble store. Safe for concurrent use.
type Store struct{}

// Open opens or creates the store in dir. A new store has one database, allsource. It fails with ErrLocked or
// ErrNewerFormat. Opening loads the manifests and the tails, nothing proportional to events or entities.
func Open(dir string, o Options) (*Store, error) { return nil, errStub }

// Close waits for running appends and background work. Views must not be used any more.
func (s *Store) Close() error { return errStub }

// Database returns the database of that name, or ErrNoDatabase.
func (s *Store) Database(name string) (*DB, error) { return nil, errStub }

// CreateDatabase makes an empty database, or fails with ErrDatabaseExists.
func (s *Store) CreateDatabase(name string) (*DB, error) { return nil, errStub }

// Databases lists the names, sorted.
func (s *Store) Databases() []string { return nil }

// Checkpoint writes a copy of the store into dir, which must not exist: a backup that Open opens.
func (s *Store) Checkpoint(dir string) error { return errStub }

// Metrics returns the store's counters.
func (s *Store) Metrics() Metrics { return Metrics{} }

// Metrics are counters and gauges of a store, all databases together.
type Metrics struct {
	DiskBytes     uint64 // everything in the folder
	CacheBytes    int64  // Pebble's block cache
	ReaderBytes   int64  // open row groups
	TailRows      int64  // rows not sealed yet
	TailBytes     int64
	Groups        int64 // row groups
	Events        int64 // visible events
	Appends       int64 // successful appends that added events, since Open
	AppendBatches int64 // synced batches that carried them
	Seals         int64
	Compactions   int64
}

// DB is one database: a log of its own with its own clock. Safe for concurrent use.
type DB struct{}

// Name is the database's name.
func (d *DB) Name() string { return "" }

// Now is the log's time: no later append is recorded at or before a moment up to Now that a View was opened at.
func (d *DB) Now() Micros { return 0 }

// Append adds the events, all or none, and returns when they are durable and visible. Concurrent appends share a sync.
// It fails with *VersionConflict, *IDConflict or *EventError. progress may be nil.
func (d *DB) Append(ctx context.Context, events []Event, progress *Progress) (Appended, error) {
	return Appended{}, errStub
}

// View opens the log as of a moment; Latest is what is visible now. A moment after Now is ErrFuture. It waits for
// appends stamped at or before the moment.
func (d *DB) View(ctx context.Context, at Micros) (View, error) { return nil, errStub }

// Progress returns how far a source got; ok is false if it is unknown.
func (d *DB) Progress(source string) (p Progress, ok bool, err error) { return Progress{}, false, errStub }

// Seal moves the whole tail into row groups; Compact merges small row groups and id runs. Both happen by themselves.
func (d *DB) Seal(ctx context.Context) error { return errStub }

// Compact see Seal.
func (d *DB) Compact(ctx context.Context) error { return errStub }

// NewBulk begins a load of many events. With asRecorded each event brings its own recorded time (segment.Event's
// RecordedAt, or the line's).
func (d *DB) NewBulk(asRecorded bool) *Bulk { return &Bulk{} }

// Bulk is a load of many events, visible at Commit all at once. Groups are filled by any number of goroutines, each
// with its own builder; the order of the log is the order in which Reserve was called.
type Bulk struct{}

// Group returns an empty builder; fill it up to its limit (segment.ErrFull), then give it to Add with the next number.
func (b *Bulk) Group() *segment.Builder { return nil }

// Add encodes the rows and writes them to the store, not yet visible, and empties the builder. seq orders the groups in
// the log: each number from 0 on once. Safe for concurrent use.
func (b *Bulk) Add(ctx context.Context, seq int, g *segment.Builder) error { return errStub }

// Commit makes everything added part of the log, durable and visible. Events that are there already (same entity, id and
// content) are left out and counted. It fails with *IDConflict, *OrderError, ErrDiskFull; then nothing was added.
func (b *Bulk) Commit(ctx context.Context, progress *Progress) (Loaded, error) { return Loaded{}, errStub }

// Abort forgets the load. It may be called after Commit and does nothing then.
func (b *Bulk) Abort() {}

// Loaded is the result of a bulk load.
type Loaded struct {
	First      int64  // position of the first new event
	New        int64  // events added, at positions First, First+1, …
	Repeats    int64  // events left out because they are there
	RecordedAt Micros // of the last new event
}

// OrderError is ErrNotInOrder with the row: Row counts the events of the bulk from 0.
type OrderError struct {
	Row           int64
	At, NotBefore Micros // recorded time of the row, and what it must exceed (or not exceed, when it lies in the future)
}

func (e *OrderError) Error() string { return ErrNotInOrder.Error() }
func (e *OrderError) Unwrap() error { return ErrNotInOrder }

// EventError says what is wrong with event Index of an append (a *segment.LineError or *jsonb.Error is behind it).
type EventError struct {
	Index  int
	Column string // entity_id, event_type, payload or metadata
	Err    error
}

func (e *EventError) Error() string { return e.Column + ": " + e.Err.Error() }
func (e *EventError) Unwrap() error { return e.Err }

// ErrDatabaseExists is CreateDatabase's.
var ErrDatabaseExists = errors.New("the database exists")
