package engine

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/vec"
)

// CopyOut is a running COPY … TO STDOUT.
type CopyOut struct {
	rowsWriter
	rows   *Rows
	ahead  []chan writtenRows // in order
	most   int                // of ahead
	now    writtenRows
	at     int // in now
	begun  bool
	ended  bool  // rows has no more
	failed error // of rows, after what is ahead
	last   bool  // the end was given
	count  int64
}

// rowsWriter writes rows in the format of a COPY. It does not change.
type rowsWriter struct {
	opts    copyOptions
	env     *datum.Env
	fields  []Field
	special [256]bool // bytes that have to be quoted or escaped in text
	safe    []bool    // columns whose text has none of them, and is not that of a null
}

// writtenRows are some rows of a batch as the format writes them.
type writtenRows struct {
	batch *vec.Batch
	to    int // the row after them
	data  []byte
	ends  []int
	err   error // of the next one
}

// writtenBytes is from how many bytes on rows are given on.
const writtenBytes = 1 << 20

// newCopyOut starts sending what rows gives. Batches are written at the same time, unless values are names that only the session understands.
func newCopyOut(rows *Rows, opts copyOptions, env *datum.Env) *CopyOut {
	o := &CopyOut{rowsWriter: rowsWriter{opts: opts, env: env, fields: rows.Fields}, rows: rows, most: runtime.GOMAXPROCS(0)}
	switch opts.format {
	case formatCSV:
		for _, c := range []byte{opts.delimiter, opts.quote, '\n', '\r'} {
			o.special[c] = true
		}
	case formatText:
		for _, c := range []byte{opts.delimiter, '\\', '\n', '\r', '\t', '\b', '\f', '\v'} {
			o.special[c] = true
		}
	}
	usual := strings.IndexByte(",;|\t", opts.delimiter) >= 0 && (opts.null == "" || opts.null == `\N`) && !opts.forceQuote.all
	o.safe = make([]bool, len(o.fields))
	for i, f := range o.fields {
		switch datum.KindOf(f.Type.OID) {
		case vec.Bool, vec.Int64, vec.Float64, vec.Decimal:
			o.safe[i] = usual && !opts.forceQuote.has(f.Name)
		case vec.Struct:
			o.most = 1
		}
		if datum.ReadsNames(f.Type.OID) {
			o.safe[i], o.most = false, 1
		}
	}
	return o
}

// Binary reports whether the data is in binary format, Columns how many there are.
func (o *CopyOut) Binary() bool { return o.opts.format == formatBinary }

// Columns see Binary.
func (o *CopyOut) Columns() int { return len(o.fields) }

// Close frees the answer. It may be called more than once.
func (o *CopyOut) Close() {
	for _, w := range o.ahead {
		<-w
	}
	o.ahead = nil
	o.rows.Close()
}

// Tag is the completion tag.
func (o *CopyOut) Tag() string { return "COPY " + itoa(o.count) }

// Next returns the next row as the format writes it, nil at the end. It is valid until the next call.
func (o *CopyOut) Next() ([]byte, error) {
	if !o.begun {
		o.begun = true
		if o.opts.format == formatBinary { // the header goes with the first row
			line, err := o.Next()
			return slices.Concat([]byte(binarySignature), make([]byte, 8), line), err
		}
		if o.opts.header {
			return o.headerLine(), nil
		}
	}
	for o.at >= len(o.now.ends) {
		if o.now.err != nil {
			return nil, o.now.err
		}
		o.readAhead()
		if len(o.ahead) == 0 {
			return o.end()
		}
		o.now, o.at = <-o.ahead[0], 0
		if o.ahead = o.ahead[1:]; o.now.err == nil && o.now.to < o.now.batch.Len {
			o.ahead = slices.Insert(o.ahead, 0, o.begin(o.now.batch, o.now.to))
		}
	}
	from := 0
	if o.at > 0 {
		from = o.now.ends[o.at-1]
	}
	o.at++
	o.count++
	return o.now.data[from:o.now.ends[o.at-1]], nil
}

// end ends the data.
func (o *CopyOut) end() ([]byte, error) {
	if o.failed != nil || o.last || o.opts.format != formatBinary {
		return nil, o.failed
	}
	o.last = true
	return []byte{0xff, 0xff}, nil
}

// readAhead takes as many batches as are written at the same time.
func (o *CopyOut) readAhead() {
	for len(o.ahead) < o.most && !o.ended {
		b, err := o.rows.Next()
		if b == nil || err != nil {
			o.ended, o.failed = true, err
			return
		}
		o.ahead = append(o.ahead, o.begin(b, 0))
	}
}

// begin begins to write the rows of a batch.
func (o *CopyOut) begin(b *vec.Batch, from int) chan writtenRows {
	out := make(chan writtenRows, 1)
	if o.most == 1 {
		out <- o.write(b, from)
	} else {
		go func() { out <- o.write(b, from) }()
	}
	return out
}

// write writes rows of a batch, not many more than fit in writtenBytes.
func (o *rowsWriter) write(b *vec.Batch, from int) (w writtenRows) {
	defer op.Rescue(&w.err)
	w = writtenRows{batch: b, to: from, ends: make([]int, 0, b.Len-from)}
	for w.to < b.Len && len(w.data) < writtenBytes {
		var data []byte
		if data, w.err = o.row(w.data, b, w.to); w.err != nil {
			return w
		}
		w.data, w.ends = data, append(w.ends, len(data))
		w.to++
	}
	return w
}

func (o *rowsWriter) headerLine() []byte {
	var out []byte
	for i, f := range o.fields {
		if i > 0 {
			out = append(out, o.opts.delimiter)
		}
		if o.opts.format == formatCSV {
			out = o.csv(append(out, f.Name...), len(out), false)
		} else {
			out = o.escapeText(append(out, f.Name...), len(out))
		}
	}
	return append(out, '\n')
}

// row appends a row of a batch.
func (o *rowsWriter) row(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	switch o.opts.format {
	case formatBinary:
		return o.binaryRow(dst, b, i)
	case formatNDJSON:
		return o.jsonRow(dst, b, i), nil
	}
	for k, c := range b.Cols {
		if k > 0 {
			dst = append(dst, o.opts.delimiter)
		}
		if c.Null(i) {
			dst = append(dst, o.opts.null...)
			continue
		}
		from := len(dst)
		dst = datum.AppendText(dst, o.fields[k].Type, c, i, o.env)
		switch {
		case o.safe[k]:
		case o.opts.format == formatCSV:
			dst = o.csv(dst, from, o.opts.forceQuote.has(o.fields[k].Name))
		default:
			dst = o.escapeText(dst, from)
		}
	}
	return append(dst, '\n'), nil
}

func (o *rowsWriter) binaryRow(dst []byte, b *vec.Batch, i int) (_ []byte, err error) {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(b.Cols)))
	for k, c := range b.Cols {
		if c.Null(i) {
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		if dst, err = datum.AppendBinary(dst, o.fields[k].Type, c, i, o.env); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

// jsonRow writes an object with one member per column: numbers, booleans and documents as JSON, the rest as strings.
func (o *rowsWriter) jsonRow(dst []byte, b *vec.Batch, i int) []byte {
	dst = append(dst, '{')
	for k, c := range b.Cols {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, []byte(o.fields[k].Name))
		dst = append(dst, ':')
		dst = AppendJSONValue(dst, o.fields[k].Type, c, i, o.env)
	}
	return append(dst, '}', '\n')
}

// isPlain reports whether a field needs neither quotes nor escapes.
func (o *rowsWriter) isPlain(field []byte) bool {
	for _, c := range field {
		if o.special[c] {
			return false
		}
	}
	return true
}

// csv quotes the field from a place on if it must be.
func (o *rowsWriter) csv(dst []byte, from int, force bool) []byte {
	field := dst[from:]
	if !force && string(field) != o.opts.null && string(field) != `\.` && o.isPlain(field) {
		return dst
	}
	field = bytes.Clone(field)
	dst = append(dst[:from], o.opts.quote)
	for _, c := range field {
		if c == o.opts.quote || c == o.opts.escape {
			dst = append(dst, o.opts.escape)
		}
		dst = append(dst, c)
	}
	return append(dst, o.opts.quote)
}

// escapeLetters are the letters that stand for bytes in the text format.
var escapeLetters = map[byte]byte{'\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f', '\v': 'v'}

// escapeText escapes the field from a place on as the text format does.
func (o *rowsWriter) escapeText(dst []byte, from int) []byte {
	if o.isPlain(dst[from:]) {
		return dst
	}
	field := bytes.Clone(dst[from:])
	dst = dst[:from]
	for _, c := range field {
		if !o.special[c] {
			dst = append(dst, c)
		} else if letter, ok := escapeLetters[c]; ok {
			dst = append(dst, '\\', letter)
		} else {
			dst = append(dst, '\\', c)
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
