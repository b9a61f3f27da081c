package storage

import (
	"context"
	"math"

	"github.com/allsource-db/allsource/storage/tail"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// tailGroupRows is how many rows of the tail are a group: enough to share work, few enough to be read at once.
const tailGroupRows = 8192

// tailGroup is a range of the tail as a view sees it: rows, from which columns are made on request.
type tailGroup struct {
	d    *DB
	rows tail.Rows
	base int64
	len  int
}

var _ Group = tailGroup{}

// tailGroups cuts the tail of a view into groups. Cuts are at multiples of tailGroupRows, so that they do not move.
func tailGroups(d *DB, rows tail.Rows, end int64) []Group {
	var out []Group
	for base := rows.Base(); base < end; {
		g := tailGroupAt(d, rows, base, end)
		out = append(out, g)
		base += int64(g.len)
	}
	return out
}

// tailGroupAt is the group that holds a position.
func tailGroupAt(d *DB, rows tail.Rows, pos, end int64) tailGroup {
	base := max(pos/tailGroupRows*tailGroupRows, rows.Base())
	return tailGroup{d, rows, base, int(min((pos/tailGroupRows+1)*tailGroupRows, end) - base)}
}

func (g tailGroup) Len() int    { return g.len }
func (g tailGroup) Base() int64 { return g.base }

func (g tailGroup) Bytes() int64 {
	n := int64(0)
	for i := range g.len {
		n += g.rows.At(g.base + int64(i)).MemSize()
	}
	return n
}

func (g tailGroup) Read(_ context.Context, ref Ref, from, to int) (*vec.Column, error) {
	if err := checkRange(from, to, g.len); err != nil {
		return nil, err
	}
	return g.column(ref, to-from, func(i int) int64 { return g.base + int64(from+i) }), nil
}

func (g tailGroup) ReadRows(_ context.Context, ref Ref, rows []int32) (*vec.Column, error) {
	if err := checkRows(rows, g.len); err != nil {
		return nil, err
	}
	return g.column(ref, len(rows), func(i int) int64 { return g.base + int64(rows[i]) }), nil
}

// column makes a column of n values; at gives the position of each.
func (g tailGroup) column(ref Ref, n int, at func(int) int64) *vec.Column {
	switch ref.Col {
	case ColPosition, ColVersion, ColTimestamp, ColRecordedAt:
		b := vec.NewBuilder(vec.Int64, n)
		for i := range n {
			pos := at(i)
			b.AppendInt(intValue(g.rows.At(pos), ref.Col, pos))
		}
		return b.Finish()
	case ColID:
		b := vec.NewBuilder(vec.Bytes, n)
		for i := range n {
			id := g.d.rowID(g.rows.At(at(i)), at(i))
			b.AppendBytes(id[:])
		}
		return b.Finish()
	case ColEntity:
		return g.entities(n, at)
	case ColType:
		b := vec.NewBuilder(vec.Bytes, n)
		for i := range n {
			b.AppendString(g.rows.At(at(i)).Type)
		}
		return b.Finish()
	}
	return documents(ref, n, func(i int) jsonb.Value {
		if r := g.rows.At(at(i)); ref.Col == ColPayload {
			return r.Payload
		}
		return g.rows.At(at(i)).Metadata
	})
}

// entities is the names with their ordinals.
func (g tailGroup) entities(n int, at func(int) int64) *vec.Column {
	b := vec.NewBuilder(vec.Bytes, n)
	nums := make([]uint32, n)
	for i := range n {
		r := g.rows.At(at(i))
		b.AppendString(r.Entity)
		if r.Ordinal > math.MaxUint32 {
			nums = nil
		}
		if nums != nil {
			nums[i] = uint32(r.Ordinal)
		}
	}
	out := b.Finish()
	if nums != nil {
		out.Space, out.Nums = &g.d.entities, nums
	}
	return out
}

func intValue(r *tail.Row, col Column, pos int64) int64 {
	switch col {
	case ColPosition:
		return pos
	case ColVersion:
		return r.Version
	case ColTimestamp:
		return r.Timestamp()
	}
	return r.Recorded
}

// rowID is the id of a row of the tail.
func (d *DB) rowID(r *tail.Row, pos int64) [16]byte {
	if r.HasID {
		return r.ID
	}
	return d.ids.derive(pos, r.Recorded)
}

// documents reads a path out of n documents.
func documents(ref Ref, n int, doc func(int) jsonb.Value) *vec.Column {
	find := func(i int) (jsonb.Value, bool) {
		if len(ref.Path) == 0 {
			return doc(i), true
		}
		return jsonb.GetPath(doc(i), ref.Path)
	}
	switch ref.As {
	case vec.AsText:
		return texts(n, find)
	case vec.AsFloat, vec.AsInt, vec.AsDecimal, vec.AsBool:
		if c := typed(ref.As, n, find); c != nil {
			return c
		}
		return texts(n, find)
	}
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		if v, ok := find(i); ok {
			b.AppendBytes(v)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish()
}

func texts(n int, find func(int) (jsonb.Value, bool)) *vec.Column {
	b := vec.NewBuilder(vec.Bytes, n)
	var text []byte
	for i := range n {
		v, ok := find(i)
		if ok {
			text, ok = jsonb.AppendAsText(text[:0], v)
		}
		if ok {
			b.AppendBytes(text)
		} else {
			b.AppendNull()
		}
	}
	return b.Finish()
}

// typed returns nil where a value is not of the type.
func typed(as vec.ReadAs, n int, find func(int) (jsonb.Value, bool)) *vec.Column {
	kind := map[vec.ReadAs]vec.Kind{vec.AsFloat: vec.Float64, vec.AsInt: vec.Int64, vec.AsDecimal: vec.Decimal, vec.AsBool: vec.Bool}[as]
	b := vec.NewBuilder(kind, n)
	for i := range n {
		v, ok := find(i)
		if !ok || v[0] == tagNull {
			b.AppendNull()
			continue
		}
		if !appendTyped(b, as, v) {
			return nil
		}
	}
	return b.Finish()
}

func appendTyped(b *vec.Builder, as vec.ReadAs, v jsonb.Value) bool {
	tag := v[0]
	if as == vec.AsBool {
		b.AppendBool(tag == tagTrue)
		return tag == tagTrue || tag == tagFalse
	}
	if tag < tagInteger || tag > tagLarge {
		return false
	}
	switch as {
	case vec.AsFloat:
		f, ok := jsonb.Float64(v)
		b.AppendFloat(f)
		return ok && !math.IsInf(f, 0)
	case vec.AsInt:
		i, ok := jsonb.Int64(v)
		b.AppendInt(i)
		return ok && tag != tagDecimal // 1.0 is an integer, but its text is none
	}
	b.AppendDecimal(jsonb.Number(v))
	return true
}

// The tags of jsonb's format that matter here.
const (
	tagNull    = 0
	tagFalse   = 1
	tagTrue    = 2
	tagInteger = 3
	tagDecimal = 4
	tagLarge   = 5
)
