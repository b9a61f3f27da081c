package storage

import (
	"bytes"
	"context"
	"math"

	"github.com/allsource-db/allsource/vec"
)

// eventReads is what was read of the log.
type eventReads struct {
	all      bool
	entities map[string]bool // all events of them
	types    map[string]bool
}

// readEntity notes that all events of an entity were looked for.
func (e *eventReads) readEntity(name string) { e.add(&e.entities, name) }

func (e *eventReads) add(to *map[string]bool, name string) {
	switch {
	case e.all || (*to)[name]:
	case len(e.entities)+len(e.types) >= manyNames:
		*e = eventReads{all: true}
	default:
		if *to == nil {
			*to = map[string]bool{}
		}
		(*to)[name] = true
	}
}

// read notes that events were looked for which satisfy all preds; those before end never change.
func (e *eventReads) read(preds []Pred, end int64) {
	for _, p := range preds {
		if p.Ref.Col != ColPosition || len(p.Ref.Path) > 0 || p.Values == nil || p.Values.Kind != vec.Int64 || p.Values.Len != 1 || p.Values.Null(0) {
			continue
		}
		at := p.Values.Int(0)
		if (p.Op == Eq || p.Op == Le) && at < end || p.Op == Lt && at <= end {
			return
		}
	}
	for _, col := range []Column{ColEntity, ColType} {
		for _, p := range preds {
			if p.Ref.Col != col || len(p.Ref.Path) > 0 || p.Op != Eq && p.Op != In || p.Values == nil || p.Values.Kind != vec.Bytes || p.Values.HasNulls() {
				continue
			}
			to := &e.types
			if col == ColEntity {
				to = &e.entities
			}
			for i := range p.Values.Len {
				e.add(to, string(p.Values.Bytes(i)))
			}
			return
		}
	}
	e.all = true
}

// check looks at the events that came since those before r.end.
func (e *eventReads) check(ctx context.Context, r *Reads, now View, left *int) error {
	if e.all {
		return ErrChanged
	}
	if len(e.entities) == 0 && len(e.types) == 0 {
		return nil
	}
	if *left -= int(min(now.End()-r.end, math.MaxInt32)); *left < 0 {
		return ErrChanged
	}
	for pos := r.end; pos < now.End(); {
		g, err := now.Locate(ctx, pos)
		if err != nil {
			return err
		}
		from, to := int(pos-g.Base()), int(min(int64(g.Len()), now.End()-g.Base()))
		for col, names := range map[Column]map[string]bool{ColEntity: e.entities, ColType: e.types} {
			if len(names) == 0 {
				continue
			}
			c, err := g.Read(ctx, Ref{Col: col}, from, to)
			if err != nil {
				return err
			}
			for i := range c.Len {
				if names[string(c.Bytes(i))] {
					return ErrChanged
				}
			}
		}
		pos = g.Base() + int64(to)
	}
	return nil
}

// tableReads is what was read of a table.
type tableReads struct {
	all    bool
	ranges map[rangeName]*rangeRead
	bytes  int
}

// rangeName is a range of an index, and which way it was read.
type rangeName struct {
	index  uint32
	lo, hi string
	open   bool // it has no end
	desc   bool
}

// rangeRead is how much of a range was read.
type rangeRead struct {
	whole bool
	begun bool   // else nothing was
	at    []byte // up to this key
	desc  bool
}

// table returns what was read of a table.
func (r *Reads) table(id TableID) *tableReads {
	t := r.tables[id]
	if t == nil {
		t = &tableReads{}
		r.tables[id] = t
	}
	return t
}

func (t *tableReads) readAll() { *t = tableReads{all: true} }

// read returns what is known of a range that is about to be read, nil where all of the table counts as read.
func (t *tableReads) read(index uint32, keys KeyRange) *rangeRead {
	if t.all {
		return nil
	}
	name := rangeName{index, string(keys.Lo), string(keys.Hi), keys.Hi == nil, keys.Desc}
	if x := t.ranges[name]; x != nil {
		return x
	}
	if t.bytes += len(keys.Lo) + len(keys.Hi) + rangeBytes; t.bytes > manyRangeBytes {
		t.readAll()
		return nil
	}
	if t.ranges == nil {
		t.ranges = map[rangeName]*rangeRead{}
	}
	x := &rangeRead{desc: keys.Desc}
	t.ranges[name] = x
	return x
}

// rangeBytes is about what a range takes beside its keys.
const rangeBytes = 128

// reach notes that a reader has come to a key, or to the end.
func (x *rangeRead) reach(key []byte, ok bool) {
	switch {
	case !ok:
		x.whole = true
	case x.whole:
	case !x.begun || bytes.Compare(key, x.at) > 0 != x.desc:
		x.begun, x.at = true, append(x.at[:0], key...)
	}
}

// keys is what was read of a range, false if nothing was.
func (n *rangeName) keys(x *rangeRead) (KeyRange, bool) {
	k := KeyRange{Lo: []byte(n.lo), Hi: []byte(n.hi)}
	if n.open {
		k.Hi = nil
	}
	switch {
	case x.whole:
	case !x.begun:
		return k, false
	case n.desc:
		k.Lo = x.at
	default:
		k.Hi = append(bytes.Clone(x.at), 0)
	}
	return k, true
}

// check looks for versions in the ranges that came or ended after a moment.
func (t *tableReads) check(ctx context.Context, now View, id TableID, since Micros, left *int) error {
	v := now.TableBetween(id, since, now.At(), true).(*tableView)
	if v.err != nil {
		return v.err
	}
	before, err := v.st.until(since)
	if err != nil {
		return err
	}
	for n, x := range t.ranges {
		keys, ok := n.keys(x)
		if !ok {
			continue
		}
		c := v.seek(n.index, keys)
		for {
			_, row, ok, err := c.Next(ctx)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if *left--; *left < 0 || row >= before {
				return ErrChanged
			}
			end, err := v.ends([]RowID{row})
			if err != nil {
				return err
			}
			if end[0] != math.MaxInt64 {
				return ErrChanged
			}
		}
	}
	return nil
}
