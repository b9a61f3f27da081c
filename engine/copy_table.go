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
	values  []expr.Expr   // of all columns of the table, over those of the COPY
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
	if len(st.Columns) == 0 {
		cols = slices.DeleteFunc(cols, func(c int) bool { return rel.Columns[c].Stored.Generated.Text != "" })
	}
	if s.isolation() == "serializable" {
		return nil, errSerializable()
	}
	k := &tableSink{session: s, rel: rel, form: copyForm{rel: rel, columns: cols, opts: opts, env: s.env()}, single: !s.tx.open()}
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
	if err := s.lockTable(ctx, k.rel.OID, lock.RowExclusive); err != nil {
		return err
	}
	ins := &syntax.Insert{Table: &syntax.TableName{Name: syntax.Name{k.rel.Schema, k.rel.Name}}, Overriding: syntax.OverridingSystem}
	row := []syntax.Expr{}
	types := make([]datum.OID, len(k.form.columns))
	for i, c := range k.form.columns {
		col := k.rel.Columns[c]
		ins.Columns = append(ins.Columns, &syntax.InsertColumn{Name: col.Name})
		row = append(row, &syntax.Param{N: i + 1})
		types[i] = col.Type.OID
	}
	ins.Query = &syntax.Query{Body: &syntax.Values{Rows: [][]syntax.Expr{row}}}
	bound, err := bind.Bind(s.bindContext(ctx, "", nil), ins, types)
	if err != nil {
		return err
	}
	m := bound.Node.(*plan.Modify)
	for _, e := range m.Input.(*plan.Values).Rows[0] {
		k.values = append(k.values, expr.Transform(e, func(x expr.Expr) expr.Expr {
			if p, ok := x.(*expr.Param); ok {
				return &expr.Col{Index: p.N - 1, Typ: p.Typ}
			}
			return x
		}))
	}
	k.x = newExecution(s.executionConfig(ctx, nil))
	if k.w, err = k.x.newWriter(m.Relation, &m.Rules); err != nil {
		return err
	}
	k.where, err = s.copyCondition(ctx, k.x, k.rel, where, script, k.ungenerated)
	return err
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
		if c, ok := e.(*expr.Col); ok && k.rel.Columns[c.Index].Stored.Generated.Text != "" {
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
	return rows.err
}

func (k *tableSink) insert(in *vec.Batch) error {
	ctx := k.ctx()
	if err := ctx.Err(); err != nil {
		return err
	}
	rows := &vec.Batch{Len: in.Len}
	for _, e := range k.values {
		c, err := k.x.eval(e, in)
		if err != nil {
			return err
		}
		rows.Cols = append(rows.Cols, c)
	}
	if k.where != nil {
		sel, err := k.where.Filter(rows)
		if err != nil || len(sel) == 0 {
			return err
		}
		for i, c := range rows.Cols {
			rows.Cols[i] = c.Take(sel)
		}
		rows.Len = len(sel)
	}
	if _, _, err := k.w.insert(ctx, rows); err != nil {
		return err
	}
	k.count += int64(rows.Len)
	return k.session.roomy()
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
