package segment

import (
	"context"
	"slices"
	"sort"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// assembler puts the values of a path together from all places where they can be, as jsonb.
type assembler struct {
	r      *Reader
	p      *pathPlan
	leaves []leafColumn
	byType [][]int32 // leaves that rows of a type can have; nil: not asked yet
	codes  *ints
	code   intCursor
	arrays []*columnCursor
	extras *extraColumn
	text   textCursor
	buf    []byte
	open   []int32
	jb     jsonb.Builder
}

// extraColumn is the opened overflow.
type extraColumn struct {
	pres *presence
	vals *texts
}

func (r *Reader) extrasColumn(ctx context.Context) (*extraColumn, error) {
	return open(ctx, r, "overflow", blobExtras, func(blob []byte) (*extraColumn, int, error) {
		p, err := openBlob(blob)
		if err != nil {
			return nil, 0, err
		}
		c := &extraColumn{pres: parsePresence(p, r.rows, len(r.types), func(set vec.Bitmap) (*presence, error) {
			return r.rowsOfTypes(ctx, set)
		})}
		c.vals = parseTexts(p, c.pres.count)
		return c, len(blob) + c.vals.memSize() + c.pres.memSize(), p.finish()
	})
}

// assemble reads the values of a path as jsonb.
func (r *Reader) assemble(ctx context.Context, p *pathPlan, l rowList) (*vec.Column, error) {
	a := &assembler{r: r, p: p, byType: make([][]int32, len(r.types))}
	var err error
	if a.codes, err = r.typeCodes(ctx); err != nil {
		return nil, err
	}
	a.code.c = a.codes
	if p.node >= 0 {
		a.leaves = r.leaves(p.node)
	}
	for _, at := range p.arrays {
		c, err := r.column(ctx, p.nodes[at])
		if err != nil {
			return nil, err
		}
		a.arrays = append(a.arrays, newColumnCursor(c))
	}
	if p.extra {
		if a.extras, err = r.extrasColumn(ctx); err != nil {
			return nil, err
		}
		a.text.t = a.extras.vals
	}
	b := vec.NewBuilder(vec.Bytes, l.n)
	for i := range l.n {
		if i&255 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.jb.Reset()
		found, err := a.row(ctx, l.at(i))
		if err != nil {
			return nil, err
		}
		if found {
			b.AppendBytes(a.jb.Bytes())
		} else {
			b.AppendNull()
		}
	}
	return b.Finish(), nil
}

// row gives the value of a row to a.jb; not found if the row has none.
func (a *assembler) row(ctx context.Context, row int) (found bool, err error) {
	for i, k := range a.arrays {
		at, ok := k.c.pres.find(row)
		if !ok {
			continue
		}
		kind, at := k.c.place(at)
		if kind != valArray {
			continue
		}
		if a.buf, err = k.docs.appendTo(a.buf[:0], at); err == nil {
			err = checkDoc(a.buf)
		}
		if err != nil {
			return false, err
		}
		v, ok := jsonb.GetPath(a.buf, a.p.path[a.p.arrays[i]:])
		if ok {
			a.jb.Value(v)
		}
		return ok, nil
	}
	if a.extras != nil {
		if at, ok := a.extras.pres.find(row); ok {
			return a.rowWithExtras(ctx, row, at)
		}
	}
	return a.rowOfLeaves(ctx, row)
}

// candidates lists the leaves that a row's type can have, opened.
func (a *assembler) candidates(ctx context.Context, row int) ([]int32, error) {
	t := 0
	if a.codes != nil {
		if t = int(a.code.at(row)); uint(t) >= uint(len(a.byType)) {
			return nil, corrupt("event type %d of %d", t, len(a.byType))
		}
	}
	if a.byType[t] != nil {
		return a.byType[t], nil
	}
	list := []int32{}
	for i := range a.leaves {
		lf := &a.leaves[i]
		if !a.r.nodes[lf.node].zone.types.Get(t) {
			continue
		}
		if lf.cursor == nil {
			c, err := a.r.column(ctx, lf.node)
			if err != nil {
				return nil, err
			}
			lf.cursor = newColumnCursor(c)
		}
		list = append(list, int32(i))
	}
	a.byType[t] = list
	return list, nil
}

// rowOfLeaves puts a row together whose values are all in columns.
func (a *assembler) rowOfLeaves(ctx context.Context, row int) (bool, error) {
	list, err := a.candidates(ctx, row)
	if err != nil {
		return false, err
	}
	a.open = a.open[:0]
	found := false
	for _, i := range list {
		lf := &a.leaves[i]
		at, ok := lf.cursor.c.pres.find(row)
		if !ok {
			continue
		}
		if len(lf.chain) == 0 {
			return true, lf.cursor.emit(at, &a.jb)
		}
		if !found {
			a.jb.BeginObject()
			found = true
		}
		a.enter(lf)
		a.jb.Key(lf.keys[len(lf.keys)-1])
		if err := lf.cursor.emit(at, &a.jb); err != nil {
			return false, err
		}
	}
	if found {
		for range len(a.open) + 1 {
			a.jb.End()
		}
	}
	return found, nil
}

// enter closes and opens objects until those open are the ones around a leaf.
func (a *assembler) enter(lf *leafColumn) {
	around := lf.chain[:len(lf.chain)-1]
	same := 0
	for same < len(a.open) && same < len(around) && a.open[same] == around[same] {
		same++
	}
	for range len(a.open) - same {
		a.jb.End()
	}
	a.open = a.open[:same]
	for i := same; i < len(around); i++ {
		a.jb.Key(lf.keys[i])
		a.jb.BeginObject()
		a.open = append(a.open, around[i])
	}
}

// part is a value at a path below the document's own.
type part struct {
	keys []string
	val  jsonb.Value
}

// rowWithExtras puts a row together that has entry at of the overflow.
func (a *assembler) rowWithExtras(ctx context.Context, row, at int) (bool, error) {
	var parts []part
	entry, err := a.text.appendTo(nil, at)
	if err != nil {
		return false, err
	}
	whole, err := a.entries(entry, func(keys []string, v jsonb.Value) { parts = append(parts, part{keys, v}) })
	if err != nil || whole != nil {
		if whole != nil {
			a.jb.Value(whole)
		}
		return whole != nil, err
	}
	list, err := a.candidates(ctx, row)
	if err != nil {
		return false, err
	}
	for _, i := range list {
		lf := &a.leaves[i]
		at, ok := lf.cursor.c.pres.find(row)
		if !ok {
			continue
		}
		a.jb.Reset()
		if err := lf.cursor.emit(at, &a.jb); err != nil {
			return false, err
		}
		parts = append(parts, part{lf.keys, a.jb.AppendTo(nil)})
	}
	a.jb.Reset()
	return len(parts) > 0, buildParts(&a.jb, parts)
}

// entries goes through the overflow of a row: below calls for what lies below the path; whole is the value that the path
// itself has, if it is there.
func (a *assembler) entries(entry []byte, below func(keys []string, v jsonb.Value)) (whole jsonb.Value, err error) {
	p := &parser{buf: append(entry, make([]byte, trailerLen)...), end: len(entry)}
	for p.off < p.end && p.err == nil {
		node := p.count(len(a.r.nodes) - 1)
		keys := make([]string, p.count(p.end-p.off))
		for i := range keys {
			keys[i] = string(p.text())
		}
		val := jsonb.Value(p.text())
		if p.err != nil || !jsonb.Valid(val) {
			return nil, corrupt("overflow of a row")
		}
		col, full := a.r.path(node)
		if col != a.p.col {
			continue
		}
		full = append(full, keys...)
		n := len(a.p.path)
		switch {
		case len(full) > n && slices.Equal(full[:n], a.p.path):
			below(full[n:], val)
		case len(full) <= n && slices.Equal(full, a.p.path[:len(full)]):
			if v, ok := jsonb.GetPath(val, a.p.path[len(full):]); ok {
				whole = v
			}
		}
	}
	return whole, p.err
}

// buildParts gives the object made of parts to jb.
func buildParts(jb *jsonb.Builder, parts []part) error {
	if len(parts) == 0 {
		return nil
	}
	if len(parts) == 1 && len(parts[0].keys) == 0 {
		jb.Value(parts[0].val)
		return nil
	}
	sort.SliceStable(parts, func(i, k int) bool { return keysLess(parts[i].keys, parts[k].keys) })
	jb.BeginObject()
	var open []string
	for _, p := range parts {
		if len(p.keys) == 0 {
			return corrupt("a value beside members")
		}
		around := p.keys[:len(p.keys)-1]
		same := 0
		for same < len(open) && same < len(around) && open[same] == around[same] {
			same++
		}
		for range len(open) - same {
			jb.End()
		}
		for _, key := range around[same:] {
			jb.Key(key)
			jb.BeginObject()
		}
		open = append(open[:same], around[same:]...)
		jb.Key(p.keys[len(p.keys)-1])
		jb.Value(p.val)
	}
	for range len(open) + 1 {
		jb.End()
	}
	return nil
}

func keysLess(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return keyLess(a[i], b[i])
		}
	}
	return len(a) < len(b)
}
