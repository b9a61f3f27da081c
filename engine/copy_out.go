package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// CopyOut is a running COPY … TO STDOUT.
type CopyOut struct {
	rows   *Rows
	opts   copyOptions
	env    *datum.Env
	fields []Field
	batch  *vec.Batch
	at     int
	buf    []byte
	begun  bool
	ended  bool
	count  int64
}

// Binary reports whether the data is in binary format, Columns how many there are.
func (o *CopyOut) Binary() bool { return o.opts.format == formatBinary }

// Columns see Binary.
func (o *CopyOut) Columns() int { return len(o.fields) }

// Close frees the answer. It may be called more than once.
func (o *CopyOut) Close() { o.rows.Close() }

// Tag is the completion tag.
func (o *CopyOut) Tag() string { return "COPY " + itoa(o.count) }

// Next returns the next row as the format writes it, nil at the end. It is valid until the next call.
func (o *CopyOut) Next() ([]byte, error) {
	o.buf = o.buf[:0]
	if !o.begun {
		o.begun = true
		switch {
		case o.opts.format == formatBinary:
			o.buf = append(append(o.buf, binarySignature...), 0, 0, 0, 0, 0, 0, 0, 0)
		case o.opts.header:
			return o.headerLine(), nil
		}
	}
	for o.batch == nil || o.at >= o.batch.Len {
		if o.ended {
			return nil, nil
		}
		b, err := o.rows.Next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			o.ended = true
			if o.opts.format == formatBinary {
				return append(o.buf, 0xff, 0xff), nil
			}
			return nil, nil
		}
		o.batch, o.at = b, 0
	}
	err := o.row(o.at)
	o.at++
	o.count++
	return o.buf, err
}

func (o *CopyOut) headerLine() []byte {
	for i, f := range o.fields {
		if i > 0 {
			o.buf = append(o.buf, o.opts.delimiter)
		}
		if o.opts.format == formatCSV {
			o.buf = o.csv(o.buf, []byte(f.Name), false)
		} else {
			o.buf = escapeText(o.buf, []byte(f.Name), o.opts.delimiter)
		}
	}
	return append(o.buf, '\n')
}

func (o *CopyOut) row(i int) error {
	switch o.opts.format {
	case formatBinary:
		return o.binaryRow(i)
	case formatNDJSON:
		return o.jsonRow(i)
	}
	var scratch []byte
	for k, c := range o.batch.Cols {
		if k > 0 {
			o.buf = append(o.buf, o.opts.delimiter)
		}
		if c.Null(i) {
			o.buf = append(o.buf, o.opts.null...)
			continue
		}
		scratch = datum.AppendText(scratch[:0], o.fields[k].Type, c, i, o.env)
		if o.opts.format == formatCSV {
			o.buf = o.csv(o.buf, scratch, o.opts.quoteAll || o.opts.forceQuote[o.fields[k].Name])
		} else {
			o.buf = escapeText(o.buf, scratch, o.opts.delimiter)
		}
	}
	o.buf = append(o.buf, '\n')
	return nil
}

func (o *CopyOut) binaryRow(i int) error {
	o.buf = binary.BigEndian.AppendUint16(o.buf, uint16(len(o.batch.Cols)))
	for k, c := range o.batch.Cols {
		if c.Null(i) {
			o.buf = append(o.buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(o.buf)
		o.buf = append(o.buf, 0, 0, 0, 0)
		var err error
		if o.buf, err = datum.AppendBinary(o.buf, o.fields[k].Type, c, i, o.env); err != nil {
			return err
		}
		binary.BigEndian.PutUint32(o.buf[at:], uint32(len(o.buf)-at-4))
	}
	return nil
}

// jsonRow writes an object with one member per column: numbers, booleans and documents as JSON, the rest as strings.
func (o *CopyOut) jsonRow(i int) error {
	o.buf = append(o.buf, '{')
	for k, c := range o.batch.Cols {
		if k > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = appendJSONString(o.buf, []byte(o.fields[k].Name))
		o.buf = append(o.buf, ':')
		o.buf = AppendJSONValue(o.buf, o.fields[k].Type, c, i, o.env)
	}
	o.buf = append(o.buf, '}', '\n')
	return nil
}

// csv appends a CSV field, quoted if it must be.
func (o *CopyOut) csv(dst, v []byte, force bool) []byte {
	quote := force || string(v) == o.opts.null || string(v) == `\.`
	for _, c := range v {
		quote = quote || c == o.opts.delimiter || c == o.opts.quote || c == '\n' || c == '\r'
	}
	if !quote {
		return append(dst, v...)
	}
	dst = append(dst, o.opts.quote)
	for _, c := range v {
		if c == o.opts.quote || c == o.opts.escape {
			dst = append(dst, o.opts.escape)
		}
		dst = append(dst, c)
	}
	return append(dst, o.opts.quote)
}

// escapeText appends a field of the text format.
func escapeText(dst, v []byte, delimiter byte) []byte {
	for _, c := range v {
		switch c {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\v':
			dst = append(dst, '\\', 'v')
		case delimiter:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendJSONValue writes a value as JSON: numbers, booleans, json and jsonb as themselves, everything else as the string
// that AppendText gives; NaN and infinities are strings too.
func AppendJSONValue(dst []byte, t datum.Type, c *vec.Column, i int, env *datum.Env) []byte {
	if c.Null(i) {
		return append(dst, "null"...)
	}
	start := len(dst)
	if t.OID == datum.Bool {
		return strconv.AppendBool(dst, c.Bool(i))
	}
	dst = datum.AppendText(dst, t, c, i, env)
	text := dst[start:]
	switch t.OID {
	case datum.JSONB:
		return dst
	case datum.JSON:
		for k, b := range text {
			if b == '\n' || b == '\r' { // between its tokens; an object is a line
				text[k] = ' '
			}
		}
		return dst
	case datum.Int2, datum.Int4, datum.Int8, datum.Oid, datum.Float4, datum.Float8, datum.Numeric:
		if last := text[len(text)-1]; last >= '0' && last <= '9' {
			return dst
		}
	}
	for _, b := range text {
		if b < 0x20 || b == '"' || b == '\\' {
			return appendJSONString(dst[:start], bytes.Clone(text))
		}
	}
	return append(slices.Insert(dst, start, '"'), '"')
}

const hexDigits = "0123456789abcdef"

func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// newCopyOut starts sending what rows gives.
func newCopyOut(_ context.Context, rows *Rows, o copyOptions, env *datum.Env) *CopyOut {
	return &CopyOut{rows: rows, opts: o, env: env, fields: rows.Fields}
}
