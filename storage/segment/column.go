package segment

import (
	"math"
	"strconv"

	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/decimal"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// classes of values that have a stream of their own
const (
	classNumbers = iota
	classStrings
	classDocs
	classNone
)

var classOf = [numValueKinds]uint8{
	valNull: classNone, valFalse: classNone, valTrue: classNone, valNumber: classNumbers, valString: classStrings,
	valEmptyObject: classNone, valEmptyArray: classNone, valArray: classDocs, valBig: classDocs,
}

// pathColumn is the opened column of a path. It is immutable.
type pathColumn struct {
	pres   *presence
	kind   valueKind
	kinds  []byte     // of each value, if several
	packed *ints      // the same as it is stored
	ranks  [][3]int32 // per 64 values, how many of each class are before
	nums   numbers
	strs   *texts
	docs   *texts
	size   int
}

type numbers struct {
	mode      byte
	scale     uint8
	mantissas *ints
	scales    *ints
}

func parseColumn(blob []byte, rows, types int, byType func(set vec.Bitmap) (*presence, error)) (*pathColumn, error) {
	p, err := openBlob(blob)
	if err != nil {
		return nil, err
	}
	c := &pathColumn{pres: parsePresence(p, rows, types, byType)}
	n := c.pres.count
	var counts [4]int
	if c.kind = p.byte(); c.kind == mixedKinds {
		c.parseKinds(p, n, &counts)
	} else if c.kind >= numValueKinds {
		p.fail("value of kind %d", c.kind)
	} else {
		counts[classOf[c.kind]] = n
	}
	if p.err == nil && counts[classNumbers] > 0 {
		c.nums = parseNumbers(p, counts[classNumbers])
	}
	if p.err == nil && counts[classStrings] > 0 {
		c.strs = parseTexts(p, counts[classStrings])
		c.size += c.strs.memSize()
	}
	if p.err == nil && counts[classDocs] > 0 {
		c.docs = parseTexts(p, counts[classDocs])
		c.size += c.docs.memSize()
	}
	c.size += len(blob) + len(c.kinds)*5/4 + c.pres.memSize()
	return c, p.finish()
}

func (c *pathColumn) parseKinds(p *parser, n int, counts *[4]int) {
	kinds := make([]int32, n)
	c.packed = parseInts(p, n)
	readInts(c.packed, kinds, 0)
	c.kinds = make([]byte, n)
	for i, k := range kinds {
		if uint32(k) >= uint32(numValueKinds) {
			p.fail("value of kind %d", k)
			return
		}
		if i%64 == 0 {
			c.ranks = append(c.ranks, [3]int32{int32(counts[0]), int32(counts[1]), int32(counts[2])})
		}
		c.kinds[i] = byte(k)
		counts[classOf[k]]++
	}
}

func parseNumbers(p *parser, n int) (x numbers) {
	switch x.mode = p.byte(); x.mode {
	case numsScaled:
		x.scale = p.byte()
		x.mantissas = parseInts(p, n)
	case numsAligned:
		x.scale = p.byte()
		x.mantissas = parseInts(p, n)
		x.scales = parseInts(p, n)
	case numsMixed:
		x.scales = parseInts(p, n)
		x.mantissas = parseInts(p, n)
	default:
		p.fail("numbers in mode %d", x.mode)
	}
	return x
}

// place returns the kind of value i and its place in the stream of its class.
func (c *pathColumn) place(i int) (valueKind, int) {
	if c.kinds == nil {
		return c.kind, i
	}
	k := c.kinds[i]
	class := classOf[k]
	if class == classNone {
		return k, 0
	}
	return k, c.rank(class, i)
}

// rank returns how many values of a class are before value i, which may be the number of values.
func (c *pathColumn) rank(class uint8, i int) int {
	if c.kinds == nil {
		if classOf[c.kind] == class {
			return i
		}
		return 0
	}
	if len(c.kinds) == 0 {
		return 0
	}
	block := min(i/64, len(c.ranks)-1)
	n := int(c.ranks[block][class])
	for _, k := range c.kinds[block*64 : i] {
		if classOf[k] == class {
			n++
		}
	}
	return n
}

// columnCursor reads single values of a column, best in ascending order.
type columnCursor struct {
	c      *pathColumn
	nums   intCursor
	scales intCursor
	strs   textCursor
	docs   textCursor
	buf    []byte
}

func newColumnCursor(c *pathColumn) *columnCursor {
	return &columnCursor{c: c, nums: intCursor{c: c.nums.mantissas}, scales: intCursor{c: c.nums.scales},
		strs: textCursor{t: c.strs}, docs: textCursor{t: c.docs}}
}

// number returns number i of the column.
func (k *columnCursor) number(i int) (mantissa int64, scale uint8) {
	x := &k.c.nums
	if x.scales == nil {
		return k.nums.at(i), x.scale
	}
	return x.number(k.nums.at(i), uint8(k.scales.at(i)))
}

// number is a number of a column whose numbers have scales of their own, from its mantissa and scale there.
func (x *numbers) number(m int64, scale uint8) (int64, uint8) {
	if x.mode == numsAligned && x.scale > scale {
		if int(x.scale-scale) >= len(pow10) {
			return 0, scale
		}
		m /= pow10[x.scale-scale]
	}
	return m, scale
}

// emit gives value i to a jsonb.Builder.
func (k *columnCursor) emit(i int, jb *jsonb.Builder) error {
	kind, at := k.c.place(i)
	var err error
	switch kind {
	case valNull:
		jb.Null()
	case valFalse, valTrue:
		jb.Bool(kind == valTrue)
	case valNumber:
		m, s := k.number(at)
		jb.Number(decimal.New(m, int32(s)))
	case valString:
		if k.buf, err = k.strs.appendTo(k.buf[:0], at); err == nil {
			jb.StringBytes(k.buf)
		}
	case valEmptyObject:
		jb.Value(emptyObject)
	case valEmptyArray:
		jb.Value(emptyArray)
	default:
		if k.buf, err = k.docs.appendTo(k.buf[:0], at); err == nil {
			err = checkDoc(k.buf)
		}
		if err == nil {
			jb.Value(k.buf)
		}
	}
	return err
}

var emptyArray = jsonb.Value{0x17, 0}

// checkDoc verifies what package jsonb would trust.
func checkDoc(v jsonb.Value) error {
	if !jsonb.Valid(v) {
		return corrupt("a document is no jsonb")
	}
	return nil
}

// appendText appends value i as ->> gives it; a JSON null is no text.
func (k *columnCursor) appendText(dst []byte, i int) (out []byte, ok bool, err error) {
	kind, at := k.c.place(i)
	switch kind {
	case valNull:
		return dst, false, nil
	case valFalse:
		return append(dst, "false"...), true, nil
	case valTrue:
		return append(dst, "true"...), true, nil
	case valNumber:
		m, s := k.number(at)
		if s == 0 {
			return strconv.AppendInt(dst, m, 10), true, nil
		}
		return decimal.New(m, int32(s)).AppendText(dst), true, nil
	case valString:
		dst, err = k.strs.appendTo(dst, at)
		return dst, true, err
	case valEmptyObject:
		return append(dst, "{}"...), true, nil
	case valEmptyArray:
		return append(dst, "[]"...), true, nil
	}
	if k.buf, err = k.docs.appendTo(k.buf[:0], at); err == nil {
		err = checkDoc(k.buf)
	}
	if err != nil {
		return dst, false, err
	}
	dst, ok = jsonb.AppendAsText(dst, k.buf)
	return dst, ok, nil
}

// float10 are the powers of ten that are floats.
var float10 = func() (t [23]float64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] * 10
	}
	return t
}()

// toFloat gives the float nearest to mantissa/10^scale: one division of two exact numbers rounds once, anything else
// goes the way of the text.
func toFloat(mantissa int64, scale uint8) float64 {
	const exact = 1 << 53
	if scale == 0 {
		return float64(mantissa)
	}
	if -exact <= mantissa && mantissa <= exact && int(scale) < len(float10) {
		return float64(mantissa) / float10[scale]
	}
	var buf [160]byte
	b := strconv.AppendInt(buf[:0], mantissa, 10)
	b = append(b, 'e', '-')
	b = strconv.AppendUint(b, uint64(scale), 10)
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return math.NaN()
	}
	return f
}
