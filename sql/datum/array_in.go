package datum

import (
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// MaxDims is how many dimensions an array may have.
const MaxDims = 6

// TooManyDims is the error for an array of more.
func TooManyDims(n int) error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", n, MaxDims)
}

// MaxElems bounds the elements of one array, as PostgreSQL does.
const MaxElems = 134217727

// ArrayTooLarge is the error of an array with more elements than that.
func ArrayTooLarge() error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", MaxElems)
}

// CheckDims refuses dimensions whose subscripts do not fit an integer.
func CheckDims(dims []vec.Dim) error {
	for _, d := range dims {
		if int64(d.Lower)+int64(d.Len) > 1<<31-1 {
			return pgerr.New(pgerr.ProgramLimitExceeded, "array lower bound is too large: %d", d.Lower)
		}
	}
	return nil
}

// parseArray reads an array literal.
func parseArray(t Type, s string, b *vec.Builder, env *Env) error {
	if t.OID == OidVector || t.OID == Int2Vector {
		return parseVector(t, s, b, env)
	}
	elem := Type{OID: ElemOf(t.OID), Mod: t.Mod}
	if elem.OID == 0 {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of type %s", FormatType(t))
	}
	r := &arrayReader{text: s}
	dims, err := r.read()
	if err != nil {
		return err
	}
	eb := NewBuilder(elem, len(r.items))
	for _, it := range r.items {
		if it.null {
			eb.AppendNull()
		} else if err := ParseText(elem, []byte(it.text), eb, env); err != nil {
			return err
		}
	}
	AppendArray(b, eb.Finish(), dims)
	return nil
}

// AppendElems appends one list with the rows of elems to a List builder.
func AppendElems(b *vec.Builder, elems *vec.Column) { AppendArray(b, elems, nil) }

// AppendArray appends one list of the dimensions, nil for one numbered from 1, with the rows of elems to a List builder.
func AppendArray(b *vec.Builder, elems *vec.Column, dims []vec.Dim) {
	if elems.Len == 0 || len(dims) == 1 && dims[0].Lower == 1 {
		dims = nil
	}
	b.AppendFrom(&vec.Column{Kind: vec.List, Len: 1, Offsets: []int32{0, int32(elems.Len)}, Shapes: [][]vec.Dim{dims}, Child: elems}, 0)
}

func parseVector(t Type, s string, b *vec.Builder, env *Env) error {
	eb := vec.NewBuilder(vec.Int64, 4)
	for _, f := range strings.Fields(s) {
		if err := ParseText(T(ElemOf(t.OID)), []byte(f), eb, env); err != nil {
			return err
		}
	}
	elems := eb.Finish()
	AppendArray(b, elems, []vec.Dim{{Len: int32(elems.Len), Lower: 0}})
	return nil
}

type arrayItem struct {
	text string
	null bool
}

// arrayReader takes an array literal apart.
type arrayReader struct {
	text  string
	i     int
	items []arrayItem
	lens  []int32 // of the dimensions, -1 where not known yet
	depth int     // of the elements, 0 where none was seen yet
}

func (r *arrayReader) fail(detail string, args ...any) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "malformed array literal: \"%s\"", r.text).WithDetail(detail, args...)
}

func (r *arrayReader) skip() {
	for r.i < len(r.text) && isSpace(r.text[r.i]) {
		r.i++
	}
}

func (r *arrayReader) peek() byte {
	if r.i < len(r.text) {
		return r.text[r.i]
	}
	return 0
}

func (r *arrayReader) read() ([]vec.Dim, error) {
	dims, err := r.bounds()
	if err != nil {
		return nil, err
	}
	if r.peek() != '{' {
		if dims != nil {
			return nil, r.fail("Array contents must start with \"{\".")
		}
		return nil, r.fail("Array value must start with \"{\" or dimension information.")
	}
	if err := r.level(1); err != nil {
		return nil, err
	}
	if r.skip(); r.i < len(r.text) {
		return nil, r.fail("Junk after closing right brace.")
	}
	if dims == nil {
		for _, n := range r.lens {
			dims = append(dims, vec.Dim{Len: n, Lower: 1})
		}
		return dims, nil
	}
	if len(dims) != len(r.lens) {
		return nil, r.fail("Specified array dimensions do not match array contents.")
	}
	for k, n := range r.lens {
		if dims[k].Len != n {
			return nil, r.fail("Specified array dimensions do not match array contents.")
		}
	}
	return dims, CheckDims(dims)
}

// level reads the braces of one dimension and what is in them.
func (r *arrayReader) level(depth int) error {
	if depth > MaxDims {
		return TooManyDims(depth)
	}
	if len(r.lens) < depth {
		r.lens = append(r.lens, -1)
	}
	r.i++
	n := int32(0)
	for r.skip(); ; r.skip() {
		switch c := r.peek(); {
		case r.i >= len(r.text):
			return r.fail("Unexpected end of input.")
		case c == '}' && n == 0 && depth == 1:
			r.i++
			r.lens[0] = 0
			return nil
		case c == '{' && r.depth != depth:
			if err := r.level(depth + 1); err != nil {
				return err
			}
		case c == '{':
			return r.fail("Unexpected \"%c\" character.", c)
		default:
			if err := r.element(depth); err != nil {
				return err
			}
		}
		n++
		r.skip()
		switch c := r.peek(); {
		case r.i >= len(r.text):
			return r.fail("Unexpected end of input.")
		case c == '}':
			r.i++
			return r.closed(depth, n)
		case c != ',':
			return r.fail("Unexpected array element.")
		}
		r.i++
	}
}

// closed checks that each level of a dimension has as many elements.
func (r *arrayReader) closed(depth int, n int32) error {
	if have := r.lens[depth-1]; have >= 0 && have != n {
		return r.fail("Multidimensional arrays must have sub-arrays with matching dimensions.")
	}
	r.lens[depth-1] = n
	return nil
}

// element reads an element, all of which are equally deep.
func (r *arrayReader) element(depth int) error {
	if depth < len(r.lens) || r.depth > 0 && r.depth != depth {
		return r.fail("Unexpected array element.")
	}
	it, err := r.item()
	r.items, r.depth = append(r.items, it), depth
	return err
}

// bounds reads what may stand before the braces, as in [0:1][2:3]=; nil where nothing does.
func (r *arrayReader) bounds() ([]vec.Dim, error) {
	var dims []vec.Dim
	for r.skip(); r.peek() == '['; r.skip() {
		r.i++
		if len(dims) == MaxDims {
			return nil, TooManyDims(len(dims) + 1)
		}
		lower, ok := r.bound()
		if !ok {
			return nil, r.fail("\"[\" must introduce explicitly-specified array dimensions.")
		}
		upper := lower
		if r.peek() == ':' {
			r.i++
			if upper, ok = r.bound(); !ok {
				return nil, r.fail("Missing array dimension value.")
			}
		} else {
			lower = 1
		}
		if r.peek() != ']' {
			return nil, r.fail("Missing \"%s\" after array dimensions.", "]")
		}
		r.i++
		if upper < lower {
			return nil, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
		}
		if upper-lower >= 1<<31-1 {
			return nil, pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", 1<<27-1)
		}
		dims = append(dims, vec.Dim{Len: int32(upper - lower + 1), Lower: int32(lower)})
	}
	if dims == nil {
		return nil, nil
	}
	if r.peek() != '=' {
		return nil, r.fail("Missing \"%s\" after array dimensions.", "=")
	}
	r.i++
	r.skip()
	return dims, nil
}

func (r *arrayReader) bound() (int64, bool) {
	from := r.i
	for c := r.peek(); isDigit(c) || c == '-' || c == '+'; c = r.peek() {
		r.i++
	}
	v, err := strconv.ParseInt(r.text[from:r.i], 10, 32)
	return v, err == nil
}

func (r *arrayReader) item() (arrayItem, error) {
	if r.peek() == '"' {
		return r.quoted()
	}
	var out []byte
	escaped, keep := false, 0
	for r.i < len(r.text) {
		c := r.text[r.i]
		if c == ',' || c == '}' {
			break
		}
		if c == '"' {
			return arrayItem{}, r.fail("Incorrectly quoted array element.")
		}
		if c == '{' {
			return arrayItem{}, r.fail("Unexpected \"%c\" character.", c)
		}
		if c == '\\' {
			r.i++
			escaped = true
			if r.i >= len(r.text) {
				return arrayItem{}, r.fail("Unexpected end of input.")
			}
			c = r.text[r.i]
			keep = len(out) + 1
		}
		out = append(out, c)
		r.i++
	}
	for len(out) > keep && isSpace(out[len(out)-1]) {
		out = out[:len(out)-1]
	}
	if len(out) == 0 {
		if r.i >= len(r.text) {
			return arrayItem{}, r.fail("Unexpected end of input.")
		}
		return arrayItem{}, r.fail("Unexpected \"%c\" character.", r.peek())
	}
	if !escaped && strings.EqualFold(string(out), "null") {
		return arrayItem{null: true}, nil
	}
	return arrayItem{text: string(out)}, nil
}

func (r *arrayReader) quoted() (arrayItem, error) {
	var out []byte
	for r.i++; r.i < len(r.text); r.i++ {
		switch c := r.text[r.i]; c {
		case '"':
			r.i++
			return arrayItem{text: string(out)}, nil
		case '\\':
			if r.i++; r.i < len(r.text) {
				out = append(out, r.text[r.i])
			}
		default:
			out = append(out, c)
		}
	}
	return arrayItem{}, r.fail("Unexpected end of input.")
}

// parseRecord reads a row literal of a type that RecordType made.
func parseRecord(t Type, s string, b *vec.Builder, env *Env) error {
	fields := RecordFields(t)
	if fields == nil {
		return pgerr.New(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	}
	fail := func(detail string) error {
		return pgerr.New(pgerr.InvalidTextRepresentation, "malformed record literal: \"%s\"", s).WithDetail("%s", detail)
	}
	rest := strings.TrimSpace(s)
	if !strings.HasPrefix(rest, "(") {
		return fail("Missing left parenthesis.")
	}
	items, rest, ok := recordItems(rest[1:])
	if o := OwnOf(t.OID); o != nil && env.stored && ok {
		items = o.placed(items)
	}
	switch {
	case !ok:
		return fail("Unexpected end of input.")
	case strings.TrimSpace(rest) != "":
		return fail("Junk after right parenthesis.")
	case len(items) < len(fields):
		return fail("Too few columns.")
	case len(items) > len(fields):
		return fail("Too many columns.")
	}
	cols := make([]*vec.Column, len(fields))
	for k, it := range items {
		fb := NewBuilder(fields[k].Type, 1)
		if it.null {
			fb.AppendNull()
		} else if err := ParseText(fields[k].Type, []byte(it.text), fb, env); err != nil {
			return err
		}
		cols[k] = fb.Finish()
	}
	b.AppendFrom(&vec.Column{Kind: vec.Struct, Len: 1, Fields: cols}, 0)
	return nil
}

func recordItems(s string) (items []arrayItem, rest string, ok bool) {
	for {
		var out []byte
		quoted, any := false, false
		i := 0
	item:
		for ; ; i++ {
			if i >= len(s) {
				return nil, s, false
			}
			switch c := s[i]; {
			case (c == ',' || c == ')') && !quoted:
				break item
			case c == '\\' && i+1 < len(s):
				i++
				out = append(out, s[i])
			case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
				i++
				out = append(out, '"')
			case c == '"':
				quoted, any = !quoted, true
			default:
				out = append(out, c)
			}
		}
		items = append(items, arrayItem{text: string(out), null: len(out) == 0 && !any})
		if s[i] == ')' {
			return items, s[i+1:], true
		}
		s = s[i+1:]
	}
}
