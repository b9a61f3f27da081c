package segment

import (
	"errors"
	"sort"

	"github.com/allsource-db/allsource/vec/jsonb"
)

// Builder collects the rows of one group. It is used by one goroutine; after Finish or Reset it is empty and may be
// used again, which is cheaper than a new one: it remembers the shape of the documents.
type Builder struct {
	rows   int
	stamp  uint32 // counts attempts at rows
	tree   *tree
	shapes shapes

	types     dict
	typeCodes []uint16
	ents      dict
	entCodes  []uint32
	times     sparse[int64]
	recorded  sparse[int64]
	positions sparse[int64] // with Mapping.Exact, and versions too
	versions  sparse[int64]
	ids       sparse[[16]byte]
	extras    []extra
	extraData []byte

	slot     uint // of predictions, by the event type
	line     pending
	names    fieldNames
	scan     jsonb.Scanner
	jb       jsonb.Builder
	doc      []byte // scratch
	input    int64  // bytes of text added
	kept     int64  // bytes held when the builder was last emptied
	encoders *encoders
}

// sparse is values that some rows have.
type sparse[T any] struct {
	rows []uint16
	vals []T
}

func (s *sparse[T]) add(row int, v T) {
	s.rows = append(s.rows, uint16(row))
	s.vals = append(s.vals, v)
}

func (s *sparse[T]) cut(row int) {
	n := len(s.rows)
	for n > 0 && int(s.rows[n-1]) >= row {
		n--
	}
	s.rows, s.vals = s.rows[:n], s.vals[:n]
}

// drop takes out the rows that renumber maps to a negative row, and renumbers the others.
func (s *sparse[T]) drop(renumber []int32) {
	n := 0
	for i, r := range s.rows {
		if to := renumber[r]; to >= 0 {
			s.rows[n], s.vals[n] = uint16(to), s.vals[i]
			n++
		}
	}
	s.rows, s.vals = s.rows[:n], s.vals[:n]
}

// at returns the value of a row.
func (s *sparse[T]) at(row int) (v T, ok bool) {
	i := sort.Search(len(s.rows), func(i int) bool { return int(s.rows[i]) >= row })
	if i < len(s.rows) && int(s.rows[i]) == row {
		return s.vals[i], true
	}
	return v, false
}

// extra is a member of a document that has no column: its parent and, in extraData, the key and the jsonb value.
type extra struct {
	row          uint16
	parent       int32
	key, val, to uint32 // extraData[key:val] and [val:to]
}

// pending is what is known of the row being added.
type pending struct {
	seen        uint16 // fields, by bit
	ent, typ    uint32
	id          [16]byte
	time        int64
	rec         int64
	position    int64
	version     int64
	ents, typs  int // sizes of the dictionaries and the tree before the row
	nodes       int
	extras      int
	isObject    bool // the payload is an object
	hasUnmapped bool
}

var errDuplicate = errors.New("a key occurs twice")

// NewBuilder returns an empty builder.
func NewBuilder() *Builder {
	b := &Builder{tree: newTree()}
	b.types.reset(0)
	b.ents.reset(0)
	return b
}

// Len returns the rows added.
func (b *Builder) Len() int { return b.rows }

// MemSize estimates the bytes held.
func (b *Builder) MemSize() int64 { return max(b.kept, 2*b.input) }

// Truncate takes back the rows from n on.
func (b *Builder) Truncate(n int) {
	if n >= b.rows {
		return
	}
	b.rows = n
	b.cut()
	b.typeCodes, b.entCodes = b.typeCodes[:n], b.entCodes[:n]
	ents, typs := 0, 0
	for i := range n {
		ents = max(ents, int(b.entCodes[i])+1)
		typs = max(typs, int(b.typeCodes[i])+1)
	}
	b.ents.truncate(ents)
	b.types.truncate(typs)
}

// cut takes out all values of rows that are not there.
func (b *Builder) cut() {
	for _, n := range b.tree.nodes {
		n.cut(b.rows)
	}
	b.times.cut(b.rows)
	b.recorded.cut(b.rows)
	b.positions.cut(b.rows)
	b.versions.cut(b.rows)
	b.ids.cut(b.rows)
	n := len(b.extras)
	for n > 0 && int(b.extras[n-1].row) >= b.rows {
		n--
	}
	b.cutExtras(n)
}

func (b *Builder) cutExtras(n int) {
	b.extras = b.extras[:n]
	if n == 0 {
		b.extraData = b.extraData[:0]
	} else {
		b.extraData = b.extraData[:b.extras[n-1].to]
	}
}

// begin starts a row.
func (b *Builder) begin() {
	b.stamp++
	b.line = pending{ents: b.ents.len(), typs: b.types.len(), nodes: len(b.tree.nodes), extras: len(b.extras)}
}

// undo takes back the row that was begun.
func (b *Builder) undo() {
	b.cut()
	if b.tree.truncate(b.line.nodes) {
		b.shapes.reset() // steps may lead to the paths
	}
	b.ents.truncate(b.line.ents)
	b.types.truncate(b.line.typs)
}

// commit ends a row.
func (b *Builder) commit(size int) {
	l := &b.line
	b.entCodes = append(b.entCodes, l.ent)
	b.typeCodes = append(b.typeCodes, uint16(l.typ))
	if l.seen&(1<<fieldTime) != 0 {
		b.times.add(b.rows, l.time)
	}
	if l.seen&(1<<fieldRecorded) != 0 {
		b.recorded.add(b.rows, l.rec)
	}
	if l.seen&(1<<fieldPosition) != 0 {
		b.positions.add(b.rows, l.position)
		b.versions.add(b.rows, l.version)
	}
	if l.seen&(1<<fieldID) != 0 {
		b.ids.add(b.rows, l.id)
	}
	b.input += int64(size) + 32
	b.rows++
}

// Reset empties the builder.
func (b *Builder) Reset() {
	b.types.reset(0)
	b.ents.reset(b.ents.len())
	used := 0
	for _, n := range b.tree.nodes {
		if len(n.rows) > 0 || len(n.children) > 0 {
			used++
		}
		n.reset()
	}
	// Documents of ever new shapes must not fill the tree with paths that do not come again.
	if len(b.tree.nodes) > maxNodes/4 || used*2 < len(b.tree.nodes) {
		b.tree = newTree()
		b.shapes.reset()
	}
	b.shapes.off = false
	b.typeCodes, b.entCodes = b.typeCodes[:0], b.entCodes[:0]
	b.rows = 0
	b.times.cut(0)
	b.recorded.cut(0)
	b.positions.cut(0)
	b.versions.cut(0)
	b.ids.cut(0)
	b.cutExtras(0)
	b.input = 0
	b.kept = b.types.memSize() + b.ents.memSize() + int64(cap(b.entCodes)*4+cap(b.typeCodes)*2+cap(b.extraData))
	for _, n := range b.tree.nodes {
		b.kept += n.memSize()
	}
}

// Entities returns the distinct entity names in the order of their first sight.
func (b *Builder) Entities() []string { return names(&b.ents) }

// names shares one string among all.
func names(d *dict) []string {
	all := string(d.data)
	out := make([]string, d.len())
	from := uint32(0)
	for i, end := range d.ends {
		out[i], from = all[from:end], end
	}
	return out
}

// EntityHashes returns the xxhash64 of each of Entities, shared with the builder until it is changed.
func (b *Builder) EntityHashes() []uint64 { return b.ents.hashes }

// EntityCode returns the index into Entities of a row's entity.
func (b *Builder) EntityCode(row int) int { return int(b.entCodes[row]) }

// ID returns the id that the producer gave for a row.
func (b *Builder) ID(row int) (id [16]byte, ok bool) { return b.ids.at(row) }

// EachID calls f for every row with a producer's id, ascending; entity is its EntityCode.
func (b *Builder) EachID(f func(row int, entity int, id [16]byte)) {
	for i, r := range b.ids.rows {
		f(int(r), int(b.entCodes[r]), b.ids.vals[i])
	}
}

// Recorded returns the recorded time that the producer gave for a row.
func (b *Builder) Recorded(row int) (at int64, ok bool) { return b.recorded.at(row) }

// Place returns the position and version that a line with Mapping.Exact gave a row; zero where there was none.
func (b *Builder) Place(row int) (position, version int64) {
	position, _ = b.positions.at(row)
	version, _ = b.versions.at(row)
	return position, version
}

// Timestamp returns the timestamp that the producer gave for a row.
func (b *Builder) Timestamp(row int) (at int64, ok bool) { return b.times.at(row) }

// EntityNames returns the names of the entities from code on, as Entities does, without making all of them.
func (b *Builder) EntityNames(code int) []string {
	out := make([]string, 0, b.ents.len()-code)
	for i := code; i < b.ents.len(); i++ {
		out = append(out, string(b.ents.at(i)))
	}
	return out
}

// Event returns a row as it would be read again: documents as PayloadValue and MetadataValue.
func (b *Builder) Event(row int) Event {
	ev := Event{Entity: string(b.ents.at(int(b.entCodes[row]))), Type: string(b.types.at(int(b.typeCodes[row])))}
	ev.ID, ev.HasID = b.ids.at(row)
	ev.Timestamp, ev.HasTime = b.times.at(row)
	ev.RecordedAt, ev.HasRecorded = b.recorded.at(row)
	ev.PayloadValue = b.document(rootPayload, row)
	ev.MetadataValue = b.document(rootMetadata, row)
	return ev
}
