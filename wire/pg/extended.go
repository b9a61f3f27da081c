package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// portal is a bound statement. Once executed it holds its answer until it is read to the end or closed.
type portal struct {
	name     string
	prepared *engine.Prepared // nil: the empty statement
	params   []*vec.Column
	formats  []int16
	rows     *engine.Rows
	batch    *vec.Batch // being sent, from row `at`
	at       int
	finished bool
}

func (c *conn) parse(ctx context.Context, m *pgproto3.Parse) error {
	if m.Name != "" {
		if _, ok := c.stmts[m.Name]; ok {
			return c.session.Fail(pgerr.New(pgerr.DuplicatePreparedStatement, "prepared statement %q already exists", m.Name))
		}
	} else {
		delete(c.stmts, "") // also when the new one turns out to be wrong
	}
	stmts, err := c.session.Parse(m.Query)
	if err != nil {
		return err
	}
	st := &statement{}
	switch len(stmts) {
	case 0:
	case 1:
		types := make([]datum.OID, len(m.ParameterOIDs))
		for i, o := range m.ParameterOIDs {
			types[i] = datum.OID(o)
		}
		st.stmt = stmts[0]
		if st.prepared, err = c.session.Prepare(ctx, stmts[0], m.Query, types); err != nil {
			return err
		}
	default:
		return c.session.Fail(pgerr.New(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement"))
	}
	c.stmts[m.Name] = st
	c.session.Name(m.Name, st.prepared)
	c.backend.Send(&pgproto3.ParseComplete{})
	return nil
}

func (c *conn) bind(m *pgproto3.Bind) error {
	st, ok := c.stmts[m.PreparedStatement]
	if !ok {
		return c.session.Fail(noStatement(m.PreparedStatement))
	}
	if st.prepared != nil {
		if err := c.session.MayRun(st.prepared); err != nil {
			return err
		}
	}
	if m.DestinationPortal != "" {
		if c.portal(m.DestinationPortal) != nil {
			return c.session.Fail(pgerr.New(pgerr.DuplicateCursor, "cursor %q already exists", m.DestinationPortal))
		}
	}
	c.closePortal(m.DestinationPortal)
	p := &portal{name: m.DestinationPortal, prepared: st.prepared, formats: append([]int16(nil), m.ResultFormatCodes...)}
	if st.prepared != nil {
		var err error
		if p.params, err = c.params(st.prepared, m); err != nil {
			return c.session.Fail(err)
		}
		if n := len(st.prepared.Fields); len(p.formats) > 1 && len(p.formats) != n {
			return c.session.Fail(pgerr.New(pgerr.ProtocolViolation, "bind message has %d result formats but query has %d columns", len(p.formats), n))
		}
	}
	for _, f := range p.formats {
		if f != 0 && f != 1 {
			return c.session.Fail(pgerr.New(pgerr.InvalidParameterValue, "unsupported format code: %d", f))
		}
	}
	if m.DestinationPortal == "" {
		c.unnamed = p
	} else {
		c.portals[m.DestinationPortal] = p
	}
	c.backend.Send(&pgproto3.BindComplete{})
	return nil
}

// params reads the values of a Bind message, each a column of one row.
func (c *conn) params(p *engine.Prepared, m *pgproto3.Bind) ([]*vec.Column, error) {
	types := p.ParamTypes
	if len(m.Parameters) != len(types) {
		return nil, pgerr.New(pgerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement %q requires %d",
			len(m.Parameters), m.PreparedStatement, len(types))
	}
	if n := len(m.ParameterFormatCodes); n > 1 && n != len(types) {
		return nil, pgerr.New(pgerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters", n, len(types))
	}
	env := c.session.Env()
	out := make([]*vec.Column, len(types))
	for i, v := range m.Parameters {
		info := datum.Lookup(types[i])
		if info == nil {
			return nil, pgerr.New(pgerr.UndefinedObject, "type with OID %d does not exist", types[i])
		}
		b := vec.NewBuilder(info.Kind, 1)
		var err error
		format := formatOf(m.ParameterFormatCodes, i)
		switch {
		case v == nil:
			b.AppendNull()
		case format == 0:
			err = c.session.ParseParam(p, i, v, b, env)
		case format == 1:
			err = datum.ParseBinary(datum.T(types[i]), v, b, env)
		default:
			err = pgerr.New(pgerr.InvalidParameterValue, "unsupported format code: %d", format)
		}
		if err != nil {
			return nil, inParameter(err, m.DestinationPortal, i, format)
		}
		out[i] = b.Last()
	}
	return out, nil
}

// inParameter says in which parameter an error is, in PostgreSQL's words; like it, without the value.
func inParameter(err error, portal string, i int, format int16) error {
	e := *pgerr.From(err)
	where := fmt.Sprintf("portal %q parameter $%d", portal, i+1)
	if portal == "" {
		where = fmt.Sprintf("unnamed portal parameter $%d", i+1)
	}
	if format == 0 {
		where += " = '...'"
	}
	if e.Where != "" {
		where = e.Where + "\n" + where
	}
	e.Where = where
	return &e
}

func noStatement(name string) error {
	if name == "" {
		return pgerr.New(pgerr.InvalidSQLStatementName, "unnamed prepared statement does not exist")
	}
	return pgerr.New(pgerr.InvalidSQLStatementName, "prepared statement %q does not exist", name)
}

// formatOf applies the rule of format lists: none means all text, one means it for all.
func formatOf(formats []int16, i int) int16 {
	switch len(formats) {
	case 0:
		return 0
	case 1:
		return formats[0]
	}
	return formats[i]
}

func (c *conn) describe(ctx context.Context, m *pgproto3.Describe) error {
	if m.ObjectType == 'S' {
		st, ok := c.stmts[m.Name]
		if !ok {
			return c.session.Fail(noStatement(m.Name))
		}
		if st.prepared != nil && st.prepared.Fields != nil {
			if err := c.session.MayRun(st.prepared); err != nil {
				return err
			}
		}
		desc := &pgproto3.ParameterDescription{}
		var fields []engine.Field
		if st.prepared != nil {
			for _, t := range st.prepared.ParamTypes {
				desc.ParameterOIDs = append(desc.ParameterOIDs, uint32(datum.Public(t)))
			}
			fields = c.session.Describe(st.prepared)
		}
		c.backend.Send(desc)
		c.sendFields(fields, nil)
		return nil
	}
	p := c.portal(m.Name)
	if p == nil {
		return c.session.Fail(pgerr.New(pgerr.InvalidCursorName, "portal %q does not exist", m.Name))
	}
	var fields []engine.Field
	if p.prepared != nil {
		if p.prepared.Fields != nil {
			if err := c.session.MayRun(p.prepared); err != nil {
				return err
			}
			settled, err := c.session.Settle(ctx, p.prepared, p.params)
			if err != nil {
				return err
			}
			p.prepared = settled
		}
		fields = c.session.Describe(p.prepared)
	}
	c.sendFields(fields, p.formats)
	return nil
}

func (c *conn) execute(ctx context.Context, m *pgproto3.Execute) error {
	p := c.portal(m.Portal)
	if p == nil {
		return c.session.Fail(pgerr.New(pgerr.InvalidCursorName, "portal %q does not exist", m.Portal))
	}
	if p.prepared == nil {
		c.backend.Send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	limit := int(m.MaxRows)
	if err := c.peekSync(p); err != nil {
		return err
	}
	return c.run(ctx, p, limit, false)
}

// peekSync decides whether a statement is alone before its Sync. If it is, it commits by itself; if more follows,
// the series is one transaction, as PostgreSQL has it for pipelines. Only what can be undone cares, so only that looks ahead.
// Closing something is no statement: it is looked past.
func (c *conn) peekSync(p *portal) error {
	if c.session.Status() != 'I' || !p.prepared.Changes() {
		return nil
	}
	for i := 0; ; i++ {
		if i == len(c.held) {
			next, err := c.read()
			if err != nil {
				return &connError{err}
			}
			if m, ok := next.(*pgproto3.Close); ok {
				next = &pgproto3.Close{ObjectType: m.ObjectType, Name: m.Name} // the codec has one of each kind and uses it again
			}
			c.held = append(c.held, next)
		}
		switch c.held[i].(type) {
		case *pgproto3.Close:
			continue
		case *pgproto3.Sync, *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		default:
			c.session.BeginImplicit()
		}
		return nil
	}
}

func (c *conn) closeMessage(m *pgproto3.Close) error {
	if m.ObjectType == 'S' {
		delete(c.stmts, m.Name)
		c.session.Name(m.Name, nil)
	} else {
		c.closePortal(m.Name)
	}
	c.backend.Send(&pgproto3.CloseComplete{})
	return nil
}

// portal is that of a name, nil: there is none.
func (c *conn) portal(name string) *portal {
	if name == "" {
		return c.unnamed
	}
	return c.portals[name]
}

func (c *conn) closePortal(name string) {
	p := c.portal(name)
	if p == nil {
		return
	}
	if p.rows != nil {
		p.rows.Close()
	}
	if name == "" {
		c.unnamed = nil
	} else {
		delete(c.portals, name)
	}
}

func (c *conn) closePortals() {
	c.closePortal("")
	for name := range c.portals {
		c.closePortal(name)
	}
}
