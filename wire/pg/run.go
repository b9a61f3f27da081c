package pg

import (
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
)

// flushBytes is how much of an answer is gathered before it goes to the socket.
const flushBytes = 64 << 10

// run executes a portal, or goes on with it, and sends up to limit rows (0: all). describe sends the RowDescription first,
// as the simple protocol wants it.
func (c *conn) run(ctx context.Context, p *portal, limit int, describe bool) error {
	switch p.prepared.Copy() {
	case engine.CopyFrom:
		return c.copyIn(ctx, p)
	case engine.CopyTo:
		return c.copyOut(ctx, p)
	}
	if p.rows == nil {
		rows, err := c.session.Execute(ctx, p.prepared, p.params)
		if err != nil {
			return err
		}
		p.rows = rows
		if describe && rows.Fields != nil {
			c.sendFields(rows.Fields, p.formats)
		}
	} else if p.rows.Fields == nil {
		return c.session.Fail(pgerr.New(pgerr.ObjectNotInPrerequisite, "portal %q cannot be run", p.name))
	} else if !p.finished {
		p.rows.Resume()
	}
	sent, suspended, err := c.sendRows(p, limit)
	if err != nil {
		p.rows.Close()
		// The rows before the error belong before it, not before the rows of the next answer.
		c.sendRaw()
		return err
	}
	if suspended {
		p.rows.Suspend()
		c.backend.Send(&pgproto3.PortalSuspended{})
		return nil
	}
	p.rows.Close()
	c.backend.Send(&pgproto3.CommandComplete{CommandTag: []byte(p.rows.TagOf(int64(sent)))})
	return nil
}

// sendRows sends up to limit rows and reports how many, and whether more may follow.
func (c *conn) sendRows(p *portal, limit int) (sent int, suspended bool, err error) {
	if p.rows.Fields == nil || p.finished {
		return 0, false, nil
	}
	c.enc.begin(p.rows.Fields, p.formats, c.session.Env())
	for {
		if p.batch == nil || p.at >= p.batch.Len {
			if p.batch, err = p.rows.Next(); err != nil {
				return sent, false, err
			}
			p.at = 0
			if p.batch == nil {
				p.finished = true
				c.sendRaw()
				return sent, false, nil
			}
		}
		to := p.batch.Len
		if limit > 0 {
			to = min(to, p.at+limit-sent)
		}
		for ; p.at < to; p.at++ {
			if err := c.enc.row(p.batch, p.at); err != nil {
				return sent, false, c.session.Fail(err)
			}
			sent++
			if len(c.enc.buf) >= flushBytes {
				c.sendRaw()
				if err := c.backend.Flush(); err != nil {
					return sent, false, &connError{err}
				}
			}
		}
		if limit > 0 && sent >= limit {
			c.sendRaw()
			return sent, true, nil
		}
	}
}

// rawMessages are encoded already.
type rawMessages []byte

func (rawMessages) Backend()                            {}
func (rawMessages) Decode([]byte) error                 { return nil }
func (r rawMessages) Encode(dst []byte) ([]byte, error) { return append(dst, r...), nil }

func (c *conn) sendRaw() {
	if len(c.enc.buf) > 0 {
		c.backend.Send(rawMessages(c.enc.buf))
		c.enc.buf = c.enc.buf[:0]
	}
}

func (c *conn) sendFields(fields []engine.Field, formats []int16) {
	if fields == nil {
		c.backend.Send(&pgproto3.NoData{})
		return
	}
	d := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, len(fields))}
	for i, f := range fields {
		size := int16(-1)
		if info := datum.Lookup(f.Type.OID); info != nil {
			size = info.Len
		}
		d.Fields[i] = pgproto3.FieldDescription{Name: []byte(c.enc.client.shown(f.Name)), TableOID: uint32(f.Table), TableAttributeNumber: uint16(f.Attr),
			DataTypeOID: uint32(datum.Public(f.Type.OID)), DataTypeSize: size, TypeModifier: f.Type.Mod, Format: formatOf(formats, i)}
	}
	c.backend.Send(d)
}

// encoder writes DataRow messages.
type encoder struct {
	buf    []byte
	fields []engine.Field
	format []int16
	env    *datum.Env
	client *clientEncoding
}

func (e *encoder) begin(fields []engine.Field, formats []int16, env *datum.Env) {
	e.fields, e.env = fields, env
	e.format = e.format[:0]
	for i := range fields {
		e.format = append(e.format, formatOf(formats, i))
	}
}

// row appends row i of b. On error nothing is appended.
func (e *encoder) row(b *vec.Batch, i int) error {
	start := len(e.buf)
	e.buf = append(e.buf, 'D', 0, 0, 0, 0)
	e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(len(b.Cols)))
	for k, col := range b.Cols {
		if col.Null(i) {
			e.buf = append(e.buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(e.buf)
		e.buf = append(e.buf, 0, 0, 0, 0)
		var err error
		if e.format[k] == 1 {
			e.buf, err = datum.AppendBinary(e.buf, e.fields[k].Type, col, i, e.env)
		} else {
			e.buf = datum.AppendText(e.buf, e.fields[k].Type, col, i, e.env)
		}
		if err == nil && e.client != nil && (e.format[k] == 0 || isText(e.fields[k].Type.OID)) {
			var text []byte
			text, err = e.client.encode(e.buf[at+4:])
			e.buf = append(e.buf[:at+4], text...)
		}
		if err != nil {
			e.buf = e.buf[:start]
			return err
		}
		binary.BigEndian.PutUint32(e.buf[at:], uint32(len(e.buf)-at-4))
	}
	binary.BigEndian.PutUint32(e.buf[start+1:], uint32(len(e.buf)-start-1))
	return nil
}
