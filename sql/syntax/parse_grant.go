package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

// dropKinds are the kinds that DROP reads.
var dropKinds = []string{
	"table", "view", "materialized view", "index", "sequence", "schema", "database", "role", "user", "group", "type",
	"domain", "function", "procedure", "routine", "aggregate", "extension", "foreign table",
}

func (p *parser) drop() Stmt {
	s := &Drop{At: p.at()}
	p.advance()
	if next := p.peek(1); p.is("user") && next.is("mapping") {
		u := &Unsupported{At: s.At, Command: "DROP " + upper(p.objectKind(objectKinds))}
		return p.rest(u)
	}
	kind := p.acceptKind(dropKinds)
	if kind == "" {
		u := &Unsupported{At: s.At, Command: "DROP " + upper(p.objectKind(objectKinds))}
		return p.rest(u)
	}
	s.Kind = upper(kind)
	s.Concurrently = kind == "index" && p.accept("concurrently")
	s.IfExists = p.accept("if", "exists")
	switch kind {
	case "role", "user", "group":
		s.Kind = "ROLE"
		s.Roles = list(p, p.roleSpec)
		return s
	case "database":
		s.Objects = []*ObjectName{{At: p.at(), Name: Name{p.colID()}}}
		p.accept("with")
		if p.acceptTok('(') {
			p.expect("force")
			p.expectTok(')')
			s.Force = true
		}
		return s
	}
	s.Objects = list(p, func() *ObjectName { return p.objectName(kind) })
	s.Cascade = p.cascade()
	return s
}

var grantKinds = []string{
	"table", "sequence", "database", "domain", "foreign data wrapper", "foreign server", "function", "procedure",
	"routine", "language", "large object", "parameter", "schema", "tablespace", "type",
}

var allKinds = map[string]string{
	"tables": "TABLE", "sequences": "SEQUENCE", "functions": "FUNCTION", "procedures": "PROCEDURE", "routines": "ROUTINE",
}

// defaultKinds are the kinds of objects that default privileges are about.
var defaultKinds = map[string]string{
	"tables": "TABLE", "sequences": "SEQUENCE", "functions": "FUNCTION", "routines": "ROUTINE", "types": "TYPE", "schemas": "SCHEMA",
}

// defaultPrivileges reads what follows ALTER DEFAULT PRIVILEGES.
func (p *parser) defaultPrivileges(at At) Stmt {
	g := &Grant{At: at, Default: true}
	for {
		switch {
		case p.accept("for", "role"), p.accept("for", "user"):
			g.ForRoles = list(p, p.roleSpec)
			continue
		case p.accept("in", "schema"):
			g.InSchemas = list(p, p.ident)
			continue
		case !p.isAny("grant", "revoke"):
			p.unexpected()
		}
		g.Revoke = p.word() == "revoke"
		return p.grantRest(g)
	}
}

// grant reads GRANT and REVOKE of privileges and of roles.
func (p *parser) grant() Stmt { return p.grantRest(&Grant{At: p.at(), Revoke: p.word() == "revoke"}) }

func (p *parser) grantRest(g *Grant) Stmt {
	admin := ""
	if g.Revoke {
		if g.OptionFor = p.accept("grant", "option", "for"); !g.OptionFor {
			if next := p.peek(1); next.is("option") && p.tok.isColID() {
				admin = p.word()
				p.expect("option", "for")
			}
		}
	}
	if p.accept("all") {
		p.accept("privileges")
		if p.tok.kind == '(' {
			g.Privileges = []*Privilege{{At: p.at(), Name: "all", Columns: p.idents()}}
		}
	} else {
		g.Privileges = list(p, p.privilege)
	}
	if g.Default || g.OptionFor || admin == "" && p.is("on") {
		p.expect("on")
		p.grantObjects(g)
	} else {
		return p.grantRole(g, admin)
	}
	p.grantTo(g.Revoke)
	g.Grantees = list(p, p.grantee)
	if !g.Revoke && p.accept("with", "grant", "option") {
		g.GrantOption = true
	}
	if p.accept("granted", "by") {
		g.GrantedBy = p.roleSpec()
	}
	if g.Revoke {
		g.Cascade = p.cascade() == Yes
	}
	return g
}

func (p *parser) grantTo(revoke bool) {
	if revoke {
		p.expect("from")
	} else {
		p.expect("to")
	}
}

func (p *parser) grantee() *RoleSpec {
	p.accept("group")
	return p.roleSpec()
}

func (p *parser) privilege() *Privilege {
	v := &Privilege{At: p.at()}
	switch {
	case p.isAny("select", "references", "create"):
		v.Name = p.word()
	case p.accept("alter", "system"):
		v.Name = "alter system"
	default:
		v.Name = p.colID()
	}
	v.Columns = p.optIdents()
	return v
}

// grantObjects reads what follows ON.
func (p *parser) grantObjects(g *Grant) {
	if g.Default {
		if g.Kind = "LARGE OBJECT"; !p.accept("large", "objects") {
			if g.Kind = defaultKinds[p.tok.text]; g.Kind == "" {
				p.unexpected()
			}
			p.advance()
		}
		return
	}
	next := p.peek(1)
	if kind := allKinds[next.text]; p.is("all") && kind != "" {
		p.advance()
		p.advance()
		p.expect("in", "schema")
		g.Kind, g.AllInSchema = kind, true
		g.Objects = list(p, func() *ObjectName { return &ObjectName{At: p.at(), Name: Name{p.colID()}} })
		return
	}
	kind := p.acceptKind(grantKinds)
	if kind == "" {
		kind = "table"
	}
	g.Kind = upper(kind)
	g.Objects = list(p, func() *ObjectName {
		if kind == "large object" {
			return &ObjectName{At: p.at(), Name: Name{p.signed()}}
		}
		return p.objectName(kind)
	})
}

// grantRole makes a GrantRole of what looked like a Grant.
func (p *parser) grantRole(g *Grant, admin string) Stmt {
	r := &GrantRole{At: g.At, Revoke: g.Revoke, Roles: g.Privileges}
	if admin != "" {
		r.Options = []*Option{{At: g.At, Name: admin}}
	}
	p.grantTo(g.Revoke)
	r.Grantees = list(p, p.grantee)
	if !g.Revoke && p.accept("with") {
		r.Options = list(p, func() *Option {
			o := &Option{At: p.at(), Name: p.label(), Kind: OptionWord}
			o.Text = "true"
			switch {
			case p.accept("option"), p.accept("true"):
			case p.accept("false"):
				o.Text = "false"
			default:
				p.unexpected()
			}
			return o
		})
	}
	if p.accept("granted", "by") {
		r.GrantedBy = p.roleSpec()
	}
	if g.Revoke {
		r.Cascade = p.cascade() == Yes
	}
	return r
}

var commentKinds = []string{
	"table", "view", "materialized view", "index", "sequence", "column", "schema", "database", "role", "type", "domain",
	"function", "procedure", "routine", "aggregate", "extension", "tablespace", "language", "foreign table",
	"constraint", "trigger", "rule", "policy", "collation", "conversion", "publication", "subscription", "server",
	"event trigger", "access method", "statistics",
}

func (p *parser) comment() Stmt {
	s := &Comment{At: p.at()}
	p.expect("comment", "on")
	kind := p.acceptKind(commentKinds)
	if kind == "" {
		return p.rest(&Unsupported{At: s.At, Command: "COMMENT"})
	}
	s.Kind = upper(kind)
	s.Object = p.objectName(kind)
	switch kind {
	case "constraint", "trigger", "rule", "policy":
		p.expect("on")
		if next := p.peek(1); kind == "constraint" && p.is("domain") && next.isColID() {
			s.Object.OfDomain = true
			p.advance()
		}
		s.Object.On = p.name()
	case "column":
		if len(s.Object.Name) < 2 {
			p.fail(s.Object.Pos, pgerr.SyntaxError, "column name must be qualified")
		}
	}
	p.expect("is")
	if !p.accept("null") {
		text := p.str()
		s.Text = &text
	}
	return s
}

// funcParam reads a parameter of a function.
func (p *parser) funcParam() *FuncParam {
	f := &FuncParam{At: p.at()}
	mode := func() {
		if f.Mode == "" {
			f.Mode = p.acceptKind([]string{"in out", "in", "out", "inout", "variadic"})
			if f.Mode == "in out" {
				f.Mode = "inout"
			}
		}
	}
	mode()
	if next := p.peek(1); p.tok.isTypeFunc() && next.kind == tIdent && !next.is("default") && !p.twoWordType(next) {
		f.Name = p.word()
		mode()
	}
	f.Type = p.typeName()
	if p.acceptTok('=') || p.accept("default") {
		f.Default = p.expr()
	}
	return f
}

// twoWordType tells DOUBLE PRECISION and name ARRAY from a parameter and its type.
func (p *parser) twoWordType(next token) bool {
	return p.is("double") && next.is("precision") || next.is("array")
}
