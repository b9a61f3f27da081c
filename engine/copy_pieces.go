package engine

import (
	"bytes"
	"runtime"
	"slices"

	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// copyForm is how the rows of a COPY into a table look.
type copyForm struct {
	rel     *catalog.Relation
	columns []int
	opts    copyOptions
	env     *datum.Env
	rows    rowReader // before the first row
}

// parts reports whether a stream may be cut into pieces that are read at the same time: where rows end can be seen, and no value is a name
// that only the session understands.
func (f *copyForm) parts() bool {
	for _, c := range f.columns {
		if datum.ReadsNames(f.rel.Columns[c].Type.OID) {
			return false
		}
	}
	return f.opts.format == formatText || f.opts.format == formatCSV && f.opts.quote == f.opts.escape
}

// copyReader makes batches of the rows of a stream, or of a piece of one.
type copyReader struct {
	*copyForm
	rows     rowReader
	builders []*vec.Builder
	now      copiedBatch // of builders
	batches  []copiedBatch
	skipped  []skippedRow
}

// copiedBatch are rows with where they stood.
type copiedBatch struct {
	*vec.Batch
	lines  []int64
	texts  [][]byte        // as they came; nil in binary format
	marked map[int][]int32 // rows in which the default of a column is meant, by the column's place in the COPY
}

// part is some of the rows.
func (b copiedBatch) part(from, to int) copiedBatch {
	out := copiedBatch{Batch: b.Slice(from, to), lines: b.lines[from:to], texts: b.texts[from:to]}
	for c, rows := range b.marked {
		for _, r := range rows {
			if int(r) >= from && int(r) < to {
				out.mark(c, int(r)-from)
			}
		}
	}
	return out
}

func (b *copiedBatch) mark(column, row int) {
	if b.marked == nil {
		b.marked = map[int][]int32{}
	}
	b.marked[column] = append(b.marked[column], int32(row))
}

// copiedRows are rows that were read; err is what is wrong with the next one.
type copiedRows struct {
	batches []copiedBatch
	skipped []skippedRow
	ended   bool // nothing that follows is data
	err     error
}

// reader reads from the first row on.
func (f *copyForm) reader() *copyReader {
	r := &copyReader{copyForm: f, rows: f.rows}
	r.clear()
	return r
}

func (r *copyReader) clear() {
	r.builders, r.now = make([]*vec.Builder, len(r.columns)), copiedBatch{}
	for i, c := range r.columns {
		r.builders[i] = datum.NewBuilder(r.rel.Columns[c].Type, vec.BatchRows)
	}
}

// read takes the next part of the data and gives full batches, and at its end or before an error the last one.
func (r *copyReader) read(data []byte, last bool) copiedRows {
	r.batches, r.skipped = nil, nil
	err := r.rows.feed(data, last, r.row)
	if len(r.now.lines) > 0 && (last || err != nil) {
		r.finish()
	}
	return copiedRows{r.batches, r.skipped, r.rows.ended, err}
}

func (r *copyReader) finish() {
	r.now.Batch = &vec.Batch{Len: len(r.now.lines)}
	for _, c := range r.builders {
		r.now.Cols = append(r.now.Cols, c.Finish())
	}
	r.batches = append(r.batches, r.now)
	r.clear()
}

func (r *copyReader) row(fields []field, line int64) error {
	if len(fields) > len(r.columns) {
		return r.rows.bad("extra data after last expected column")
	}
	if len(fields) < len(r.columns) {
		return r.rows.bad("missing data for column \"" + r.rows.names[len(fields)] + `"`)
	}
	for i, f := range fields {
		col := &r.rel.Columns[r.columns[i]]
		var err error
		switch {
		case f.marked && !hasDefault(col):
			e := r.rows.bad("unexpected default marker in COPY data")
			r.cut()
			return pgerr.From(e).WithDetail("Column %q has no default value.", col.Name)
		case f.marked:
			r.now.mark(i, len(r.now.lines))
			r.builders[i].AppendNull()
		case f.null:
			r.builders[i].AppendNull()
		case r.opts.format == formatBinary:
			err = datum.ParseBinary(col.Type, f.data, r.builders[i], r.env)
		default:
			err = datum.ParseText(col.Type, f.data, r.builders[i], r.env)
		}
		if err == nil {
			continue
		}
		if r.cut(); r.opts.skipBad && isOfRow(err) {
			r.skipped = append(r.skipped, skippedRow{line, col.Name, bytes.Clone(f.data)})
			return nil
		}
		e := *pgerr.From(err)
		e.Where = r.rows.at(line, col.Name, f.data)
		return &e
	}
	r.now.lines, r.now.texts = append(r.now.lines, line), append(r.now.texts, r.rows.text)
	if len(r.now.lines) == vec.BatchRows {
		r.finish()
	}
	return nil
}

// hasDefault reports whether a column has a value where none is given.
func hasDefault(c *catalog.Column) bool {
	return c.Default != "" || c.Stored.Identity != "" || c.Domain != nil && c.Domain.Default.Text != ""
}

// cut takes the values of an unfinished row away.
func (r *copyReader) cut() {
	whole := len(r.now.lines)
	if whole > 0 {
		r.finish()
		last := &r.batches[len(r.batches)-1]
		for i, c := range last.Cols {
			last.Cols[i] = c.Slice(0, whole)
		}
		for c, rows := range last.marked {
			last.marked[c] = slices.DeleteFunc(rows, func(row int32) bool { return int(row) >= whole })
		}
	}
	r.clear()
}

// copyPieces cuts a stream in text or CSV format into pieces of whole rows, which are read at the same time and come back in order.
type copyPieces struct {
	quote   byte // of CSV; 0: none
	held    []byte
	enough  int   // bytes of held that are worth a look
	line    int64 // before held
	started bool  // held is not the beginning
	waiting []chan copiedRows
	ended   bool
}

// pieceBytes is about how large a piece is.
const pieceBytes = 1 << 20

// add adds data, and returns a piece when there is one.
func (p *copyPieces) add(data []byte) (piece []byte, err error) {
	p.held = append(p.held, data...)
	if p.enough = max(p.enough, pieceBytes); len(p.held) < p.enough {
		return nil, nil
	}
	end := p.rowsEnd()
	if end == 0 {
		p.enough = 2 * len(p.held)
		return nil, rowFits(len(p.held))
	}
	piece = p.held[:end:end]
	p.held, p.enough = append(make([]byte, 0, pieceBytes+1<<17), p.held[end:]...), 0
	return piece, nil
}

// rowsEnd is where the last whole row of held ends.
func (p *copyPieces) rowsEnd() int {
	if p.quote == 0 {
		end := bytes.LastIndexByte(p.held, '\n')
		for end > 0 && escaped(p.held, end) {
			end = bytes.LastIndexByte(p.held[:end], '\n')
		}
		return end + 1
	}
	if bytes.IndexByte(p.held, p.quote) < 0 {
		return bytes.LastIndexByte(p.held, '\n') + 1
	}
	end, quoted := 0, false
	for at := 0; ; quoted = !quoted {
		n := bytes.IndexByte(p.held[at:], p.quote)
		part := p.held[at:]
		if n >= 0 {
			part = part[:n]
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 && !quoted {
			end = at + i + 1
		}
		if n < 0 {
			return end
		}
		at += n + 1
	}
}

// lines counts the lines of a piece as the reader counts them.
func (p *copyPieces) lines(piece []byte) (n int64) {
	if p.quote != 0 {
		return int64(bytes.Count(piece, newline))
	}
	for at := lineEnd(piece, 0); at >= 0; at = lineEnd(piece, at+1) {
		n++
	}
	return n
}

// start begins to read a piece.
func (p *copyPieces) start(r *copyReader, piece []byte) {
	p.prepare(r)
	p.line += p.lines(piece)
	done := make(chan copiedRows, 1)
	p.waiting = append(p.waiting, done)
	go func() {
		var rows copiedRows
		defer func() { done <- rows }()
		defer op.Rescue(&rows.err)
		rows = r.read(piece, true)
	}()
}

// prepare tells a reader what came before.
func (p *copyPieces) prepare(r *copyReader) {
	r.rows.line, r.rows.started = p.line, p.started
	p.started = true
}

// ahead reports whether enough is read ahead.
func (p *copyPieces) ahead() bool { return len(p.waiting) > 2*runtime.GOMAXPROCS(0) }

func (p *copyPieces) none() bool { return len(p.waiting) == 0 }

// next waits for the rows of the first piece that waits.
func (p *copyPieces) next() copiedRows {
	rows := <-p.waiting[0]
	p.waiting = p.waiting[1:]
	return p.unlessEnded(rows)
}

// last reads what is left.
func (p *copyPieces) last(r *copyReader) copiedRows {
	p.prepare(r)
	return p.unlessEnded(r.read(p.held, true))
}

func (p *copyPieces) unlessEnded(rows copiedRows) copiedRows {
	if p.ended {
		return copiedRows{}
	}
	p.ended = rows.ended
	return rows
}

// drop waits for the pieces that are being read, and forgets them.
func (p *copyPieces) drop() {
	for ; len(p.waiting) > 0; p.waiting = p.waiting[1:] {
		<-p.waiting[0]
	}
}
