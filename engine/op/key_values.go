package op

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// keyValues keeps the values of a column of keys, one for each group. Numbered values (vec.Space) stay where they are until
// the column is asked for: tables that are merged are then merged without copying a text. Other texts that a table numbers as the
// groups are read from there.
type keyValues struct {
	typ     datum.Type
	n       int
	table   *valueTable  // whose numbers are those of the groups; may be nil
	inTable bool         // the values are there
	b       *vec.Builder // values
	bytes   int64
	columns []*vec.Column // or places of values
	places  []place
}

// place is a row of a flat column, and the number of the value there.
type place struct {
	column, row int32
	num         uint32
}

// moved is the place where the columns begin with number base.
func (p place) moved(base int32) place {
	p.column += base
	return p
}

// add appends row i of c.
func (k *keyValues) add(c *vec.Column, i int) {
	if k.inTable {
		k.n++
		return
	}
	d, row := c, i
	if c.Codes != nil {
		d, row = c.Dict, int(c.Codes[i])
	}
	numbered := d.Nums != nil && !c.Null(i)
	if k.n == 0 && !numbered || k.b != nil || !numbered || k.n > 0 && d.Space != k.columns[0].Space {
		if k.copy(); k.inTable {
			k.n++
		} else {
			k.value(c, i)
		}
		return
	}
	if n := len(k.columns); n == 0 || k.columns[n-1] != d {
		k.columns = append(k.columns, d)
		k.bytes += int64(d.MemSize())
	}
	k.places = append(doubled(k.places), place{int32(len(k.columns) - 1), int32(row), d.Nums[row]})
	k.n++
}

// addRows appends the rows of c that are listed.
func (k *keyValues) addRows(c *vec.Column, rows []int32) {
	if k.inTable {
		k.n += len(rows)
		return
	}
	d := c.Dict
	if len(rows) == 0 || c.Codes == nil || c.Valid != nil || d.Valid != nil || d.Nums == nil || k.b != nil || k.n > 0 && d.Space != k.columns[0].Space {
		for _, i := range rows {
			k.add(c, int(i))
		}
		return
	}
	k.add(c, int(rows[0]))
	column := int32(len(k.columns) - 1)
	k.places = roomFor(k.places, len(rows))
	for _, i := range rows[1:] {
		row := c.Codes[i]
		k.places = append(k.places, place{column, row, d.Nums[row]})
	}
	k.n += len(rows) - 1
}

func (k *keyValues) value(c *vec.Column, i int) {
	k.b.AppendFrom(c, i)
	k.n++
	k.bytes += 16
	if c.Kind == vec.Bytes && !c.Null(i) {
		k.bytes += int64(len(c.Bytes(i)))
	}
}

// copy takes the values out of their places, which is not needed where the table has them.
func (k *keyValues) copy() {
	if k.b != nil || k.inTable {
		return
	}
	if k.table != nil && isPlainText(k.typ.OID) {
		k.inTable, k.bytes, k.places, k.columns = true, 0, nil, nil
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
	if k.places == nil && !k.inTable {
		k.copy()
	}
	if k.b != nil {
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
	if k.inTable {
		return k.fromTable(order, 0, n)
	}
	return k.copied(order, 0, n)
}

// waits reports whether the values are better given some at a time.
func (k *keyValues) waits() bool { return k.places != nil || k.inTable }

// fromTable gives values [from, to) of an order out of the table.
func (k *keyValues) fromTable(order []int32, from, to int) *vec.Column {
	t := k.table
	t.space.spell(t)
	t.texts.leaveOut(t.n)
	return t.texts.column(order, from, to, t.null-1)
}

// at is the place of value i of an order.
func (k *keyValues) at(order []int32, i int) place {
	if order != nil {
		i = int(order[i])
	}
	return k.places[i]
}

// copied gives values [from, to) of an order as texts of their own. It asks for their lengths first, so that the accesses to
// memory do not wait for each other.
func (k *keyValues) copied(order []int32, from, to int) *vec.Column {
	n := to - from
	out := &vec.Column{Kind: vec.Bytes, Len: n, Offsets: make([]int32, n+1), Nums: make([]uint32, n), Space: k.columns[0].Space}
	size := int32(0)
	for i := range n {
		p := k.at(order, from+i)
		text := k.columns[p.column].Offsets[p.row:]
		size += text[1] - text[0]
		out.Offsets[i+1], out.Nums[i] = size, p.num
	}
	out.Data = make([]byte, size)
	for i := range n {
		p := k.at(order, from+i)
		c := k.columns[p.column]
		copy(out.Data[out.Offsets[i]:out.Offsets[i+1]], c.Data[c.Offsets[p.row]:])
	}
	return out
}

// worthCoding is how many values of one column must be wanted together to be given as codes of it: a batch costs about as much as
// copying so many.
const worthCoding = 32

// cut gives the end, at most to, of the values from from on that are best given together: where enough come from one column they
// need not be copied.
func (k *keyValues) cut(order []int32, from, to int) int {
	if k.places == nil {
		return to
	}
	column, end := k.columns[k.at(order, from).column], from+1
	for end < to && k.columns[k.at(order, end).column] == column {
		end++
	}
	if end-from < worthCoding {
		return to
	}
	return end
}

// rows gives values [from, to) of an order, of which cut has said that they are best given together.
func (k *keyValues) rows(order []int32, from, to int) *vec.Column {
	if k.inTable {
		return k.fromTable(order, from, to)
	}
	column := k.columns[k.at(order, from).column]
	if to-from < worthCoding {
		return k.copied(order, from, to)
	}
	codes := make([]int32, to-from)
	for i := range codes {
		p := k.at(order, from+i)
		if k.columns[p.column] != column {
			return k.copied(order, from, to)
		}
		codes[i] = p.row
	}
	return &vec.Column{Kind: vec.Bytes, Len: len(codes), Codes: codes, Dict: column}
}

func (k *keyValues) memSize() int64 { return k.bytes + int64(cap(k.places))*12 }

// adopt makes the places of another column places of this one, from column base on; false where values are copied.
func (k *keyValues) adopt(from *keyValues) (base int32, ok bool) {
	if k.b != nil || k.inTable || len(from.places) == 0 || k.n > 0 && k.columns[0].Space != from.columns[0].Space {
		return 0, false
	}
	base = int32(len(k.columns))
	k.columns = append(k.columns, from.columns...)
	k.bytes += from.bytes
	return base, true
}
