package segment

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
)

// Typed is an opened typed column. It is safe for concurrent use.
type Typed struct {
	kind    vec.Kind
	column  pathColumn // presence, and numbers or strings
	ints    [3]*ints   // Int64, Bool, lengths of lists; the parts of intervals
	raw     []byte     // floats as they are
	scale   uint8      // of floats
	binary  *texts     // decimals in their storage form
	offsets []int32    // of lists: where the elements of each present row begin
	shapes  *texts
	child   *Typed
	elem    vec.Kind
	size    int
	held    atomic.Int64
}

// OpenTyped opens a column of so many rows; elem is the kind of the elements of lists.
func OpenTyped(blob []byte, kind, elem vec.Kind, rows int) (*Typed, error) {
	p, err := openBlob(blob)
	if err != nil {
		return nil, err
	}
	t := parseTyped(p, kind, elem, rows)
	t.size += len(blob)
	return t, p.finish()
}

func parseTyped(p *parser, kind, elem vec.Kind, rows int) *Typed {
	t := &Typed{kind: kind, elem: elem}
	t.column.pres = parsePresence(p, rows, 1, func(set vec.Bitmap) (*presence, error) {
		if set.Get(0) {
			return allPresent(rows), nil
		}
		return &presence{rows: rows, few: []int32{}}, nil
	})
	t.size = 200 + t.column.pres.memSize()
	n := t.column.pres.count
	if n == 0 || p.err != nil {
		return t
	}
	switch kind {
	case vec.Int64, vec.Bool:
		t.ints[0] = t.parseInts(p, n)
	case vec.Float64:
		if p.byte() == floatsRaw {
			t.raw = p.bytes(8 * n)
		} else if t.scale = p.byte(); t.scale > maxFloatScale {
			p.fail("floats of scale %d", t.scale)
		} else {
			t.ints[0] = t.parseInts(p, n)
		}
	case vec.Bytes:
		t.column.kind, t.column.strs = valString, t.parseTexts(p, n)
	case vec.Decimal:
		if p.byte() == decimalsNumbers {
			t.column.kind, t.column.nums = valNumber, parseNumbers(p, n)
		} else {
			t.binary = t.parseTexts(p, n)
		}
	case vec.Interval:
		for i := range t.ints {
			t.ints[i] = t.parseInts(p, n)
		}
	case vec.List:
		t.parseLists(p, n)
	default:
		p.fail("column of kind %d", kind)
	}
	return t
}

func (t *Typed) parseInts(p *parser, n int) *ints {
	c := parseInts(p, n)
	t.size += c.memSize()
	return c
}

func (t *Typed) parseTexts(p *parser, n int) *texts {
	c := parseTexts(p, n)
	t.size += c.memSize()
	c.whole.held = func(bytes int) { t.held.Add(int64(bytes)) }
	return c
}

// maxElements bounds the elements of all lists of a column.
const maxElements = 1 << 28

func (t *Typed) parseLists(p *parser, n int) {
	counts := make([]int32, n)
	readInts(parseInts(p, n), counts, 0)
	if p.byte() == 1 {
		t.shapes = t.parseTexts(p, n)
	}
	total := p.count(maxElements)
	t.offsets = make([]int32, n+1)
	sum := 0
	for i, c := range counts {
		if c < 0 || sum+int(c) > total {
			p.fail("lists of more than %d elements", total)
			return
		}
		sum += int(c)
		t.offsets[i+1] = int32(sum)
	}
	if sum != total {
		p.fail("lists of %d elements, not %d", sum, total)
		return
	}
	t.child = parseTyped(p, t.elem, vec.Invalid, total)
	t.size += t.child.size + 4*len(t.offsets)
}

// MemSize estimates the bytes held.
func (t *Typed) MemSize() int64 { return int64(t.size) + t.held.Load() }

// Read returns rows [from, to). Texts with few values come dictionary coded, all with one Dict.
func (t *Typed) Read(from, to int) (*vec.Column, error) {
	return t.read(rowList{from: from, n: to - from})
}

// ReadRows returns the given rows, which ascend.
func (t *Typed) ReadRows(rows []int32) (*vec.Column, error) {
	if n := len(rows); n > 0 && int(rows[n-1]-rows[0]) == n-1 {
		return t.read(rowList{from: int(rows[0]), n: n})
	}
	return t.read(rowList{n: len(rows), list: rows})
}

// Search finds the first of rows [from, to) whose integer is at least v, which is at to if none is. The integers ascend, none is null, the one at
// from is first, and the rows lie between two multiples of 1024. It returns what is there too, v or more; nothing is unpacked for it.
func (t *Typed) Search(from, to int, first, v int64) (at int, found int64, err error) {
	if t.kind != vec.Int64 || from < 0 || from >= to || to > t.column.pres.count || from/intBlock != (to-1)/intBlock || !t.column.pres.all() {
		return 0, 0, fmt.Errorf("segment: rows %d to %d of a column of kind %d are searched", from, to, t.kind)
	}
	at, found = t.ints[0].search(from, to, first, v)
	return at, found, nil
}

func (t *Typed) read(l rowList) (*vec.Column, error) {
	if err := l.check(t.column.pres.rows); err != nil {
		return nil, err
	}
	if l.n == 0 || t.column.pres.count == 0 {
		return t.nulls(l.n), nil
	}
	s := t.column.choose(l)
	switch {
	case t.kind == vec.Bytes && t.column.strs.isDict():
		dict, err := t.column.strs.column()
		if err != nil {
			return nil, err
		}
		return t.column.readCodes(s, dict)
	case t.kind == vec.Bytes:
		return t.column.readTexts(s)
	case t.kind == vec.Decimal && t.binary == nil:
		return t.column.readNumbers(s, vec.AsDecimal), nil
	}
	out := &vec.Column{Kind: t.kind, Len: s.n, Valid: s.valid}
	switch t.kind {
	case vec.Int64:
		out.I64 = chosenInts[int64](t.ints[0], s)
	case vec.Bool:
		out.Bits = vec.NewBitmap(s.n)
		for i, v := range chosenInts[int32](t.ints[0], s) {
			out.Bits[i>>6] |= uint64(v&1) << (uint(i) & 63)
		}
	case vec.Float64:
		out.F64 = t.floats(s)
	case vec.Decimal:
		return t.decimals(out, s)
	case vec.Interval:
		months, days := chosenInts[int32](t.ints[0], s), chosenInts[int32](t.ints[1], s)
		out.Iv = make([]vec.IntervalValue, s.n)
		for i, v := range chosenInts[int64](t.ints[2], s) {
			out.Iv[i] = vec.IntervalValue{Months: months[i], Days: days[i], Micros: v}
		}
	case vec.List:
		return t.lists(out, s)
	}
	return out, nil
}

// nulls returns n of them.
func (t *Typed) nulls(n int) *vec.Column {
	if t.kind != vec.List {
		return vec.NullColumn(t.kind, n)
	}
	b := vec.NewListBuilder(t.elem, n)
	for range n {
		b.AppendNull()
	}
	return b.Finish()
}

func (t *Typed) floats(s chosen) []float64 {
	out := make([]float64, s.n)
	if t.raw != nil {
		s.each(func(row, at int) { out[row] = math.Float64frombits(binary.LittleEndian.Uint64(t.raw[8*at:])) })
		return out
	}
	vals := chosenInts[int64](t.ints[0], s)
	if !vec.DivideFloats(out, vals, float10[t.scale]) {
		for i, v := range vals {
			out[i] = float64(v) / float10[t.scale]
		}
	}
	return out
}

func (t *Typed) decimals(out *vec.Column, s chosen) (*vec.Column, error) {
	out.Dec = make([]decimal.Dec, s.n)
	k := textCursor{t: t.binary}
	var text []byte
	var err error
	s.each(func(row, at int) {
		if err != nil {
			return
		}
		if text, err = k.appendTo(text[:0], at); err != nil {
			return
		}
		var n int
		if out.Dec[row], n, err = decimal.Decode(text); err == nil && n != len(text) {
			err = corrupt("a number of %d bytes in %d", n, len(text))
		}
	})
	return out, err
}

func (t *Typed) lists(out *vec.Column, s chosen) (*vec.Column, error) {
	out.Offsets = make([]int32, s.n+1)
	var places []int32
	s.each(func(row, at int) {
		from, to := t.offsets[at], t.offsets[at+1]
		out.Offsets[row+1] = to - from
		for k := from; k < to; k++ {
			places = append(places, k)
		}
	})
	for i := range s.n {
		out.Offsets[i+1] += out.Offsets[i]
	}
	var err error
	if n := len(places); n > 0 && int(places[n-1]-places[0]) == n-1 {
		out.Child, err = t.child.Read(int(places[0]), int(places[n-1])+1)
	} else {
		out.Child, err = t.child.ReadRows(places)
	}
	if err != nil {
		return nil, err
	}
	out.Child = out.Child.Flat()
	if t.shapes == nil {
		return out, nil
	}
	out.Shapes = make([][]vec.Dim, s.n)
	k := textCursor{t: t.shapes}
	s.each(func(row, at int) {
		text, terr := k.appendTo(nil, at)
		for len(text) > 0 && terr == nil {
			size, n := binary.Uvarint(text)
			lower, m := binary.Varint(text[max(n, 0):])
			if n <= 0 || m <= 0 {
				terr = corrupt("shape of a list")
				break
			}
			out.Shapes[row] = append(out.Shapes[row], vec.Dim{Len: int32(size), Lower: int32(lower)})
			text = text[n+m:]
		}
		if terr != nil {
			err = terr
		}
	})
	return out, err
}
