// Package crashfs is a disk in memory whose power tests cut.
package crashfs

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Disk is a crashable MemFS whose copies exclude what takes a read lock inside a read lock: a copy that comes between the two waits for ever, and so
// does everybody else.
type Disk struct {
	*vfs.MemFS
	mu sync.Mutex
}

// New returns an empty disk.
func New() *Disk { return &Disk{MemFS: vfs.NewCrashableMem()} }

// Link implements vfs.FS.
func (d *Disk) Link(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.Link(from, to)
}

// ReuseForWrite implements vfs.FS.
func (d *Disk) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.ReuseForWrite(from, to, category)
}

// CrashClone returns what is left if the power goes now.
func (d *Disk) CrashClone(cfg vfs.CrashCloneCfg) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &Disk{MemFS: d.MemFS.CrashClone(cfg)}
}
