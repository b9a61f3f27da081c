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
	session  *Session
	rel      *catalog.Relation
	columns  []int
	reader   rowReader
	env      *datum.Env
	ctx      func() context.Context
	builders []*vec.Builder
	values   []expr.Expr // of all columns of the table, over those of the COPY
	x        *execution
	w        *writer
	single   bool
	over     bool
	count    int64
}

// newTableSink begins a COPY into a table.
func (s *Session) newTableSink(ctx context.Context, rel *catalog.Relation, st *syntax.Copy, opts copyOptions) (*tableSink, error) {
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
	k := &tableSink{session: s, rel: rel, columns: cols, env: s.env(), single: !s.tx.open()}
	s.tx.single = k.single
	s.tx.work.command++
	s.tx.work.running = true
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = rel.Columns[c].Name
	}
	k.reader = rowReader{opts: opts, names: names}
	if err := k.begin(ctx); err != nil {
		k.Abort()
		return nil, err
	}
	return k, nil
}

// begin locks the table and finds out what the other columns get: a COPY is an INSERT of parameters, over and over.
func (k *tableSink) begin(ctx context.Context) error {
	s := k.session
	if err := s.lockTable(ctx, k.rel.OID, lock.RowExclusive); err != nil {
		return err
	}
	ins := &syntax.Insert{Table: &syntax.TableName{Name: syntax.Name{k.rel.Schema, k.rel.Name}}, Overriding: syntax.OverridingSystem}
	row := []syntax.Expr{}
	types := make([]datum.OID, len(k.columns))
	for i, c := range k.columns {
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
	k.w, err = k.x.newWriter(m.Relation, &m.Rules)
	k.clear()
	return err
}

func (k *tableSink) clear() {
	k.builders = k.builders[:0]
	for _, c := range k.columns {
		k.builders = append(k.builders, datum.NewBuilder(k.rel.Columns[c].Type, vec.BatchRows))
	}
}

// Write takes any piece of the stream.
func (k *tableSink) Write(data []byte) error { return k.reader.feed(data, false, k.row) }

func (k *tableSink) row(fields []field, line int64) error {
	if len(fields) > len(k.columns) {
		return k.where(k.reader.bad("extra data after last expected column"), line, "")
	}
	if len(fields) < len(k.columns) {
		return k.where(k.reader.bad("missing data for column \""+k.rel.Columns[k.columns[len(fields)]].Name+"\""), line, "")
	}
	for i, f := range fields {
		col := &k.rel.Columns[k.columns[i]]
		var err error
		switch {
		case f.null:
			k.builders[i].AppendNull()
		case k.reader.opts.format == formatBinary:
			err = datum.ParseBinary(col.Type, f.data, k.builders[i], k.env)
		default:
			err = datum.ParseText(col.Type, f.data, k.builders[i], k.env)
		}
		if err != nil {
			return k.where(err, line, ", column "+col.Name)
		}
	}
	if k.count++; k.count%vec.BatchRows == 0 {
		return k.flush()
	}
	return nil
}

func (k *tableSink) where(err error, line int64, column string) error {
	e := *pgerr.From(err)
	e.Where = "COPY " + k.rel.Name + ", line " + itoa(line) + column
	return &e
}

// flush inserts the rows that were read.
func (k *tableSink) flush() error {
	ctx := k.ctx()
	if err := ctx.Err(); err != nil {
		return err
	}
	in := &vec.Batch{Len: int(k.count % vec.BatchRows)}
	if in.Len == 0 && k.count > 0 {
		in.Len = vec.BatchRows
	}
	for _, b := range k.builders {
		in.Cols = append(in.Cols, b.Finish())
	}
	k.clear()
	rows := &vec.Batch{Len: in.Len}
	for _, e := range k.values {
		c, err := k.x.eval(e, in)
		if err != nil {
			return err
		}
		rows.Cols = append(rows.Cols, c)
	}
	if _, _, err := k.w.insert(ctx, rows); err != nil {
		return err
	}
	return k.session.roomy()
}

// Close ends the statement.
func (k *tableSink) Close(ctx context.Context) (added, repeats int64, err error) {
	if err = k.reader.feed(nil, true, k.row); err == nil && k.count%vec.BatchRows != 0 {
		err = k.flush()
	}
	s := k.session
	if err == nil {
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
	if k.x != nil {
		k.x.Close()
	}
	if k.single {
		k.session.rollback()
	}
}
