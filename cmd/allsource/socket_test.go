package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestSocket connects by a Unix socket where libpq looks for it, to a server that has no other door for Postgres clients: only its own user may, one server
// does not take the socket from another, and what a killed one has left is no obstacle.
func TestSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "as-") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	data, name := filepath.Join(t.TempDir(), "data"), filepath.Join(dir, ".s.PGSQL.5433")
	s := startServer(t, data, "--pg", "", "--socket", dir)
	if s.pg != name {
		t.Fatalf("it listens on %q", s.pg)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v %v", info, err)
	}
	ask := func() {
		t.Helper()
		c, err := pgx.Connect(context.Background(), "postgres://allsource@/allsource?port=5433&host="+url.QueryEscape(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		if !queryOne[bool](t, c, "SELECT client_addr IS NULL FROM pg_stat_activity WHERE pid = pg_backend_pid()") {
			t.Error("a client of a socket has an address")
		}
	}
	ask()
	second, err := tryServer(t, filepath.Join(t.TempDir(), "data"), "--pg", "", "--socket", dir)
	if err == nil {
		second.kill(t)
		t.Fatal("a second server has taken the socket")
	}
	if !strings.Contains(second.log.String(), "another process listens on "+name) {
		t.Errorf("the second server says %q", second.log)
	}
	s.kill(t)
	s = startServer(t, data, "--pg", "", "--socket", dir)
	ask()
	s.stop(t)
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket of a server that ended: %v", err)
	}
	deep := filepath.Join(dir, strings.Repeat("x", 100))
	if s, err := tryServer(t, data, "--socket", deep); err == nil || !strings.Contains(s.log.String(), "longer name than 103 bytes") {
		t.Errorf("%v, %q", err, s.log)
	}
}
