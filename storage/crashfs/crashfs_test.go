package crashfs

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestCopiesBesideChanges takes copies of a disk while a file gets other names, by which Pebble rotates its logs and takes tables in.
func TestCopiesBesideChanges(t *testing.T) {
	d := New()
	f, err := d.Create("0", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		names := [2]string{"0", "1"}
		for n := range 20_000 {
			from, to := names[n%2], names[1-n%2]
			if f, err = d.ReuseForWrite(from, to, vfs.WriteCategoryUnspecified); err == nil {
				err = f.Close()
			}
			if err == nil {
				err = d.Link(to, "link")
			}
			if err == nil {
				err = d.Remove("link")
			}
			if err != nil {
				return
			}
		}
	}()
	for ctx.Err() == nil {
		d.CrashClone(vfs.CrashCloneCfg{})
	}
	if err != nil {
		t.Error(err)
	}
}
