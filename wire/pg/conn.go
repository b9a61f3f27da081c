package pg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// startupLimit is how long a client may take until it has said who it is.
const startupLimit = 30 * time.Second

// maxMessage bounds one message of a client: larger than any sensible statement or COPY chunk, small enough to hold.
const maxMessage = 256 << 20

// conn is one client connection.
type conn struct {
	server  *Server
	net     net.Conn
	backend *pgproto3.Backend
	session *engine.Session
	log     *slog.Logger
	tooMany bool

	stmts   map[string]*statement
	unnamed *portal                    // the portal "", nil: there is none
	portals map[string]*portal         // the others
	skip    bool                       // an error was reported: skip to Sync
	series  bool                       // messages came since the last ReadyForQuery
	held    []pgproto3.FrontendMessage // read ahead, to be handled next
	enc     encoder
	busy    atomic.Bool                 // a message is being handled
	ending  atomic.Bool                 // the server shuts down, or:
	ended   atomic.Pointer[pgerr.Error] // why another session ended this one
	expired atomic.Bool                 // the client has been idle for longer than it may
}

// statement is what a Parse message made. A nil prepared is the empty statement.
type statement struct {
	prepared *engine.Prepared
	stmt     syntax.Statement
}

// errDone ends a connection without a report.
var errDone = errors.New("done")

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{server: s, net: nc, log: s.cfg.Logger.With("remote", nc.RemoteAddr().String()),
		stmts: map[string]*statement{}, portals: map[string]*portal{}}
}

// wake makes a connection that waits for its client look whether there are notifications.
func (c *conn) wake() {
	if !c.busy.Load() {
		c.net.SetReadDeadline(time.Now())
	}
}

// drain asks the connection to end: at once when it is idle, else after the message in hand.
func (c *conn) drain() {
	c.ending.Store(true)
	if !c.busy.Load() {
		c.net.SetReadDeadline(time.Now())
	}
}

// end asks the connection to end as soon as the statement that it runs has, which is interrupted.
func (c *conn) end(why *pgerr.Error) {
	c.ended.Store(why)
	c.drain()
}

func (c *conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.net.Close()
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("connection failed", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
		if c.session != nil {
			c.closePortals()
			c.session.Close()
		}
	}()
	c.net.SetDeadline(time.Now().Add(startupLimit))
	c.backend = pgproto3.NewBackend(c.net, c.net)
	c.backend.SetMaxBodyLen(maxMessage)
	if err := c.startup(); err != nil {
		if !errors.Is(err, errDone) && !quiet(err) {
			c.log.Info("connection refused", "error", err)
			c.fatal(err)
		}
		return
	}
	c.net.SetDeadline(time.Time{})
	err := c.loop(ctx)
	switch why := c.ended.Load(); {
	case why != nil:
		c.fatal(why)
	case c.ending.Load():
		c.fatal(pgerr.New(pgerr.AdminShutdown, "terminating connection because the server shuts down"))
	case err != nil && !errors.Is(err, errDone) && !quiet(err):
		c.log.Info("connection ended", "error", err)
		c.fatal(err)
	}
}

// quiet reports whether the error just says that the client is gone.
func quiet(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// fatal tells the client why the connection ends.
func (c *conn) fatal(err error) {
	e := pgerr.From(err)
	if _, ok := errors.AsType[*pgerr.Error](err); !ok {
		e = pgerr.New(pgerr.ProtocolViolation, "%w", err)
	}
	c.net.SetWriteDeadline(time.Now().Add(time.Second))
	c.backend.Send(c.enc.client.reported(report(e, "FATAL")))
	c.backend.Flush()
}

// startup answers the first messages: encryption requests, cancellation, or the startup message itself.
func (c *conn) startup() error {
	for range 4 {
		msg, err := c.backend.ReceiveStartupMessage()
		if err != nil {
			if quiet(err) {
				return errDone
			}
			return pgerr.New(pgerr.ProtocolViolation, "invalid startup packet: %w", err)
		}
		switch m := msg.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
			if _, err := c.net.Write([]byte{'N'}); err != nil {
				return err
			}
		case *pgproto3.CancelRequest:
			if len(m.SecretKey) == 4 {
				c.server.cfg.Engine.Cancel(int32(m.ProcessID), binary.BigEndian.Uint32(m.SecretKey))
			}
			return errDone
		case *pgproto3.StartupMessage:
			return c.welcome(m)
		}
	}
	return pgerr.New(pgerr.ProtocolViolation, "no startup message")
}

func (c *conn) welcome(m *pgproto3.StartupMessage) error {
	if m.ProtocolVersion>>16 != 3 {
		return pgerr.New(pgerr.FeatureNotSupported, "unsupported frontend protocol %d.%d: server supports 3.0", m.ProtocolVersion>>16, m.ProtocolVersion&0xffff)
	}
	c.negotiate(m)
	opts := engine.SessionOptions{User: m.Parameters["user"], Database: m.Parameters["database"], Settings: map[string]string{},
		Remote: c.net.RemoteAddr().String(), Notice: c.notice, Wake: c.wake, End: c.end}
	if opts.User == "" {
		return pgerr.New(pgerr.InvalidAuthorization, "no PostgreSQL user name specified in startup packet")
	}
	if opts.Database == "" {
		opts.Database = opts.User
	}
	for k, v := range m.Parameters {
		switch {
		case k == "user" || k == "database" || k == "replication" || strings.HasPrefix(k, "_pq_."):
		case k == "options":
			parseOptions(v, opts.Settings)
		default:
			opts.Settings[k] = v
		}
	}
	if c.tooMany {
		return pgerr.New(pgerr.TooManyConnections, "sorry, too many clients already")
	}
	s, err := c.server.cfg.Engine.Connect(opts)
	if err != nil {
		return err
	}
	c.session = s
	c.backend.Send(&pgproto3.AuthenticationOk{})
	c.reportSettings()
	key := binary.BigEndian.AppendUint32(nil, s.Secret())
	c.backend.Send(&pgproto3.BackendKeyData{ProcessID: uint32(s.PID()), SecretKey: key})
	return c.ready()
}

// negotiate tells a client that asked for a newer minor version or protocol options that there are none.
func (c *conn) negotiate(m *pgproto3.StartupMessage) {
	var unknown []string
	for k := range m.Parameters {
		if strings.HasPrefix(k, "_pq_.") {
			unknown = append(unknown, k)
		}
	}
	if m.ProtocolVersion&0xffff > 0 || len(unknown) > 0 {
		c.backend.Send(&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: 3 << 16, UnrecognizedOptions: unknown})
	}
}

// parseOptions reads the command-line style "options" parameter: -c name=value and --name=value; backslash escapes a space.
func parseOptions(s string, into map[string]string) {
	words := strings.Fields(strings.ReplaceAll(s, `\ `, "\x00"))
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-c" && i+1 < len(words):
			i++
			w = words[i]
		case strings.HasPrefix(w, "-c"):
			w = w[2:]
		case strings.HasPrefix(w, "--"):
			w = w[2:]
		default:
			continue
		}
		if name, v, ok := strings.Cut(w, "="); ok {
			into[strings.ReplaceAll(name, "-", "_")] = strings.ReplaceAll(v, "\x00", " ")
		}
	}
}

func (c *conn) reportSettings() {
	changed := c.session.Report()
	if _, ok := changed["client_encoding"]; ok {
		c.setEncoding()
	}
	for k, v := range changed {
		c.backend.Send(&pgproto3.ParameterStatus{Name: k, Value: c.enc.client.shown(v)})
	}
}

func (c *conn) notice(n *pgerr.Error) {
	c.backend.Send((*pgproto3.NoticeResponse)(c.enc.client.reported(report(n, n.Severity.String()))))
}

// ready reports changed parameters and notifications, says that the next command may come, and sends what is buffered.
func (c *conn) ready() error {
	if c.ended.Load() != nil {
		return errDone
	}
	c.series = false
	c.reportSettings()
	c.sendNotifications()
	c.backend.Send(&pgproto3.ReadyForQuery{TxStatus: c.session.Status()})
	return c.backend.Flush()
}

// sendError reports an error of a statement whose text is sql ("" unknown).
func (c *conn) sendError(err error) {
	if c.ended.Load() != nil {
		return // it will be told why
	}
	c.backend.Send(c.enc.client.reported(report(pgerr.From(err), "ERROR")))
}

func report(e *pgerr.Error, severity string) *pgproto3.ErrorResponse {
	code := string(e.Code)
	if code == "" {
		code = "00000"
	}
	return &pgproto3.ErrorResponse{Severity: severity, SeverityUnlocalized: severity, Code: code, Message: e.Message,
		Detail: e.Detail, Hint: e.Hint, Position: int32(e.Position), Where: e.Where,
		SchemaName: e.About.Schema, TableName: e.About.Table, ColumnName: e.About.Column, DataTypeName: e.About.DataType, ConstraintName: e.About.Constraint}
}
