// Package storage is the log on disk: one Pebble store holds databases, their events in columnar segments, the tail of
// recent appends, dictionaries and indexes. It knows nothing of SQL.
package storage

import (
	"context"
	"errors"
	"math"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Micros is a time in microseconds since 2000-01-01 00:00:00 UTC, PostgreSQL's epoch: the unit of every time column.
type Micros = int64

// Latest as a moment means everything that is visible now.
const Latest Micros = math.MaxInt64

// Column names a column of events, in the order of the relation.
type Column uint8

// The columns of events with their vec kinds.
const (
	ColPosition   Column = iota // Int64, from 1
	ColID                       // Bytes, 16
	ColEntity                   // Bytes
	ColType                     // Bytes
	ColVersion                  // Int64, from 1
	ColTimestamp                // Int64, Micros
	ColRecordedAt               // Int64, Micros
	ColPayload                  // Bytes, jsonb
	ColMetadata                 // Bytes, jsonb
	NumColumns
)

// Ref is what to read: a column, or a path inside payload or metadata. Path elements are object keys; an element that
// is a decimal integer also selects from an array, as SQL's #> does.
type Ref struct {
	Col  Column
	Path []string
	As   vec.ReadAs
}

// Op is the comparison of a Pred.
type Op uint8

const (
	Eq Op = iota
	Lt
	Le
	Gt
	Ge
	In
	NotNull
)

// Pred is a condition that every wanted row satisfies; groups that cannot hold such a row are left out. Values is a column
// of one value (several for In), of the kind that Ref reads as (Int64, Float64, Bytes…); a kind that storage cannot compare is ignored.
type Pred struct {
	Ref    Ref
	Op     Op
	Values *vec.Column
}

// Errors that callers tell apart.
var (
	ErrLocked      = errors.New("the data folder is in use by another process")
	ErrNewerFormat = errors.New("the data folder was written by a newer version")
	ErrFuture      = errors.New("the moment lies in the future")
	ErrClosed      = errors.New("the store is closed")
	ErrNoDatabase  = errors.New("no such database")
	ErrExists      = errors.New("the database exists")
	ErrIDConflict  = errors.New("an event with this id and other content exists")
	ErrNotInOrder  = errors.New("recorded times must rise, after everything in the log and not after now")
	ErrDiskFull    = errors.New("no space left on the device")
	ErrCorrupt     = errors.New("stored data is damaged")
)

// Expected versions that are no numbers: AnyVersion accepts every state of the entity, SomeVersion that it has an event.
const (
	AnyVersion  int64 = -1
	SomeVersion int64 = -2
)

// Event is one event as the producer gives it. Payload and Metadata are JSON text (nil: an empty object).
type Event struct {
	Entity     string
	Type       string
	ID         [16]byte
	HasID      bool
	Timestamp  Micros
	HasTime    bool   // else Timestamp is recorded_at
	RecordedAt Micros // only for imports as recorded
	Payload    []byte
	Metadata   []byte
	// PayloadValue and MetadataValue are the documents parsed already; where they are set, the text is not looked at. They
	// become the log's and are not to be changed any more.
	PayloadValue, MetadataValue jsonb.Value
	// Expected is the version that the entity must have before this event: 0 none, n exactly n, or AnyVersion or
	// SomeVersion.
	Expected int64
}

// VersionConflict is the error of an append whose expectation does not hold.
type VersionConflict struct {
	Entity           string
	Expected, Actual int64
}

func (e *VersionConflict) Error() string { return "the entity has another version than expected" }

// RepeatConflict is the error of an append that begins with an event which is there already, with the expectation that it came with,
// and goes on with a new one, though others of the entity came behind the first: it is no repetition of what was appended, and what it
// expected does not hold for the rest.
type RepeatConflict struct {
	Entity          string
	Version, Actual int64 // of the event that is there, and of the entity
}

func (e *RepeatConflict) Error() string { return "the append repeats an event that others follow" }

// IDConflict wraps ErrIDConflict with the event.
type IDConflict struct {
	Entity   string
	ID       [16]byte
	Position int64 // of the stored event
}

func (e *IDConflict) Error() string { return ErrIDConflict.Error() }
func (e *IDConflict) Unwrap() error { return ErrIDConflict }

// Progress marks how far a source (a file being imported) got; it is stored with the append, all or nothing.
type Progress struct {
	Source string
	Lines  int64  // lines of the source that are in the log or were set aside
	Bytes  int64  // bytes of the source up to there
	Digest uint64 // xxhash64 of those bytes
}

// Appended is the result of an append. Positions has the place of every event given, in order: the stored one for repeats.
type Appended struct {
	Positions  []int64
	Versions   []int64
	RecordedAt Micros // of the new events; 0 if all were repeats
	New        int
	Repeats    int
}

// View is the log as of one moment: a prefix that never changes. It needs no closing and stays valid while the store is open.
type View interface {
	// At is the moment (for Latest: the recorded time of the last visible append).
	At() Micros
	// Rows is how many events the view has; positions are dense, so End is the position after the last one.
	Rows() int64
	End() int64
	// Groups lists the row groups that may have rows satisfying all preds, by position; skipped counts those left out.
	Groups(ctx context.Context, preds []Pred) (groups []Group, skipped int, err error)
	// History finds rows of one entity by its index: those with from <= version < to.
	History(entity string, from, to int64) (History, error)
	// Version is the entity's last version in the view, 0 if it has no event.
	Version(ctx context.Context, entity string) (int64, error)
	// States calls do for each of the versions, which ascend, with the entity's state after it: the fold of the payloads of its
	// events up to there (jsonb ||). The state is nil for a version that the entity does not have in the view; it stays valid.
	States(ctx context.Context, entity string, versions []int64, do func(i int, state jsonb.Value) error) error
	// Until returns the part of the view before a position.
	Until(end int64) View
	// Find returns the position of the event with the entity and id.
	Find(ctx context.Context, entity string, id [16]byte) (pos int64, ok bool, err error)
	// Locate returns the group that holds the position.
	Locate(ctx context.Context, pos int64) (Group, error)
	// Table is a table as of the moment; one that has no versions is empty.
	Table(t TableID) TableView
	// TableBetween has the versions of a table that were there at some time from one moment to before another (with includeTo:
	// or at it), as far as the view's moment knows.
	TableBetween(t TableID, from, to Micros, includeTo bool) TableView
	// Objects are those of the catalog, by number; ObjectsVersion is equal where they are.
	Objects() []Object
	ObjectsVersion() uint64
}

// History gives the rows of an entity group by group, the newest first: each call the next group that has any, with those
// rows, ascending; no group at the end. Groups for which want is false are passed over unread; want may be nil.
type History func(ctx context.Context, want func(Group) (bool, error)) (g Group, rows []int32, err error)

// Group is up to some ten thousand consecutive events. Safe for concurrent use.
type Group interface {
	Len() int     // rows, cut to the view
	Base() int64  // position of the first row
	Bytes() int64 // stored bytes
	// Read returns rows [from, to) of what ref names. Text columns with few values come dictionary coded, and the calls on
	// one group share the Dict pointer.
	Read(ctx context.Context, ref Ref, from, to int) (*vec.Column, error)
	// ReadRows returns the given rows, ascending.
	ReadRows(ctx context.Context, ref Ref, rows []int32) (*vec.Column, error)
}
