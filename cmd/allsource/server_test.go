package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// binary builds the real program once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "allsource-test-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "allsource")
	cmd := exec.Command("go", "build", "-o", name, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

// server is a running allsource serve.
type server struct {
	cmd      *exec.Cmd
	pg, http string
	log      *strings.Builder
	exited   chan error
}

// startServer runs the binary on a data folder with free ports and waits until it listens.
func startServer(t *testing.T, data string, args ...string) *server {
	t.Helper()
	s, err := tryServer(t, data, args...)
	if err != nil {
		t.Fatalf("the server does not start: %v\n%s", err, s.log)
	}
	t.Cleanup(func() { s.kill(t) })
	return s
}

func tryServer(t *testing.T, data string, args ...string) (*server, error) {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{log: &strings.Builder{}, exited: make(chan error, 1)}
	s.cmd = exec.Command(bin, append([]string{"serve", "--data", data, "--pg", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)...)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for s.http == "" && lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "pg listening on "); ok {
			s.pg = addr
		}
		if addr, ok := strings.CutPrefix(lines.Text(), "http listening on "); ok {
			s.http = addr
		}
	}
	listening := s.http != ""
	go func() {
		for lines.Scan() {
		}
		s.exited <- s.cmd.Wait()
	}()
	if !listening {
		err := <-s.exited
		s.exited <- err
		return s, fmt.Errorf("it ended: %v", err)
	}
	return s, nil
}

func (s *server) url() string {
	return "postgres://allsource@" + s.pg + "/allsource?sslmode=disable"
}

// stop asks the server to end and waits for it.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.exited:
		s.exited <- err
		if err != nil {
			t.Fatalf("SIGTERM: the server ended with %v\n%s", err, s.log)
		}
	case <-time.After(stuck):
		s.stuck(t, "SIGTERM: the server does not end")
	}
}

// stuck is after what time something does not go on any more: a guard, not a measure.
const stuck = time.Minute

// stuck ends the test with where the server's goroutines stand.
func (s *server) stuck(t *testing.T, what string) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	err := <-s.exited
	s.exited <- err
	t.Fatalf("%s\n%s", what, s.log)
}

// kill ends the server as a power cut would end it. It may be gone already.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err == nil {
		err := <-s.exited
		s.exited <- err
	}
}

func (s *server) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), s.url())
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// queryOne reads the one value of a query's one row.
func queryOne[T any](t *testing.T, c *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := c.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// program returns the path of a client program, or skips the test; where everything has to be there it fails.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("ALLSOURCE_REQUIRE_CLIENTS") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed: this test needs it", name)
	return ""
}

func TestServeLifecycle(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, data)
	c := s.connect(t)
	if _, err := c.Exec(context.Background(), `INSERT INTO events (entity_id, event_type, payload) VALUES ('a', 't', '{"n": 1}')`); err != nil {
		t.Fatal(err)
	}
	second, err := tryServer(t, data)
	if err == nil {
		second.kill(t)
		t.Fatal("a second server on the same data folder was not refused")
	}
	if !strings.Contains(second.log.String(), "in use by another process") {
		t.Errorf("the second server says %q", second.log)
	}
	s.kill(t)
	left := filepath.Join(data, "spill", "left")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again := startServer(t, data)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed server had spilled is still there: %v", err)
	}
	if n := queryOne[int64](t, again.connect(t), `SELECT count(*) FROM events WHERE payload->>'n' = '1'`); n != 1 {
		t.Errorf("after a restart there are %d events, want 1", n)
	}
	again.stop(t)
	if _, err := os.Stat(filepath.Dir(left)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a server that has ended leaves its folder: %v", err)
	}
}

func TestServeRefusesOtherAddresses(t *testing.T) {
	s, err := tryServer(t, t.TempDir(), "--pg", "0.0.0.0:0")
	if err == nil {
		s.kill(t)
		t.Fatal("the server listens on every address without authentication")
	}
	if !strings.Contains(s.log.String(), "no authentication is configured") {
		t.Errorf("the server says %q", s.log)
	}
}

// quietLog is a logger that nobody reads.
func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
