package syntax

import "github.com/allsource-db/allsource/sql/pgerr"

// alterKinds are the kinds that ALTER reads.
var alterKinds = []string{
	"table", "view", "index", "sequence", "materialized view", "schema", "database", "role", "user", "group", "type",
	"domain", "function", "procedure", "routine", "foreign table",
}

// alter reads ALTER. What has no tree is taken unread.
func (p *parser) alter() Stmt {
	at := p.at()
	u := &Unsupported{At: at}
	p.advance()
	if next := p.peek(1); p.is("system") || p.is("user") && next.is("mapping") {
		u.Command = "ALTER " + upper(p.objectKind(objectKinds))
		return p.rest(u)
	}
	if p.accept("default", "privileges") {
		return p.defaultPrivileges(at)
	}
	kind := p.acceptKind(alterKinds)
	if kind == "" {
		u.Command = "ALTER " + upper(p.objectKind(objectKinds))
		return p.rest(u)
	}
	var s Stmt
	switch kind {
	case "table", "view", "index", "sequence", "materialized view", "foreign table":
		s = p.alterRelation(at, upper(kind))
	case "role", "user", "group":
		s = p.alterRole(at, upper(kind))
	default:
		s = p.alterObject(at, kind)
	}
	if s != nil {
		return s
	}
	u.Command = "ALTER " + upper(kind)
	return p.rest(u)
}

// alterRelation reads ALTER of what is in pg_class; nil for what has no tree.
func (p *parser) alterRelation(at At, kind string) Stmt {
	if p.is("all") {
		return nil
	}
	exists := p.accept("if", "exists")
	t := p.relationExpr()
	object := &ObjectName{At: t.At, Name: t.Name}
	switch {
	case p.accept("rename"):
		r := &Rename{At: at, Kind: kind, IfExists: exists, Object: object, Only: t.Only}
		p.renameWhat(r)
		return r
	case p.follows("set", "schema"):
		p.expect("set", "schema")
		return &SetSchema{At: at, Kind: kind, IfExists: exists, Object: object, Only: t.Only, Schema: p.colID()}
	case kind == "SEQUENCE":
		if o := p.sequenceOptions(); o != nil {
			return &CreateSequence{At: at, Alter: true, IfNotExists: exists, Name: t.Name, Options: o}
		}
	case kind == "INDEX" && p.isAny("depends", "no"):
		return nil
	}
	s := &AlterTable{At: at, Kind: kind, IfExists: exists, Table: t}
	s.Actions = list(p, func() *AlterAction {
		a := &AlterAction{At: p.at()}
		if !p.alterAction(a) {
			p.unexpected()
		}
		return a
	})
	return s
}

// renameWhat reads what follows RENAME.
func (p *parser) renameWhat(r *Rename) {
	switch {
	case p.accept("to"):
		r.New = p.colID()
		return
	case p.accept("constraint"):
		r.What = "CONSTRAINT"
	case p.accept("attribute"):
		r.What = "ATTRIBUTE"
	case p.accept("value"):
		r.What = "VALUE"
		r.Old = p.str()
		p.expect("to")
		r.New = p.str()
		return
	default:
		if r.Kind == "INDEX" || r.Kind == "SEQUENCE" {
			p.unexpected()
		}
		r.What = "COLUMN"
		if next := p.peek(1); next.isColID() {
			p.accept("column")
		}
	}
	r.Old = p.colID()
	p.expect("to")
	r.New = p.colID()
	if r.What == "ATTRIBUTE" {
		r.Cascade = p.cascade()
	}
}

// alterAction reads one action of ALTER TABLE.
func (p *parser) alterAction(a *AlterAction) bool {
	switch {
	case p.accept("add"):
		p.addAction(a)
	case p.accept("drop"):
		p.dropAction(a)
	case p.accept("alter"):
		p.alterColumn(a)
	case p.accept("validate", "constraint"):
		a.Kind, a.Name = AlterValidateConstraint, p.colID()
	case p.accept("owner", "to"):
		a.Kind, a.Owner = AlterOwner, p.roleSpec()
	case p.accept("set"):
		p.setAction(a)
	case p.accept("reset"):
		a.Kind, a.Options = AlterResetOptions, p.relOptions()
	case p.accept("cluster", "on"):
		a.Kind, a.Name = AlterClusterOn, p.colID()
	case p.isAny("enable", "disable"):
		p.enableAction(a)
	case p.accept("force"):
		p.expect("row", "level", "security")
		a.Kind = AlterForceRowSecurity
	case p.accept("no", "force"):
		p.expect("row", "level", "security")
		a.Kind = AlterNoForceRowSecurity
	case p.accept("inherit"):
		a.Kind, a.Target = AlterInherit, p.relation()
	case p.accept("no", "inherit"):
		a.Kind, a.Target = AlterNoInherit, p.relation()
	case p.accept("attach", "partition"):
		a.Kind, a.Target = AlterAttachPartition, p.relation()
		if p.isAny("for", "default") {
			a.Bound = p.partitionBound()
		}
	case p.accept("detach", "partition"):
		a.Kind, a.Target = AlterDetachPartition, p.relation()
		if a.Flag = p.accept("concurrently"); !a.Flag && p.accept("finalize") {
			a.Word = "finalize"
		}
	case p.accept("replica", "identity"):
		a.Kind = AlterReplicaIdentity
		if p.accept("using", "index") {
			a.Name = p.colID()
		} else {
			a.Word = p.objectKind([]string{"nothing", "full", "default"})
		}
	default:
		return false
	}
	return true
}

func (p *parser) addAction(a *AlterAction) {
	next := p.peek(1)
	switch {
	case p.tok.isWord("period") && next.is("for"):
		a.Kind, a.Period = AlterAddPeriod, p.period()
	case p.atTableConstraint():
		a.Kind, a.Constraint = AlterAddConstraint, p.tableConstraint(false)
	default:
		if next.kind == tIdent {
			p.accept("column")
		}
		a.IfExists = p.accept("if", "not", "exists")
		a.Column = p.columnDef()
	}
}

func (p *parser) dropAction(a *AlterAction) {
	next := p.peek(1)
	switch {
	case p.tok.isWord("period") && next.is("for"):
		p.advance()
		p.advance()
		a.Kind, a.Name = AlterDropPeriod, p.colID()
		return
	case p.accept("constraint"):
		a.Kind = AlterDropConstraint
	default:
		a.Kind = AlterDropColumn
		if next.kind == tIdent && !next.is("cascade") && !next.is("restrict") {
			p.accept("column")
		}
	}
	a.IfExists = p.accept("if", "exists")
	a.Name = p.colID()
	a.Cascade = p.cascade()
}

// alterColumn reads ALTER [COLUMN] and ALTER CONSTRAINT.
func (p *parser) alterColumn(a *AlterAction) {
	if p.accept("constraint") {
		a.Kind, a.Name = AlterConstraint, p.colID()
		a.Constraint = &Constraint{At: p.at(), Kind: ConstraintAttr}
		if a.Constraint.Inherit = p.accept("inherit"); a.Constraint.Inherit {
			return
		}
		if p.constraintAttrs(a.Constraint); a.Constraint.NotValid {
			p.fail(a.Constraint.Pos, pgerr.FeatureNotSupported, "constraints cannot be altered to be NOT VALID")
		}
		return
	}
	if next := p.peek(1); next.kind == tIdent || next.kind == tInt {
		p.accept("column")
	}
	if p.tok.kind == tInt {
		a.Number = p.word()
		p.expect("set", "statistics")
		a.Kind, a.Name, a.Number = AlterSetStatistics, a.Number, p.signedInt()
		return
	}
	a.Name = p.colID()
	switch {
	case p.follows("set", "data", "type"), p.is("type"):
		p.accept("set", "data")
		p.expect("type")
		a.Kind, a.Type = AlterColumnType, p.typeName()
		if p.accept("collate") {
			a.Collation = p.name()
		}
		if p.accept("using") {
			a.Expr = p.expr()
		}
	case p.defaultOrNull(a):
	case p.accept("set", "expression", "as"):
		a.Kind, a.Expr = AlterSetExpression, p.parenExpr()
	case p.accept("drop", "expression"):
		a.Kind, a.IfExists = AlterDropExpression, p.accept("if", "exists")
	case p.accept("drop", "identity"):
		a.Kind, a.IfExists = AlterDropIdentity, p.accept("if", "exists")
	case p.accept("set", "statistics"):
		a.Kind, a.Number = AlterSetStatistics, p.signedInt()
	case p.accept("reset"):
		if p.tok.kind == '(' {
			a.Kind, a.Options = AlterResetColumnOptions, p.relOptions()
			return
		}
		p.unexpected()
	case p.accept("add"):
		c := &Constraint{At: p.at()}
		p.generated(c)
		a.Kind, a.Constraint = AlterAddIdentity, c
	case p.accept("set", "storage"):
		a.Kind = AlterSetStorage
		a.Word = p.nameOrDefault()
	case p.accept("set", "compression"):
		a.Kind = AlterSetCompression
		a.Word = p.nameOrDefault()
	case p.is("restart"), p.is("set") && p.peek(1).kind != '(':
		p.setIdentity(a)
	default:
		p.expect("set")
		a.Kind, a.Options = AlterSetColumnOptions, p.relOptions()
	}
}

// setIdentity reads what is to become of the sequence of an identity column.
func (p *parser) setIdentity(a *AlterAction) {
	a.Kind = AlterSetIdentity
	for p.isAny("restart", "set") {
		if p.accept("set", "generated", "always") {
			a.Word = "always"
		} else if p.accept("set", "generated", "by", "default") {
			a.Word = "by default"
		} else {
			set := p.accept("set")
			if set && p.is("restart") {
				p.unexpected()
			}
			o := p.sequenceOption()
			if o == nil {
				p.unexpected()
			}
			a.Sequence = append(a.Sequence, o)
		}
	}
}

func (p *parser) nameOrDefault() string {
	if p.accept("default") {
		return "default"
	}
	return p.colID()
}

func (p *parser) setAction(a *AlterAction) {
	switch {
	case p.tok.kind == '(':
		a.Kind, a.Options = AlterSetOptions, p.relOptions()
	case p.accept("tablespace"):
		a.Kind, a.Name = AlterSetTablespace, p.colID()
	case p.accept("logged"):
		a.Kind = AlterSetLogged
	case p.accept("unlogged"):
		a.Kind = AlterSetUnlogged
	case p.accept("access", "method"):
		a.Kind, a.Name = AlterSetAccessMethod, p.nameOrDefault()
	default:
		p.expect("without", "cluster")
		a.Kind = AlterSetWithoutCluster
	}
}

// enableAction reads ENABLE and DISABLE of triggers, rules and row security.
func (p *parser) enableAction(a *AlterAction) {
	enable := p.word() == "enable"
	if p.accept("row", "level", "security") {
		a.Kind = AlterDisableRowSecurity
		if enable {
			a.Kind = AlterEnableRowSecurity
		}
		return
	}
	mode := AlterKind(3) // plain, always, replica, off: in the order of the constants
	if enable {
		mode = 0
		if p.accept("always") {
			mode = 1
		} else if p.accept("replica") {
			mode = 2
		}
	}
	if p.accept("rule") {
		a.Kind, a.Name = AlterEnableRule+mode, p.colID()
		return
	}
	p.expect("trigger")
	a.Kind = AlterEnableTrigger + mode
	if p.isAny("all", "user") && (mode == 0 || mode == 3) {
		a.Word = p.word()
	} else {
		a.Name = p.colID()
	}
}

// alterRole reads ALTER ROLE with options and RENAME; nil for settings.
func (p *parser) alterRole(at At, kind string) Stmt {
	if p.is("all") {
		return nil
	}
	r := p.roleSpec()
	switch {
	case p.accept("rename", "to"):
		return &Rename{At: at, Kind: kind, Object: &ObjectName{At: r.At, Name: Name{r.Name}}, New: p.colID()}
	case p.isAny("set", "reset", "in", "add", "drop"):
		return nil
	}
	p.accept("with")
	return &CreateRole{At: at, Alter: true, Kind: kind, Name: r, Options: p.roleOptions()}
}

// alterObject reads RENAME, SET SCHEMA, OWNER TO and ADD VALUE of other objects; nil for what has no tree.
func (p *parser) alterObject(at At, kind string) Stmt {
	o := p.objectName(kind)
	up := upper(kind)
	switch {
	case p.follows("rename", "to"), kind == "type" && (p.follows("rename", "value") || p.follows("rename", "attribute")), kind == "domain" && p.follows("rename", "constraint"):
		p.advance()
		r := &Rename{At: at, Kind: up, Object: o}
		p.renameWhat(r)
		return r
	case p.accept("set", "schema"):
		return &SetSchema{At: at, Kind: up, Object: o, Schema: p.colID()}
	case p.accept("owner", "to"):
		return &AlterOwnerStmt{At: at, Kind: up, Object: o, Owner: p.roleSpec()}
	case kind == "type" && p.accept("add", "value"):
		s := &AlterEnum{At: at, Name: o.Name, IfNotExists: p.accept("if", "not", "exists")}
		s.Value = p.str()
		if s.Before = p.accept("before"); s.Before || p.accept("after") {
			n := p.str()
			s.Neighbour = &n
		}
		return s
	case kind == "type" && p.isAny("add", "drop", "alter"):
		return &AlterTable{At: at, Kind: up, Table: &TableName{At: o.At, Name: o.Name}, Actions: list(p, p.attributeAction)}
	case kind == "function" || kind == "procedure" || kind == "routine":
		return p.alterFunction(at, up, o)
	case kind == "domain":
		a := &AlterAction{At: p.at()}
		p.domainAction(a)
		return &AlterTable{At: at, Kind: up, Table: &TableName{At: o.At, Name: o.Name}, Actions: []*AlterAction{a}}
	}
	return nil
}

// attributeAction reads an action of ALTER TYPE, on an attribute of a composite type.
func (p *parser) attributeAction() *AlterAction {
	a := &AlterAction{At: p.at()}
	switch {
	case p.accept("add", "attribute"):
		a.Kind, a.Column = AlterAddColumn, p.tableFuncColumn()
	case p.accept("drop", "attribute"):
		a.Kind, a.IfExists = AlterDropColumn, p.accept("if", "exists")
		a.Name = p.colID()
	default:
		p.expect("alter", "attribute")
		a.Kind, a.Name = AlterColumnType, p.colID()
		p.accept("set", "data")
		p.expect("type")
		a.Type = p.typeName()
		if p.accept("collate") {
			a.Collation = p.name()
		}
	}
	a.Cascade = p.cascade()
	return a
}

// defaultOrNull reads SET and DROP of DEFAULT and NOT NULL, of a column or a domain; false where neither is at hand.
func (p *parser) defaultOrNull(a *AlterAction) bool {
	switch {
	case p.accept("set", "default"):
		a.Kind, a.Expr = AlterSetDefault, p.expr()
	case p.accept("drop", "default"):
		a.Kind = AlterDropDefault
	case p.accept("set", "not", "null"):
		a.Kind = AlterSetNotNull
	case p.accept("drop", "not", "null"):
		a.Kind = AlterDropNotNull
	default:
		return false
	}
	return true
}

// domainAction reads the action of ALTER DOMAIN.
func (p *parser) domainAction(a *AlterAction) {
	switch {
	case p.defaultOrNull(a):
	case p.accept("add"):
		if !p.atTableConstraint() {
			p.unexpected()
		}
		a.Kind, a.Constraint = AlterAddConstraint, p.tableConstraint(true)
	case p.accept("drop", "constraint"):
		a.Kind, a.IfExists = AlterDropConstraint, p.accept("if", "exists")
		a.Name, a.Cascade = p.colID(), p.cascade()
	case p.accept("validate", "constraint"):
		a.Kind, a.Name = AlterValidateConstraint, p.colID()
	default:
		p.unexpected()
	}
}

// objectName reads a name with what belongs to it for the kind.
func (p *parser) objectName(kind string) *ObjectName {
	o := &ObjectName{At: p.at()}
	switch kind {
	case "function", "procedure", "routine", "aggregate":
		o.Name = p.funcName()
		if p.tok.kind == '(' {
			o.HasArgs = true
			p.advance()
			switch {
			case kind == "aggregate" && p.acceptTok('*'):
				o.Star = true
			case kind == "aggregate" || p.tok.kind != ')':
				o.Args = list(p, p.funcParam)
			}
			p.expectTok(')')
		}
	default:
		o.Name = p.name()
	}
	return o
}
