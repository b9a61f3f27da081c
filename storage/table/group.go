package table

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec"
)

// A row group is up to segment.MaxRows versions as one blob for each column, by its ID, and a meta blob. What all have in
// common (the first row where they are consecutive, the time where there is one) is told by who keeps the group.
//
// The meta blob: byte 1, uvarint rows, byte flags (1 rows of their own, 2 begins, 4 ends), uvarint columns, per column: uvarint id, byte kind,
// byte kind of the elements, uvarint bytes, uvarint size of the zone, zone; xxhash64 of all before, 8 bytes little-endian.
const (
	groupFormat = 1

	hasIDs    = 1
	hasBegins = 2
	hasEnds   = 4
)

// The parts that are no columns.
const (
	PartMeta   = 1<<32 - 1 - iota
	partIDs    // Int64: the row of each
	partBegins // Int64
	partEnds   // Int64
	lastColumn = 1<<32 - 1 - iota
)

// Versions are rows on their way into a group.
type Versions struct {
	Columns []Column
	Values  []*vec.Column
	Encoded []*Encoded // of columns without values; nil: all have some
	IDs     []RowID    // ascending; nil: consecutive
	Begins  []int64    // nil: one time
	Ends    []int64    // nil: none ended
}

// Part is one blob of a group.
type Part struct {
	ID   uint32
	Data []byte
}

// Encoded is a column as a group has it.
type Encoded struct {
	rows int
	elem vec.Kind
	data []byte
	zone []byte
}

// Group is an encoded group: parts ascending, without meta.
type Group struct {
	Rows  int
	Parts []Part
	Meta  []byte
}

// Bytes is the size of all blobs.
func (g *Group) Bytes() int64 {
	n := int64(len(g.Meta))
	for _, p := range g.Parts {
		n += int64(len(p.Data))
	}
	return n
}

// GroupEncoder makes row groups. It is used by one goroutine.
type GroupEncoder struct{ typed *segment.TypedEncoder }

// NewGroupEncoder returns an encoder.
func NewGroupEncoder() (*GroupEncoder, error) {
	typed, err := segment.NewTypedEncoder()
	return &GroupEncoder{typed}, err
}

// Encode makes a group of n versions.
func (e *GroupEncoder) Encode(v *Versions, n int) (*Group, error) {
	g := &Group{Rows: n}
	flags := byte(0)
	var columns []byte
	for k := range v.Columns {
		c := &v.Columns[k]
		if c.ID >= lastColumn {
			return nil, fmt.Errorf("column %d: the number is too large", c.ID)
		}
		x, err := e.column(v, k, n)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", c.ID, err)
		}
		g.Parts = append(g.Parts, Part{c.ID, x.data})
		columns = append(binary.AppendUvarint(columns, uint64(c.ID)), byte(c.Kind), byte(x.elem))
		columns = binary.AppendUvarint(columns, uint64(len(x.data)))
		columns = append(binary.AppendUvarint(columns, uint64(len(x.zone))), x.zone...)
	}
	for _, x := range []struct {
		part uint32
		flag byte
		vals []int64
	}{{partIDs, hasIDs, v.IDs}, {partBegins, hasBegins, v.Begins}, {partEnds, hasEnds, v.Ends}} {
		if x.vals == nil {
			continue
		}
		data, _, err := e.typed.Encode(&vec.Column{Kind: vec.Int64, Len: n, I64: x.vals})
		if err != nil {
			return nil, err
		}
		g.Parts = append(g.Parts, Part{x.part, data})
		flags |= x.flag
	}
	meta := append(binary.AppendUvarint([]byte{groupFormat}, uint64(n)), flags)
	meta = append(binary.AppendUvarint(meta, uint64(len(v.Columns))), columns...)
	g.Meta = binary.LittleEndian.AppendUint64(meta, xxhash.Sum64(meta))
	return g, nil
}

// column encodes a column of n versions, unless it is encoded.
func (e *GroupEncoder) column(v *Versions, k, n int) (*Encoded, error) {
	if v.Encoded != nil && v.Encoded[k] != nil {
		if x := v.Encoded[k]; x.rows == n {
			return x, nil
		}
		return nil, fmt.Errorf("what is encoded is %d rows, expected %d", v.Encoded[k].rows, n)
	}
	data, zone, err := e.typed.Encode(v.Values[k])
	return &Encoded{n, v.Columns[k].elem(), data, zone.Append(nil)}, err
}

// EndTogether is what a group of versions of which none had ended has when all have, at one moment: one part more and another meta blob. All other parts
// stay as they are.
func EndTogether(meta []byte, at int64) (part Part, now []byte, err error) {
	m, err := parseGroupMeta(meta)
	if err != nil {
		return Part{}, nil, err
	}
	if m.flags&hasEnds != 0 {
		return Part{}, nil, errors.New("the versions of the group have ended before")
	}
	ends := make([]int64, m.rows)
	for i := range ends {
		ends[i] = at
	}
	e, err := segment.NewTypedEncoder()
	if err != nil {
		return Part{}, nil, err
	}
	data, _, err := e.Encode(&vec.Column{Kind: vec.Int64, Len: m.rows, I64: ends})
	if err != nil {
		return Part{}, nil, err
	}
	now = bytes.Clone(meta[:len(meta)-8])
	now[len(binary.AppendUvarint([]byte{groupFormat}, uint64(m.rows)))] |= hasEnds
	return Part{partEnds, data}, binary.LittleEndian.AppendUint64(now, xxhash.Sum64(now)), nil
}

// groupMeta is a meta blob taken apart.
type groupMeta struct {
	rows    int
	flags   byte
	columns []groupColumn
}

type groupColumn struct {
	Column
	bytes int64
	zone  segment.Zone
}

func parseGroupMeta(data []byte) (*groupMeta, error) {
	bad := fmt.Errorf("%w: meta blob of %d bytes", ErrCorrupt, len(data))
	if len(data) < 9 || data[0] != groupFormat || xxhash.Sum64(data[:len(data)-8]) != binary.LittleEndian.Uint64(data[len(data)-8:]) {
		return nil, bad
	}
	d := decoder{rest: data[1 : len(data)-8]}
	m := &groupMeta{rows: int(d.uvarint()), flags: d.byte()}
	if m.rows > segment.MaxRows {
		return nil, bad
	}
	for range d.uvarint() {
		c := groupColumn{Column: Column{ID: uint32(d.uvarint()), Kind: vec.Kind(d.byte()), Elem: vec.Kind(d.byte())}, bytes: int64(d.uvarint())}
		zone := d.take(d.uvarint())
		if d.bad {
			return nil, bad
		}
		var err error
		if c.zone, err = segment.ParseZone(zone, m.rows); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		m.columns = append(m.columns, c)
	}
	if d.bad || len(d.rest) > 0 {
		return nil, bad
	}
	return m, nil
}

// column finds the column in the group, nil if its versions were written without it.
func (m *groupMeta) column(c *Column) *groupColumn {
	for i := range m.columns {
		if m.columns[i].ID == c.ID && m.columns[i].Kind == c.Kind {
			return &m.columns[i]
		}
	}
	return nil
}
