package datum

import (
	"strings"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// parseArray reads an array literal. Arrays have one dimension, numbered from 1.
func parseArray(t Type, s string, b *vec.Builder, env *Env) error {
	if t.OID == OidVector || t.OID == Int2Vector {
		return parseVector(t, s, b, env)
	}
	elem := Type{OID: ElemOf(t.OID), Mod: t.Mod}
	if elem.OID == 0 {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of type %s", FormatType(t))
	}
	r := &arrayReader{text: s}
	items, err := r.read()
	if err != nil {
		return err
	}
	eb := NewBuilder(elem, len(items))
	for _, it := range items {
		if it.null {
			eb.AppendNull()
		} else if err := ParseText(elem, []byte(it.text), eb, env); err != nil {
			return err
		}
	}
	AppendElems(b, eb.Finish())
	return nil
}

// AppendElems appends one list with the rows of elems to a List builder.
func AppendElems(b *vec.Builder, elems *vec.Column) {
	n := elems.Len
	b.AppendFrom(&vec.Column{Kind: vec.List, Len: 1, Offsets: []int32{0, int32(n)}, Child: elems}, 0)
}

func parseVector(t Type, s string, b *vec.Builder, env *Env) error {
	eb := vec.NewBuilder(vec.Int64, 4)
	for _, f := range strings.Fields(s) {
		if err := ParseText(T(ElemOf(t.OID)), []byte(f), eb, env); err != nil {
			return err
		}
	}
	AppendElems(b, eb.Finish())
	return nil
}

type arrayItem struct {
	text string
	null bool
}

type arrayReader struct {
	text string
	i    int
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

func (r *arrayReader) read() ([]arrayItem, error) {
	r.skip()
	if r.peek() == '[' {
		if err := r.bounds(); err != nil {
			return nil, err
		}
	}
	if r.peek() != '{' {
		return nil, r.fail("Array value must start with \"{\" or dimension information.")
	}
	r.i++
	var items []arrayItem
	for {
		r.skip()
		switch c := r.peek(); {
		case r.i >= len(r.text):
			return nil, r.fail("Unexpected end of input.")
		case c == '}' && len(items) == 0:
			return items, r.end()
		case c == '{':
			return nil, pgerr.New(pgerr.FeatureNotSupported, "arrays of more than one dimension are not supported")
		}
		it, err := r.item()
		if err != nil {
			return nil, err
		}
		items = append(items, it)
		r.skip()
		switch r.peek() {
		case ',':
			r.i++
			continue
		case '}':
			return items, r.end()
		}
		if r.i >= len(r.text) {
			return nil, r.fail("Unexpected end of input.")
		}
		return nil, r.fail("Unexpected array element.")
	}
}

func (r *arrayReader) end() error {
	r.i++
	r.skip()
	if r.i < len(r.text) {
		return r.fail("Junk after closing right brace.")
	}
	return nil
}

// bounds reads [1:n]=, other lower bounds are refused.
func (r *arrayReader) bounds() error {
	dims, _, ok := strings.Cut(r.text[r.i:], "=")
	if !ok {
		return r.fail("Missing \"%s\" after array dimensions.", "=")
	}
	r.i += len(dims) + 1
	r.skip()
	dims = strings.TrimSpace(dims)
	if strings.Count(dims, "[") > 1 || !strings.HasPrefix(dims, "[1:") && strings.Contains(dims, ":") {
		return pgerr.New(pgerr.FeatureNotSupported, "arrays of more than one dimension or with a lower bound other than 1 are not supported")
	}
	return nil
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
