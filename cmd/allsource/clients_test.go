package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// clientProgram is a client program, which is ended where it does not end by itself.
func clientProgram(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stuck)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	cmd.WaitDelay = time.Second
	return cmd
}

// psql runs the real psql on a script and returns what it prints, errors included.
func psql(t *testing.T, s *server, script string, args ...string) string {
	t.Helper()
	cmd := clientProgram(t, "psql", append([]string{"-X", "-q", "-d", s.url()}, args...)...)
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(os.Environ(), "PAGER=cat", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || !exit.Exited()) {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// squeezed drops empty lines and makes every run of blanks one: how psql centres a title is its own business.
func squeezed(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if words := strings.Fields(line); len(words) > 0 {
			out = append(out, strings.Join(words, " "))
		}
	}
	return strings.Join(out, "\n")
}

func TestPsql(t *testing.T) {
	program(t, "psql")
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	for _, c := range []struct{ name, script, want string }{
		{"insert", `INSERT INTO events (entity_id, event_type, payload) VALUES ('a', 't', '{"x": 1.50}') RETURNING entity_id, version, payload;`,
			" entity_id | version |  payload    \n-----------+---------+-------------\n a         |       1 | {\"x\": 1.50}\n(1 row)\n\n"},
		{"position", "SELECT 1,\n       nothing FROM events;",
			"ERROR:  column \"nothing\" does not exist\nLINE 2:        nothing FROM events;\n               ^\n"},
		{"syntax", "SELEC 1;", "ERROR:  syntax error at or near \"SELEC\"\nLINE 1: SELEC 1;\n        ^\n"},
		{"tables", `\dt`, "         List of relations\n Schema |  Name  | Type  |   Owner   \n--------+--------+-------+-----------\n public | events | table | allsource\n(1 row)\n\n\n"},
		{"relations", `\d`, `List of relations
 Schema |      Name      | Type  |   Owner
--------+----------------+-------+-----------
 public | entities       | view  | allsource
 public | event_paths    | view  | allsource
 public | events         | table | allsource
 public | events_by_type | view  | allsource
(4 rows)`},
	} {
		if got := psql(t, s, c.script); squeezed(got) != squeezed(c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ script, want string }{
		{`\l`, "allsource"},
		{`\conninfo`, `You are connected to database "allsource" as user "allsource"`},
		{`\d events`, "\"events_pkey\" PRIMARY KEY, btree (\"position\")"},
		{`\d events`, "payload     | jsonb                    |           | not null |"},
		{`\dn`, "public"},
		{`\du`, "allsource"},
		{`\df lower`, "lower"},
		{"BEGIN; SELECT 1/0; SELECT 1; ROLLBACK; SELECT 'still here' AS x;", "still here"},
		{"LISTEN events; INSERT INTO events (entity_id, event_type) VALUES ('b', 't'); SELECT pg_sleep(0.2); SELECT 1;",
			`Asynchronous notification "events" with payload "{"first":2,"last":2,"count":1}" received from server process with PID 0.`},
	} {
		if got := psql(t, s, c.script); !strings.Contains(got, c.want) || strings.Contains(c.script, `\`) && strings.Contains(got, "ERROR") {
			t.Errorf("%s:\n%s\nwant a line with %q", c.script, got, c.want)
		}
	}
}

func TestPsqlCopy(t *testing.T) {
	program(t, "psql")
	dir := t.TempDir()
	s := startServer(t, filepath.Join(dir, "data"))
	file := filepath.Join(dir, "e.csv")
	if err := os.WriteFile(file, []byte("entity_id,event_type,payload\na,t,\"{\"\"n\"\": 1}\"\nb,t,\"{\"\"n\"\": \"\"x,\ny\"\"}\"\n"), 0o600); err == nil {
		// The second document has a raw line end inside a string, which JSON does not allow.
		got := psql(t, s, `\copy events (entity_id, event_type, payload) from '`+file+`' csv header`)
		if !strings.Contains(got, "invalid input syntax for type json") {
			t.Errorf("a broken document is taken: %s", got)
		}
	}
	if err := os.WriteFile(file, []byte("entity_id,event_type,payload\na,t,\"{\"\"n\"\": 1}\"\nb,\"t,2\",{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := psql(t, s, `\copy events (entity_id, event_type, payload) from '`+file+`' csv header`); strings.Contains(got, "ERROR") {
		t.Fatal(got)
	}
	got := psql(t, s, "COPY (SELECT entity_id, event_type, version, payload FROM events ORDER BY position) TO STDOUT;")
	if want := "a\tt\t1\t{\"n\": 1}\nb\tt,2\t1\t{}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNodePostgres(t *testing.T) {
	program(t, "node")
	dir := filepath.Join("testdata", "node")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		if os.Getenv("ALLSOURCE_REQUIRE_CLIENTS") != "" {
			t.Fatal("the node packages are not installed: npm install in " + dir)
		}
		t.Skip("the node packages are not installed: npm install in cmd/allsource/testdata/node")
	}
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	cmd := clientProgram(t, "node", "client.mjs", s.url())
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPgx(t *testing.T) {
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	c, ctx := s.connect(t), context.Background()
	var version int64
	var id [16]byte
	var payload map[string]any
	var recorded time.Time
	err := c.QueryRow(ctx, `INSERT INTO events (entity_id, event_type, payload, timestamp) VALUES ($1, $2, $3, $4) RETURNING version, id, payload, recorded_at`,
		"pgx", "made", map[string]any{"f": 1.5, "s": "text"}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)).Scan(&version, &id, &payload, &recorded)
	if err != nil {
		t.Fatal(err)
	}
	if version != 1 || payload["f"] != 1.5 || payload["s"] != "text" || time.Since(recorded) > time.Minute {
		t.Errorf("version %d payload %v recorded %v", version, payload, recorded)
	}
	// A pipeline is one transaction: its last statement fails, so nothing of it stays.
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO events (entity_id, event_type) VALUES ('batch', 'one')`)
	b.Queue(`SELECT 1/0`)
	if err := c.SendBatch(ctx, b).Close(); !isCode(err, "22012") {
		t.Errorf("the batch ends with %v, want division by zero", err)
	}
	if n := queryOne[int64](t, c, `SELECT count(*) FROM events WHERE entity_id = 'batch'`); n != 0 {
		t.Errorf("%d events of a failed pipeline stayed", n)
	}
	n, err := c.CopyFrom(ctx, pgx.Identifier{"events"}, []string{"entity_id", "event_type", "payload", "timestamp"},
		pgx.CopyFromRows([][]any{{"bin", "x", `{"a": 1}`, time.Now()}, {"bin", "y", nil, nil}}))
	if err != nil || n != 2 {
		t.Errorf("binary COPY: %d rows, %v", n, err)
	}
	past := queryOne[time.Time](t, c, `SELECT max(recorded_at) FROM events WHERE entity_id = 'pgx'`)
	if n := queryOne[int64](t, c, `SELECT count(*) FROM events AS OF SYSTEM TIME $1`, past); n != 1 {
		t.Errorf("as of the first append there are %d events, want 1", n)
	}
	r := c.PgConn().ExecParams(ctx, `SELECT count(*) FROM events AS OF SYSTEM TIME $1`, [][]byte{[]byte("-10m")}, nil, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != "0" {
		t.Errorf("as of ten minutes ago: %v, %v", r.Rows, r.Err)
	}
	_, err = c.Exec(ctx, `SELECT count(*) FROM events AS OF SYSTEM TIME $1`, time.Now().Add(time.Hour))
	if err == nil || !strings.Contains(err.Error(), "future") {
		t.Errorf("a moment in the future: %v", err)
	}
}

func isCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}

func TestCancelAndTimeout(t *testing.T) {
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	c := s.connect(t)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	const forever = `SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b`
	if _, err := c.Exec(ctx, forever); err == nil {
		t.Fatal("the statement was not canceled")
	}
	c = s.connect(t)
	if _, err := c.Exec(context.Background(), `SET statement_timeout = '200ms'`); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(context.Background(), forever); !isCode(err, "57014") {
		t.Errorf("statement_timeout: %v, want 57014", err)
	}
	if n := queryOne[int64](t, c, `SELECT 1`); n != 1 {
		t.Error("the session does not go on after a timeout")
	}
}

// TestListen waits idle for what another connection appends.
func TestListen(t *testing.T) {
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	listener, writer, ctx := s.connect(t), s.connect(t), context.Background()
	if _, err := listener.Exec(ctx, `LISTEN "events:paid"`); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := writer.Exec(ctx, "INSERT INTO events (entity_id, event_type) VALUES ('a', 'made'), ('a', 'paid')"); err != nil {
			t.Fatal(err)
		}
		n, err := listener.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"first":%d,"last":%d,"count":1}`, 2*i+2, 2*i+2); n.Payload != want || n.Channel != "events:paid" {
			t.Fatalf("told %+v, want %s", n, want)
		}
	}
}
