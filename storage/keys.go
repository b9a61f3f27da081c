package storage

import (
	"encoding/binary"
)

// Every key is the database (4 bytes, big-endian; 0 is the store itself), a kind, and the rest; numbers are big-endian.
const (
	kindBlob     = 'b' // object (8), part (4): a blob of a row group or a hash run
	kindBulk     = 'c' // first position (8): the commit record of a bulk load
	kindSnapshot = 'e' // ordinal (8), version (8): state of an entity after the version
	kindGroup    = 'g' // base position (8): manifest entry of a row group
	kindLease    = 'l' // what the clock promised to readers
	kindNames    = 'n' // chunk (8): names of 256 entities
	kindOrphan   = 'o' // object (8): its blobs are to be deleted unless a commit takes the key away
	kindProgress = 'p' // source: how far it is imported
	kindRuns     = 'r' // index (1): list of hash runs
	kindSealed   = 's' // how far the log is in row groups
	kindTail     = 't' // first position (8): a block of the tail
	kindVersions = 'v' // chunk (8): last versions of 256 entities, of the sealed part

	storeFormat   = 'F' // format version
	storeSecret   = 'S' // what derived ids are permuted with
	storeDatabase = 'D' // name: number of the database (4)
)

// formatVersion is raised by a change that an older program would read wrongly.
const formatVersion = 1

// partMeta is the part of a row group that holds its meta blob; columns have their own, smaller numbers.
const partMeta = 1<<32 - 1

func dbKey(db uint32, kind byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 24), db), kind)
}

func numKey(db uint32, kind byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(dbKey(db, kind), n)
}

func blobKey(db uint32, object uint64, part uint32) []byte {
	return binary.BigEndian.AppendUint32(numKey(db, kindBlob, object), part)
}

func nameKey(db uint32, kind byte, name string) []byte {
	return append(dbKey(db, kind), name...)
}

// keyNum is the number at the end of a key made by numKey.
func keyNum(key []byte) (uint64, bool) {
	if len(key) != 13 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[5:]), true
}
