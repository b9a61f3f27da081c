package op

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// keyValues keeps the values of a column of keys, one for each group. Numbered values (vec.Space) stay where they are until
// the column is asked for: tables that are merged are then merged without copying a text.
type keyValues struct {
	typ     datum.Type
	n       int
	b       *vec.Builder // values
	bytes   int64
	columns []*vec.Column // or places of values
	places  []place
}

// place is a row of a flat column.
type place struct{ column, row int32 }

// add appends row i of c.
func (k *keyValues) add(c *vec.Column, i int) {
	d, row := c, i
	if c.Codes != nil {
		d, row = c.Dict, int(c.Codes[i])
	}
	numbered := d.Nums != nil && !c.Null(i)
	if k.n == 0 && !numbered || k.b != nil || !numbered || k.n > 0 && d.Space != k.columns[0].Space {
		k.copy()
		k.value(c, i)
		return
	}
	if n := len(k.columns); n == 0 || k.columns[n-1] != d {
		k.columns = append(k.columns, d)
		k.bytes += int64(d.MemSize())
	}
	k.places = append(k.places, place{int32(len(k.columns) - 1), int32(row)})
	k.n++
}

func (k *keyValues) value(c *vec.Column, i int) {
	k.b.AppendFrom(c, i)
	k.n++
	k.bytes += 16
	if c.Kind == vec.Bytes && !c.Null(i) {
		k.bytes += int64(len(c.Bytes(i)))
	}
}

// copy takes the values out of their places.
func (k *keyValues) copy() {
	if k.b != nil {
		return
	}
	k.b = datum.NewBuilder(k.typ, 0)
	places, columns := k.places, k.columns
	k.n, k.bytes, k.places, k.columns = 0, 0, nil, nil
	for _, p := range places {
		k.value(columns[p.column], int(p.row))
	}
}

// column gives the values in the order of the list, nil for the order in which they came, and forgets them.
func (k *keyValues) column(order []int32) *vec.Column {
	if k.places == nil {
		k.copy()
		c := k.b.Finish()
		if order != nil {
			c = c.Take(order)
		}
		return c
	}
	n := k.n
	if order != nil {
		n = len(order)
	}
	out := &vec.Column{Kind: vec.Bytes, Len: n, Offsets: make([]int32, 1, n+1), Nums: make([]uint32, n), Space: k.columns[0].Space}
	for i := range n {
		p := k.places[i]
		if order != nil {
			p = k.places[order[i]]
		}
		c := k.columns[p.column]
		out.Data = append(out.Data, c.Data[c.Offsets[p.row]:c.Offsets[p.row+1]]...)
		out.Offsets = append(out.Offsets, int32(len(out.Data)))
		out.Nums[i] = c.Nums[p.row]
	}
	return out
}

func (k *keyValues) memSize() int64 { return k.bytes + int64(cap(k.places))*8 }

// each gives f the place of every value, in the order in which they came.
func (k *keyValues) each(f func(c *vec.Column, row int)) {
	for _, p := range k.places {
		f(k.columns[p.column], int(p.row))
	}
	if k.b == nil {
		return
	}
	c := k.b.Finish()
	for i := range c.Len {
		f(c, i)
	}
}
