package syntax

// alteration writes ALTER, DROP, GRANT and COMMENT.
func (p *printer) alteration(s Stmt) {
	switch s := s.(type) {
	case *AlterTable:
		p.w("ALTER", s.Kind)
		p.flag(s.IfExists, "IF EXISTS")
		p.relation(s.Table)
		if w, ok := domainActions[s.Actions[0].Kind]; ok && s.Kind == "DOMAIN" {
			p.w(w)
			if s.Actions[0].Expr != nil {
				p.expr(s.Actions[0].Expr)
			}
			return
		}
		if s.Kind == "TYPE" {
			commas(p, s.Actions, p.attributeAction)
			return
		}
		commas(p, s.Actions, p.alterAction)
	case *Rename:
		p.alterHead(s.Kind, s.IfExists, s.Only, s.Object)
		p.w("RENAME", s.What)
		switch {
		case s.What == "VALUE":
			p.str(s.Old)
			p.w("TO")
			p.str(s.New)
			return
		case s.What != "":
			p.id(s.Old)
		}
		p.w("TO")
		p.id(s.New)
		p.cascade(s.Cascade)
	case *SetSchema:
		p.alterHead(s.Kind, s.IfExists, s.Only, s.Object)
		p.opt("SET SCHEMA", s.Schema)
	case *AlterOwnerStmt:
		p.alterHead(s.Kind, false, false, s.Object)
		p.w("OWNER TO")
		p.role(s.Owner)
	case *AlterFunction:
		p.alterHead(s.Kind, false, false, s.Object)
		for _, o := range s.Options {
			p.funcOption(o)
		}
	case *AlterEnum:
		p.alterEnum(s)
	case *Drop:
		p.drop(s)
	case *Grant:
		p.grant(s)
	case *GrantRole:
		p.grantRole(s)
	case *Comment:
		p.w("COMMENT ON", s.Kind)
		p.object(s.Object)
		if s.Object.On != nil {
			p.w("ON")
			p.flag(s.Object.OfDomain, "DOMAIN")
			p.name(s.Object.On)
		}
		p.w("IS")
		if s.Text == nil {
			p.w("NULL")
		} else {
			p.str(*s.Text)
		}
	}
}

func (p *printer) attributeAction(a *AlterAction) {
	switch a.Kind {
	case AlterAddColumn:
		p.w("ADD ATTRIBUTE")
		p.columnDef(a.Column)
	case AlterDropColumn:
		p.w("DROP ATTRIBUTE")
		p.flag(a.IfExists, "IF EXISTS")
		p.id(a.Name)
	default:
		p.w("ALTER ATTRIBUTE")
		p.id(a.Name)
		p.w("TYPE")
		p.typeName(a.Type)
		if a.Collation != nil {
			p.w("COLLATE")
			p.name(a.Collation)
		}
	}
	p.cascade(a.Cascade)
}

// domainActions are the actions of ALTER DOMAIN that ALTER TABLE has of columns.
var domainActions = map[AlterKind]string{AlterSetDefault: "SET DEFAULT", AlterDropDefault: "DROP DEFAULT", AlterSetNotNull: "SET NOT NULL", AlterDropNotNull: "DROP NOT NULL"}

func (p *printer) alterHead(kind string, exists, only bool, o *ObjectName) {
	p.w("ALTER", kind)
	p.flag(exists, "IF EXISTS")
	p.flag(only, "ONLY")
	p.object(o)
}

func (p *printer) object(o *ObjectName) {
	p.name(o.Name)
	switch {
	case o.Star:
		p.w("(*)")
	case o.HasArgs:
		paren(p, o.Args, p.funcParam)
	}
}

func (p *printer) alterEnum(s *AlterEnum) {
	p.w("ALTER TYPE")
	p.name(s.Name)
	p.w("ADD VALUE")
	p.flag(s.IfNotExists, "IF NOT EXISTS")
	p.str(s.Value)
	if s.Neighbour != nil {
		if s.Before {
			p.w("BEFORE")
		} else {
			p.w("AFTER")
		}
		p.str(*s.Neighbour)
	}
}

func (p *printer) drop(s *Drop) {
	p.w("DROP", s.Kind)
	p.flag(s.Concurrently, "CONCURRENTLY")
	p.flag(s.IfExists, "IF EXISTS")
	commas(p, s.Objects, p.object)
	p.roles(s.Roles)
	p.flag(s.Force, "WITH (FORCE)")
	p.cascade(s.Cascade)
}

func (p *printer) privileges(vs []*Privilege) {
	if len(vs) == 0 {
		p.w("ALL")
	}
	commas(p, vs, func(v *Privilege) {
		if keywords[v.Name].class != notKeyword || v.Name == "alter system" {
			p.w(v.Name)
		} else {
			p.id(v.Name)
		}
		p.idents(v.Columns)
	})
}

func (p *printer) grant(s *Grant) {
	to := "TO"
	if s.Default {
		p.w("ALTER DEFAULT PRIVILEGES")
		if s.ForRoles != nil {
			p.w("FOR ROLE")
			p.roles(s.ForRoles)
		}
		if s.InSchemas != nil {
			p.w("IN SCHEMA")
			commas(p, s.InSchemas, p.ident)
		}
	}
	if s.Revoke {
		p.w("REVOKE")
		p.flag(s.OptionFor, "GRANT OPTION FOR")
		to = "FROM"
	} else {
		p.w("GRANT")
	}
	p.privileges(s.Privileges)
	p.w("ON")
	if s.Default {
		p.w(s.Kind + "S")
	} else if s.AllInSchema {
		p.w("ALL", s.Kind+"S", "IN SCHEMA")
	} else {
		p.w(s.Kind)
	}
	commas(p, s.Objects, func(o *ObjectName) {
		if s.Kind == "LARGE OBJECT" {
			p.w(o.Name.Last())
			return
		}
		p.object(o)
	})
	p.w(to)
	p.roles(s.Grantees)
	p.flag(s.GrantOption, "WITH GRANT OPTION")
	p.grantedBy(s.GrantedBy)
	p.flag(s.Cascade, "CASCADE")
}

func (p *printer) grantedBy(r *RoleSpec) {
	if r != nil {
		p.w("GRANTED BY")
		p.role(r)
	}
}

func (p *printer) grantRole(s *GrantRole) {
	if s.Revoke {
		p.w("REVOKE")
		for _, o := range s.Options {
			p.id(o.Name)
			p.w("OPTION FOR")
		}
	} else {
		p.w("GRANT")
	}
	p.privileges(s.Roles)
	if s.Revoke {
		p.w("FROM")
	} else {
		p.w("TO")
	}
	p.roles(s.Grantees)
	if !s.Revoke && s.Options != nil {
		p.w("WITH")
		commas(p, s.Options, func(o *Option) {
			p.id(o.Name)
			p.w(o.Text)
		})
	}
	p.grantedBy(s.GrantedBy)
	p.flag(s.Cascade, "CASCADE")
}

// simpleActions are the actions of ALTER TABLE that are only words and perhaps a name.
var simpleActions = map[AlterKind]string{
	AlterValidateConstraint: "VALIDATE CONSTRAINT", AlterSetTablespace: "SET TABLESPACE", AlterSetLogged: "SET LOGGED",
	AlterSetUnlogged: "SET UNLOGGED", AlterClusterOn: "CLUSTER ON", AlterSetWithoutCluster: "SET WITHOUT CLUSTER",
	AlterEnableRule: "ENABLE RULE", AlterEnableAlwaysRule: "ENABLE ALWAYS RULE",
	AlterEnableReplicaRule: "ENABLE REPLICA RULE", AlterDisableRule: "DISABLE RULE",
	AlterEnableTrigger: "ENABLE TRIGGER", AlterEnableAlwaysTrigger: "ENABLE ALWAYS TRIGGER",
	AlterEnableReplicaTrigger: "ENABLE REPLICA TRIGGER", AlterDisableTrigger: "DISABLE TRIGGER",
	AlterEnableRowSecurity:  "ENABLE ROW LEVEL SECURITY",
	AlterDisableRowSecurity: "DISABLE ROW LEVEL SECURITY", AlterForceRowSecurity: "FORCE ROW LEVEL SECURITY",
	AlterNoForceRowSecurity: "NO FORCE ROW LEVEL SECURITY", AlterInherit: "INHERIT", AlterNoInherit: "NO INHERIT",
	AlterDropPeriod: "DROP PERIOD FOR", AlterResetOptions: "RESET", AlterSetOptions: "SET",
}

// columnActions are the actions on a column, by what follows its name.
var columnActions = map[AlterKind]string{
	AlterColumnType: "TYPE", AlterSetDefault: "SET DEFAULT", AlterDropDefault: "DROP DEFAULT",
	AlterSetNotNull: "SET NOT NULL", AlterDropNotNull: "DROP NOT NULL", AlterSetStatistics: "SET STATISTICS",
	AlterSetStorage: "SET STORAGE", AlterSetCompression: "SET COMPRESSION", AlterSetColumnOptions: "SET",
	AlterResetColumnOptions: "RESET", AlterDropExpression: "DROP EXPRESSION", AlterDropIdentity: "DROP IDENTITY",
	AlterAddIdentity: "ADD", AlterSetExpression: "SET EXPRESSION AS",
}

func (p *printer) alterAction(a *AlterAction) {
	if w, ok := simpleActions[a.Kind]; ok {
		p.w(w, a.Word)
		if a.Name != "" {
			p.id(a.Name)
		}
		if a.Target != nil {
			p.name(a.Target)
		}
		if a.Options != nil {
			p.relOptions(a.Options)
		}
		return
	}
	if w, ok := columnActions[a.Kind]; ok {
		p.alterColumn(a, w)
		return
	}
	switch a.Kind {
	case AlterSetIdentity:
		p.w("ALTER COLUMN")
		p.id(a.Name)
		if a.Word != "" {
			p.w("SET GENERATED", upper(a.Word))
		}
		for _, o := range a.Sequence {
			if o.Kind != "restart" {
				p.w("SET")
			}
			p.sequenceOptions([]*SequenceOption{o})
		}
	case AlterAddColumn:
		p.w("ADD COLUMN")
		p.flag(a.IfExists, "IF NOT EXISTS")
		p.columnDef(a.Column)
	case AlterDropColumn, AlterDropConstraint:
		p.w(map[AlterKind]string{AlterDropColumn: "DROP COLUMN", AlterDropConstraint: "DROP CONSTRAINT"}[a.Kind])
		p.flag(a.IfExists, "IF EXISTS")
		p.id(a.Name)
		p.cascade(a.Cascade)
	case AlterAddConstraint:
		p.w("ADD")
		p.constraint(a.Constraint)
	case AlterConstraint:
		p.opt("ALTER CONSTRAINT", a.Name)
		p.constraint(a.Constraint)
	case AlterOwner:
		p.w("OWNER TO")
		p.role(a.Owner)
	case AlterAddPeriod:
		p.w("ADD")
		p.period(a.Period)
	case AlterSetAccessMethod:
		p.word("SET ACCESS METHOD", a.Name)
	case AlterAttachPartition, AlterDetachPartition:
		p.partitionAction(a)
	case AlterReplicaIdentity:
		p.w("REPLICA IDENTITY", upper(a.Word))
		p.opt("USING INDEX", a.Name)
	}
}

func (p *printer) partitionAction(a *AlterAction) {
	if a.Kind == AlterAttachPartition {
		p.w("ATTACH PARTITION")
		p.name(a.Target)
		if a.Bound != nil {
			p.partitionBound(a.Bound)
		}
		return
	}
	p.w("DETACH PARTITION")
	p.name(a.Target)
	p.flag(a.Flag, "CONCURRENTLY")
	p.w(upper(a.Word))
}

func (p *printer) alterColumn(a *AlterAction, words string) {
	p.w("ALTER COLUMN")
	if a.Kind == AlterSetStatistics && isDigit(a.Name[0]) {
		p.w(a.Name)
	} else {
		p.id(a.Name)
	}
	p.w(words)
	p.flag(a.IfExists, "IF EXISTS")
	if a.Type != nil {
		p.typeName(a.Type)
	}
	p.collation(a.Collation)
	switch {
	case a.Kind == AlterSetExpression:
		p.enclosed(a.Expr)
	case a.Expr != nil:
		if a.Kind == AlterColumnType {
			p.w("USING")
		}
		p.expr(a.Expr)
	}
	p.w(a.Number)
	p.word("", a.Word)
	if a.Options != nil {
		p.relOptions(a.Options)
	}
	if a.Constraint != nil {
		p.generated(a.Constraint)
	}
}
