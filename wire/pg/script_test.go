package pg_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgproto3"
)

// stuck is how long the other side may be silent before a test says that it hangs. No test waits for it to pass.
const stuck = 30 * time.Second

// client is one connection that speaks in messages.
type client struct {
	net net.Conn
	fe  *pgproto3.Frontend
}

// open connects to host:port, or to a socket's path.
func open(addr string) (net.Conn, error) {
	if strings.HasPrefix(addr, "/") {
		return net.Dial("unix", addr)
	}
	return net.Dial("tcp", addr)
}

// dial opens a connection and goes through the startup, whose messages are checked but not kept.
func dial(addr, user, database string) (*client, error) {
	nc, err := open(addr)
	if err != nil {
		return nil, err
	}
	c := newClient(nc)
	if err := c.start(user, database); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

func newClient(nc net.Conn) *client { return &client{net: nc, fe: pgproto3.NewFrontend(nc, nc)} }

func (c *client) start(user, database string) error {
	c.fe.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters: map[string]string{"user": user, "database": database, "application_name": "script"}})
	if err := c.fe.Flush(); err != nil {
		return err
	}
	welcome := ""
	for {
		msg, err := c.receive()
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *pgproto3.ParameterStatus:
		case *pgproto3.ReadyForQuery:
			if welcome += string(m.TxStatus); welcome != "ok key I" {
				return fmt.Errorf("the startup went %q", welcome)
			}
			return nil
		case *pgproto3.AuthenticationOk:
			welcome += "ok "
		case *pgproto3.BackendKeyData:
			welcome += "key "
		default:
			return fmt.Errorf("unexpected in the startup: %s", describe(msg))
		}
	}
}

func (c *client) receive() (pgproto3.BackendMessage, error) {
	if err := c.net.SetReadDeadline(time.Now().Add(stuck)); err != nil {
		return nil, err
	}
	return c.fe.Receive()
}

// message makes a message of a script's line: its type, and its fields as JSON. CopyText is CopyData with
// Go's escapes.
func message(line string) (pgproto3.FrontendMessage, error) {
	kind, body, _ := strings.Cut(line, " ")
	var m pgproto3.FrontendMessage
	switch kind {
	case "Parse":
		m = &pgproto3.Parse{}
	case "Bind":
		m = &pgproto3.Bind{}
	case "Describe":
		m = &pgproto3.Describe{}
	case "Execute":
		m = &pgproto3.Execute{}
	case "Close":
		m = &pgproto3.Close{}
	case "Sync":
		m = &pgproto3.Sync{}
	case "Flush":
		m = &pgproto3.Flush{}
	case "Query":
		m = &pgproto3.Query{}
	case "CopyData":
		m = &pgproto3.CopyData{}
	case "CopyText":
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(body, `"`, `\"`) + `"`)
		return &pgproto3.CopyData{Data: []byte(text)}, err
	case "CopyDone":
		m = &pgproto3.CopyDone{}
	case "CopyFail":
		m = &pgproto3.CopyFail{}
	case "FunctionCall":
		m = &pgproto3.FunctionCall{}
	case "Terminate":
		m = &pgproto3.Terminate{}
	default:
		return nil, fmt.Errorf("no message is called %q", kind)
	}
	if body == "" {
		return m, nil
	}
	return m, json.Unmarshal([]byte(body), m)
}

// describe prints a message of the server on one line.
func describe(msg pgproto3.BackendMessage) string {
	var w strings.Builder
	kind := strings.TrimPrefix(fmt.Sprintf("%T", msg), "*pgproto3.")
	w.WriteString(kind)
	switch m := msg.(type) {
	case *pgproto3.RowDescription:
		for _, f := range m.Fields {
			fmt.Fprintf(&w, " | %s type %d", f.Name, f.DataTypeOID)
			if f.TypeModifier != -1 {
				fmt.Fprintf(&w, " mod %d", f.TypeModifier)
			}
			fmt.Fprintf(&w, " size %d format %d", f.DataTypeSize, f.Format)
		}
	case *pgproto3.DataRow:
		for _, v := range m.Values {
			w.WriteString(" | " + describeValue(v))
		}
	case *pgproto3.ParameterDescription:
		fmt.Fprintf(&w, " %v", m.ParameterOIDs)
	case *pgproto3.CommandComplete:
		fmt.Fprintf(&w, " %s", m.CommandTag)
	case *pgproto3.ReadyForQuery:
		fmt.Fprintf(&w, " %c", m.TxStatus)
	case *pgproto3.ParameterStatus:
		fmt.Fprintf(&w, " %s=%s", m.Name, m.Value)
	case *pgproto3.NotificationResponse:
		fmt.Fprintf(&w, " %q %q", m.Channel, m.Payload)
	case *pgproto3.CopyData:
		w.WriteString(" " + describeValue(m.Data))
	case *pgproto3.CopyInResponse:
		fmt.Fprintf(&w, " format %d columns %v", m.OverallFormat, m.ColumnFormatCodes)
	case *pgproto3.CopyOutResponse:
		fmt.Fprintf(&w, " format %d columns %v", m.OverallFormat, m.ColumnFormatCodes)
	case *pgproto3.ErrorResponse:
		describeReport(&w, m)
	case *pgproto3.NoticeResponse:
		describeReport(&w, (*pgproto3.ErrorResponse)(m))
	}
	return w.String()
}

func describeReport(w *strings.Builder, m *pgproto3.ErrorResponse) {
	fmt.Fprintf(w, " %s %s %s", m.Severity, m.Code, m.Message)
	if m.SeverityUnlocalized != m.Severity {
		fmt.Fprintf(w, " (unlocalized severity %q)", m.SeverityUnlocalized)
	}
	if m.Position != 0 {
		fmt.Fprintf(w, " at %d", m.Position)
	}
	for _, f := range []struct{ name, text string }{{"detail", m.Detail}, {"hint", m.Hint}, {"where", m.Where},
		{"schema", m.SchemaName}, {"table", m.TableName}, {"column", m.ColumnName}, {"type", m.DataTypeName}, {"constraint", m.ConstraintName}} {
		if f.text != "" {
			fmt.Fprintf(w, "\n  %s: %s", f.name, f.text)
		}
	}
}

// describeValue prints a value as it is if it can be read, else in hexadecimal.
func describeValue(v []byte) string {
	switch {
	case v == nil:
		return "NULL"
	case len(v) > 0 && strings.IndexFunc(string(v), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == '\uFFFD' }) >= 0:
		return `\x` + hex.EncodeToString(v)
	}
	return strconv.Quote(string(v))
}

// script plays one file: `send` sends messages, one a line, and shows what comes back until the server is ready as often as
// the messages ask for it. until=Type stops at the first message of that type instead; `send until=end` wants the end of
// the connection, and nothing=true waits for nothing. `raw` sends bytes in hexadecimal, `await` sends nothing. session=name
// says whose connection it is.
type script struct {
	addr, user, database string
	c                    *client
	others               map[string]*client
}

func (s *script) play(t *testing.T, path string) {
	s.others = map[string]*client{}
	defer func() {
		for _, c := range s.others {
			if c != nil {
				c.net.Close()
			}
		}
	}()
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		name := ""
		d.MaybeScanArgs(t, "session", &name)
		s.c = s.others[name]
		defer func() { s.others[name] = s.c }()
		if s.c == nil {
			c, err := dial(s.addr, s.user, s.database)
			if err != nil {
				d.Fatalf(t, "connect: %v", err)
			}
			s.c = c
		}
		out, err := s.step(t, d)
		if err != nil {
			d.Fatalf(t, "%v\nafter\n%s", err, out)
		}
		return out
	})
}

func (s *script) step(t *testing.T, d *datadriven.TestData) (string, error) {
	until, nothing := "", false
	d.MaybeScanArgs(t, "until", &until)
	nothing = d.HasArg("nothing")
	wait := 0
	switch d.Cmd {
	case "send":
		for line := range strings.SplitSeq(d.Input, "\n") {
			m, err := message(line)
			if err != nil {
				return "", fmt.Errorf("%s: %w", line, err)
			}
			switch m.(type) {
			case *pgproto3.Query, *pgproto3.Sync, *pgproto3.FunctionCall:
				wait++
			}
			s.c.fe.Send(m)
		}
		if err := s.c.fe.Flush(); err != nil {
			return "", err
		}
	case "await":
	case "raw":
		data, err := hex.DecodeString(strings.Join(strings.Fields(d.Input), ""))
		if err != nil {
			return "", err
		}
		if _, err := s.c.net.Write(data); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("no command is called %q", d.Cmd)
	}
	if nothing {
		return "", nil
	}
	return s.answers(until, wait)
}

func (s *script) answers(until string, wait int) (string, error) {
	var out strings.Builder
	for {
		msg, err := s.c.receive()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			out.WriteString("end\n")
			s.c.net.Close()
			s.c = nil
			if until == "end" {
				err = nil
			}
			return out.String(), err
		}
		if err != nil {
			return out.String(), err
		}
		line := describe(msg)
		out.WriteString(line + "\n")
		kind, _, _ := strings.Cut(line, " ")
		if kind == "ReadyForQuery" {
			wait--
		}
		if until == kind || until == "" && wait <= 0 {
			return out.String(), nil
		}
	}
}

// TestScriptsElsewhere plays the scripts that PostgreSQL answers alike against the server that ALLSOURCE_ORACLE names, as
// host:port; its role and database allsource must exist, and it must be PostgreSQL 15.
func TestScriptsElsewhere(t *testing.T) {
	addr := os.Getenv("ALLSOURCE_ORACLE")
	if addr == "" {
		t.Skip("ALLSOURCE_ORACLE names no server to compare with")
	}
	datadriven.Walk(t, "testdata/postgres", func(t *testing.T, path string) {
		(&script{addr: addr, user: "allsource", database: "allsource"}).play(t, path)
	})
}
