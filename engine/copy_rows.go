package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// maxRow bounds one row of a COPY, as PostgreSQL bounds a field.
const maxRow = 1 << 30

// rowReader splits a COPY stream in text, CSV or binary format into rows of fields.
type rowReader struct {
	opts    copyOptions
	rel     string   // the relation's name
	names   []string // of the columns
	null    []bool   // FORCE_NULL of the columns; nil: of none
	notNull []bool   // FORCE_NOT_NULL
	text    []byte   // the row at hand as it came; nil in binary format
	buf     []byte
	line    int64
	fields  []field
	seen    int  // bytes of an unfinished row in front of buf that hold no end of it
	quoted  bool // they end inside a quoted field
	started bool // the binary header, or the CSV header line, was read
	ended   bool // \. or the binary trailer was read
}

// newRowReader reads rows of some columns of a relation.
func newRowReader(rel *catalog.Relation, cols []int, opts copyOptions) (rowReader, error) {
	r := rowReader{opts: opts, rel: rel.Name, names: columnNames(rel, cols)}
	if err := opts.named(rel.Name, r.names, func(n string) bool { return rel.Column(n) >= 0 }); err != nil {
		return r, err
	}
	flags := func(o *columnOption) (out []bool) {
		for i, n := range r.names {
			if o.has(n) {
				if out == nil {
					out = make([]bool, len(r.names))
				}
				out[i] = true
			}
		}
		return out
	}
	r.null, r.notNull = flags(&opts.forceNull), flags(&opts.forceNotNull)
	return r, nil
}

// field is one value of a row; null when absent, marked when the column's default stands for it.
type field struct {
	data   []byte
	null   bool
	marked bool
}

// feed takes a piece of the stream and calls row for every complete row.
func (r *rowReader) feed(data []byte, last bool, row func(fields []field, line int64) error) error {
	r.buf = append(r.buf, data...)
	rest := r.buf
	for !r.ended {
		n, ok, err := r.next(rest, last)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
		r.seen, r.quoted = 0, false
		if !ok {
			continue
		}
		if err := row(r.fields, r.line); err != nil {
			return err
		}
	}
	if r.ended {
		rest = nil
	}
	if err := rowFits(len(rest)); err != nil {
		return err
	}
	if len(rest) < len(r.buf) {
		r.buf = slices.Clone(rest) // rows that were given keep their text
	}
	if last && len(r.buf) > 0 {
		return pgerr.New(pgerr.BadCopyFileFormat, "unexpected end of COPY data")
	}
	return nil
}

// rowFits refuses a row that has so many bytes and is not at its end.
func rowFits(n int) error {
	if n > maxRow {
		return pgerr.New(pgerr.BadCopyFileFormat, "a row of the COPY data exceeds %d bytes", maxRow).At(0)
	}
	return nil
}

// next reads one row from the front of b: n bytes were taken (0: more is needed), ok says that fields holds a row.
func (r *rowReader) next(b []byte, last bool) (n int, ok bool, err error) {
	switch r.opts.format {
	case formatBinary:
		return r.nextBinary(b)
	case formatCSV:
		return r.nextCSV(b, last)
	}
	return r.nextText(b, last)
}

func (r *rowReader) nextText(b []byte, last bool) (int, bool, error) {
	end := lineEnd(b, r.seen)
	switch {
	case end >= 0:
	case !last || len(b) == 0:
		r.seen = len(b)
		return 0, false, nil
	default:
		end = len(b)
	}
	n := min(end+1, len(b))
	line := bytes.TrimSuffix(b[:end], []byte{'\r'})
	r.line++
	if string(line) == `\.` {
		r.ended = true
		return n, false, nil
	}
	r.text = line
	r.splitText(line)
	ok, err := r.isRow()
	return n, ok, err
}

// lineEnd is where the line that goes on at a place ends, -1: not in b. A line end behind a backslash is part of a value.
func lineEnd(b []byte, from int) int {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		if from += i; !escaped(b, from) {
			return from
		}
		from++
	}
}

// escaped reports whether a byte of the text format has a backslash before it that counts.
func escaped(b []byte, at int) bool {
	n := 0
	for at > n && b[at-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// isRow says whether fields are a row, and not the header line, which is checked if it has to match.
func (r *rowReader) isRow() (bool, error) {
	if !r.opts.header || r.started {
		return true, nil
	}
	r.started = true
	if !r.opts.match {
		return false, nil
	}
	if len(r.fields) != len(r.names) {
		return false, r.bad(fmt.Sprintf("wrong number of fields in header line: got %d, expected %d", len(r.fields), len(r.names)))
	}
	for i, f := range r.fields {
		if f.null {
			return false, r.bad(fmt.Sprintf("column name mismatch in header line field %d: got null value (%q), expected %q", i+1, r.opts.null, r.names[i]))
		}
		if string(f.data) != r.names[i] {
			return false, r.bad(fmt.Sprintf("column name mismatch in header line field %d: got %q, expected %q", i+1, f.data, r.names[i]))
		}
	}
	return false, nil
}

func (r *rowReader) splitText(line []byte) {
	r.fields = r.fields[:0]
	for {
		i := r.delimiterIn(line)
		raw := line
		if i >= 0 {
			raw = line[:i]
		}
		if string(raw) == r.opts.null {
			r.fields = append(r.fields, field{null: true})
		} else if r.opts.marked && string(raw) == r.opts.mark {
			r.fields = append(r.fields, field{null: true, marked: true})
		} else {
			r.fields = append(r.fields, field{data: r.unescape(raw)})
		}
		if i < 0 {
			return
		}
		line = line[i+1:]
	}
}

// delimiterIn finds the first delimiter that no backslash precedes.
func (r *rowReader) delimiterIn(line []byte) int {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case r.opts.delimiter:
			return i
		}
	}
	return -1
}

var textEscapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// unescape undoes the text format's backslashes.
func (r *rowReader) unescape(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			continue
		}
		i++
		switch c := raw[i]; {
		case textEscapes[c] != 0:
			out = append(out, textEscapes[c])
		case c >= '0' && c <= '7':
			v, k := 0, 0
			for ; k < 3 && i+k < len(raw) && raw[i+k] >= '0' && raw[i+k] <= '7'; k++ {
				v = v*8 + int(raw[i+k]-'0')
			}
			out, i = append(out, byte(v)), i+k-1
		case c == 'x' && i+1 < len(raw) && hexDigit(raw[i+1]) >= 0:
			v, k := 0, 1
			for ; k < 3 && i+k < len(raw) && hexDigit(raw[i+k]) >= 0; k++ {
				v = v*16 + hexDigit(raw[i+k])
			}
			out, i = append(out, byte(v)), i+k-1
		default:
			out = append(out, c)
		}
	}
	return out
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// nextCSV reads one record: quoted fields may hold delimiters and line ends.
func (r *rowReader) nextCSV(b []byte, last bool) (int, bool, error) {
	if end := bytes.IndexByte(b, '\n'); r.seen == 0 && end >= 0 && bytes.IndexByte(b[:end], r.opts.quote) < 0 {
		return r.plainCSV(b[:end])
	}
	end, n := r.recordEnd(b)
	if end < 0 {
		if !last || len(b) == 0 {
			return 0, false, nil
		}
		if end, n = len(b), len(b); end < 0 {
			return 0, false, nil
		}
	}
	rec := bytes.TrimSuffix(b[:end], []byte{'\r'})
	r.line += 1 + int64(bytes.Count(rec, newline)) // the record's last line, as PostgreSQL counts
	if string(rec) == `\.` {
		r.ended = true
		return n, false, nil
	}
	r.text = rec
	if err := r.splitCSV(rec); err != nil {
		return n, false, err
	}
	ok, err := r.isRow()
	return n, ok, err
}

// plainCSV is nextCSV of a line without quotes, which is most of them. Its fields are parts of the line.
func (r *rowReader) plainCSV(line []byte) (int, bool, error) {
	n := len(line) + 1
	line = bytes.TrimSuffix(line, []byte{'\r'})
	r.line++
	if string(line) == `\.` {
		r.ended = true
		return n, false, nil
	}
	r.text, r.fields = line, r.fields[:0]
	from := 0
	for i, c := range line {
		if c == r.opts.delimiter {
			r.csvField(line[from:i:i], false)
			from = i + 1
		}
	}
	r.csvField(line[from:], false)
	ok, err := r.isRow()
	return n, ok, err
}

// csvField adds a field, which may be null or a mark where it was not quoted, and where options say so.
func (r *rowReader) csvField(data []byte, quoted bool) {
	f, i := field{data: data}, len(r.fields)
	if string(data) == r.opts.null {
		f.null = !quoted
		switch {
		case i >= len(r.names):
		case f.null && r.notNull != nil:
			f.null = !r.notNull[i]
		case !f.null && r.null != nil:
			f.null = r.null[i]
		}
	}
	if r.opts.marked && !quoted && string(data) == r.opts.mark {
		f.null, f.marked = true, true
	}
	r.fields = append(r.fields, f)
}

// recordEnd finds the end of the record in front of b, and goes on where it has not looked yet.
func (r *rowReader) recordEnd(b []byte) (end, n int) {
	i := r.seen
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case r.quoted && c == r.opts.escape && r.opts.escape != r.opts.quote:
			i++
		case c == r.opts.quote:
			r.quoted = !r.quoted
		case c == '\n' && !r.quoted:
			return i, i + 1
		}
	}
	r.seen = i
	return -1, 0
}

func (r *rowReader) splitCSV(rec []byte) error {
	r.fields = r.fields[:0]
	for {
		var out []byte
		quoted, open, i := false, false, 0
		for ; i < len(rec); i++ {
			c := rec[i]
			switch {
			case open && c == r.opts.escape && i+1 < len(rec) && (rec[i+1] == r.opts.quote || rec[i+1] == r.opts.escape):
				i++
				out = append(out, rec[i])
			case c == r.opts.quote:
				open, quoted = !open, true
			case c == r.opts.delimiter && !open:
				goto fieldEnd
			default:
				out = append(out, c)
			}
		}
	fieldEnd:
		if open {
			return r.bad("unterminated CSV quoted field")
		}
		r.csvField(out, quoted)
		if i >= len(rec) {
			return nil
		}
		rec = rec[i+1:]
	}
}

var binarySignature = []byte("PGCOPY\n\xff\r\n\x00")

func (r *rowReader) nextBinary(b []byte) (int, bool, error) {
	if !r.started {
		if len(b) < 19 {
			return 0, false, nil
		}
		if !bytes.Equal(b[:11], binarySignature) {
			return 0, false, pgerr.New(pgerr.BadCopyFileFormat, "COPY file signature not recognized")
		}
		n := 19 + int(binary.BigEndian.Uint32(b[15:]))
		if n < 19 || n > maxRow {
			return 0, false, pgerr.New(pgerr.BadCopyFileFormat, "invalid COPY file header")
		}
		if len(b) < n {
			return 0, false, nil
		}
		r.started = true
		return n, false, nil
	}
	if len(b) < 2 {
		return 0, false, nil
	}
	count := int(int16(binary.BigEndian.Uint16(b)))
	if count == -1 {
		r.ended = true
		return 2, false, nil
	}
	r.fields = r.fields[:0]
	n := 2
	for range count {
		if len(b) < n+4 {
			return 0, false, nil
		}
		size := int(int32(binary.BigEndian.Uint32(b[n:])))
		n += 4
		switch {
		case size == -1:
			r.fields = append(r.fields, field{null: true})
			continue
		case size < 0:
			return 0, false, pgerr.New(pgerr.BadCopyFileFormat, "invalid field size")
		case len(b)-n < size:
			return 0, false, nil
		}
		r.fields = append(r.fields, field{data: b[n : n+size]})
		n += size
	}
	r.line++
	return n, true, nil
}

func (r *rowReader) bad(msg string) error {
	e := pgerr.New(pgerr.BadCopyFileFormat, "%s", msg)
	e.Where = r.where(r.line, r.text)
	return e
}

// where names a row in messages; text is what it looks like, where that is known.
func (r *rowReader) where(line int64, text []byte) string {
	w := "COPY " + r.rel + ", line " + itoa(line)
	if text == nil {
		return w
	}
	return w + ": \"" + cutCopied(text) + "\""
}

// at names the value of a column in messages; text is nil for null, and not shown in binary format.
func (r *rowReader) at(line int64, column string, text []byte) string {
	w := "COPY " + r.rel + ", line " + itoa(line) + ", column " + column
	switch {
	case r.opts.format == formatBinary:
		return w
	case text == nil:
		return w + ": null input"
	}
	return w + ": \"" + cutCopied(text) + "\""
}

// copiedShown is how many bytes of the data messages show.
const copiedShown = 100

func cutCopied(text []byte) string {
	if len(text) <= copiedShown {
		return string(text)
	}
	n := copiedShown
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return string(text[:n]) + "..."
}

// rowSink appends the rows of a COPY in text, CSV or binary format.
type rowSink struct {
	session *Session
	rel     *catalog.Relation
	columns []int
	reader  rowReader
	rows    eventWriter
	env     *datum.Env
	values  []*vec.Column
	x       *execution    // of where
	where   *expr.Program // over the columns of events, of which those that are not copied are not there; nil: all rows
	ctx     func() context.Context
	bad     skippedRows
}

// choose sets which rows become events.
func (k *rowSink) choose(ctx context.Context, where syntax.Expr, script string) (err error) {
	k.x = newExecution(k.session.executionConfig(ctx, nil))
	k.where, err = k.session.copyCondition(ctx, k.x, k.rel, where, script, k.copied)
	return err
}

// copied refuses a condition on columns that the COPY does not bring: rows are chosen before they become events.
func (k *rowSink) copied(cond expr.Expr) (err error) {
	expr.Walk(cond, func(e expr.Expr) bool {
		if c, ok := e.(*expr.Col); ok && !slices.Contains(k.columns, c.Index) {
			err = pgerr.New(pgerr.InvalidColumnReference, "column %q is not copied, so WHERE cannot ask for it", k.rel.Columns[c.Index].Name).
				WithHint("Rows are chosen before they become events: name only columns that the data has.")
		}
		return err == nil
	})
	return err
}

// chosen reports whether the row at hand becomes an event.
func (k *rowSink) chosen() (bool, error) {
	if k.where == nil {
		return true, nil
	}
	row := &vec.Batch{Len: 1, Cols: make([]*vec.Column, len(k.rel.Columns))}
	for i, c := range k.columns {
		row.Cols[c] = k.values[i]
	}
	sel, err := k.where.Filter(row)
	return len(sel) > 0, err
}

// Write takes any piece of the stream.
func (k *rowSink) Write(data []byte) error { return k.reader.feed(data, false, k.row) }

func (k *rowSink) row(fields []field, line int64) error {
	if len(fields) != len(k.columns) {
		word := "missing data for column"
		if len(fields) > len(k.columns) {
			return k.reader.bad("extra data after last expected column")
		}
		return k.reader.bad(word + " \"" + k.rel.Columns[k.columns[len(fields)]].Name + `"`)
	}
	if line&1023 == 0 && k.ctx().Err() != nil {
		return k.ctx().Err()
	}
	for i, f := range fields {
		col := k.rel.Columns[k.columns[i]]
		b := vec.NewBuilder(datum.Lookup(col.Type.OID).Kind, 1)
		var err error
		switch {
		case f.null:
			b.AppendNull()
		case k.reader.opts.format == formatBinary:
			err = datum.ParseBinary(col.Type, f.data, b, k.env)
		default:
			err = datum.ParseText(col.Type, f.data, b, k.env)
		}
		if err != nil {
			if k.reader.opts.skipBad {
				return k.bad.add(k.session, &k.reader, skippedRow{line, col.Name, f.data})
			}
			e := pgerr.From(err)
			e.Where = k.reader.at(line, col.Name, f.data)
			return e
		}
		k.values[i] = b.Finish()
	}
	if ok, err := k.chosen(); !ok || err != nil {
		return err
	}
	ev, err := eventFromRow(k.rel, k.columns, k.values, 0)
	if err != nil {
		e := pgerr.From(err)
		e.Where = k.reader.where(line, k.reader.text)
		return e
	}
	return k.rows.add(k.ctx(), ev)
}

// Close makes the rows part of the log.
func (k *rowSink) Close(ctx context.Context) (added, repeats int64, err error) {
	if err := k.reader.feed(nil, true, k.row); err != nil {
		k.Abort()
		return 0, 0, err
	}
	k.bad.tell(k.session, &k.reader.opts)
	return k.rows.commit(ctx)
}

// Abort forgets everything.
func (k *rowSink) Abort() { k.rows.abort() }
