package difftest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	allsource "github.com/allsource-db/allsource/cmd/internal/node"
	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/sql/datum"
)

const (
	memory = 512 << 20
	nobody = 65534
	// patience ends what takes too long; it is counted, not compared.
	patience = "SET statement_timeout = '2s'"
)

// ours opens AllSource inside this process.
func ours(t *testing.T) func() *pgconn.PgConn { return tuned(t, nil) }

// tuned is ours with another configuration.
func tuned(t *testing.T, tune func(*engine.Config)) func() *pgconn.PgConn {
	n, err := allsource.Open(allsource.Config{Data: t.TempDir(), Memory: memory, Version: "test", Logger: slog.New(slog.DiscardHandler), Tune: tune})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close(context.Background()) })
	return func() *pgconn.PgConn {
		c, err := n.Connect(context.Background(), allsource.DefaultDatabase, nil)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, c, patience)
		return c
	}
}

// peer is the version that the benchmarks install as one of their peers.
const peer = "18"

// postgres connects to the server of the given URL, or starts one: the installed one, or the benchmarks' peer.
func postgres(t *testing.T, url string) func() *pgconn.PgConn {
	switch url {
	case "":
		url = startPostgres(t)
	case peer:
		url = startPeer(t)
	}
	admin, err := pgconn.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	// Text by code point and letters of all languages, as AllSource has them.
	name := fmt.Sprintf("difftest_%d", os.Getpid())
	execute(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
	t.Cleanup(func() {
		execute(t, admin, "DROP DATABASE "+name+" WITH (FORCE)")
		_ = admin.Close(context.Background())
	})
	return func() *pgconn.PgConn {
		config, err := pgconn.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		config.Database = name
		c, err := pgconn.ConnectConfig(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, c, patience)
		execute(t, c, "SET timezone = 'UTC'; SET jit = off; SET max_parallel_workers_per_gather = 0")
		return c
	}
}

// startPostgres makes a cluster of the installed PostgreSQL; the server refuses to be root and is then nobody.
func startPostgres(t *testing.T) string {
	bin := programs(t)
	folder, err := os.MkdirTemp("", "difftest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	var as *syscall.SysProcAttr
	if os.Getuid() == 0 {
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(folder, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(folder, "data")
	run := func(program string, args ...string) {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.SysProcAttr, cmd.Dir = as, folder
		// The server keeps its streams open; a pipe would wait for it.
		said, err := os.Create(filepath.Join(folder, program+".log"))
		if err != nil {
			t.Fatal(err)
		}
		defer said.Close()
		cmd.Stdout, cmd.Stderr = said, said
		if err := cmd.Run(); err != nil {
			text, _ := os.ReadFile(said.Name())
			t.Fatalf("%s: %v\n%s", program, err, text)
		}
	}
	run("initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	port := freePort(t)
	run("pg_ctl", "--pgdata", data, "--log", filepath.Join(folder, "log"), "--wait",
		"--options", "-p "+port+" -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories="+folder, "start")
	t.Cleanup(func() { run("pg_ctl", "--pgdata", data, "--mode", "immediate", "stop") })
	return "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
}

// startPeer makes a cluster of the peer, with the script that the benchmarks start it with.
func startPeer(t *testing.T) string {
	const script = "../../../bench/peers/postgres.sh"
	temp := t.TempDir()
	for _, dir := range []string{filepath.Dir(temp), temp} {
		if err := os.Chmod(dir, 0o755); err != nil { // root's script starts the server as nobody
			t.Fatal(err)
		}
	}
	folder := filepath.Join(temp, "peer")
	run := func(args ...string) string {
		var said, complaint strings.Builder
		cmd := exec.Command(script, args...)
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &said, &complaint, time.Minute
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s %s: %v\n%s", script, args[0], err, complaint.String())
		}
		return strings.TrimSpace(said.String())
	}
	url := run("start", folder, freePort(t))
	t.Cleanup(func() { run("stop", folder) })
	return url + "?sslmode=disable"
}

func freePort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// versionOf is a server's major version.
func versionOf(t *testing.T, them *pgconn.PgConn) int {
	v, err := strconv.Atoi(string(execute(t, them, "SHOW server_version_num")[0].Rows[0][0]))
	if err != nil {
		t.Fatal(err)
	}
	return v / 10000
}

// programs is the folder of initdb, which Debian keeps out of the way.
func programs(t *testing.T) string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if os.Getenv("ALLSOURCE_REQUIRE_CLIENTS") != "" {
		t.Fatal("initdb is not installed: make install-tools")
	}
	t.Skip("initdb is not installed")
	return ""
}

func execute(t *testing.T, c *pgconn.PgConn, sql string) []*pgconn.Result {
	t.Helper()
	results, err := c.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%.300s: %v", sql, err)
	}
	return results
}

// load puts the same events into both: the first half of the log by COPY, so that it lies in row groups, the rest as small
// appends. What AllSource adds (positions, versions, times) PostgreSQL is told; documents it gets as they were written.
func load(t *testing.T, us, them *pgconn.PgConn, log []event) {
	const columns = "id, entity_id, event_type, timestamp, payload, metadata"
	row := func(i int, e event) string {
		return fmt.Sprintf("('00000000-0000-4000-8000-%012d', %s, %s, '%s', %s, %s)", i, quote(e.entity), quote(e.kind), e.at, quote(e.payload), quote(e.metadata))
	}
	half := len(log) / 2
	for from := 0; from < half; from += half/3 + 1 {
		var rows []string
		for i := from; i < min(from+half/3+1, half); i++ {
			rows = append(rows, strings.Join([]string{fmt.Sprintf("00000000-0000-4000-8000-%012d", i), copied(log[i].entity), copied(log[i].kind),
				log[i].at, copied(log[i].payload), copied(log[i].metadata)}, "\t"))
		}
		if _, err := us.CopyFrom(context.Background(), strings.NewReader(strings.Join(rows, "\n")+"\n"), "COPY events ("+columns+") FROM STDIN"); err != nil {
			t.Fatal(err)
		}
	}
	for i := half; i < len(log); i++ {
		execute(t, us, "INSERT INTO events ("+columns+") VALUES "+row(i, log[i]))
	}
	execute(t, them, `CREATE TABLE loaded (position bigint, id uuid, entity_id text, event_type text, version bigint, "timestamp" timestamptz,
		recorded_at timestamptz, payload jsonb, metadata jsonb)`)
	added := execute(t, us, "SELECT position, version, recorded_at FROM events ORDER BY position")[0].Rows
	if len(added) != len(log) {
		t.Fatalf("%d events are there of %d", len(added), len(log))
	}
	for i, e := range log {
		execute(t, them, "INSERT INTO loaded ("+columns+") VALUES "+row(i, e))
		execute(t, them, fmt.Sprintf("UPDATE loaded SET position = %s, version = %s, recorded_at = '%s' WHERE position IS NULL", added[i][0], added[i][1], added[i][2]))
	}
	// Written once more, so that the rows lie there as they do here: the last digits of sums of floats depend on it.
	execute(t, them, "CREATE TABLE events AS SELECT * FROM loaded ORDER BY position; ALTER TABLE events ADD PRIMARY KEY (position)")
	// Patience is for questions: a busy machine may take longer over this.
	execute(t, them, "SET statement_timeout = 0")
	execute(t, them, "VACUUM ANALYZE events")
	execute(t, them, patience)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func copied(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`).Replace(s)
}

// known asks PostgreSQL which functions and operators it has.
func known(t *testing.T, them *pgconn.PgConn, table string) map[datum.OID]bool {
	out := map[datum.OID]bool{}
	for _, row := range execute(t, them, "SELECT oid FROM "+table)[0].Rows {
		oid, err := strconv.ParseUint(string(row[0]), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		out[datum.OID(oid)] = true
	}
	return out
}
