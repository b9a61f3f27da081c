package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// copySink takes the data of a COPY … FROM STDIN.
type copySink interface {
	Write(data []byte) error
	Close(ctx context.Context) (added, repeats int64, err error)
	Abort()
}

// CopyIn is a running COPY … FROM STDIN: Write the data, then Close or Abort.
type CopyIn struct {
	session *Session
	sink    copySink
	opts    copyOptions
	columns int
	run     *running
	ctx     func() context.Context
}

// Binary reports whether the data is in binary format, Columns how many columns a row has.
func (c *CopyIn) Binary() bool { return c.opts.format == formatBinary }

// Columns see Binary.
func (c *CopyIn) Columns() int { return c.columns }

// Write takes the next piece of the data, of any size. After an error only Abort may follow.
func (c *CopyIn) Write(data []byte) error {
	if err := c.sink.Write(data); err != nil {
		return c.session.fail(c.ctx(), err)
	}
	return nil
}

// Close stores everything that was written, all or nothing, and returns the completion tag. It counts what is new.
func (c *CopyIn) Close() (string, error) {
	defer c.run.end()
	added, repeats, err := c.sink.Close(c.ctx())
	if err != nil {
		return "", c.session.fail(c.ctx(), err)
	}
	if repeats > 0 {
		c.session.notice(&pgerr.Error{Code: "00000", Message: itoa(repeats) + " events were there already"})
	}
	return "COPY " + itoa(added), nil
}

// Abort forgets everything that was written.
func (c *CopyIn) Abort(error) {
	c.sink.Abort()
	c.run.end()
	if c.session.tx.open() {
		c.session.tx.failed = true
	}
}

// CopyIn starts a COPY … FROM STDIN.
func (s *Session) CopyIn(ctx context.Context, p *Prepared) (*CopyIn, error) {
	ctx, run := s.begin(ctx, p.text)
	in, err := s.newCopyIn(ctx, p.stmt.Stmt.(*syntax.Copy), p.script)
	if err != nil {
		run.end()
		return nil, s.fail(ctx, err)
	}
	in.run, in.ctx = run, func() context.Context { return ctx }
	return in, nil
}

func (s *Session) newCopyIn(ctx context.Context, st *syntax.Copy, script string) (*CopyIn, error) {
	if err := s.writable("COPY FROM"); err != nil {
		return nil, err
	}
	opts, err := parseCopyOptions(st.Options, script, true)
	if err != nil {
		return nil, err
	}
	rel, err := s.copyTarget(st)
	if err != nil {
		return nil, err
	}
	in := &CopyIn{session: s, opts: opts, columns: 1}
	if rel.OID != catalog.EventsOID {
		if opts.format == formatNDJSON {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "COPY with FORMAT ndjson is for events")
		}
		k, err := s.newTableSink(ctx, rel, st, opts, script)
		if err != nil {
			return nil, err
		}
		k.ctx = func() context.Context { return ctx }
		in.sink, in.columns = k, len(k.form.columns)
		return in, nil
	}
	if opts.format == formatNDJSON {
		if s.tx.open() {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "COPY with FORMAT ndjson cannot run inside a transaction block").
				WithHint("It is atomic by itself: send it alone.")
		}
		if st.Where != nil {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "COPY with FORMAT ndjson takes no WHERE").WithHint("Copy into a table and append its rows with INSERT INTO events … SELECT.")
		}
		if len(st.Columns) > 0 {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "COPY with FORMAT ndjson takes no column list").WithHint("Use the map option.")
		}
		in.sink, err = newNDJSONSink(ctx, s, opts)
		return in, err
	}
	cols, err := copyColumns(rel, st.Columns)
	if err != nil {
		return nil, err
	}
	in.columns = len(cols)
	if opts.marked {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "COPY DEFAULT is not supported for events")
	}
	reader, err := newRowReader(rel, cols, opts)
	if err != nil {
		return nil, err
	}
	sink := &rowSink{session: s, rel: rel, columns: cols, reader: reader, rows: eventWriter{session: s},
		env: s.env(), values: make([]*vec.Column, len(cols)), ctx: func() context.Context { return ctx }}
	in.sink = sink
	if st.Where != nil {
		err = sink.choose(ctx, st.Where, script)
	}
	return in, err
}

// copyTarget finds the relation of a COPY FROM; only events takes rows.
func (s *Session) copyTarget(st *syntax.Copy) (*catalog.Relation, error) {
	if st.File != "" || st.Program {
		return nil, pgerr.New(pgerr.InsufficientPrivilege, "COPY from or to a file or program on the server is not allowed").
			WithHint("Use COPY FROM STDIN or TO STDOUT: psql's \\copy does.")
	}
	rel := s.catalog().Lookup(s.searchPath(), st.Table.Qualifier(), st.Table.Last())
	if rel == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", dotted(st.Table))
	}
	if rel.OID != catalog.EventsOID && (rel.Table == nil || rel.Kind != catalog.Table) {
		word, ok := map[catalog.Kind]string{catalog.View: "view", catalog.Materialized: "materialized view", catalog.Sequence: "sequence"}[rel.Kind]
		if !ok {
			word = "relation"
		}
		return nil, pgerr.New(pgerr.WrongObjectType, "cannot copy to %s %q", word, rel.Name)
	}
	return rel, nil
}

// CopyOut starts a COPY … TO STDOUT.
func (s *Session) CopyOut(ctx context.Context, p *Prepared, params []*vec.Column) (*CopyOut, error) {
	st := p.stmt.Stmt.(*syntax.Copy)
	if st.File != "" || st.Program {
		_, err := s.copyTarget(st)
		return nil, s.fail(ctx, err)
	}
	opts, err := parseCopyOptions(st.Options, p.script, false)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	query := st.Query
	if query == nil {
		if query, err = s.copyQuery(st, &opts); err != nil {
			return nil, s.fail(ctx, err)
		}
	}
	prepare := func() (*Prepared, error) {
		return s.prepare(ctx, syntax.Statement{Stmt: query, Text: p.text}, p.script, nil)
	}
	inner, err := prepare()
	for altered := true; err == nil && altered; {
		if altered, err = s.altered(ctx, inner); altered && err == nil {
			inner, err = prepare()
		}
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	rows, err := s.Execute(ctx, inner, params)
	if err != nil {
		return nil, err
	}
	if st.Query != nil {
		names := make([]string, len(rows.Fields))
		for i, f := range rows.Fields {
			names[i] = f.Name
		}
		if err := opts.named("", names, func(n string) bool { return slices.Contains(names, n) }); err != nil {
			rows.Close()
			return nil, s.fail(ctx, err)
		}
	}
	return newCopyOut(rows, opts, s.env()), nil
}

// copyQuery is SELECT columns FROM table, of a table all but those that are generated.
func (s *Session) copyQuery(st *syntax.Copy, opts *copyOptions) (syntax.Stmt, error) {
	columns := st.Columns
	if rel := s.catalog().Lookup(s.searchPath(), st.Table.Qualifier(), st.Table.Last()); rel != nil && rel.Table != nil {
		cols, err := copyColumns(rel, columns)
		if err != nil {
			return nil, err
		}
		names := columnNames(rel, cols)
		if err := opts.named(rel.Name, names, func(n string) bool { return rel.Column(n) >= 0 }); err != nil {
			return nil, err
		}
		if len(columns) == 0 && len(names) < len(rel.Columns) {
			for _, n := range names {
				columns = append(columns, syntax.Ident{At: st.At, Name: n})
			}
		}
	}
	sel := &syntax.Select{At: st.At, From: []syntax.TableExpr{&syntax.TableName{At: syntax.At{Pos: -1}, Name: st.Table}}}
	for _, c := range columns {
		sel.Targets = append(sel.Targets, &syntax.Target{At: c.At, Expr: &syntax.ColumnRef{At: c.At, Name: syntax.Name{c.Name}}})
	}
	if len(columns) == 0 {
		sel.Targets = []*syntax.Target{{At: st.At, Expr: &syntax.ColumnRef{At: st.At, Star: true}}}
	}
	return &syntax.Query{At: st.At, Body: sel}, nil
}

func dotted(n syntax.Name) string {
	out := ""
	for i, p := range n {
		if i > 0 {
			out += "."
		}
		out += p
	}
	return out
}
