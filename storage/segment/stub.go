package segment

import (
	"context"
	"errors"

	"github.com/allsource-db/allsource/vec"
)

var errStub = errors.New("segment: not written yet")

// Builder collects the rows of one group. It is used by one goroutine; after Finish or Reset it is empty and may be
// used again.
type Builder struct{}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder { return &Builder{} }

// AddLine parses one NDJSON line and adds it as the next row. m may be nil. A line that is refused (*LineError) leaves
// the builder as it was.
func (b *Builder) AddLine(line []byte, m *Mapping) error { return errStub }

// Add adds an event as the next row. An event that is refused (*LineError) leaves the builder as it was.
func (b *Builder) Add(ev *Event) error { return errStub }

// Len returns the rows added.
func (b *Builder) Len() int { return 0 }

// MemSize estimates the bytes held.
func (b *Builder) MemSize() int64 { return 0 }

// Truncate takes back the rows from n on.
func (b *Builder) Truncate(n int) {}

// Reset empties the builder.
func (b *Builder) Reset() {}

// Entities returns the distinct entity names in the order of their first sight; valid until the next Add.
func (b *Builder) Entities() []string { return nil }

// EntityCode returns the index into Entities of a row's entity.
func (b *Builder) EntityCode(row int) int { return 0 }

// ID returns the id that the producer gave for a row.
func (b *Builder) ID(row int) (id [16]byte, ok bool) { return }

// EachID calls f for every row with a producer's id, ascending.
func (b *Builder) EachID(f func(row int, entity int, id [16]byte)) {}

// Event returns a row as it would be read again: documents as PayloadValue and MetadataValue.
func (b *Builder) Event(row int) Event { return Event{} }

// Finish encodes the rows, without those set in drop (nil: none), and empties the builder.
func (b *Builder) Finish(drop vec.Bitmap) (*Encoded, error) { return nil, errStub }

// Encoded is an encoded group. Before its blobs are stored, SetEntities and SetRecorded must have been called; they may
// be called again (a commit that is tried again), and replace what was set. Not for concurrent use.
type Encoded struct {
	Columns []Blob // SetEntities replaces one of them
}

// Len returns the rows.
func (e *Encoded) Len() int { return 0 }

// Entities returns the distinct entity names in the order of their first row.
func (e *Encoded) Entities() []string { return nil }

// EntityRows returns how many rows each of Entities has.
func (e *Encoded) EntityRows() []int { return nil }

// SetEntities gives each of Entities its ordinal (they must be distinct) and its last version before this group
// (0: none).
func (e *Encoded) SetEntities(ordinals []uint64, baseVersions []int64) error { return errStub }

// SetRecorded gives the recorded times: runs ascend in First, the first begins at row 0, and in At.
func (e *Encoded) SetRecorded(runs []Run) error { return errStub }

// Meta returns the meta blob: what Open needs.
func (e *Encoded) Meta() ([]byte, error) { return nil, errStub }

// Bytes returns the size of all blobs.
func (e *Encoded) Bytes() int64 { return 0 }

// Reader reads an encoded group. It is safe for concurrent use and keeps the columns that it opened until Release.
type Reader struct{}

// Open makes a reader from the meta blob; columns are fetched when they are first read.
func Open(meta []byte, fetch Fetch, env Env) (*Reader, error) { return nil, errStub }

// Len returns the rows.
func (r *Reader) Len() int { return 0 }

// Base returns the position of row 0.
func (r *Reader) Base() int64 { return 0 }

// Bytes returns the size of all blobs of the group.
func (r *Reader) Bytes() int64 { return 0 }

// MemSize estimates the bytes held: meta, fetched blobs, decoded dictionaries.
func (r *Reader) MemSize() int64 { return 0 }

// Release forgets fetched and decoded columns; they are fetched again when needed.
func (r *Reader) Release() {}

// Read returns rows [from, to) of what ref names, in the form vec.ReadAs describes. Text with few distinct values comes
// dictionary coded, and all calls with an equal ref share the Dict pointer.
func (r *Reader) Read(ctx context.Context, ref Ref, from, to int) (*vec.Column, error) {
	return nil, errStub
}

// ReadRows returns the given rows, which ascend.
func (r *Reader) ReadRows(ctx context.Context, ref Ref, rows []int32) (*vec.Column, error) {
	return nil, errStub
}

// MayMatch reports whether a row of the group can satisfy p; false is certain. It decides by the meta blob where that
// suffices, and fetches the small filter of a column for an equality on texts with many distinct values.
func (r *Reader) MayMatch(ctx context.Context, p Pred) (bool, error) { return true, nil }

// Types returns the event types and their counts, in the order of their first row.
func (r *Reader) Types() []TypeCount { return nil }

// Paths lists the paths of both documents.
func (r *Reader) Paths() []PathInfo { return nil }

// Recorded returns the runs of recorded times.
func (r *Reader) Recorded() []Run { return nil }

// Bounds returns the smallest and largest value of an Int64 column (position, timestamp, recorded_at) or of a path read
// AsInt that has only integers; ok is false if there are none or they are not known exactly.
func (r *Reader) Bounds(ref Ref) (lo, hi int64, ok bool) { return }

// Entity is one entity of a group.
type Entity struct {
	Name    string
	Ordinal uint64
	Base    int64 // last version before this group
	Rows    int
}

// Entities returns the entities of the group, by ordinal.
func (r *Reader) Entities(ctx context.Context) ([]Entity, error) { return nil, errStub }

// EntityRows returns the rows of the entity with the ordinal, ascending (none if it has none), and its last version
// before this group.
func (r *Reader) EntityRows(ctx context.Context, ordinal uint64) (rows []int32, base int64, err error) {
	return nil, 0, errStub
}

// Ordinals returns the entity ordinals of rows [from, to).
func (r *Reader) Ordinals(ctx context.Context, from, to int) ([]uint64, error) { return nil, errStub }
