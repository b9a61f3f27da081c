package syntax

// definition writes CREATE, ALTER, DROP and the like.
func (p *printer) definition(s Stmt) {
	switch s := s.(type) {
	case *CreateTable:
		p.createTable(s)
	case *CreateTableAs:
		p.createTableAs(s)
	case *CreateView:
		p.createView(s)
	case *RefreshView:
		p.w("REFRESH MATERIALIZED VIEW")
		p.flag(s.Concurrently, "CONCURRENTLY")
		p.name(s.Name)
		p.flag(s.NoData, "WITH NO DATA")
	case *CreateIndex:
		p.createIndex(s)
	case *CreateSequence:
		p.createSequence(s)
	case *CreateType:
		p.createType(s)
	case *CreateDomain:
		p.w("CREATE DOMAIN")
		p.name(s.Name)
		p.w("AS")
		p.columnDef(&ColumnDef{Type: s.Type, Collation: s.Collation, Constraints: s.Constraints})
	case *CreateExtension:
		p.w("CREATE EXTENSION")
		p.flag(s.IfNotExists, "IF NOT EXISTS")
		p.id(s.Name)
		if s.Schema != "" {
			p.w("SCHEMA")
			p.id(s.Schema)
		}
		if s.Version != "" {
			p.w("VERSION")
			p.str(s.Version)
		}
		p.flag(s.Cascade, "CASCADE")
	case *CreateSchema:
		p.w("CREATE SCHEMA")
		p.flag(s.IfNotExists, "IF NOT EXISTS")
		if s.Name != "" {
			p.id(s.Name)
		}
		if s.Authorization != nil {
			p.w("AUTHORIZATION")
			p.role(s.Authorization)
		}
		for _, e := range s.Elements {
			p.stmt(e)
		}
	case *CreateDatabase:
		p.w("CREATE DATABASE")
		p.id(s.Name)
		for _, o := range s.Options {
			p.w(databaseOption(o.Name), "=")
			p.optionValue(o)
		}
	case *CreateRole:
		p.createRole(s)
	case *CreateFunction:
		p.createFunction(s)
	default:
		p.alteration(s)
	}
}

func databaseOption(s string) string {
	if s == "connection limit" {
		return s
	}
	if k := keywords[s]; k.class != notKeyword {
		return s
	}
	return quoteIdent(s, reserved)
}

func (p *printer) createTable(s *CreateTable) {
	p.w("CREATE", persistenceWords[s.Persistence], "TABLE")
	p.flag(s.IfNotExists, "IF NOT EXISTS")
	p.name(s.Name)
	if s.OfType != nil {
		p.w("OF")
		p.name(s.OfType)
	}
	if s.PartitionOf != nil {
		p.w("PARTITION OF")
		p.name(s.PartitionOf)
	}
	if s.Elements != nil || s.OfType == nil && s.PartitionOf == nil {
		paren(p, s.Elements, p.tableElement)
	}
	if s.Inherits != nil {
		p.w("INHERITS")
		paren(p, s.Inherits, p.name)
	}
	if s.Bound != nil {
		p.partitionBound(s.Bound)
	}
	if b := s.PartitionBy; b != nil {
		p.w("PARTITION BY")
		p.id(b.Strategy)
		paren(p, b.Elems, p.indexElem)
	}
	p.opt("USING", s.Access)
	p.with(s.With)
	p.onCommit(s.OnCommit)
	p.opt("TABLESPACE", s.Tablespace)
}

func (p *printer) onCommit(o OnCommit) {
	p.w([...]string{"", "ON COMMIT PRESERVE ROWS", "ON COMMIT DELETE ROWS", "ON COMMIT DROP"}[o])
}

func (p *printer) tableElement(e TableElement) {
	switch e := e.(type) {
	case *ColumnDef:
		p.columnDef(e)
	case *Constraint:
		p.constraint(e)
	case *TableLike:
		p.w("LIKE")
		p.name(e.Name)
		for _, o := range e.Options {
			word := "INCLUDING"
			if o.Excluding {
				word = "EXCLUDING"
			}
			p.w(word, upper(o.What))
		}
	case *Period:
		p.period(e)
	}
}

func (p *printer) period(e *Period) {
	p.w("PERIOD FOR")
	p.id(e.Name)
	p.idents([]Ident{{Name: e.Start}, {Name: e.End}})
}

func (p *printer) columnDef(c *ColumnDef) {
	if c.Name != "" {
		p.id(c.Name)
	}
	if c.Type != nil {
		p.typeName(c.Type)
	}
	p.word("STORAGE", c.Storage)
	p.word("COMPRESSION", c.Compression)
	p.collation(c.Collation)
	for _, k := range c.Constraints {
		p.constraint(k)
	}
}

// word writes a name that may be the word DEFAULT.
func (p *printer) word(before, s string) {
	if s == "default" {
		p.w(before, "DEFAULT")
		return
	}
	p.opt(before, s)
}

func (p *printer) collation(n Name) {
	if n != nil {
		p.w("COLLATE")
		p.name(n)
	}
}

func (p *printer) partitionBound(b *PartitionBound) {
	switch {
	case b.Default:
		p.w("DEFAULT")
	case b.In != nil:
		p.w("FOR VALUES IN")
		paren(p, b.In, p.expr)
	case b.From != nil:
		p.w("FOR VALUES FROM")
		paren(p, b.From, p.expr)
		p.w("TO")
		paren(p, b.To, p.expr)
	default:
		p.w("FOR VALUES WITH (MODULUS " + itoa(b.Modulus) + ", REMAINDER " + itoa(b.Remainder) + ")")
	}
}

func (p *printer) createTableAs(s *CreateTableAs) {
	p.w("CREATE", persistenceWords[s.Persistence])
	if s.Materialized {
		p.w("MATERIALIZED VIEW")
	} else {
		p.w("TABLE")
	}
	p.flag(s.IfNotExists, "IF NOT EXISTS")
	p.name(s.Name)
	p.idents(s.Columns)
	p.opt("USING", s.Access)
	p.with(s.With)
	p.onCommit(s.OnCommit)
	p.opt("TABLESPACE", s.Tablespace)
	p.w("AS")
	p.stmt(s.Source)
	p.flag(s.NoData, "WITH NO DATA")
}

func (p *printer) createView(s *CreateView) {
	p.w("CREATE")
	p.flag(s.Replace, "OR REPLACE")
	p.w(persistenceWords[s.Persistence])
	p.flag(s.Recursive, "RECURSIVE")
	p.w("VIEW")
	p.name(s.Name)
	p.idents(s.Columns)
	p.with(s.With)
	p.w("AS")
	p.query(s.Query)
	if s.Check != "" {
		p.w("WITH", upper(s.Check), "CHECK OPTION")
	}
}

func (p *printer) createIndex(s *CreateIndex) {
	p.w("CREATE")
	p.flag(s.Unique, "UNIQUE")
	p.w("INDEX")
	p.flag(s.Concurrently, "CONCURRENTLY")
	p.flag(s.IfNotExists, "IF NOT EXISTS")
	if s.Name != "" {
		p.id(s.Name)
	}
	p.w("ON")
	p.relation(s.Table)
	p.opt("USING", s.Method)
	paren(p, s.Elems, p.indexElem)
	if s.Include != nil {
		p.w("INCLUDE")
		paren(p, s.Include, p.indexElem)
	}
	p.flag(s.NullsNotDistinct, "NULLS NOT DISTINCT")
	p.with(s.With)
	p.opt("TABLESPACE", s.Tablespace)
	p.where(s.Where)
}

func (p *printer) indexElem(e *IndexElem) {
	switch x := e.Expr.(type) {
	case nil:
		p.id(e.Name)
	case *FuncCall:
		p.windowless(x)
	default:
		p.enclosed(x)
	}
	p.collation(e.Collation)
	if e.OpClass != nil {
		p.name(e.OpClass)
		if e.OpOptions != nil {
			p.relOptions(e.OpOptions)
		}
	}
	p.sortEnd(e.Dir, e.Nulls)
}

func (p *printer) createSequence(s *CreateSequence) {
	if s.Alter {
		p.w("ALTER SEQUENCE")
		p.flag(s.IfNotExists, "IF EXISTS")
	} else {
		p.w("CREATE", persistenceWords[s.Persistence], "SEQUENCE")
		p.flag(s.IfNotExists, "IF NOT EXISTS")
	}
	p.name(s.Name)
	p.sequenceOptions(s.Options)
}

func (p *printer) sequenceOptions(os []*SequenceOption) {
	for _, o := range os {
		p.w(upper(o.Kind), o.Value)
		if o.Type != nil {
			p.typeName(o.Type)
		}
		if o.Name != nil {
			p.sequenceOwner(o.Name)
		}
	}
}

// sequenceOwner writes OWNED BY's name, where NONE is a word and not a name.
func (p *printer) sequenceOwner(n Name) {
	if len(n) == 1 && n[0] == "none" {
		p.w("NONE")
		return
	}
	p.name(n)
}

func (p *printer) createType(s *CreateType) {
	p.w("CREATE TYPE")
	p.name(s.Name)
	switch s.Kind {
	case EnumType:
		p.w("AS ENUM")
		paren(p, s.Labels, p.str)
	case CompositeType:
		p.w("AS")
		paren(p, s.Fields, p.columnDef)
	}
}

func (p *printer) role(r *RoleSpec) {
	if r.Special {
		p.w(r.Name)
		return
	}
	p.id(r.Name)
}

func (p *printer) roles(rs []*RoleSpec) { commas(p, rs, p.role) }

func (p *printer) createRole(s *CreateRole) {
	if s.Alter {
		p.w("ALTER", s.Kind)
	} else {
		p.w("CREATE", s.Kind)
	}
	p.role(s.Name)
	for _, o := range s.Options {
		p.w(upper(o.Name))
		if o.Value != nil {
			p.expr(o.Value)
		}
		p.roles(o.Roles)
	}
}

func (p *printer) createFunction(s *CreateFunction) {
	p.w("CREATE")
	p.flag(s.Replace, "OR REPLACE")
	if s.Procedure {
		p.w("PROCEDURE")
	} else {
		p.w("FUNCTION")
	}
	p.name(s.Name)
	var args, columns []*FuncParam
	for _, a := range s.Args {
		if a.Mode == "table" {
			columns = append(columns, a)
		} else {
			args = append(args, a)
		}
	}
	paren(p, args, p.funcParam)
	if columns != nil {
		p.w("RETURNS TABLE")
		paren(p, columns, p.funcParam)
	} else if s.Returns != nil {
		p.w("RETURNS")
		p.typeName(s.Returns)
	}
	for _, o := range s.Options {
		p.funcOption(o)
	}
	if s.Return != nil {
		p.w("RETURN")
		p.expr(s.Return)
	}
	if s.Atomic {
		p.w("BEGIN ATOMIC")
		for _, b := range s.Body {
			p.stmt(b)
			p.put(";")
		}
		p.w("END")
	}
}

func (p *printer) funcParam(f *FuncParam) {
	if f.Mode != "table" {
		p.w(upper(f.Mode))
	}
	if f.Name != "" {
		p.id(f.Name)
	}
	p.typeName(f.Type)
	if f.Default != nil {
		p.w("DEFAULT")
		p.expr(f.Default)
	}
}

func (p *printer) funcOption(o *FuncOption) {
	switch o.Name {
	case "set":
		p.stmt(o.Set)
	case "as":
		p.w("AS")
		commas(p, o.Values, p.str)
	case "language", "parallel":
		p.opt(upper(o.Name), o.Values[0])
	case "cost", "rows":
		p.w(upper(o.Name), o.Values[0])
	case "support":
		p.w("SUPPORT")
		p.name(o.Values)
	case "transform":
		p.w("TRANSFORM")
		commas(p, o.Types, func(t *TypeName) {
			p.w("FOR TYPE")
			p.typeName(t)
		})
	default:
		p.w(upper(o.Name))
	}
}
