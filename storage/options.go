package storage

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is the file system that a store lives on.
type FS = vfs.FS

// NewMemFS returns a file system in memory, for tests.
func NewMemFS() FS { return vfs.NewMem() }

// Options say how a store is opened. The zero value is good for production.
type Options struct {
	FS     FS               // nil: the disk
	Memory int64            // bytes that the store may keep in memory; 0: 512 MiB
	Now    func() time.Time // the wall clock; nil: time.Now
	Logger *slog.Logger     // nil: slog.Default
	// Workers is how many goroutines one load keeps busy; 0: as many as run at once.
	Workers int
	// Fatal is called once, from any goroutine, when a write-ahead log error makes it unknown what is durable: nothing is
	// acknowledged afterwards. The program should end. nil: it is logged.
	Fatal func(error)

	// RowGroupRows is how many rows a full row group has, at most segment.MaxRows; 0: 65536. SealRows and SealBytes are
	// how much tail is sealed at once; 0: RowGroupRows, and a share of Memory.
	RowGroupRows int
	SealRows     int
	SealBytes    int64
	// TableBytes is from which size on a row group or a hash run goes to the disk once, as a table of its own, instead of
	// through the write-ahead log; 0: 256 KiB.
	TableBytes int64
	// SnapshotEvents is how many events of an entity lie between two snapshots of its state at least; 0: 128.
	SnapshotEvents int
	// Manual turns background sealing, compaction and merging off: DB.Seal and DB.Compact do it.
	Manual bool
}
