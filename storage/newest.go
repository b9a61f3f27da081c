package storage

import (
	"bytes"
	"context"
	"hash/maphash"
	"sync"
)

// newestRows remembers which version came last under keys of indexes that were asked for lately. Keys of versions never change, so what it
// says is true for ever of the version, and only a hint of which one a view has: who asks looks whether the view has it.
type newestRows struct {
	most   int // entries of a shard
	seed   maphash.Seed
	shards [newestShards]newestShard
}

type newestShard struct {
	mu   sync.Mutex
	rows map[newestKey]RowID
	_    [40]byte // shards share no cache line
}

const (
	newestShards = 64
	// newestKeyBytes is the longest key that is remembered, and newestBytes about what one takes.
	newestKeyBytes = 31
	newestBytes    = 96
)

// newestKey is a key of an index, without a pointer in it: the collector of garbage has nothing to look at.
type newestKey struct {
	db, index uint32
	size      uint8
	key       [newestKeyBytes]byte
}

func newNewestRows(memory int64) *newestRows {
	return &newestRows{most: max(1, int(memory/newestBytes/newestShards)), seed: maphash.MakeSeed()}
}

// place is where a key is remembered; ok is false for one that is too long.
func (n *newestRows) place(db, index uint32, key []byte) (s *newestShard, k newestKey, ok bool) {
	if len(key) > newestKeyBytes {
		return nil, k, false
	}
	k = newestKey{db: db, index: index, size: uint8(len(key))}
	copy(k.key[:], key)
	return &n.shards[maphash.Comparable(n.seed, k)%newestShards], k, true
}

func (n *newestRows) get(db, index uint32, key []byte) (RowID, bool) {
	s, k, ok := n.place(db, index, key)
	if !ok {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[k]
	return row, ok
}

// learn notes a version that somebody has found, and says whether the key was remembered before.
func (n *newestRows) learn(db, index uint32, key []byte, row RowID) (known bool) {
	s, k, ok := n.place(db, index, key)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[newestKey]RowID{}
	}
	if len(s.rows) >= n.most {
		// An eighth makes room, whichever it is.
		left := n.most/8 + 1
		for old := range s.rows {
			delete(s.rows, old)
			if left--; left == 0 {
				break
			}
		}
	}
	old, known := s.rows[k]
	s.rows[k] = max(old, row)
	return known
}

// renew notes a new version of a key that is remembered.
func (n *newestRows) renew(db, index uint32, key []byte, row RowID) {
	s, k, ok := n.place(db, index, key)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, known := s.rows[k]; known && old < row {
		s.rows[k] = row
	}
}

// One implements TableView.
func (v *tableView) One(ctx context.Context, index uint32, key []byte) (row RowID, ok bool, err error) {
	newest, db := v.rel.d.s.known, v.rel.d.num
	last, known := newest.get(db, index, key)
	if known && last < v.end {
		versions := chain{row: last}
		row, ok, err := versions.next(v)
		if ok && row != last {
			newest.learn(db, index, key, row)
		}
		if ok || err != nil {
			return row, ok, err
		}
	}
	_, row, ok, err = v.Seek(ctx, index, KeyRange{Lo: key, Hi: append(bytes.Clone(key), 0), Once: true}).Next(ctx)
	if ok {
		newest.learn(db, index, key, row)
		if !known { // else the view is one of the past
			err = v.lookAhead(index, key)
		}
	}
	return row, ok, err
}
