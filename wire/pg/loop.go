package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/allsource-db/allsource/sql/pgerr"
)

// loop handles messages until the client says goodbye or the connection fails.
func (c *conn) loop(ctx context.Context) error {
	for {
		if c.ending.Load() && len(c.held) == 0 {
			return errDone
		}
		if err := c.tell(); err != nil { // what came since ready, when nobody was to be woken
			return err
		}
		msg, err := c.next()
		if err != nil {
			if c.ending.Load() && isTimeout(err) {
				return errDone
			}
			return err
		}
		c.busy.Store(true)
		err = c.handle(ctx, msg)
		c.busy.Store(false)
		if err != nil {
			return err
		}
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// next returns the next message. A client that sends none for as long as it may be idle gets an error.
func (c *conn) next() (pgproto3.FrontendMessage, error) {
	if c.series || len(c.held) > 0 {
		return c.receive()
	}
	limit, late := c.session.IdleLimit()
	if limit == 0 {
		return c.receive()
	}
	timer := time.AfterFunc(limit, func() {
		c.expired.Store(true)
		c.net.SetReadDeadline(time.Now())
	})
	msg, err := c.receive()
	if !timer.Stop() {
		return nil, late
	}
	return msg, err
}

// receive returns the next message, the one read ahead first.
func (c *conn) receive() (pgproto3.FrontendMessage, error) {
	if len(c.held) > 0 {
		m := c.held[0]
		c.held = c.held[:copy(c.held, c.held[1:])]
		return m, nil
	}
	return c.read()
}

// read waits for a message. Who wakes it meanwhile makes the codec stop where it is; it goes on from there.
func (c *conn) read() (pgproto3.FrontendMessage, error) {
	for {
		msg, err := c.backend.Receive()
		if err == nil || !isTimeout(err) {
			return msg, err
		}
		c.net.SetReadDeadline(time.Time{})
		if c.ending.Load() || c.expired.Load() {
			return nil, err
		}
		if !c.busy.Load() {
			if err := c.tell(); err != nil {
				return nil, err
			}
		}
	}
}

// tell sends the notifications that wait to a client that is idle.
func (c *conn) tell() error {
	if c.series || !c.sendNotifications() {
		return nil
	}
	return c.backend.Flush()
}

// sendNotifications reports whether there were any.
func (c *conn) sendNotifications() bool {
	list := c.session.Notifications()
	for _, n := range list {
		c.backend.Send(&pgproto3.NotificationResponse{PID: uint32(n.PID), Channel: c.enc.client.shown(n.Channel), Payload: c.enc.client.shown(n.Payload)})
	}
	return len(list) > 0
}

// handle answers one message. Errors of statements are reported to the client and are not returned: after one in the
// extended protocol everything up to Sync is skipped.
func (c *conn) handle(ctx context.Context, msg pgproto3.FrontendMessage) error {
	switch msg.(type) {
	case *pgproto3.Terminate:
		return errDone
	case *pgproto3.Sync:
		return c.sync(ctx)
	case *pgproto3.Flush:
		return c.backend.Flush()
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil // left over from a COPY that failed
	}
	if c.skip {
		return nil
	}
	err := c.command(ctx, msg)
	if err == nil {
		return nil
	}
	if broken, ok := errors.AsType[*connError](err); ok {
		return broken.err
	}
	c.skip = true
	return c.failed(err)
}

// failed reports an error of a statement. It returns the one that ends the connection, if it is to end.
func (c *conn) failed(err error) error {
	if over := c.session.Over(); over != nil {
		return over
	}
	c.sendError(err)
	return nil
}

// command answers a message that is skipped after an error until Sync.
func (c *conn) command(ctx context.Context, msg pgproto3.FrontendMessage) error {
	c.series = true
	if err := c.enc.client.decodeMessage(msg); err != nil {
		if err = c.session.Fail(err); letter(msg) != 'Q' {
			return err
		}
		c.sendError(err)
		if err := c.ready(); err != nil {
			return &connError{err}
		}
		return nil
	}
	switch m := msg.(type) {
	case *pgproto3.Query:
		if err := c.simpleQuery(ctx, m.String); err != nil {
			return &connError{err}
		}
		return nil
	case *pgproto3.Parse:
		return c.parse(ctx, m)
	case *pgproto3.Bind:
		return c.bind(m)
	case *pgproto3.Describe:
		return c.describe(ctx, m)
	case *pgproto3.Execute:
		return c.execute(ctx, m)
	case *pgproto3.Close:
		return c.closeMessage(m)
	case *pgproto3.FunctionCall:
		// Like a simple query it ends by itself: the client waits for ReadyForQuery and sends no Sync.
		c.sendError(c.session.Fail(pgerr.New(pgerr.FeatureNotSupported, "the function call protocol is not supported").
			WithHint("Call the function with SELECT.")))
		if err := c.ready(); err != nil {
			return &connError{err}
		}
		return nil
	}
	return &connError{pgerr.New(pgerr.ProtocolViolation, "unexpected message type 0x%02X", letter(msg))}
}

// letter is the byte that says what a message is.
func letter(msg pgproto3.FrontendMessage) byte {
	if b, err := msg.Encode(nil); err == nil && len(b) > 0 {
		return b[0]
	}
	return 0
}

// connError is a failure of the connection itself, as opposed to one of a statement.
type connError struct{ err error }

func (e *connError) Error() string { return fmt.Sprintf("connection: %v", e.err) }

// sync ends a series of extended messages: what was appended in it is committed.
func (c *conn) sync(ctx context.Context) error {
	c.skip = false
	if err := c.session.EndImplicit(ctx); err != nil {
		if err := c.failed(err); err != nil {
			return err
		}
	}
	if c.session.Status() == 'I' {
		c.closePortals()
	}
	return c.ready()
}

// simpleQuery runs a script. Several statements are one transaction unless they begin their own.
func (c *conn) simpleQuery(ctx context.Context, script string) error {
	c.closePortal("")
	delete(c.stmts, "")
	err := c.runScript(ctx, script)
	var broken *connError
	if errors.As(err, &broken) {
		return broken.err
	}
	if err != nil {
		if err := c.failed(err); err != nil {
			return err
		}
	}
	if c.session.Status() == 'I' {
		c.closePortals()
	}
	return c.ready()
}

func (c *conn) runScript(ctx context.Context, script string) error {
	stmts, err := c.session.Parse(script)
	if err != nil {
		return err
	}
	if len(stmts) == 0 {
		c.backend.Send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	if len(stmts) > 1 {
		c.session.BeginImplicit()
	}
	for i, st := range stmts {
		p, err := c.session.Prepare(ctx, st, script, nil)
		if err == nil {
			err = c.run(ctx, &portal{prepared: p}, 0, true)
		}
		if err != nil {
			if end := c.session.EndImplicit(ctx); end != nil {
				c.log.Debug("rollback", "error", end)
			}
			return err
		}
		if len(stmts) > 1 && i+1 < len(stmts) && c.session.Status() == 'I' {
			c.session.BeginImplicit()
		}
	}
	return c.session.EndImplicit(ctx)
}
