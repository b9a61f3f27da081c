// Package crashfs is a disk in memory whose power tests cut.
package crashfs

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Disk is a crashable MemFS whose Link and copies exclude one another: Link takes a read lock inside a read lock, and a copy that
// waits between the two waits for ever.
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

// CrashClone returns what is left if the power goes now.
func (d *Disk) CrashClone(cfg vfs.CrashCloneCfg) *vfs.MemFS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.MemFS.CrashClone(cfg)
}
