package syntax

import "strings"

// create reads CREATE. What has no tree is taken unread.
func (p *parser) create() Stmt {
	at := p.at()
	start := p.tok
	p.advance()
	replace := p.accept("or", "replace")
	persistence := p.persistence(false)
	recursive := p.accept("recursive")
	plain := !replace && persistence == Permanent && !recursive
	next := p.peek(1)
	switch {
	case p.is("view"):
		return p.createView(&CreateView{At: at, Replace: replace, Persistence: persistence, Recursive: recursive})
	case p.is("table") && !replace && !recursive:
		return p.createTable(at, persistence)
	case p.is("sequence") && !replace && !recursive:
		p.advance()
		s := &CreateSequence{At: at, Persistence: persistence, IfNotExists: p.accept("if", "not", "exists")}
		s.Name = p.relation()
		s.Options = p.sequenceOptions()
		return s
	case p.is("materialized") && !replace && !recursive:
		return p.createMatView(at, persistence)
	case (p.is("function") || p.is("procedure")) && persistence == Permanent && !recursive:
		return p.createFunction(at, replace)
	case !plain:
		if replace && persistence == Permanent && !recursive {
			return p.createUnread(start, "aggregate", "rule", "trigger", "constraint trigger", "transform", "language",
				"trusted language", "procedural language", "trusted procedural language")
		}
		p.unexpected()
	case p.is("index"), p.is("unique") && next.is("index"):
		return p.createIndex(at)
	case p.is("type"):
		if s := p.createType(at); s != nil {
			return s
		}
		return p.rest(&Unsupported{At: at, Command: "CREATE TYPE"})
	case p.is("domain"):
		return p.createDomain(at)
	case p.is("schema"):
		return p.createSchema(at)
	case p.is("extension"):
		return p.createExtension(at)
	case p.is("database"):
		return p.createDatabase(at)
	case p.is("role"), p.is("group"), p.is("user") && !next.is("mapping"):
		return p.createRole(at)
	}
	return p.createUnread(start, objectKinds...)
}

func (p *parser) createUnread(start token, kinds ...string) Stmt {
	u := &Unsupported{At: At{start.pos}}
	u.Command = "CREATE " + upper(p.objectKind(kinds))
	return p.rest(u)
}

// rest takes the rest of a statement unread; there must be some.
func (p *parser) rest(u *Unsupported) Stmt {
	if p.tok.kind == tEOF || p.tok.kind == ';' {
		p.unexpected()
	}
	p.skip(u)
	return u
}

func (p *parser) createView(v *CreateView) Stmt {
	p.expect("view")
	v.Name = p.relation()
	v.Columns = p.optIdents()
	if v.Recursive && v.Columns == nil {
		p.unexpected()
	}
	v.With = p.withOptions()
	p.expect("as")
	v.Query = p.query()
	if p.accept("with") {
		v.Check = "cascaded"
		if p.accept("local") {
			v.Check = "local"
		} else {
			p.accept("cascaded")
		}
		p.expect("check", "option")
	}
	return v
}

func (p *parser) createMatView(at At, persistence Persistence) Stmt {
	p.expect("materialized", "view")
	s := &CreateTableAs{At: at, Materialized: true, Persistence: persistence}
	s.IfNotExists = p.accept("if", "not", "exists")
	s.Name = p.relation()
	s.Columns = p.optIdents()
	p.tableAsOptions(s)
	p.expect("as")
	s.Source = p.query()
	s.NoData = p.withNoData()
	return s
}

// withNoData reads WITH [NO] DATA.
func (p *parser) withNoData() bool {
	if p.accept("with", "no", "data") {
		return true
	}
	p.accept("with", "data")
	return false
}

func (p *parser) tableAsOptions(s *CreateTableAs) {
	if p.accept("using") {
		s.Access = p.colID()
	}
	s.With = p.withOptions()
	if p.accept("without", "oids") {
		s.With = nil
	}
	s.OnCommit = p.onCommit()
	if p.accept("tablespace") {
		s.Tablespace = p.colID()
	}
}

func (p *parser) onCommit() OnCommit {
	if !p.accept("on", "commit") {
		return OnCommitDefault
	}
	switch {
	case p.accept("drop"):
		return OnCommitDrop
	case p.accept("delete"):
		p.expect("rows")
		return OnCommitDelete
	}
	p.expect("preserve", "rows")
	return OnCommitPreserve
}

// createTable reads CREATE TABLE and CREATE TABLE … AS.
func (p *parser) createTable(at At, persistence Persistence) Stmt {
	p.expect("table")
	s := &CreateTable{At: at, Persistence: persistence}
	s.IfNotExists = p.accept("if", "not", "exists")
	s.Name = p.relation()
	switch {
	case p.accept("of"):
		s.OfType = p.name()
		if p.tok.kind == '(' {
			s.Elements = parens(p, func() TableElement { return p.typedElement() })
		}
	case p.accept("partition", "of"):
		s.PartitionOf = p.relation()
		if p.tok.kind == '(' {
			s.Elements = parens(p, func() TableElement { return p.typedElement() })
		}
		s.Bound = p.partitionBound()
	case p.tok.kind == '(' && p.bareColumns():
		return p.createTableAs(&CreateTableAs{
			At: at, Persistence: persistence, IfNotExists: s.IfNotExists, Name: s.Name, Columns: p.idents(),
		})
	case p.tok.kind != '(':
		return p.createTableAs(&CreateTableAs{At: at, Persistence: persistence, IfNotExists: s.IfNotExists, Name: s.Name})
	default:
		p.advance()
		if p.tok.kind != ')' {
			s.Elements = list(p, p.tableElement)
		}
		p.expectTok(')')
		if p.accept("inherits") {
			s.Inherits = parens(p, p.relation)
		}
	}
	p.tableOptions(s)
	return s
}

func (p *parser) tableOptions(s *CreateTable) {
	if p.is("partition") {
		b := &PartitionBy{At: p.at()}
		p.expect("partition", "by")
		b.Strategy = p.colID()
		b.Elems = parens(p, p.indexElem)
		s.PartitionBy = b
	}
	if p.accept("using") {
		s.Access = p.colID()
	}
	s.With = p.withOptions()
	p.accept("without", "oids")
	s.OnCommit = p.onCommit()
	if p.accept("tablespace") {
		s.Tablespace = p.colID()
	}
}

// bareColumns says whether the parenthesis at hand holds only names, as in CREATE TABLE t (a, b) AS.
func (p *parser) bareColumns() bool {
	first, second := p.peek(1), p.peek(2)
	return first.isColID() && (second.kind == ',' || second.kind == ')')
}

func (p *parser) createTableAs(s *CreateTableAs) Stmt {
	p.tableAsOptions(s)
	p.expect("as")
	if p.is("execute") {
		s.Source = p.execute()
	} else {
		s.Source = p.query()
	}
	s.NoData = p.withNoData()
	return s
}

func (p *parser) tableElement() TableElement {
	at := p.at()
	switch next := p.peek(1); {
	case p.is("like"):
		return p.tableLike()
	case p.tok.isWord("period") && next.is("for"):
		return p.period()
	case p.atTableConstraint():
		return p.tableConstraint(false)
	}
	c := &ColumnDef{At: at, Name: p.colID()}
	c.Type = p.typeName()
	p.columnEnd(c)
	return c
}

// typedElement reads a column whose type is known already, or a constraint.
func (p *parser) typedElement() TableElement {
	if p.atTableConstraint() {
		return p.tableConstraint(false)
	}
	c := &ColumnDef{At: p.at(), Name: p.colID()}
	p.accept("with", "options")
	p.columnEnd(c)
	return c
}

// columnDef reads a column of a table.
func (p *parser) columnDef() *ColumnDef {
	c := &ColumnDef{At: p.at(), Name: p.colID()}
	c.Type = p.typeName()
	p.columnEnd(c)
	return c
}

// columnEnd reads what follows the name and type of a column.
func (p *parser) columnEnd(c *ColumnDef) {
	if p.accept("storage") {
		if c.Storage = "default"; !p.accept("default") {
			c.Storage = p.colID()
		}
	}
	if p.accept("compression") {
		if c.Compression = "default"; !p.accept("default") {
			c.Compression = p.colID()
		}
	}
	for {
		if p.is("collate") {
			if c.Collation != nil {
				p.unexpected()
			}
			p.advance()
			c.Collation = p.name()
			continue
		}
		k := p.columnConstraint()
		if k == nil {
			return
		}
		c.Constraints = append(c.Constraints, k)
	}
}

func (p *parser) period() *Period {
	s := &Period{At: p.at()}
	p.advance()
	p.expect("for")
	s.Name = p.colID()
	p.expectTok('(')
	s.Start = p.colID()
	p.expectTok(',')
	s.End = p.colID()
	p.expectTok(')')
	return s
}

func (p *parser) tableLike() *TableLike {
	l := &TableLike{At: p.at()}
	p.advance()
	l.Name = p.relation()
	for p.isAny("including", "excluding") {
		o := LikeOption{Excluding: p.word() == "excluding"}
		o.What = p.objectKind([]string{"comments", "compression", "constraints", "defaults", "identity", "generated",
			"indexes", "statistics", "storage", "all"})
		l.Options = append(l.Options, o)
	}
	return l
}

// partitionBound reads FOR VALUES … or DEFAULT.
func (p *parser) partitionBound() *PartitionBound {
	b := &PartitionBound{At: p.at()}
	if p.accept("default") {
		b.Default = true
		return b
	}
	p.expect("for", "values")
	switch {
	case p.accept("in"):
		b.In = parens(p, p.expr)
	case p.accept("from"):
		b.From = parens(p, p.expr)
		p.expect("to")
		b.To = parens(p, p.expr)
	default:
		p.expect("with")
		p.expectTok('(')
		list(p, func() int {
			if p.tok.isWord("modulus") {
				p.advance()
				b.Modulus = p.integer()
			} else {
				p.expect("remainder")
				b.Remainder = p.integer()
			}
			return 0
		})
		p.expectTok(')')
	}
	return b
}

func (p *parser) createIndex(at At) Stmt {
	s := &CreateIndex{At: at, Unique: p.accept("unique")}
	p.expect("index")
	s.Concurrently = p.accept("concurrently")
	s.IfNotExists = p.accept("if", "not", "exists")
	if !p.is("on") || s.IfNotExists {
		s.Name = p.colID()
	}
	p.expect("on")
	s.Table = p.relationExpr()
	if p.accept("using") {
		s.Method = p.colID()
	}
	s.Elems = parens(p, p.indexElem)
	if p.accept("include") {
		s.Include = parens(p, p.indexElem)
	}
	s.NullsNotDistinct = p.nullsDistinct()
	s.With = p.withOptions()
	if p.accept("tablespace") {
		s.Tablespace = p.colID()
	}
	s.Where = p.where()
	return s
}

// nullsDistinct reads NULLS [NOT] DISTINCT and says whether it was NOT.
func (p *parser) nullsDistinct() bool {
	if p.accept("nulls", "not", "distinct") {
		return true
	}
	p.accept("nulls", "distinct")
	return false
}

func (p *parser) refresh() Stmt {
	s := &RefreshView{At: p.at()}
	p.expect("refresh", "materialized", "view")
	s.Concurrently = p.accept("concurrently")
	s.Name = p.relation()
	s.NoData = p.withNoData()
	return s
}

// createType reads enums, composite types and shells; nil for base and range types.
func (p *parser) createType(at At) Stmt {
	p.expect("type")
	s := &CreateType{At: at, Name: p.name()}
	if p.tok.kind == tEOF || p.tok.kind == ';' {
		return s
	}
	if p.tok.kind == '(' {
		return nil
	}
	p.expect("as")
	switch {
	case p.accept("enum"):
		s.Kind = EnumType
		p.expectTok('(')
		if p.tok.kind != ')' {
			s.Labels = list(p, p.str)
		}
		p.expectTok(')')
	case p.is("range"):
		return nil
	default:
		s.Kind = CompositeType
		p.expectTok('(')
		if p.tok.kind != ')' {
			s.Fields = list(p, p.tableFuncColumn)
		}
		p.expectTok(')')
	}
	return s
}

func (p *parser) createDomain(at At) Stmt {
	p.expect("domain")
	s := &CreateDomain{At: at, Name: p.name()}
	p.accept("as")
	s.Type = p.typeName()
	c := &ColumnDef{}
	p.columnEnd(c)
	s.Collation, s.Constraints = c.Collation, c.Constraints
	return s
}

func (p *parser) createExtension(at At) Stmt {
	p.expect("extension")
	s := &CreateExtension{At: at, IfNotExists: p.accept("if", "not", "exists"), Name: p.colID()}
	p.accept("with")
	for {
		switch {
		case p.accept("schema"):
			s.Schema = p.colID()
		case p.accept("version"):
			if p.tok.kind == tString {
				s.Version = p.str()
			} else {
				s.Version = p.colID()
			}
		case p.accept("cascade"):
			s.Cascade = true
		default:
			return s
		}
	}
}

func (p *parser) createSchema(at At) Stmt {
	p.expect("schema")
	s := &CreateSchema{At: at, IfNotExists: p.accept("if", "not", "exists")}
	if !p.is("authorization") {
		s.Name = p.colID()
	}
	if p.accept("authorization") {
		s.Authorization = p.roleSpec()
	}
	for p.isAny("create", "grant") && !s.IfNotExists {
		p.enter()
		s.Elements = append(s.Elements, p.stmt())
		p.leave()
	}
	return s
}

func (p *parser) createDatabase(at At) Stmt {
	p.expect("database")
	s := &CreateDatabase{At: at, Name: p.colID()}
	p.accept("with")
	for p.tok.kind == tIdent {
		o := &Option{At: p.at()}
		if p.accept("connection", "limit") {
			o.Name = "connection limit"
		} else {
			if p.tok.class != notKeyword && !p.isAny("encoding", "location", "owner", "tablespace", "template") {
				p.unexpected()
			}
			o.Name = p.word()
		}
		p.acceptTok('=')
		p.optionValue(o)
		s.Options = append(s.Options, o)
	}
	return s
}

// sequenceOptions reads the options of a sequence, as many as there are.
func (p *parser) sequenceOptions() []*SequenceOption {
	var out []*SequenceOption
	for {
		o := p.sequenceOption()
		if o == nil {
			return out
		}
		out = append(out, o)
	}
}

var sequenceWords = []string{
	"as", "start", "increment", "minvalue", "no minvalue", "maxvalue", "no maxvalue", "cache", "cycle", "no cycle",
	"owned by", "sequence name", "restart", "logged", "unlogged",
}

func (p *parser) sequenceOption() *SequenceOption {
	o := &SequenceOption{At: p.at(), Kind: p.acceptKind(sequenceWords)}
	switch o.Kind {
	case "":
		return nil
	case "as":
		o.Type = p.typeName()
	case "owned by", "sequence name":
		o.Name = p.name()
	case "start", "increment", "restart":
		with := p.accept("with") || p.accept("by")
		if number := p.tok.kind == '-' || p.tok.kind == '+' || p.tok.kind == tInt || p.tok.kind == tDecimal; number || with ||
			o.Kind != "restart" {
			o.Value = p.signed()
		}
	case "minvalue", "maxvalue", "cache":
		o.Value = p.signed()
	}
	return o
}

// roleSpec reads the name of a role.
func (p *parser) roleSpec() *RoleSpec {
	r := &RoleSpec{At: p.at()}
	if p.isAny("current_user", "current_role", "session_user") {
		r.Name, r.Special = p.word(), true
		return r
	}
	r.Special = p.tok.isWord("public")
	r.Name = p.nonReserved()
	return r
}

var roleWords = []string{
	"password", "encrypted password", "connection limit", "valid until", "in role", "in group", "role", "user", "admin",
	"sysid", "inherit",
}

func (p *parser) createRole(at At) Stmt {
	s := &CreateRole{At: at, Kind: upper(p.word())}
	s.Name = p.roleSpec()
	p.accept("with")
	s.Options = p.roleOptions()
	return s
}

func (p *parser) roleOptions() []*RoleOption {
	var out []*RoleOption
	for p.tok.kind == tIdent && !p.tok.quoted {
		o := &RoleOption{At: p.at()}
		switch o.Name = p.acceptKind(roleWords); o.Name {
		case "":
			o.Name = p.word()
			if !strings.Contains(" superuser nosuperuser createdb nocreatedb createrole nocreaterole noinherit login"+
				" nologin replication noreplication bypassrls nobypassrls ", " "+o.Name+" ") {
				p.unexpected()
			}
		case "password", "encrypted password", "valid until":
			if !p.is("null") {
				o.Value = p.stringConst()
			} else {
				o.Value = &Const{At: p.at()}
				p.advance()
			}
			if o.Name == "encrypted password" {
				o.Name = "password"
			}
		case "connection limit", "sysid":
			o.Value = &Const{At: p.at(), Kind: IntConst, Text: p.signedInt()}
		case "in role", "in group", "role", "user", "admin":
			o.Roles = list(p, p.roleSpec)
		}
		out = append(out, o)
	}
	return out
}
