package pg

import (
	"context"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// copyIn runs COPY … FROM STDIN: the client sends the data, all of it is one append.
func (c *conn) copyIn(ctx context.Context, p *portal) error {
	in, err := c.session.CopyIn(ctx, p.prepared)
	if err != nil {
		return err
	}
	format := uint8(0)
	if in.Binary() {
		format = 1
	}
	c.backend.Send(&pgproto3.CopyInResponse{OverallFormat: format, ColumnFormatCodes: formatCodes(in.Columns(), format)})
	if err := c.backend.Flush(); err != nil {
		in.Abort(err)
		return &connError{err}
	}
	write, end := in.Write, func() error { return nil }
	if c.enc.client != nil && !in.Binary() {
		write, end = c.decoder(in.Write)
	}
	var failed error
	for {
		msg, err := c.receive()
		if err != nil {
			in.Abort(err)
			return &connError{err}
		}
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			if failed == nil {
				if failed = write(m.Data); failed != nil {
					in.Abort(failed)
					// The simple protocol reports at once; the data still under way is skipped by handle.
					return failed
				}
			}
		case *pgproto3.CopyDone:
			if err := end(); err != nil {
				in.Abort(err)
				return err
			}
			tag, err := in.Close()
			if err != nil {
				return err
			}
			c.backend.Send(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
			return nil
		case *pgproto3.CopyFail:
			err := pgerr.New(pgerr.QueryCanceled, "COPY from stdin failed: %s", m.Message)
			in.Abort(err)
			return c.session.Fail(err)
		case *pgproto3.Flush, *pgproto3.Sync:
		default:
			err := pgerr.New(pgerr.ProtocolViolation, "unexpected message type 0x%02X during COPY from stdin", letter(msg))
			in.Abort(err)
			return &connError{err}
		}
	}
}

func (c *conn) copyOut(ctx context.Context, p *portal) error {
	out, err := c.session.CopyOut(ctx, p.prepared, p.params)
	if err != nil {
		return err
	}
	defer out.Close()
	format := uint8(0)
	if out.Binary() {
		format = 1
	}
	c.backend.Send(&pgproto3.CopyOutResponse{OverallFormat: format, ColumnFormatCodes: formatCodes(out.Columns(), format)})
	for pending := 0; ; {
		line, err := out.Next()
		if err != nil {
			return err
		}
		if line == nil {
			break
		}
		if !out.Binary() {
			if line, err = c.enc.client.encode(line); err != nil {
				return c.session.Fail(err)
			}
		}
		c.backend.Send(&pgproto3.CopyData{Data: line})
		if pending += len(line); pending >= flushBytes {
			pending = 0
			if err := c.backend.Flush(); err != nil {
				return &connError{err}
			}
		}
	}
	c.backend.Send(&pgproto3.CopyDone{})
	c.backend.Send(&pgproto3.CommandComplete{CommandTag: []byte(out.Tag())})
	return nil
}

func formatCodes(n int, format uint8) []uint16 {
	codes := make([]uint16, n)
	for i := range codes {
		codes[i] = uint16(format)
	}
	return codes
}
