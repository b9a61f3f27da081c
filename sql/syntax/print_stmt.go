package syntax

import "strconv"

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *Query:
		p.query(s)
	case *Insert:
		p.insert(s)
	case *Update:
		p.update(s)
	case *Delete:
		p.delete(s)
	case *Merge:
		p.merge(s)
	case *Copy:
		p.copy(s)
	case *Unsupported:
		p.w(s.Text)
	default:
		p.utility(s)
	}
}

// changed writes the table of a statement that changes it.
func (p *printer) changed(t *TableName, part *Portion) {
	p.relation(t)
	if part != nil {
		p.w("FOR PORTION OF")
		p.id(part.Period)
		p.w("FROM")
		p.restricted(part.From)
		p.w("TO")
		p.restricted(part.To)
	}
	p.alias(t.Alias)
}

func (p *printer) insert(s *Insert) {
	p.withClause(s.With)
	p.w("INSERT INTO")
	p.changed(s.Table, nil)
	if s.Columns != nil {
		paren(p, s.Columns, p.insertColumn)
	}
	p.overriding(s.Overriding)
	if s.Query == nil {
		p.w("DEFAULT VALUES")
	} else {
		p.query(s.Query)
	}
	if s.Condition != nil {
		p.w("WHEN")
		p.expr(s.Condition)
	}
	if s.OnConflict != nil {
		p.onConflict(s.OnConflict)
	}
	p.returning(s.Returning)
}

func (p *printer) overriding(o Overriding) {
	p.w([...]string{"", "OVERRIDING SYSTEM VALUE", "OVERRIDING USER VALUE"}[o])
}

func (p *printer) insertColumn(c *InsertColumn) {
	p.id(c.Name)
	p.steps(c.Steps)
}

func (p *printer) returning(r *Returning) {
	if r == nil {
		return
	}
	p.w("RETURNING")
	switch {
	case r.Old != nil && r.New != nil:
		p.w("WITH (OLD AS")
		p.id(r.Old.Name)
		p.put(",")
		p.image("NEW AS", r.New)
	case r.Old != nil:
		p.image("WITH (OLD AS", r.Old)
	case r.New != nil:
		p.image("WITH (NEW AS", r.New)
	}
	commas(p, r.List, p.target)
}

func (p *printer) image(words string, a *Alias) {
	p.w(words)
	p.id(a.Name)
	p.put(")")
}

func (p *printer) onConflict(c *OnConflict) {
	p.w("ON CONFLICT")
	if c.Target != nil {
		paren(p, c.Target, p.indexElem)
		p.where(c.TargetWhere)
	}
	p.opt("ON CONSTRAINT", c.Constraint)
	if c.Set == nil {
		p.w("DO NOTHING")
		return
	}
	p.w("DO UPDATE SET")
	commas(p, c.Set, p.assign)
	p.where(c.Where)
}

func (p *printer) assign(a *Assign) {
	if a.Multi {
		paren(p, a.Columns, p.insertColumn)
	} else {
		commas(p, a.Columns, p.insertColumn)
	}
	p.w("=")
	p.expr(a.Value)
}

func (p *printer) update(s *Update) {
	p.withClause(s.With)
	p.w("UPDATE")
	p.changed(s.Table, s.Portion)
	p.w("SET")
	commas(p, s.Set, p.assign)
	if s.From != nil {
		p.w("FROM")
		commas(p, s.From, p.table)
	}
	p.where(s.Where)
	p.returning(s.Returning)
}

func (p *printer) delete(s *Delete) {
	p.withClause(s.With)
	p.w("DELETE FROM")
	p.changed(s.Table, s.Portion)
	if s.Using != nil {
		p.w("USING")
		commas(p, s.Using, p.table)
	}
	p.where(s.Where)
	p.returning(s.Returning)
}

func (p *printer) merge(s *Merge) {
	p.withClause(s.With)
	p.w("MERGE INTO")
	p.changed(s.Table, nil)
	p.w("USING")
	p.table(s.Source)
	p.w("ON")
	p.expr(s.On)
	for _, w := range s.Whens {
		p.w([...]string{"WHEN MATCHED", "WHEN NOT MATCHED", "WHEN NOT MATCHED BY SOURCE"}[w.Match])
		if w.Cond != nil {
			p.w("AND")
			p.expr(w.Cond)
		}
		p.w([...]string{"THEN DO NOTHING", "THEN INSERT", "THEN UPDATE SET", "THEN DELETE"}[w.Action])
		commas(p, w.Set, p.assign)
		if w.Action == MergeInsert {
			p.mergeInsert(w)
		}
	}
	p.returning(s.Returning)
}

func (p *printer) mergeInsert(w *MergeWhen) {
	if w.Values == nil {
		p.w("DEFAULT VALUES")
		return
	}
	if w.Columns != nil {
		paren(p, w.Columns, p.insertColumn)
	}
	p.overriding(w.Overriding)
	p.w("VALUES")
	paren(p, w.Values, p.expr)
}

func (p *printer) copy(s *Copy) {
	p.w("COPY")
	if s.Query != nil {
		p.open("(")
		p.stmt(s.Query)
		p.put(")")
	} else {
		p.name(s.Table)
		p.idents(s.Columns)
	}
	std := "STDOUT"
	if s.From {
		p.w("FROM")
		std = "STDIN"
	} else {
		p.w("TO")
	}
	p.flag(s.Program, "PROGRAM")
	if s.File != "" || s.Program {
		p.str(s.File)
	} else {
		p.w(std)
	}
	if s.Options != nil {
		p.w("WITH")
		p.options(s.Options)
	}
	p.where(s.Where)
}

// utility writes the statements that are no queries and define nothing.
func (p *printer) utility(s Stmt) {
	switch s := s.(type) {
	case *Prepare:
		p.w("PREPARE")
		p.id(s.Name)
		if s.Types != nil {
			paren(p, s.Types, p.typeName)
		}
		p.w("AS")
		p.stmt(s.Stmt)
	case *Execute:
		p.w("EXECUTE")
		p.id(s.Name)
		if s.Args != nil {
			paren(p, s.Args, p.expr)
		}
	case *Deallocate:
		p.w("DEALLOCATE")
		p.idOrAll(s.Name)
	case *CloseCursor:
		p.w("CLOSE")
		p.idOrAll(s.Name)
	case *DeclareCursor:
		p.declare(s)
	case *Fetch:
		p.fetch(s)
	case *Explain:
		p.w("EXPLAIN")
		if s.Options != nil {
			p.options(s.Options)
		}
		p.stmt(s.Stmt)
	case *Truncate:
		p.w("TRUNCATE")
		commas(p, s.Tables, p.relation)
		p.w([...]string{"", "RESTART IDENTITY", "CONTINUE IDENTITY"}[s.RestartIdentity])
		p.flag(s.Cascade, "CASCADE")
	case *Lock:
		p.w("LOCK TABLE")
		commas(p, s.Tables, p.relation)
		p.w("IN", s.Mode, "MODE")
		p.flag(s.NoWait, "NOWAIT")
	case *Call:
		p.w("CALL")
		p.funcCall(s.Func)
	case *Vacuum:
		p.vacuum(s)
	case *Reindex:
		p.reindex(s)
	case *Cluster:
		p.cluster(s)
	case *Do:
		p.w("DO")
		if s.Language != "" {
			p.w("LANGUAGE")
			p.id(s.Language)
		}
		p.str(s.Code)
	case *Load:
		p.w("LOAD")
		p.str(s.File)
	case *Return:
		p.w("RETURN")
		p.expr(s.Expr)
	default:
		p.session(s)
	}
}

func (p *printer) idOrAll(s string) {
	if s == "" {
		p.w("ALL")
		return
	}
	p.id(s)
}

func (p *printer) declare(s *DeclareCursor) {
	p.w("DECLARE")
	p.id(s.Name)
	p.flag(s.Binary, "BINARY")
	p.w([...]string{"", "INSENSITIVE", "ASENSITIVE"}[s.Insensitive], [...]string{"", "SCROLL", "NO SCROLL"}[s.Scroll])
	p.w("CURSOR", [...]string{"", "WITH HOLD", "WITHOUT HOLD"}[s.Hold], "FOR")
	p.query(s.Query)
}

func (p *printer) fetch(s *Fetch) {
	word := "FETCH"
	if s.Move {
		word = "MOVE"
	}
	p.w(word, [...]string{"FORWARD", "BACKWARD", "ABSOLUTE", "RELATIVE"}[s.Direction])
	if s.All {
		p.w("ALL")
	} else {
		p.w(strconv.FormatInt(s.Count, 10))
	}
	p.w("FROM")
	p.id(s.Cursor)
}

func (p *printer) vacuum(s *Vacuum) {
	p.w(s.Tag())
	if s.Options != nil {
		p.options(s.Options)
	}
	commas(p, s.Tables, func(t *VacuumTable) {
		p.relation(t.Table)
		p.idents(t.Columns)
	})
}

func (p *printer) reindex(s *Reindex) {
	p.w("REINDEX")
	if s.Options != nil {
		p.options(s.Options)
	}
	p.w(s.Kind)
	if s.Concurrently {
		p.w("CONCURRENTLY")
	}
	if s.Name != nil {
		p.name(s.Name)
	}
}

func (p *printer) cluster(s *Cluster) {
	p.w("CLUSTER")
	if s.Options != nil {
		p.options(s.Options)
	}
	if s.Table != nil {
		p.name(s.Table)
	}
	p.opt("USING", s.Index)
}
