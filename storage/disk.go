package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// memorySplit is how Options.Memory is shared out. What is left over is for what a bulk load holds while it commits and
// for what Go's collector has not swept yet.
type memorySplit struct {
	blocks   int64  // Pebble's block cache
	memtable uint64 // one of up to three; up to four write-ahead logs of that size are kept to be used again
	readers  int64  // open row groups
	parts    int64  // pages, filters, names and versions; a quarter is newestRows
	tail     int64  // rows not sealed yet
}

func splitMemory(total int64) memorySplit {
	return memorySplit{
		blocks:   total / 8,
		memtable: uint64(min(max(total/24, 1<<20), 8<<20)),
		readers:  total / 4,
		parts:    total / 12,
		tail:     total / 6,
	}
}

func (s *Store) pebbleOptions(split memorySplit) *pebble.Options {
	o := &pebble.Options{
		FS:                          logFS{s.o.FS},
		Lock:                        s.lock,
		Cache:                       s.blocks,
		MemTableSize:                split.memtable,
		MemTableStopWritesThreshold: 3,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               128 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      &s.failure,
		EventListener:               &pebble.EventListener{BackgroundError: s.failure.background},
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	for i := range o.Levels {
		// Blobs are packed already. A blob larger than a block gets a block of its own.
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
		o.Levels[i].BlockSize = 16 << 10
	}
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = 32 << 20
	}
	o.EventListener.WALCreated = func(info pebble.WALCreateInfo) {
		if info.Err == nil {
			s.newest.Store(uint64(info.FileNum))
		}
	}
	o.EnsureDefaults()
	return o
}

func lockError(dir string, err error) error {
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return fmt.Errorf("%w: %s (%v)", ErrLocked, dir, err)
}

// newerPebble tells Pebble's refusal of a store of a later release, which has no error value of its own.
func newerPebble(err error) bool {
	return strings.Contains(err.Error(), "written by a newer") || strings.Contains(err.Error(), "unknown format major version")
}

// failure is set once the write-ahead log could not be written: what is on disk is unknown then, and nothing is
// acknowledged any more. It is Pebble's logger, because that is where Pebble says so.
type failure struct {
	fatal func(error)
	log   *slog.Logger
	err   atomic.Pointer[error]
	once  sync.Once
	is    chan struct{} // closed then
}

func (f *failure) get() error {
	if p := f.err.Load(); p != nil {
		return *p
	}
	return nil
}

func (f *failure) set(err error) {
	f.once.Do(func() {
		err = fmt.Errorf("the write-ahead log failed, what is durable is unknown: %w", err)
		f.err.Store(&err)
		close(f.is)
		f.fatal(err)
	})
}

// Infof implements pebble.Logger.
func (f *failure) Infof(format string, args ...any) {
	f.log.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (f *failure) Errorf(format string, args ...any) {
	f.log.Warn("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. Pebble expects it not to return; it returns where Options.Fatal does.
func (f *failure) Fatalf(format string, args ...any) { f.set(fmt.Errorf(format, args...)) }

// background is told when a flush or compaction failed; Pebble tries again.
func (f *failure) background(err error) {
	f.log.Warn("pebble cannot write in the background", "error", err)
}

// diskRoom keeps a reserve free, so that neither the write-ahead log nor a flush runs into a full disk: writes that need
// more are refused while everything else still works.
type diskRoom struct {
	fs  vfs.FS
	dir string

	mu      sync.Mutex
	asked   time.Time
	free    int64 // less what was taken since
	unknown bool
}

const (
	diskReserve = 64 << 20
	askAgain    = 100 * time.Millisecond
)

// take accounts for bytes about to be written, or returns ErrDiskFull. What is written is counted three times: in the
// write-ahead log, in a table, and in the compaction of that.
func (r *diskRoom) take(bytes int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	need := 3*bytes + diskReserve
	if r.unknown {
		return nil
	}
	if now := time.Now(); r.free < need || now.Sub(r.asked) > askAgain {
		usage, err := r.fs.GetDiskUsage(r.dir)
		if err != nil {
			r.unknown = errors.Is(err, vfs.ErrUnsupported)
			return nil
		}
		r.asked, r.free = now, int64(min(usage.AvailBytes, 1<<62))
	}
	if r.free < need {
		return fmt.Errorf("%w: %d bytes are free, %d are kept free", ErrDiskFull, r.free, int64(diskReserve))
	}
	r.free -= bytes
	return nil
}

// put adds a key to a batch; that cannot fail before the batch is committed.
func put(b *pebble.Batch, key, value []byte) { _ = b.Set(key, value, nil) }

func del(b *pebble.Batch, key []byte) { _ = b.Delete(key, nil) }

// commit applies a batch; with sync it is durable afterwards. Without, it is once a later synced one is: there is one
// write-ahead log for all.
func (s *Store) commit(b *pebble.Batch, sync bool) error {
	if err := s.failure.get(); err != nil {
		return errors.Join(err, b.Close())
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return ErrClosed
	}
	mode := pebble.NoSync
	if sync {
		mode = pebble.Sync
	}
	if err := s.rescued(func() error { return b.Commit(mode) }); err != nil {
		return err
	}
	return b.Close()
}

// begin applies a batch: what is applied after it is durable only if this is. durable waits until it is; it must be called.
func (s *Store) begin(b *pebble.Batch) (durable func() error, err error) {
	if err := s.failure.get(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	s.gate.RLock()
	if s.shutDown {
		s.gate.RUnlock()
		return nil, ErrClosed
	}
	if err := s.rescued(func() error { return s.pdb.ApplyNoSyncWait(b, pebble.Sync) }); err != nil {
		s.gate.RUnlock()
		return nil, err
	}
	return func() error {
		defer s.gate.RUnlock()
		if err := s.rescued(b.SyncWait); err != nil {
			return err
		}
		return b.Close()
	}, nil
}

// rescued runs a step of a commit. Pebble panics where it cannot go on to the next write-ahead log.
func (s *Store) rescued(step func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.failure.set(fmt.Errorf("%v", r))
			err = s.failure.get()
		}
	}()
	if err := step(); err != nil {
		s.failure.set(err)
	}
	return s.failure.get()
}

// get returns a copy of a key's value, nil if there is none.
func (s *Store) get(key []byte) ([]byte, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return nil, ErrClosed
	}
	v, closer, err := s.pdb.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, closer.Close()
}

// scan calls f for the keys with the prefix, from start on if that is not nil. key and value are valid during the call.
func (s *Store) scan(prefix, start []byte, f func(key, value []byte) error) error {
	if start == nil {
		start = prefix
	}
	return s.scanRange(start, after(prefix), f)
}

// scanRange calls f for the keys from lo on, before hi.
func (s *Store) scanRange(lo, hi []byte, f func(key, value []byte) error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return ErrClosed
	}
	it, err := s.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := f(it.Key(), it.Value()); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return errors.Join(it.Error(), it.Close())
}

// after is the smallest key greater than all keys with the prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// closePebble closes, and reports a panic of a Pebble that has failed before as an error.
func (s *Store) closePebble() (err error) {
	s.gate.Lock()
	s.shutDown = true
	s.gate.Unlock()
	defer func() {
		if r := recover(); r != nil && s.failure.get() != nil {
			err = s.failure.get()
		}
	}()
	flushed := s.failure.get() == nil && s.flush() == nil
	newest := s.newest.Load()
	if err := s.pdb.Close(); err != nil || !flushed {
		return err
	}
	return s.removeLogs(newest)
}

// flushPatience is how long a close waits for a flush, which Pebble tries again for ever.
const flushPatience = 10 * time.Second

// flush moves what is in the write-ahead log into tables. Nobody may be writing.
func (s *Store) flush() error {
	done, err := s.pdb.AsyncFlush()
	if err != nil {
		return err
	}
	patience := time.NewTimer(flushPatience)
	defer patience.Stop()
	select {
	case <-done:
		return s.failure.get()
	case <-patience.C:
		return errors.New("the disk is too slow, or fails")
	}
}

// removeLogs deletes the write-ahead logs before the newest, which Pebble keeps to write over them: after a flush they
// hold nothing.
func (s *Store) removeLogs(newest uint64) error {
	names, err := s.o.FS.List(s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		number, ok := strings.CutSuffix(name, ".log")
		if n, perr := strconv.ParseUint(number, 10, 64); ok && perr == nil && n < newest {
			err = errors.Join(err, s.o.FS.Remove(s.o.FS.PathJoin(s.dir, name)))
		}
	}
	return err
}
