package funcs

import (
	"strconv"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// jsonTime writes a time as it becomes a JSON string: ISO 8601 with a T, as PostgreSQL writes it there.
func jsonTime(t datum.Type, c *vec.Column, i int, env *datum.Env) []byte {
	iso := datum.Env{Location: env.Zone()}
	text := datum.AppendText(nil, t, c, i, &iso)
	for k, ch := range text {
		if ch == ' ' {
			text[k] = 'T'
			break
		}
	}
	// A zone is written in full there: +00 is +00:00.
	if t.OID == datum.TimestampTZ && len(text) > 3 && (text[len(text)-3] == '+' || text[len(text)-3] == '-') {
		text = append(text, ":00"...)
	}
	return text
}

// buildJSONB adds row i of c to b as to_jsonb would.
func buildJSONB(b *jsonb.Builder, t datum.Type, c *vec.Column, i int, env *datum.Env) error {
	if c.Null(i) {
		b.Null()
		return nil
	}
	switch t.OID {
	case datum.Bool:
		b.Bool(c.Bool(i))
	case datum.Int2, datum.Int4, datum.Int8:
		b.Int64(c.Int(i))
	case datum.JSONB:
		b.Value(c.Bytes(i))
	case datum.JSON:
		v, err := jsonb.Parse(nil, c.Bytes(i))
		if err != nil {
			return err
		}
		b.Value(v)
	case datum.Float4, datum.Float8, datum.Numeric:
		text := datum.AppendText(nil, t, c, i, datum.DefaultEnv)
		if v, err := jsonb.Parse(nil, text); err == nil {
			b.Value(v)
		} else {
			b.StringBytes(text)
		}
	case datum.Timestamp, datum.TimestampTZ:
		b.StringBytes(jsonTime(t, c, i, env))
	default:
		return buildJSONBNested(b, t, c, i, env)
	}
	return nil
}

func buildJSONBNested(b *jsonb.Builder, t datum.Type, c *vec.Column, i int, env *datum.Env) error {
	if datum.IsComposite(t.OID) {
		c, i = datum.Unpack(t, c.Slice(i, i+1)), 0
	}
	if c.Kind == vec.List {
		child, from, to := c.List(i)
		elem := datum.ElemType(t, child)
		return buildJSONBLevel(b, elem, child, from, levels(c, i, to-from), env)
	}
	if c.Kind == vec.Struct {
		fields, row := structAt(c, i)
		b.BeginObject()
		for k, f := range datum.FieldsOf(t, c) {
			b.Key(f.Name)
			if err := buildJSONB(b, f.Type, fields[k], row, env); err != nil {
				return err
			}
		}
		b.End()
		return nil
	}
	b.StringBytes(datum.AppendText(nil, t, c, i, env))
	return nil
}

// levels are how many elements a level of each dimension of the list has; n is how many there are in all.
func levels(c *vec.Column, i, n int) []int {
	shape := c.Shape(i)
	if shape == nil {
		return []int{n}
	}
	out := make([]int, len(shape))
	for k, d := range shape {
		out[k] = int(d.Len)
	}
	return out
}

// stride is how many elements one step in the first dimension takes.
func stride(levels []int) int {
	n := 1
	for _, l := range levels[1:] {
		n *= l
	}
	return n
}

func buildJSONBLevel(b *jsonb.Builder, elem datum.Type, child *vec.Column, at int, levels []int, env *datum.Env) error {
	step := stride(levels)
	b.BeginArray()
	for k := range levels[0] {
		var err error
		if len(levels) > 1 {
			err = buildJSONBLevel(b, elem, child, at+k*step, levels[1:], env)
		} else {
			err = buildJSONB(b, elem, child, at+k, env)
		}
		if err != nil {
			return err
		}
	}
	b.End()
	return nil
}

func appendJSONLevel(dst []byte, elem datum.Type, child *vec.Column, at int, levels []int, env *datum.Env) []byte {
	step := stride(levels)
	dst = append(dst, '[')
	for k := range levels[0] {
		if k > 0 {
			dst = append(dst, ',')
		}
		if len(levels) > 1 {
			dst = appendJSONLevel(dst, elem, child, at+k*step, levels[1:], env)
		} else {
			dst = appendJSON(dst, elem, child, at+k, env)
		}
	}
	return append(dst, ']')
}

// structAt resolves the dictionary of a Struct column: its fields and the row in them.
func structAt(c *vec.Column, i int) ([]*vec.Column, int) {
	if c.Codes != nil {
		return c.Dict.Fields, int(c.Codes[i])
	}
	return c.Fields, i
}

// appendJSON writes row i of c as to_json would.
func appendJSON(dst []byte, t datum.Type, c *vec.Column, i int, env *datum.Env) []byte {
	if c.Null(i) {
		return append(dst, "null"...)
	}
	switch t.OID {
	case datum.Bool:
		return strconv.AppendBool(dst, c.Bool(i))
	case datum.JSON, datum.JSONB, datum.Int2, datum.Int4, datum.Int8:
		return datum.AppendText(dst, t, c, i, env)
	case datum.Float4, datum.Float8, datum.Numeric:
		text := datum.AppendText(nil, t, c, i, datum.DefaultEnv)
		if last := text[len(text)-1]; last >= '0' && last <= '9' {
			return append(dst, text...)
		}
		return appendJSONString(dst, text)
	case datum.Timestamp, datum.TimestampTZ:
		return appendJSONString(dst, jsonTime(t, c, i, env))
	}
	if datum.IsComposite(t.OID) {
		c, i = datum.Unpack(t, c.Slice(i, i+1)), 0
	}
	if c.Kind == vec.List {
		child, from, to := c.List(i)
		return appendJSONLevel(dst, datum.ElemType(t, child), child, from, levels(c, i, to-from), env)
	}
	if c.Kind == vec.Struct {
		fields, row := structAt(c, i)
		dst = append(dst, '{')
		for k, f := range datum.FieldsOf(t, c) {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, []byte(f.Name)), ':')
			dst = appendJSON(dst, f.Type, fields[k], row, env)
		}
		return append(dst, '}')
	}
	return appendJSONString(dst, datum.AppendText(nil, t, c, i, env))
}

// appendJSONString writes s as a JSON string, escaping as PostgreSQL does.
func appendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			if c < ' ' && c < utf8.RuneSelf {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}
