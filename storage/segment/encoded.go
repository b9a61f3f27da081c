package segment

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Encoded is an encoded group. Before its blobs are stored, SetEntities and SetRecorded must have been called; they may
// be called again (a commit that is tried again), and replace what was set. Not for concurrent use.
type Encoded struct {
	Columns []Blob // SetEntities replaces one of them; nothing looks at Data again

	rows       int
	size       int // of all blobs but ordinals
	entities   []string
	entityRows []int
	meta       []byte // without recorded times and checksum
	ordinals   int    // size of their blob
	runs       []byte
}

func (e *Encoded) add(id ColumnID, data []byte) {
	e.Columns = append(e.Columns, Blob{id, data})
	e.size += len(data)
}

// Len returns the rows.
func (e *Encoded) Len() int { return e.rows }

// Entities returns the distinct entity names in the order of their first row.
func (e *Encoded) Entities() []string { return e.entities }

// EntityRows returns how many rows each of Entities has.
func (e *Encoded) EntityRows() []int { return e.entityRows }

// SetEntities gives each of Entities its ordinal (they must be distinct) and its last version before this group
// (0: none).
//
// The blob: version, integers without differences: the ordinals, ascending; in that order integers: the codes; integers:
// the versions; integers: the rows; checksum.
func (e *Encoded) SetEntities(ordinals []uint64, baseVersions []int64) error {
	n := len(e.entities)
	if len(ordinals) != n || len(baseVersions) != n {
		return fmt.Errorf("segment: %d ordinals and %d versions for %d entities", len(ordinals), len(baseVersions), n)
	}
	codes := byOrdinal(ordinals)
	vals := make([]int64, n)
	var enc intsEncoder
	blob := []byte{formatVersion}
	column := func(value func(code int64) int64) {
		for i, c := range codes {
			vals[i] = value(c)
		}
		blob = enc.append(blob, vals, false)
	}
	column(func(c int64) int64 { return int64(ordinals[c]) })
	for i := 1; i < n; i++ {
		if vals[i] == vals[i-1] {
			return fmt.Errorf("segment: two entities have the ordinal %d", vals[i])
		}
	}
	column(func(c int64) int64 { return c })
	column(func(c int64) int64 { return baseVersions[c] })
	column(func(c int64) int64 { return int64(e.entityRows[c]) })
	blob = sealBlob(blob)
	e.ordinals = len(blob)
	i := slices.IndexFunc(e.Columns, func(b Blob) bool { return b.ID == blobOrdinals })
	if i < 0 {
		e.Columns = append(e.Columns, Blob{blobOrdinals, blob})
	} else {
		e.Columns[i].Data = blob
	}
	return nil
}

// byOrdinal returns the places of ordinals, in ascending order of these.
func byOrdinal(ordinals []uint64) []int64 {
	const placeBits = 16 // a group has MaxRows entities at most
	codes, highest := make([]int64, len(ordinals)), uint64(0)
	for i, o := range ordinals {
		codes[i], highest = int64(o<<placeBits|uint64(i)), max(highest, o)
	}
	if highest >= 1<<(63-placeBits) {
		for i := range codes {
			codes[i] = int64(i)
		}
		slices.SortFunc(codes, func(a, b int64) int { return cmp.Compare(ordinals[a], ordinals[b]) })
		return codes
	}
	slices.Sort(codes)
	for i, c := range codes {
		codes[i] = c & (1<<placeBits - 1)
	}
	return codes
}

// SetRecorded gives the recorded times: runs ascend in First, the first begins at row 0, and in At.
//
// In the meta blob they come last: uvarint runs, per run uvarint rows since the run before, varint time since it.
func (e *Encoded) SetRecorded(runs []Run) error {
	out := binary.AppendUvarint(nil, uint64(len(runs)))
	last := Run{}
	for i, r := range runs {
		if i == 0 && r.First != 0 || i > 0 && (r.First <= last.First || r.At < last.At) || r.First >= max(e.rows, 1) {
			return fmt.Errorf("segment: recorded run %d begins at row %d of %d with %d", i, r.First, e.rows, r.At)
		}
		out = binary.AppendUvarint(out, uint64(r.First-last.First))
		out = binary.AppendVarint(out, r.At-last.At)
		last = r
	}
	if len(runs) == 0 && e.rows > 0 {
		return fmt.Errorf("segment: no recorded times for %d rows", e.rows)
	}
	e.runs = out
	return nil
}

// Meta returns the meta blob: what Open needs. The last thing in it before recorded times are uvarint bytes of all
// other blobs.
func (e *Encoded) Meta() ([]byte, error) {
	if e.runs == nil {
		return nil, fmt.Errorf("segment: meta before SetRecorded")
	}
	out := slices.Clone(e.meta)
	out = binary.AppendUvarint(out, uint64(e.size+e.ordinals))
	return sealBlob(append(out, e.runs...)), nil
}

// Bytes returns the size of all blobs, about; the meta blob included.
func (e *Encoded) Bytes() int64 { return int64(len(e.meta) + len(e.runs) + e.size + e.ordinals) }
