package segment

import (
	"context"
	"errors"
	"fmt"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// MaxRows is how many rows a group holds at most.
const MaxRows = 1 << 16

// ErrCorrupt is wrapped by every error that means that stored bytes are not what was written.
var ErrCorrupt = errors.New("segment is damaged")

// ErrFull is returned by Add and AddLine when the group has MaxRows rows.
var ErrFull = errors.New("the row group is full")

// ColumnID names one blob of a group. IDs are dense enough to be a key suffix; their meaning is private.
type ColumnID uint32

// Blob is the encoded form of one column.
type Blob struct {
	ID   ColumnID
	Data []byte
}

// Column names a column of events, in the order of the relation (the numbers are those of package storage).
type Column uint8

// The columns of events.
const (
	ColPosition Column = iota
	ColID
	ColEntity
	ColType
	ColVersion
	ColTimestamp
	ColRecordedAt
	ColPayload
	ColMetadata
)

// Ref is what to read: a column, or a path inside payload or metadata.
type Ref struct {
	Col  Column
	Path []string
	As   vec.ReadAs
}

// Op is the comparison of a Pred (the numbers are those of package storage).
type Op uint8

// The comparisons.
const (
	Eq Op = iota
	Lt
	Le
	Gt
	Ge
	In
	NotNull
)

// Pred is a condition that every wanted row satisfies. Values is a column of one value (several for In) of the kind
// that Ref reads as; it is not read for NotNull.
type Pred struct {
	Ref    Ref
	Op     Op
	Values *vec.Column
}

// Event is one event for Builder.Add. Payload and Metadata are JSON text, nil for an empty object; when PayloadValue or
// MetadataValue is set it is taken in place of the text. Nothing is kept of the slices after Add.
type Event struct {
	Entity        string
	Type          string
	ID            [16]byte
	HasID         bool
	Timestamp     int64 // microseconds since 2000-01-01 UTC, as every time here
	HasTime       bool  // else the timestamp is recorded_at
	RecordedAt    int64 // as the producer says, for imports as recorded
	HasRecorded   bool
	Payload       []byte
	Metadata      []byte
	PayloadValue  jsonb.Value
	MetadataValue jsonb.Value
}

// Mapping says which top-level fields of a line are the columns of an event. An empty name stands for the column's own
// (entity_id, event_type, id, timestamp, recorded_at, payload, metadata).
type Mapping struct {
	Entity     string
	Type       string
	ID         string
	Timestamp  string
	RecordedAt string
	Payload    string
	Metadata   string

	// Exact is for lines that say all of an event, as an export writes them: position, version, id and both times must be there.
	// Otherwise position and version are no columns' fields.
	Exact bool
	// DefaultType is the event type of lines that name none.
	DefaultType string
	// EpochMicros is how many microseconds a number in a time field counts for (1000000: Unix seconds, 1000:
	// milliseconds). 0 refuses numbers there.
	EpochMicros int64
}

// LineError says what is wrong with a line or an event.
type LineError struct {
	Column string // the column or field, "" if the line as a whole
	Offset int    // byte of the line (or of the document given to Add) where it was noticed, -1 unknown
	Reason string
	Err    error // the jsonb.Error behind it, or nil
}

// Error names the column, the reason and the place.
func (e *LineError) Error() string {
	s := e.Reason
	if e.Column != "" {
		s = e.Column + ": " + s
	}
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s (at byte %d)", s, e.Offset)
	}
	return s
}

// Unwrap gives the jsonb.Error behind it.
func (e *LineError) Unwrap() error { return e.Err }

// Run says that the rows from First on, up to the next run, were recorded at At.
type Run struct {
	First int
	At    int64
}

// TypeCount is an event type and how many rows have it.
type TypeCount struct {
	Type string
	Rows int
}

// Kinds is the set of JSON kinds a path has.
type Kinds uint16

// The kinds of Kinds. KindInt is a number of scale 0 within int64, KindDecimal one with digits after the point,
// KindNumeric one whose digits exceed an int64. KindObject is an object, empty or with members.
const (
	KindNull Kinds = 1 << iota
	KindBool
	KindInt
	KindDecimal
	KindNumeric
	KindString
	KindArray
	KindObject
)

// PathInfo describes one path of a document column within a group.
type PathInfo struct {
	Col   Column
	Path  []string
	Kinds Kinds
	Rows  int   // rows that have a value there, JSON null included, members of objects not
	Types []int // event types with such rows: indexes into Reader.Types
}

// Fetch returns the blob that Encoded.Columns held under the id. The Reader keeps the bytes: they must not change.
// It is called from many goroutines.
type Fetch func(ctx context.Context, id ColumnID) ([]byte, error)

// Env is what a group does not store about itself.
type Env struct {
	Base int64 // position of row 0
	// DerivedID makes the id of an event whose producer gave none. It must be pure.
	DerivedID func(position, recordedAt int64) [16]byte
	// Entities is the space that the ordinals of entities number names in; nil: names are read without numbers.
	Entities *vec.Space
}
