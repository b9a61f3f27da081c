package syntax

import "strings"

// session writes the statements about the session and its transactions.
func (p *printer) session(s Stmt) {
	switch s := s.(type) {
	case *Transaction:
		p.transaction(s)
	case *Set:
		p.w("SET")
		p.set(s)
	case *SetTransaction:
		switch {
		case s.Session:
			p.w("SET SESSION CHARACTERISTICS AS TRANSACTION")
		case s.Local:
			p.w("SET LOCAL TRANSACTION")
		default:
			p.w("SET TRANSACTION")
		}
		if s.Modes == nil {
			p.w("SNAPSHOT")
			p.str(s.Snapshot)
		}
		p.modes(s.Modes)
	case *SetConstraints:
		p.w("SET CONSTRAINTS")
		if s.Names == nil {
			p.w("ALL")
		}
		commas(p, s.Names, p.name)
		if s.Deferred {
			p.w("DEFERRED")
		} else {
			p.w("IMMEDIATE")
		}
	case *Show:
		p.w("SHOW", setting(s.Name))
	case *Reset:
		p.w("RESET", setting(s.Name))
	case *Discard:
		p.w("DISCARD", s.What)
	case *Listen:
		p.w("LISTEN")
		p.id(s.Channel)
	case *Unlisten:
		p.w("UNLISTEN")
		if s.Channel == "" {
			p.w("*")
		} else {
			p.id(s.Channel)
		}
	case *Notify:
		p.w("NOTIFY")
		p.id(s.Channel)
		if s.Payload != nil {
			p.put(",")
			p.expr(s.Payload)
		}
	case *Checkpoint:
		p.w("CHECKPOINT")
	default:
		p.definition(s)
	}
}

func setting(name string) string {
	if name == "" {
		return "ALL"
	}
	parts := strings.Split(name, ".")
	for i, s := range parts {
		parts[i] = quoteIdent(s, notKeyword)
	}
	return strings.Join(parts, ".")
}

func (p *printer) transaction(s *Transaction) {
	switch s.Kind {
	case Savepoint, ReleaseSavepoint, RollbackTo:
		p.w([...]string{Savepoint: "SAVEPOINT", ReleaseSavepoint: "RELEASE SAVEPOINT", RollbackTo: "ROLLBACK TO SAVEPOINT"}[s.Kind])
		p.id(s.Name)
	case PrepareTransaction, CommitPrepared, RollbackPrepared:
		p.w(s.Tag())
		p.str(s.Name)
	default:
		p.w(s.Tag())
		p.modes(s.Modes)
		p.w([...]string{"", "AND CHAIN", "AND NO CHAIN"}[s.Chain])
	}
}

func (p *printer) modes(ms []*TransactionMode) {
	commas(p, ms, func(m *TransactionMode) {
		switch m.Kind {
		case ModeIsolation:
			p.w("ISOLATION LEVEL", upper(m.Level))
		case ModeAsOf:
			p.asOf(m.AsOf)
		default:
			p.w([...]string{ModeReadOnly: "READ ONLY", ModeReadWrite: "READ WRITE", ModeDeferrable: "DEFERRABLE",
				ModeNotDeferrable: "NOT DEFERRABLE"}[m.Kind])
		}
	})
}

// set writes what follows SET.
func (p *printer) set(s *Set) {
	p.w([...]string{"", "SESSION", "LOCAL"}[s.Scope])
	if len(s.Values) == 1 {
		if c, ok := s.Values[0].(*Cast); ok {
			p.w("TIME ZONE INTERVAL")
			p.expr(c.X)
			if c.Type.Fields != "" {
				p.w(c.Type.Fields)
			}
			return
		}
	}
	p.w(setting(s.Name))
	switch {
	case s.Default:
		p.w("TO DEFAULT")
	case s.Current:
		p.w("FROM CURRENT")
	default:
		p.w("TO")
		commas(p, s.Values, func(e Expr) {
			if c, ok := e.(*ColumnRef); ok {
				if w := c.Name.Last(); w == "true" || w == "false" || w == "on" {
					p.w(w)
				} else {
					p.id(w)
				}
				return
			}
			p.expr(e)
		})
	}
}
