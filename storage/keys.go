package storage

import (
	"encoding/binary"
	"math"
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

	kindClosing   = 'k' // table (4), chunk (8), time (8): versions among 1,024 that commits closed up to then
	kindEnded     = 'd' // table (4), time (8): versions that small commits closed, the last of them then, until they are under kindClosing
	kindCounter   = 'N' // up to which number objects may have been numbered
	kindHeap      = 'h' // table (4), object (8): manifest entry of a row group of a table
	kindIndex     = 'x' // index (4), key, row inverted (8): nothing
	kindLast      = 'z' // recorded time of the last commit to tables or catalog
	kindMoved     = 'm' // index (4), generation (8), key, row inverted (8): an entry of versions that have ended, moved out of the way
	kindMoves     = 'M' // index (4): generations of moved entries
	kindNewIndex  = 'j' // index (4): its entries are to be deleted unless a commit takes the key away
	kindObject    = 'C' // object (4), time (8): definition from then on, empty: dropped
	kindPassing   = 'y' // table or index (4): it is to be forgotten at the next start
	kindReserved  = 'i' // table (4), first row (8): rows that a load had, and end after them; they are never used unless it took the key away
	kindRows      = 'w' // table (4), first row (8): a block of rows of a commit, or of several that came together
	kindSequence  = 'q' // sequence (4): its state
	kindTruncated = 'u' // table (4), time (8): the row before which all versions were closed

	storeFormat   = 'F' // format version
	storeSecret   = 'S' // what derived ids are permuted with
	storeDatabase = 'D' // name: number of the database (4)
)

// formatVersion is raised by a change that an older program would read wrongly. A store is written with the format of what it
// holds: that of tables comes with the first one, that of moved index entries with those.
const (
	formatEvents  = 1
	formatTables  = 3 // 2 had closings by commit, and no versions without index entries; it is read
	formatMoved   = 4
	formatVersion = formatMoved
)

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

// tableKey is the key of a table, index, object or sequence.
func tableKey(db uint32, kind byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(dbKey(db, kind), id)
}

func heapKey(db uint32, t TableID, object uint64) []byte {
	return binary.BigEndian.AppendUint64(tableKey(db, kindHeap, uint32(t)), object)
}

func rowsKey(db uint32, kind byte, t TableID, first RowID) []byte {
	return binary.BigEndian.AppendUint64(tableKey(db, kind, uint32(t)), uint64(first))
}

// ordered is a time as a number without sign in the same order; timeOf is the inverse.
func ordered(at Micros) uint64 { return uint64(at) ^ 1<<63 }

func timeOf(n uint64) Micros { return int64(n ^ 1<<63) }

func timeKey(db uint32, kind byte, id uint32, at Micros) []byte {
	return binary.BigEndian.AppendUint64(tableKey(db, kind, id), ordered(at))
}

// timedKey takes a key of timeKey apart.
func timedKey(key []byte) (id uint32, at Micros, ok bool) {
	if len(key) != 17 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key[5:]), timeOf(binary.BigEndian.Uint64(key[9:])), true
}

func closingKey(db uint32, t TableID, chunk int64, at Micros) []byte {
	key := make([]byte, 0, 25)
	key = append(binary.BigEndian.AppendUint32(key, db), kindClosing)
	key = binary.BigEndian.AppendUint32(key, uint32(t))
	key = binary.BigEndian.AppendUint64(key, uint64(chunk))
	return binary.BigEndian.AppendUint64(key, ordered(at))
}

// neverFrom is before all times at which anything was recorded. Versions that a load took back are closed at a time before it, which
// is another for each load; they end at table.Never.
const neverFrom = -1 << 62

func neverAt(at Micros) Micros { return math.MinInt64 | at&(1<<61-1) }

// appendIndexKey appends the key of an entry: of one index key the newest version comes first.
func appendIndexKey(dst []byte, db, index uint32, key []byte, row RowID) []byte {
	dst = append(binary.BigEndian.AppendUint32(dst, db), kindIndex)
	dst = append(binary.BigEndian.AppendUint32(dst, index), key...)
	return binary.BigEndian.AppendUint64(dst, ^uint64(row))
}

// entryKey is the end of the key of an entry, without what comes before the index key.
func entryKey(key []byte, row RowID) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(key)+8), key...), ^uint64(row))
}

// entryRow is the row that an entry of an index leads to.
func entryRow(entry []byte) RowID { return RowID(^binary.BigEndian.Uint64(entry[len(entry)-8:])) }

// indexPrefix is how long a key of an index is before the index key.
const indexPrefix = 9
