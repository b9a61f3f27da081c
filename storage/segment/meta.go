package segment

import (
	"encoding/binary"
	"math/bits"
	"sort"

	"github.com/allsource-db/allsource/vec"
)

// The meta blob:
//
//	version, byte flags (0), uvarint rows,
//	uvarint types, per type text name, uvarint rows,
//	what Builder.appendFixed, Builder.encodePaths, Encoded.Meta and Encoded.SetRecorded describe, checksum

// meta is the opened meta blob.
type meta struct {
	rows     int
	types    []TypeCount
	entities int
	names    zone // bounds and hashes of entity names
	times    int  // rows whose producer gave a timestamp
	lowTime  int64
	highTime int64
	ids      int // rows whose producer gave an id
	nodes    []pathNode
	second   int // the root of metadata
	bytes    int64
	runs     []byte // as stored: where each event has a time of its own they are large, and few ask for them
	numRuns  int
	firstAt  int64 // recorded
	lastAt   int64
	size     int
}

// pathNode is a path in the tree of keys. The first two are the roots of payload and metadata.
type pathNode struct {
	key      string
	parent   int32 // -1: root
	children []int32
	column   bool // it has values of its own
	extra    bool // the overflow has members of it
	zone     zone
}

func parseMeta(blob []byte) (*meta, error) {
	p, err := openBlob(blob)
	if err != nil {
		return nil, err
	}
	m := &meta{size: 2 * len(blob)}
	if f := p.byte(); f != 0 {
		p.fail("flags %x", f)
	}
	m.rows = p.count(MaxRows)
	m.types = make([]TypeCount, p.count(min(m.rows, p.end-p.off)))
	sum := 0
	for i := range m.types {
		m.types[i] = TypeCount{string(p.text()), p.count(m.rows)}
		sum += m.types[i].Rows
	}
	if sum != m.rows {
		p.fail("types of %d rows, not %d", sum, m.rows)
	}
	m.parseFixed(p)
	m.parseNodes(p)
	m.bytes = int64(p.uvarint())
	m.parseRuns(p)
	return m, p.finish()
}

func (m *meta) parseFixed(p *parser) {
	m.entities = p.count(m.rows)
	if m.entities > 0 {
		z := &m.names
		z.lowText, z.highText = string(p.text()), string(p.text())
		z.highCut = p.byte() != 0
		z.filter = m.entities > maxValueSet
		for range m.entities {
			if z.filter {
				break
			}
			if b := p.bytes(4); b != nil {
				z.values = append(z.values, binary.LittleEndian.Uint32(b))
			}
		}
	} else if m.rows > 0 {
		p.fail("rows without entities")
	}
	m.times = p.count(m.rows)
	m.lowTime, m.highTime = p.varint(), p.varint()
	m.ids = p.count(m.rows)
}

func (m *meta) parseNodes(p *parser) {
	m.nodes = make([]pathNode, p.count(min(2*maxNodes, p.end-p.off)))
	if len(m.nodes) < numRoots {
		p.fail("%d paths", len(m.nodes))
		return
	}
	roots := 0
	for i := range m.nodes {
		n := &m.nodes[i]
		n.parent = -1
		// The second root comes after the whole tree of the first: its place is told by a parent that is itself.
		if parent := p.count(i); parent == i {
			roots++
			m.second = i
		} else {
			n.parent = int32(parent)
			n.key = string(p.text())
			m.nodes[parent].children = append(m.nodes[parent].children, int32(i))
		}
		flags := p.byte()
		n.column, n.extra = flags&1 != 0, flags&2 != 0
		if n.column {
			n.zone = parseZone(p, m.rows, len(m.types))
			m.size += 64
		}
		m.size += 160
	}
	if roots != numRoots {
		p.fail("%d documents", roots)
	}
}

// parseRuns goes through the recorded runs; listRuns may trust them then. There may be one a row, so the numbers are not
// read one by one through p.
func (m *meta) parseRuns(p *parser) {
	m.numRuns = p.count(min(m.rows, p.end-p.off))
	m.runs = p.buf[p.off:p.end]
	first, off := uint64(0), 0
	for i := range m.numRuns {
		gap, later, n := oneRun(m.runs[min(off, len(m.runs)):])
		first += gap
		if n <= 0 || (gap == 0) != (i == 0) || gap > uint64(m.rows) || first >= uint64(m.rows) || i > 0 && m.lastAt+later < m.lastAt {
			p.fail("recorded run %d", i)
			return
		}
		if i == 0 {
			m.firstAt = later
		}
		m.lastAt += later
		off += n
	}
	p.off += off
	if m.numRuns == 0 && m.rows > 0 {
		p.fail("no recorded times")
	}
}

// oneRun reads how many rows and microseconds a run begins after the one before it, and the bytes that say so; no bytes where they are no run.
// A gap of one byte and a time of up to eight, as most are, are read together.
func oneRun(buf []byte) (gap uint64, later int64, n int) {
	if len(buf) >= 9 && buf[0] < 0x80 {
		x := binary.LittleEndian.Uint64(buf[1:])
		if ends := ^x & 0x8080808080808080; ends != 0 {
			x &= ends ^ (ends - 1)
			x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1
			x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2
			x = x&0x000000000fffffff | x&0x0fffffff00000000>>4
			return uint64(buf[0]), int64(x>>1) ^ -int64(x&1), 2 + bits.TrailingZeros64(ends)/8
		}
	}
	gap, g := binary.Uvarint(buf)
	later, k := binary.Varint(buf[max(g, 0):])
	if g <= 0 || k <= 0 {
		return 0, 0, 0
	}
	return gap, later, g + k
}

// listRuns makes the list of recorded runs.
func (m *meta) listRuns() []Run {
	runs := make([]Run, m.numRuns)
	last, buf := Run{}, m.runs
	for i := range runs {
		gap, later, n := oneRun(buf)
		buf = buf[n:]
		last = Run{last.First + int(gap), last.At + later}
		runs[i] = last
	}
	return runs
}

// root returns the node of a document.
func (m *meta) root(col Column) int {
	if col == ColPayload {
		return 0
	}
	return m.second
}

// child returns the node of a member, -1 if there is none. Children are in the order of jsonb's keys.
func (m *meta) child(n int, key string) int {
	c := m.nodes[n].children
	i := sort.Search(len(c), func(i int) bool { return !keyLess(m.nodes[c[i]].key, key) })
	if i < len(c) && m.nodes[c[i]].key == key {
		return int(c[i])
	}
	return -1
}

// runOf returns the run of a row.
func runOf(runs []Run, row int) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].First > row }) - 1
}

// path returns the keys from the root to a node.
func (m *meta) path(n int) (col Column, keys []string) {
	for ; m.nodes[n].parent >= 0; n = int(m.nodes[n].parent) {
		keys = append(keys, m.nodes[n].key)
	}
	for i, k := 0, len(keys)-1; i < k; i, k = i+1, k-1 {
		keys[i], keys[k] = keys[k], keys[i]
	}
	if n == 0 {
		return ColPayload, keys
	}
	return ColMetadata, keys
}

// typeSet returns the bits of the codes of the named types.
func (m *meta) typeSet(match func(name string) bool) vec.Bitmap {
	set := vec.NewBitmap(len(m.types))
	for i, t := range m.types {
		if match(t.Type) {
			set.Set(i)
		}
	}
	return set
}
