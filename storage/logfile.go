package storage

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logFS is a file system whose write-ahead logs are filled with zeros ahead of what is written to them. A sync of a file that grows, or that
// was only allocated, must also write its size and its extents, which is a second write to the disk at least; one of a file that has its
// blocks already writes the data alone. Logs that Pebble uses again have theirs.
type logFS struct{ vfs.FS }

// Unwrap implements vfs.FS.
func (fs logFS) Unwrap() vfs.FS { return fs.FS }

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// Create implements vfs.FS.
func (fs logFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil || !isLog(name) {
		return f, err
	}
	return &logFile{File: f}, nil
}

// ReuseForWrite implements vfs.FS.
func (fs logFS) ReuseForWrite(oldName, newName string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(oldName, newName, category)
	if err != nil || !isLog(newName) {
		return f, err
	}
	info, err := f.Stat()
	if err != nil { // it is filled from its beginning then, before anything is written
		return &logFile{File: f}, nil
	}
	return &logFile{File: f, filled: info.Size()}, nil
}

// logFile is a write-ahead log being written, by one goroutine.
type logFile struct {
	vfs.File
	written, filled int64 // bytes from the beginning of the file
	full            bool  // the disk has no room for more zeros than are needed
}

const (
	leastFill = 64 << 10
	mostFill  = 1 << 20
)

var zeros [mostFill]byte

// Preallocate implements vfs.File. Blocks that are only allocated would have to be marked as written at their first sync.
func (f *logFile) Preallocate(offset, length int64) error { return nil }

// Write implements vfs.File.
func (f *logFile) Write(p []byte) (int, error) {
	f.fill(f.written + int64(len(p)))
	n, err := f.File.Write(p)
	f.written += int64(n)
	return n, err
}

// fill sees to it that the file goes beyond end, by as much as it is long, within bounds: a store that is written to little has a small log.
func (f *logFile) fill(end int64) {
	if f.full || end <= f.filled {
		return
	}
	from := max(f.filled, f.written)
	to := end + min(max(end, leastFill), mostFill)
	for from < to && !f.full {
		n, err := f.WriteAt(zeros[:min(to-from, mostFill)], from)
		from += int64(n)
		f.full = err != nil // what is needed is written, and complained of, all the same
	}
	f.filled = from
}
