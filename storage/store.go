package storage

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FirstDatabase is the database of a new store.
const FirstDatabase = "allsource"

// Store is an open data folder: databases side by side in one Pebble store. Safe for concurrent use.
type Store struct {
	o       Options
	dir     string
	lock    *pebble.Lock
	pdb     *pebble.DB
	blocks  *pebble.Cache
	readers *readerCache
	parts   *partCache
	known   *newestRows
	room    *diskRoom
	secret  []byte
	count   counters

	settings *pebble.Options
	format   atomic.Int64  // what the store on disk says
	raise    sync.Mutex    // held by who changes it
	newest   atomic.Uint64 // number of the write-ahead log that is written now

	failure failure
	work    *worker

	gate     sync.RWMutex // held for reading by whoever is in Pebble
	shutDown bool         // Pebble is closed

	mu     sync.Mutex
	dbs    map[string]*DB
	closed bool
}

type counters struct {
	appends, batches, seals, compactions atomic.Int64
}

// Open opens or creates the store in dir. A new store has one database, FirstDatabase. It fails with ErrLocked or
// ErrNewerFormat. Opening loads the manifests and the tails, nothing proportional to events or entities.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.FS.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := pebble.LockDirectory(dir, o.FS)
	if err != nil {
		return nil, lockError(dir, err)
	}
	s := &Store{o: o, dir: dir, lock: lock, dbs: map[string]*DB{}, room: &diskRoom{fs: o.FS, dir: dir}}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.shut())
	}
	return s, nil
}

func (s *Store) open() error {
	split := splitMemory(s.o.Memory)
	s.failure.fatal, s.failure.log, s.failure.is = s.o.Fatal, s.o.Logger, make(chan struct{})
	s.blocks = pebble.NewCache(split.blocks)
	s.readers = newReaderCache(split.readers)
	s.parts = newPartCache(split.parts * 3 / 4)
	s.known = newNewestRows(split.parts / 4)
	if err := s.clearIncoming(); err != nil {
		return fmt.Errorf("open %s: %w", s.dir, err)
	}
	s.settings = s.pebbleOptions(split)
	pdb, err := pebble.Open(s.dir, s.settings)
	if err != nil {
		if newerPebble(err) {
			return fmt.Errorf("%w: %w", ErrNewerFormat, err)
		}
		return fmt.Errorf("open %s: %w", s.dir, err)
	}
	s.pdb = pdb
	if err := s.loadIdentity(); err != nil {
		return err
	}
	if err := s.loadDatabases(); err != nil {
		return err
	}
	s.work = startWorker(s)
	for _, d := range s.dbs {
		s.work.wake(d)
	}
	if len(s.dbs) == 0 {
		_, err = s.CreateDatabase(FirstDatabase)
	}
	return err
}

// loadIdentity reads the format and the secret, or writes those of a new store.
func (s *Store) loadIdentity() error {
	format, err := s.get(dbKey(0, storeFormat))
	if err != nil {
		return err
	}
	if format == nil {
		s.secret = make([]byte, 16)
		if _, err := rand.Read(s.secret); err != nil {
			return err
		}
		b := s.pdb.NewBatch()
		put(b, dbKey(0, storeFormat), fields(formatEvents))
		s.format.Store(formatEvents)
		put(b, dbKey(0, storeSecret), s.secret)
		return s.commit(b, true)
	}
	var version int64
	if _, err := readFields(format, &version); err != nil {
		return err
	}
	if version > formatVersion {
		return fmt.Errorf("%w: format %d, this program knows %d", ErrNewerFormat, version, formatVersion)
	}
	s.format.Store(version)
	s.secret, err = s.get(dbKey(0, storeSecret))
	if err == nil && len(s.secret) != 16 {
		err = fmt.Errorf("%w: the store has no secret", ErrCorrupt)
	}
	return err
}

// needFormat is called before the first thing is written that needs a format. What is durable of the log is a prefix, so that is never there without it.
func (s *Store) needFormat(format int64) error {
	if s.format.Load() >= format {
		return nil
	}
	s.raise.Lock() // databases may need different ones at the same time
	defer s.raise.Unlock()
	if s.format.Load() >= format {
		return nil
	}
	b := s.pdb.NewBatch()
	put(b, dbKey(0, storeFormat), fields(format))
	if err := s.commit(b, false); err != nil {
		return err
	}
	s.format.Store(format)
	return nil
}

func (s *Store) loadDatabases() error {
	return s.scan(dbKey(0, storeDatabase), nil, func(key, value []byte) error {
		if len(value) != 4 {
			return fmt.Errorf("%w: database entry", ErrCorrupt)
		}
		name := string(key[5:])
		d, err := openDB(s, name, binary.BigEndian.Uint32(value))
		if err != nil {
			return fmt.Errorf("database %s: %w", name, err)
		}
		s.dbs[name] = d
		return nil
	})
}

// Database returns the database of that name, or ErrNoDatabase.
func (s *Store) Database(name string) (*DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.dbs[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoDatabase, name)
	}
	return d, nil
}

// CreateDatabase makes an empty database, or fails with ErrExists.
func (s *Store) CreateDatabase(name string) (*DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if _, ok := s.dbs[name]; ok || name == "" {
		return nil, fmt.Errorf("%w: %q", ErrExists, name)
	}
	number := uint32(0)
	for _, d := range s.dbs {
		number = max(number, d.num)
	}
	number++
	b := s.pdb.NewBatch()
	put(b, nameKey(0, storeDatabase, name), binary.BigEndian.AppendUint32(nil, number))
	if err := s.commit(b, true); err != nil {
		return nil, err
	}
	d, err := openDB(s, name, number)
	if err != nil {
		return nil, err
	}
	s.dbs[name] = d
	return d, nil
}

// Databases lists the names, sorted.
func (s *Store) Databases() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.dbs))
	for name := range s.dbs {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (s *Store) databases() []*DB {
	s.mu.Lock()
	defer s.mu.Unlock()
	dbs := make([]*DB, 0, len(s.dbs))
	for _, d := range s.dbs {
		dbs = append(dbs, d)
	}
	slices.SortFunc(dbs, func(a, b *DB) int { return int(a.num) - int(b.num) })
	return dbs
}

// Close waits for running appends and background work. What still reads a view gets ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	s.mu.Unlock()
	s.work.stop()
	var errs []error
	for _, d := range s.databases() {
		errs = append(errs, d.close())
	}
	errs = append(errs, s.shut())
	return errors.Join(errs...)
}

// shut gives back what open took, as far as it came.
func (s *Store) shut() error {
	var errs []error
	if s.pdb != nil {
		errs = append(errs, s.closePebble())
	}
	if s.blocks != nil {
		s.blocks.Unref()
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Checkpoint writes a copy of the store into dir, which must not exist: a backup that Open opens.
func (s *Store) Checkpoint(dir string) error {
	if err := s.failure.get(); err != nil {
		return err
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return ErrClosed
	}
	return s.pdb.Checkpoint(dir, pebble.WithFlushedWAL())
}

// Metrics are counters and gauges of a store, all databases together.
type Metrics struct {
	DiskBytes     uint64 // everything in the folder
	CacheBytes    int64  // Pebble's block cache
	ReaderBytes   int64  // open row groups
	TailRows      int64  // rows not sealed yet
	TailBytes     int64
	Groups        int64 // row groups
	Events        int64 // visible events
	Appends       int64 // successful appends that added events, since Open
	AppendBatches int64 // synced batches that carried them
	Seals         int64
	Compactions   int64 // of row groups
}

// Metrics returns the store's counters.
func (s *Store) Metrics() Metrics {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.shutDown {
		return Metrics{}
	}
	pm := s.pdb.Metrics()
	m := Metrics{
		DiskBytes:     pm.DiskSpaceUsage(),
		CacheBytes:    pm.BlockCache.Size,
		ReaderBytes:   s.readers.size(),
		Appends:       s.count.appends.Load(),
		AppendBatches: s.count.batches.Load(),
		Seals:         s.count.seals.Load(),
		Compactions:   s.count.compactions.Load(),
	}
	for _, d := range s.databases() {
		st := d.state.Load()
		m.TailRows += st.end - st.sealedEnd()
		m.TailBytes += d.tailBytes.Load() + d.tableBytes.Load()
		m.Groups += int64(len(st.groups))
		m.Events += st.end - 1
	}
	return m
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Memory <= 0 {
		o.Memory = 512 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Fatal == nil {
		log := o.Logger
		o.Fatal = func(err error) {
			log.LogAttrs(context.Background(), slog.LevelError, "the store failed", slog.Any("error", err))
		}
	}
	if o.RowGroupRows <= 0 || o.RowGroupRows > maxGroupRows {
		o.RowGroupRows = maxGroupRows
	}
	if o.TableBytes <= 0 {
		o.TableBytes = 256 << 10
	}
	if o.SnapshotEvents <= 0 {
		o.SnapshotEvents = 128
	}
	if o.SealRows <= 0 {
		o.SealRows = o.RowGroupRows
	}
	if o.SealBytes <= 0 {
		o.SealBytes = splitMemory(o.Memory).tail / 2
	}
	return o
}
