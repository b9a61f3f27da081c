package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// tableSink inserts the rows of a COPY into a table. It is one statement of the transaction, or a transaction by itself.
type tableSink struct {
	session *Session
	rel     *catalog.Relation
	form    copyForm
	serial  *copyReader // nil: the stream is read in pieces
	pieces  copyPieces
	ctx     func() context.Context
	values  []expr.Expr // of all columns of the table, over those of the COPY
	marked  []expr.Expr // of all columns of the table where the default is meant
	bad     skippedRows
	where   *expr.Program // over all columns: which rows are inserted; nil: all
	x       *execution
	w       *writer
	single  bool
	over    bool
	count   int64
}

// newTableSink begins a COPY into a table.
func (s *Session) newTableSink(ctx context.Context, rel *catalog.Relation, st *syntax.Copy, opts copyOptions, script string) (*tableSink, error) {
	cols, err := copyColumns(rel, st.Columns)
	if err != nil {
		return nil, err
	}
	reader, err := newRowReader(rel, cols, opts)
	if err != nil {
		return nil, err
	}
	k := &tableSink{session: s, rel: rel, form: copyForm{rel: rel, columns: cols, opts: opts, env: s.env(), rows: reader}, single: !s.tx.open()}
	s.tx.single = k.single
	s.tx.work.command++
	s.tx.work.running = true
	switch {
	case !k.form.parts():
		k.serial = k.form.reader()
	case opts.format == formatCSV:
		k.pieces.quote = opts.quote
	}
	if err := k.begin(ctx, st.Where, script); err != nil {
		k.Abort()
		return nil, err
	}
	return k, nil
}

// begin locks the table and finds out what the other columns get: a COPY is an INSERT of parameters, over and over.
func (k *tableSink) begin(ctx context.Context, where syntax.Expr, script string) error {
	s := k.session
	if _, err := s.present(ctx); err != nil {
		return err
	}
	if err := s.lockTable(ctx, k.rel.OID, lock.RowExclusive); err != nil {
		return err
	}
	row, types := []syntax.Expr{}, make([]datum.OID, len(k.form.columns))
	for i, c := range k.form.columns {
		row = append(row, &syntax.Param{N: i + 1})
		types[i] = k.rel.Columns[c].Type.OID
	}
	m, err := k.inserted(ctx, row, types)
	if err != nil {
		return err
	}
	for _, e := range m.Input.(*plan.Values).Rows[0] {
		k.values = append(k.values, expr.Transform(e, func(x expr.Expr) expr.Expr {
			if p, ok := x.(*expr.Param); ok {
				return &expr.Col{Index: p.N - 1, Typ: p.Typ}
			}
			return x
		}))
	}
	if k.form.opts.marked {
		for i := range row {
			row[i] = &syntax.Default{}
		}
		defaults, err := k.inserted(ctx, row, nil)
		if err != nil {
			return err
		}
		k.marked = defaults.Input.(*plan.Values).Rows[0]
	}
	k.x = newExecution(s.executionConfig(ctx, nil))
	if k.w, err = k.x.newWriter(m.Relation, &m.Rules); err != nil {
		return err
	}
	k.where, err = s.copyCondition(ctx, k.x, k.rel, where, script, k.ungenerated)
	return err
}

// inserted is the INSERT of a row of values of the copied columns.
func (k *tableSink) inserted(ctx context.Context, row []syntax.Expr, types []datum.OID) (*plan.Modify, error) {
	ins := &syntax.Insert{Table: &syntax.TableName{Name: syntax.Name{k.rel.Schema, k.rel.Name}}, Overriding: syntax.OverridingSystem}
	for _, name := range k.form.rows.names {
		ins.Columns = append(ins.Columns, &syntax.InsertColumn{Name: name})
	}
	ins.Query = &syntax.Query{Body: &syntax.Values{Rows: [][]syntax.Expr{row}}}
	bound, err := bind.Bind(k.session.bindContext(ctx, "", nil), ins, types)
	if err != nil {
		return nil, err
	}
	return bound.Node.(*plan.Modify), nil
}

// copyCondition compiles the WHERE of a COPY, nil without one. may refuses conditions.
func (s *Session) copyCondition(ctx context.Context, x *execution, rel *catalog.Relation, where syntax.Expr, script string, may func(expr.Expr) error) (*expr.Program, error) {
	if where == nil {
		return nil, nil
	}
	place := bind.Place{What: "COPY FROM WHERE condition", Columns: true, Boolean: "WHERE"}
	cond, err := bind.Definition(s.bindContext(ctx, script, nil), rel, where, place)
	if err == nil {
		err = may(cond)
	}
	if err != nil {
		return nil, err
	}
	return expr.Compile(cond, x.root.env.X), nil
}

// ungenerated refuses a condition on generated columns: rows are chosen before these are computed.
func (k *tableSink) ungenerated(cond expr.Expr) (err error) {
	expr.Walk(cond, func(e expr.Expr) bool {
		if c, ok := e.(*expr.Col); ok && k.rel.Columns[c.Index].IsGenerated() {
			err = pgerr.New(pgerr.InvalidColumnReference, "generated columns are not supported in COPY FROM WHERE conditions").
				WithDetail("Column %q is a generated column.", k.rel.Columns[c.Index].Name)
		}
		return err == nil
	})
	return err
}

// Write takes any piece of the stream.
func (k *tableSink) Write(data []byte) error {
	if k.serial != nil {
		return k.take(k.serial.read(data, false))
	}
	piece, err := k.pieces.add(data)
	if piece == nil {
		return err
	}
	k.pieces.start(k.form.reader(), piece)
	for k.pieces.ahead() {
		if err := k.take(k.pieces.next()); err != nil {
			return err
		}
	}
	return nil
}

// take inserts rows that were read. What comes after them counts for nothing where the data has ended.
func (k *tableSink) take(rows copiedRows) error {
	for _, b := range rows.batches {
		if err := k.insert(b); err != nil {
			return err
		}
	}
	for _, row := range rows.skipped {
		if err := k.bad.add(k.session, &k.form.rows, row); err != nil {
			return err
		}
	}
	return rows.err
}

func (k *tableSink) insert(in copiedBatch) error {
	ctx := k.ctx()
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, column, err := k.evaluate(in)
	switch {
	case err == nil:
	case !isOfRow(err):
		return err
	case in.Len > 1: // whose it is shows when they are taken one by one
		for i := range in.Len {
			if err := k.insert(in.part(i, i+1)); err != nil {
				return err
			}
		}
		return nil
	default:
		return k.unreadable(in, column, err)
	}
	var sel []int32
	if k.where != nil {
		sel, err = k.where.Filter(rows)
		if err != nil || len(sel) == 0 {
			return err
		}
		for i, c := range rows.Cols {
			rows.Cols[i] = c.Take(sel)
		}
		rows.Len = len(sel)
	}
	if _, _, err := k.w.insert(ctx, rows); err != nil {
		return k.refused(in, sel, err)
	}
	k.count += int64(rows.Len)
	return k.session.roomy()
}

// evaluate makes rows of the table; column is that of an error.
func (k *tableSink) evaluate(in copiedBatch) (rows *vec.Batch, column int, err error) {
	rows = &vec.Batch{Len: in.Len}
	for i, e := range k.values {
		c, err := k.x.eval(e, in.Batch)
		if err != nil {
			return nil, i, err
		}
		rows.Cols = append(rows.Cols, c)
	}
	for place, list := range in.marked {
		to := k.form.columns[place]
		values, err := k.x.eval(k.marked[to], &vec.Batch{Len: len(list)})
		if err != nil {
			return nil, to, err
		}
		b := datum.NewBuilder(k.rel.Columns[to].Type, in.Len)
		for r, next := 0, 0; r < in.Len; r++ {
			if next < len(list) && int(list[next]) == r {
				b.AppendFrom(values, next)
				next++
			} else {
				b.AppendFrom(rows.Cols[to], r)
			}
		}
		rows.Cols[to] = b.Finish()
	}
	return rows, 0, nil
}

// unreadable is about a row whose value for a column its type refuses.
func (k *tableSink) unreadable(in copiedBatch, column int, err error) error {
	place := slices.Index(k.form.columns, column)
	if place < 0 || len(in.marked[place]) > 0 {
		return k.located(err, k.form.rows.where(in.lines[0], in.texts[0]))
	}
	name, text := k.rel.Columns[column].Name, []byte(nil)
	if c := in.Cols[place]; !c.Null(0) {
		text = datum.AppendText([]byte{}, k.rel.Columns[column].Type, c, 0, k.form.env)
	}
	if k.form.opts.skipBad {
		return k.bad.add(k.session, &k.form.rows, skippedRow{in.lines[0], name, text})
	}
	return k.located(err, k.form.rows.at(in.lines[0], name, text))
}

// refused is about rows that were to be inserted: it says where the one stood that is wrong. The rows before it were inserted; if its value is
// one that its domain refuses it may be left out, and the rest is inserted.
func (k *tableSink) refused(in copiedBatch, sel []int32, err error) error {
	if !isOfRow(err) {
		return err
	}
	row := k.w.failed
	if sel != nil {
		row = int(sel[row])
	}
	switch e := pgerr.From(err); {
	case e.Code == pgerr.UniqueViolation, e.Code == pgerr.ExclusionViolation:
		return k.located(err, k.form.rows.where(in.lines[row], nil))
	case e.About.DataType != "":
		if err := k.unreadable(in.part(row, row+1), k.w.column, err); err != nil {
			return err
		}
		if k.count += int64(k.w.failed); row+1 < in.Len {
			return k.insert(in.part(row+1, in.Len))
		}
		return nil
	}
	return k.located(err, k.form.rows.where(in.lines[row], in.texts[row]))
}

func (k *tableSink) located(err error, where string) error {
	e := *pgerr.From(err)
	if e.Where == "" {
		e.Where = where
	}
	return &e
}

// rest inserts what is left of the stream.
func (k *tableSink) rest() error {
	if k.serial != nil {
		return k.take(k.serial.read(nil, true))
	}
	for !k.pieces.none() {
		if err := k.take(k.pieces.next()); err != nil {
			return err
		}
	}
	return k.take(k.pieces.last(k.form.reader()))
}

// Close ends the statement.
func (k *tableSink) Close(ctx context.Context) (added, repeats int64, err error) {
	s := k.session
	if err = k.rest(); err == nil {
		k.bad.tell(s, &k.form.opts)
		err = s.late(ctx)
	}
	if err != nil {
		k.Abort()
		return 0, 0, err
	}
	k.over, s.tx.work.running = true, false
	k.x.Close()
	if k.single {
		err = s.commit(ctx)
	}
	return k.count, 0, err
}

// Abort forgets everything.
func (k *tableSink) Abort() {
	if k.over {
		return
	}
	k.over, k.session.tx.work.running = true, false
	k.pieces.drop()
	if k.x != nil {
		k.x.Close()
	}
	if k.single {
		k.session.rollback()
	}
}
