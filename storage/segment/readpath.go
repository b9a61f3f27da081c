package segment

import (
	"context"
	"math/bits"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

func (r *Reader) readPath(ctx context.Context, ref Ref, l rowList) (*vec.Column, error) {
	if int(ref.As) >= len(kindOf) {
		return nil, corrupt("a path read as %d", ref.As)
	}
	p := r.resolve(ref.Col, ref.Path)
	if p.nothing(r.meta) || l.n == 0 {
		return vec.NullColumn(kindOf[ref.As], l.n), nil
	}
	if p.leaf(r.meta) {
		c, err := r.column(ctx, p.node)
		if err != nil {
			return nil, err
		}
		return r.readLeaf(ctx, c, p.node, ref.As, l)
	}
	docs, err := r.assemble(ctx, p, l)
	if err != nil {
		return nil, err
	}
	return convert(docs, ref.As), nil
}

const (
	hasNull    = 1 << valNull
	hasBools   = 1<<valFalse | 1<<valTrue
	hasNumber  = 1 << valNumber
	hasNumeric = 1<<valNumber | 1<<valBig
	hasString  = 1 << valString
)

// readLeaf reads a path whose values are all in its column.
func (r *Reader) readLeaf(ctx context.Context, c *pathColumn, node int, as vec.ReadAs, l rowList) (*vec.Column, error) {
	z := &r.nodes[node].zone
	sel := c.choose(l)
	texts := as != vec.AsJSON && z.has&^(hasString|hasNull) == 0 && c.strs != nil // no other reading has a value for a string
	switch {
	case texts && c.strs.isDict():
		dict, err := c.strs.column()
		if err != nil {
			return nil, err
		}
		return c.readCodes(sel, dict)
	case texts:
		return c.readTexts(sel)
	case as == vec.AsText && z.has&^(hasBools|hasNull) == 0:
		return c.readBoolTexts(sel)
	case as == vec.AsJSON && z.has == hasString && c.strs.isDict():
		dict, err := r.jsonDict(ctx, c, node)
		if err != nil {
			return nil, err
		}
		return c.readCodes(sel, dict)
	case as == vec.AsFloat && z.has&^(hasNumeric|hasNull) == 0 && z.has&(1<<valBig) == 0,
		as == vec.AsInt && z.has&^(hasNumber|hasNull) == 0 && (z.numbers == zoneInts || z.has == hasNull),
		as == vec.AsDecimal && z.has&^(hasNumber|hasNull) == 0:
		return c.readNumbers(sel, as), nil
	case as == vec.AsBool && z.has&^(hasBools|hasNull) == 0:
		return c.readBools(sel), nil
	}
	return c.readOne(sel, as)
}

// chosen is the rows to read of a column: the values that are there, and which rows they belong to.
type chosen struct {
	n      int
	valid  vec.Bitmap // rows with a value; nil: all
	first  int        // consecutive values from here on; or
	places []int32    // these
	count  int
}

func (c *pathColumn) choose(l rowList) chosen {
	if l.list == nil {
		k := c.pres.before(l.from)
		return chosen{n: l.n, valid: c.pres.bitmap(l.from, l.from+l.n), first: k, count: c.pres.before(l.from+l.n) - k}
	}
	if c.pres.all() {
		return chosen{n: l.n, places: l.list, count: l.n}
	}
	s := chosen{n: l.n, valid: vec.NewBitmap(l.n), places: make([]int32, 0, l.n)}
	for i, row := range l.list {
		if at, ok := c.pres.find(int(row)); ok {
			s.valid.Set(i)
			s.places = append(s.places, int32(at))
		}
	}
	if s.count = len(s.places); s.count == s.n {
		s.valid = nil
	}
	return s
}

func (s *chosen) at(i int) int {
	if s.places != nil {
		return int(s.places[i])
	}
	return s.first + i
}

// class narrows s to the values of one class: their places become places in its stream, the other rows null.
func (c *pathColumn) class(s chosen, class uint8) chosen {
	if c.kinds == nil {
		if classOf[c.kind] != class {
			return chosen{n: s.n, valid: vec.NewBitmap(s.n)}
		}
		return s
	}
	out := chosen{n: s.n, valid: vec.NewBitmap(s.n), places: make([]int32, 0, s.count)}
	next, rank := -1, 0
	s.each(func(row, at int) {
		if classOf[c.kinds[at]] != class {
			return
		}
		if next < 0 || at-next > 64 {
			rank = c.rank(class, at)
		} else {
			for _, k := range c.kinds[next:at] {
				if classOf[k] == class {
					rank++
				}
			}
		}
		next = at
		out.valid.Set(row)
		out.places = append(out.places, int32(rank))
	})
	out.count = len(out.places)
	if out.count > 0 && int(out.places[out.count-1]-out.places[0]) == out.count-1 {
		out.first, out.places = int(out.places[0]), nil
	}
	if out.count == s.n {
		out.valid = nil
	}
	return out
}

// each calls f for the rows that have a value, with its place.
func (s *chosen) each(f func(row, at int)) {
	if s.valid == nil {
		for i := range s.n {
			f(i, s.at(i))
		}
		return
	}
	i := 0
	for w, word := range s.valid {
		for ; word != 0; word &= word - 1 {
			if i == s.count {
				return
			}
			f(w*64+bits.TrailingZeros64(word), s.at(i))
			i++
		}
	}
}

// chosenInts returns the values of s, one a row.
func chosenInts[T int32 | int64](c *ints, s chosen) []T {
	out := make([]T, s.n)
	if s.count == 0 {
		return out
	}
	part := out[:s.count]
	if s.places == nil {
		readInts(c, part, s.first)
	} else {
		gatherInts(c, part, s.places)
	}
	if s.valid == nil {
		return out
	}
	// The values stand at the front; from the last on each is moved to its row.
	i := s.count
	for w := len(s.valid) - 1; w >= 0 && i > 0; w-- {
		for word := s.valid[w]; word != 0 && i > 0; {
			bit := 63 - bits.LeadingZeros64(word)
			word &^= 1 << bit
			i--
			v := out[i]
			out[i] = 0
			out[w*64+bit] = v
		}
	}
	return out
}

// readCodes reads strings as codes of a dictionary.
func (c *pathColumn) readCodes(s chosen, dict *vec.Column) (*vec.Column, error) {
	s = c.class(s, classStrings)
	out := &vec.Column{Kind: vec.Bytes, Len: s.n, Valid: s.valid, Dict: dict}
	if c.strs.mode == textsConst {
		out.Codes = make([]int32, s.n)
		return out, nil
	}
	out.Codes = chosenInts[int32](c.strs.ints, s)
	return out, checkCodes(out.Codes, dict.Len)
}

// jsonDict returns the dictionary of a column's strings as jsonb.
func (r *Reader) jsonDict(ctx context.Context, c *pathColumn, node int) (*vec.Column, error) {
	return open(ctx, r, "json "+r.nodeName(node), 0, func([]byte) (*vec.Column, int, error) {
		dict, err := c.strs.column()
		if err != nil {
			return nil, 0, err
		}
		b := vec.NewBuilder(vec.Bytes, dict.Len)
		var jb jsonb.Builder
		for i := range dict.Len {
			jb.Reset()
			jb.StringBytes(dict.Bytes(i))
			b.AppendBytes(jb.Bytes())
		}
		out := b.Finish()
		return out, out.MemSize(), nil
	})
}

// readNumbers reads a column that has only numbers and null.
func (c *pathColumn) readNumbers(s chosen, as vec.ReadAs) *vec.Column {
	s = c.class(s, classNumbers)
	out := &vec.Column{Kind: kindOf[as], Len: s.n, Valid: s.valid}
	x := &c.nums
	if s.count == 0 {
		return vec.NullColumn(out.Kind, s.n)
	}
	if as == vec.AsInt {
		out.I64 = chosenInts[int64](x.mantissas, s)
		return out
	}
	if as == vec.AsFloat && x.mode != numsMixed {
		vals := chosenInts[int64](x.mantissas, s)
		out.F64 = make([]float64, s.n)
		if int(x.scale) < len(float10) && vec.DivideFloats(out.F64, vals, float10[x.scale]) {
			return out
		}
		for i, m := range vals {
			out.F64[i] = toFloat(m, x.scale)
		}
		return out
	}
	if as == vec.AsFloat {
		k := newColumnCursor(c)
		out.F64 = make([]float64, s.n)
		s.each(func(row, at int) { out.F64[row] = toFloat(k.number(at)) })
		return out
	}
	out.Dec = x.decimals(s)
	return out
}

// decimals reads numbers as they are, one a row.
func (x *numbers) decimals(s chosen) []decimal.Dec {
	out := make([]decimal.Dec, s.n)
	vals := chosenInts[int64](x.mantissas, s)
	if x.scales != nil {
		scales := chosenInts[int32](x.scales, s)
		s.each(func(row, _ int) {
			m, scale := x.number(vals[row], uint8(scales[row]))
			out[row] = decimal.New(m, int32(scale))
		})
		return out
	}
	if s.valid != nil {
		s.each(func(row, _ int) { out[row] = decimal.New(vals[row], int32(x.scale)) })
		return out
	}
	for row, m := range vals {
		out[row] = decimal.New(m, int32(x.scale))
	}
	return out
}

// readBools reads a column that has only booleans and null.
func (c *pathColumn) readBools(s chosen) *vec.Column {
	codes := c.kindsOf(s)
	out := &vec.Column{Kind: vec.Bool, Len: s.n, Bits: vec.NewBitmap(s.n), Valid: booleans(codes)}
	vec.BetweenInt32(out.Bits, codes, int32(valTrue), int32(valTrue), false)
	return out
}

// boolTexts are the texts of kinds; that of null stands for nothing.
var boolTexts = &vec.Column{Kind: vec.Bytes, Len: 3, Offsets: []int32{0, 5, 10, 14}, Data: []byte("falsefalsetrue")}

// readBoolTexts reads booleans and nulls as codes of their texts.
func (c *pathColumn) readBoolTexts(s chosen) (*vec.Column, error) {
	codes := c.kindsOf(s)
	return &vec.Column{Kind: vec.Bytes, Len: s.n, Valid: booleans(codes), Codes: codes, Dict: boolTexts}, checkCodes(codes, boolTexts.Len)
}

// kindsOf returns the kinds of the values of s, one a row; absent ones are null.
func (c *pathColumn) kindsOf(s chosen) []int32 {
	if c.kinds != nil {
		return chosenInts[int32](c.packed, s)
	}
	out := make([]int32, s.n)
	s.each(func(row, _ int) { out[row] = int32(c.kind) })
	return out
}

// booleans marks the kinds that are not null; nil for all.
func booleans(kinds []int32) vec.Bitmap {
	out := vec.NewBitmap(len(kinds))
	vec.BetweenInt32(out, kinds, int32(valNull), int32(valNull), true)
	if out.Count(len(kinds)) == len(kinds) {
		return nil
	}
	return out
}

// readOne reads value after value: as jsonb, else as text; numbers with big ones among them as numbers.
func (c *pathColumn) readOne(s chosen, as vec.ReadAs) (*vec.Column, error) {
	k := newColumnCursor(c)
	b := vec.NewBuilder(vec.Bytes, s.n)
	var jb jsonb.Builder
	var err error
	asText := as == vec.AsText || as == vec.AsBool || as == vec.AsInt
	done := 0
	s.each(func(row, at int) {
		for ; done < row; done++ {
			b.AppendNull()
		}
		if err != nil {
			return
		}
		done++
		if !asText {
			jb.Reset()
			if err = k.emit(at, &jb); err == nil {
				b.AppendBytes(jb.Bytes())
			}
			return
		}
		null := false
		e := b.AppendWith(func(dst []byte) ([]byte, error) {
			out, ok, e := k.appendText(dst, at)
			if err = e; e == nil && !ok {
				null = true
				return dst, ErrCorrupt // nothing is appended
			}
			return out, e
		})
		if e != nil && null {
			b.AppendNull()
		}
	})
	if err != nil {
		return nil, err
	}
	for ; done < s.n; done++ {
		b.AppendNull()
	}
	out := b.Finish()
	if asText {
		return out, nil
	}
	return convert(out, as), nil
}
