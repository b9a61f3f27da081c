package pg_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/wire/pg"
)

// panics keeps what a connection's recover wrote into the log: a panic must not be hidden by it.
type panics struct {
	mu    sync.Mutex
	found []string
}

func (p *panics) Enabled(context.Context, slog.Level) bool { return true }
func (p *panics) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p *panics) WithGroup(string) slog.Handler            { return p }

func (p *panics) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "panic" || a.Key == "stack" {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.found = append(p.found, a.Value.String())
		}
		return true
	})
	return nil
}

func (p *panics) check(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.found) > 0 {
		t.Errorf("a connection panicked:\n%s", strings.Join(p.found, "\n"))
	}
	p.found = nil
}

// logs makes the store's databases the engine's.
type logs struct{ store *storage.Store }

func (l logs) Open(name string) (engine.Log, error) {
	db, err := l.store.Database(name)
	if err != nil {
		return nil, err
	}
	return db, nil
}

func (l logs) Names() []string { return l.store.Databases() }

// maxConnections is how many clients the servers of these tests take.
const maxConnections = 50

// server is a whole server in memory.
type server struct {
	addr   string
	panics *panics
	engine *engine.Engine
	stop   func()
}

// serve starts a server on a free port. Its clock stands still, so that every answer can be foretold.
// When the test ends nothing of it may be left running.
func serve(t testing.TB) *server {
	t.Helper()
	return serveAt(t, "tcp", "127.0.0.1:0")
}

func serveAt(t testing.TB, network, addr string) *server {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	s := &server{panics: &panics{}}
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	log := slog.New(s.panics)
	store, err := storage.Open("db", storage.Options{FS: storage.NewMemFS(), Memory: 32 << 20, Now: now, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s.engine = engine.New(engine.Config{Logs: logs{store}, Memory: 64 << 20, TempDir: t.TempDir(), Now: now, Logger: log, Workers: 2})
	front := pg.NewServer(pg.Config{Engine: s.engine, Logger: log, MaxConnections: maxConnections})
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- front.Serve(context.Background(), l) }()
	s.stop = sync.OnceFunc(func() {
		l.Close()
		ctx, cancel := context.WithTimeout(context.Background(), stuck)
		defer cancel()
		front.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if n := s.engine.Sessions(); n != 0 {
			t.Errorf("%d sessions are left after the last connection", n)
		}
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		s.panics.check(t)
	})
	t.Cleanup(s.stop)
	return s
}

func (s *server) script() *script {
	return &script{addr: s.addr, user: "allsource", database: "allsource"}
}

// TestScripts plays every script. Those under testdata/postgres say what PostgreSQL 15 answers; TestScriptsElsewhere compares
// them with it. Those under testdata/events need the log of events.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := serve(t)
		s.script().play(t, path)
		s.stop()
	})
}

// answers asks a new connection for a sum, to see that the server is still there.
func (s *server) answers(t testing.TB) {
	t.Helper()
	c, err := dial(s.addr, "allsource", "allsource")
	if err != nil {
		t.Fatalf("the server does not take connections any more: %v", err)
	}
	defer c.net.Close()
	m, err := message(`Query {"String": "SELECT 40 + 2"}`)
	if err != nil {
		t.Fatal(err)
	}
	c.fe.Send(m)
	if err := c.fe.Flush(); err != nil {
		t.Fatal(err)
	}
	out, err := (&script{c: c}).answers("", 1)
	if err != nil || !strings.Contains(out, `DataRow | "42"`) {
		t.Fatalf("the server answers (%v)\n%s", err, out)
	}
}

// TestErrorAmongRows has an error after thousands of rows: those before it come before it, and none with the next answer.
func TestErrorAmongRows(t *testing.T) {
	s := serve(t)
	c, err := dial(s.addr, "allsource", "allsource")
	if err != nil {
		t.Fatal(err)
	}
	defer c.net.Close()
	c.fe.Send(&pgproto3.Query{String: "SELECT 10 / (6000 - n) FROM generate_series(1, 7000) AS n"})
	c.fe.Send(&pgproto3.Query{String: "SELECT 'next'"})
	if err := c.fe.Flush(); err != nil {
		t.Fatal(err)
	}
	play := &script{c: c}
	first, err := play.answers("", 1)
	if err != nil {
		t.Fatal(err)
	}
	if rows, _, ok := strings.Cut(first, "ErrorResponse ERROR 22012 division by zero\nReadyForQuery I\n"); !ok || strings.Contains(rows, "CommandComplete") {
		t.Errorf("the first answer ends\n%s", first[max(0, len(first)-300):])
	}
	second, err := play.answers("", 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := "DataRow | \"next\"\nCommandComplete SELECT 1\nReadyForQuery I\n"; strings.Count(second, "DataRow") != 1 || !strings.HasSuffix(second, want) {
		t.Errorf("the second answer is\n%s", second[:min(300, len(second))])
	}
}

// TestEndedByAnother has a session end one that waits for its client and one that runs a statement: both clients are told why.
func TestEndedByAnother(t *testing.T) {
	s := serve(t)
	for _, busy := range []bool{false, true} {
		victim, err := dial(s.addr, "allsource", "allsource")
		if err != nil {
			t.Fatal(err)
		}
		defer victim.net.Close()
		play := &script{c: victim}
		statement, state := "SELECT 'gone soon'", "idle"
		if busy {
			statement, state = "SELECT pg_sleep(60)", "active"
		}
		victim.fe.Send(&pgproto3.Query{String: statement})
		if err := victim.fe.Flush(); err != nil {
			t.Fatal(err)
		}
		if !busy {
			if _, err := play.answers("", 1); err != nil {
				t.Fatal(err)
			}
		}
		other, err := dial(s.addr, "allsource", "allsource")
		if err != nil {
			t.Fatal(err)
		}
		defer other.net.Close()
		for out := ""; !strings.Contains(out, `DataRow | "t"`); {
			other.fe.Send(&pgproto3.Query{String: "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query = '" +
				strings.ReplaceAll(statement, "'", "''") + "' AND state = '" + state + "'"})
			if err := other.fe.Flush(); err != nil {
				t.Fatal(err)
			}
			if out, err = (&script{c: other}).answers("", 1); err != nil {
				t.Fatal(err)
			}
		}
		out, err := play.answers("end", 1)
		if want := "ErrorResponse FATAL 57P01 terminating connection due to administrator command\nend\n"; err != nil || !strings.HasSuffix(out, want) || strings.Contains(out, "ReadyForQuery") {
			t.Errorf("busy %t: the session ends (%v)\n%s", busy, err, out)
		}
	}
	s.answers(t)
}
