package storage

import (
	"context"
	"iter"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// TableID names a table. Tables, indexes, sequences and what else a database has are numbered by NewObjectID.
type TableID uint32

// RowID numbers the versions of a table's rows, from 1, in the order of the commits that added them.
type RowID = table.RowID

// TableColumn is a physical column: its ID is never used again within its table. Missing is a column of one row, the value of
// versions that were written before the column was there; nil: null.
type TableColumn = table.Column

// Commit is all that a transaction does, in one step and with one recorded time: everything or nothing.
type Commit struct {
	Events []Event
	Check  func(now View) error // as AppendIf has it
	// Ordered is called once when the commit has its place in the log, with its recorded time: what comes after it knows it (After) and is lost if
	// it is. It runs while no other commit can, and must be quick. nil: nobody wants to know.
	Ordered func(at Micros)
	// Awaited reports whether anybody waits for commits to have their place. Where nobody does one may wait for more of them to come. It must be quick. nil:
	// nobody does.
	Awaited  func() bool
	Progress *Progress     // may be nil
	Tables   []TableChange // one for each table
	Objects  []ObjectChange
	// Sequences are those that go to a state with the commit, and not before.
	Sequences []SequenceChange
	Indexes   []*IndexLoad // new indexes; an object of the commit declares each, if it is not one that passes
	// Passing are numbers of tables and indexes in the commit that are not to outlive the program. Forget ends them before.
	Passing []uint32
}

// TableChange is what a commit does to one table. Who commits sees to it that nobody else closes the same versions.
type TableChange struct {
	Table    TableID
	Load     *TableLoad    // new versions written ahead, before Rows; may be nil
	Columns  []TableColumn // of Rows, in order
	Rows     []*vec.Batch  // new versions
	Keys     []IndexKeys   // of Rows
	Closed   Closings      // versions that end; none of this commit's
	Truncate bool          // all versions that are open before this commit end
}

// IndexKeys are the keys of rows in an index: one for each row, nil where a row is not in it. No key of an index may be the
// beginning of another.
type IndexKeys struct {
	Index uint32
	Keys  [][]byte
}

// Closings gives versions that end, in the order of their rows. A commit goes through them more than once; they need not be in memory. nil: none.
type Closings iter.Seq[Closing]

// Closing ends a version. Next is the place of its successor among the new versions of the table, -1: it is deleted. Kept says that the successor has the
// keys of the version in every index, or is in none of those that the version is not in either, that all these indexes have the version, and that it is the
// successor of no other. Most such successors get no index entries: those of the version lead to them.
type Closing struct {
	Row  RowID
	Next int
	Kept bool
}

// ObjectChange is a new definition of an object of the catalog; nil: it is dropped.
type ObjectChange struct {
	ID    uint32
	Value []byte
}

// SequenceChange puts a sequence to a state: as SetSequence does, but with a commit.
type SequenceChange struct {
	ID     uint32
	Value  int64
	Called bool
}

// Committed is the result of a commit.
type Committed struct {
	Appended
	At     Micros // recorded time, if anything was added or changed
	tables []tableWork
}

// First is the first of the new versions of a table that the commit has changed.
func (c Committed) First(t TableID) RowID {
	for i := range c.tables {
		if w := &c.tables[i]; w.rel.id == t {
			return w.first
		}
	}
	return 0
}

// Object is a definition in the catalog and when it was made.
type Object struct {
	ID    uint32
	Value []byte
	From  Micros
}

// KeyRange is the keys of an index with Lo <= key < Hi (nil: no bound), backwards with Desc. A bound may be a key with a zero byte after it: what
// follows the key. Once says that at no moment two versions have one key: then only the newest of each is looked at, whether it is visible or not,
// and those before it, of which a row that changes often has very many, cost nothing.
type KeyRange struct {
	Lo, Hi     []byte
	Desc, Once bool
}

// TableView is a table as of a moment, or during a period. It needs no closing.
type TableView interface {
	// Rows is how many versions the view has, about.
	Rows() int64
	// Groups lists the row groups that may have versions satisfying all preds; skipped counts those left out.
	Groups(ctx context.Context, preds []TablePred) (groups []RowGroup, skipped int, err error)
	// Seek finds the versions with keys of a range by an index, ordered by key; those of one key in no certain order.
	Seek(ctx context.Context, index uint32, keys KeyRange) IndexCursor
	// One is the version with a whole key of a unique index, in a view of one moment: it has one at most. A key that was asked for lately
	// costs no look into the index.
	One(ctx context.Context, index uint32, key []byte) (row RowID, ok bool, err error)
	// Read returns the versions, visible or not, in the order given.
	Read(ctx context.Context, cols []TableColumn, rows []RowID) (*vec.Batch, error)
	// Periods returns when the versions began and ended: math.MaxInt64 where a version is open at the view's moment.
	Periods(ctx context.Context, rows []RowID) (from, to []Micros, err error)
}

// TablePred is a condition that every wanted row satisfies, as Pred is one of events.
type TablePred struct {
	Column TableColumn
	Op     Op
	Values *vec.Column
}

// RowGroup is up to some ten thousand versions. Safe for concurrent use.
type RowGroup interface {
	Len() int
	Bytes() int64
	// Visible tells which rows the view has; nil: all.
	Visible(ctx context.Context) (vec.Bitmap, error)
	// IDs names rows [from, to).
	IDs(ctx context.Context, from, to int) ([]RowID, error)
	// Read returns rows [from, to) of a column, visible or not. Texts with few values come dictionary coded.
	Read(ctx context.Context, col TableColumn, from, to int) (*vec.Column, error)
	// ReadRows returns the given rows, ascending.
	ReadRows(ctx context.Context, col TableColumn, rows []int32) (*vec.Column, error)
	Periods(ctx context.Context, from, to int) (begin, end []Micros, err error)
}

// IndexCursor gives the versions of an index one by one. The key is valid until the next call.
type IndexCursor interface {
	Next(ctx context.Context) (key []byte, row RowID, ok bool, err error)
}
