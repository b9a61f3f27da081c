package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// systems in the order in which they are asked and told.
var systems = []string{"allsource", "duckdb", "clickhouse", "postgres"}

// store is one system that holds the log and answers questions about it.
type store interface {
	Ask(sql string) (peer.Answer, error)
	Close() error
}

// plain gives the log as plain lines, because not every system reads a compressed file.
func plain(file, folder string) (string, error) {
	if filepath.Ext(file) != ".gz" {
		return filepath.Abs(file)
	}
	out := filepath.Join(folder, strings.TrimSuffix(filepath.Base(file), ".gz"))
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	r, err := gzip.NewReader(in)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	return out, os.WriteFile(out, text, 0o644)
}

// open gives a system with the log in it: loaded now, or by an earlier run into the same folder.
func (s settings) open(ctx context.Context, system, file, folder string, p profile) (store, error) {
	folder = filepath.Join(folder, system)
	mark := filepath.Join(folder, "loaded")
	_, err := os.Stat(mark)
	loaded := err == nil
	if !loaded {
		if err := os.RemoveAll(folder); err != nil {
			return nil, err
		}
		// PostgreSQL runs as another user, who has to get to its folder.
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "loading %s into %s\n", filepath.Base(file), system)
	}
	var opened store
	switch system {
	case "allsource":
		opened, err = s.allsource(ctx, file, filepath.Join(folder, "data"), loaded, p)
	case "postgres":
		opened, err = s.postgres(ctx, file, filepath.Join(folder, "cluster"), loaded)
	case "duckdb", "clickhouse":
		opened, err = s.embedded(ctx, system, file, folder, loaded)
	default:
		err = fmt.Errorf("there is no such system")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", system, err)
	}
	return opened, os.WriteFile(mark, nil, 0o644)
}

func (s settings) allsource(ctx context.Context, file, folder string, loaded bool, p profile) (store, error) {
	server, err := peer.StartAllSource(ctx, s.binary, folder, s.memory)
	if err != nil {
		return nil, err
	}
	if !loaded {
		args := []string{"import", "--url", server.URL}
		if p.Ordered {
			args = append(args, "--as-recorded")
		}
		if out, err := exec.CommandContext(ctx, s.binary, append(args, file)...).CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("import: %w\n%s", err, out), server.Stop())
		}
	}
	return connect(ctx, server, nil)
}

// postgresLoad takes the lines in as they are and leaves the taking apart to the server. The three indexes are those that
// the questions can use.
var postgresLoad = []string{
	`create table events (position bigint generated always as identity, entity_id text not null, event_type text not null,
		timestamp timestamptz not null, payload jsonb not null)`,
	`insert into events (entity_id, event_type, timestamp, payload)
		select line->>'entity_id', line->>'event_type', (line->>'timestamp')::timestamptz, line->'payload' from lines`,
	`drop table lines`,
	`create index on events (entity_id, timestamp)`,
	`create index on events (timestamp)`,
	`create index on events (event_type, timestamp)`,
	`vacuum analyze events`,
}

// postgresSession gives a query the memory and the workers that the other systems take without being asked.
var postgresSession = []string{`set timezone = 'UTC'`, `set work_mem = '256MB'`, `set max_parallel_workers_per_gather = 2`}

func (s settings) postgres(ctx context.Context, file, folder string, loaded bool) (store, error) {
	server, err := peer.StartPostgres(ctx, filepath.Join(s.peers, "postgres.sh"), folder)
	if err != nil {
		return nil, err
	}
	if !loaded {
		if err := loadPostgres(ctx, server.URL, file); err != nil {
			return nil, errors.Join(err, server.Stop())
		}
	}
	return connect(ctx, server, postgresSession)
}

func loadPostgres(ctx context.Context, url, file string) error {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	lines, err := os.Open(file)
	if err != nil {
		return err
	}
	defer lines.Close()
	if err := execute(ctx, conn, `create unlogged table lines (line jsonb)`); err != nil {
		return err
	}
	// Characters that no line holds, so that each line is one value.
	const copyLines = `copy lines from stdin with (format csv, delimiter e'\x01', quote e'\x02', escape e'\x02')`
	if _, err := conn.CopyFrom(ctx, lines, copyLines); err != nil {
		return err
	}
	for _, sql := range postgresLoad {
		if err := execute(ctx, conn, sql); err != nil {
			return err
		}
	}
	return nil
}

func execute(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func (s settings) embedded(ctx context.Context, system, file, folder string, loaded bool) (store, error) {
	if !loaded {
		cmd := exec.CommandContext(ctx, "node", system+".mjs", file, folder)
		cmd.Dir = s.peers
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, complaint.String())
		}
	}
	return peer.OpenEmbedded(ctx, s.peers, system, folder)
}

// session asks a server over one connection, with the simple protocol and text, as psql does.
type session struct {
	server *peer.Server
	conn   *pgconn.PgConn
}

func connect(ctx context.Context, server *peer.Server, setup []string) (store, error) {
	conn, err := pgconn.Connect(ctx, server.URL)
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	s := &session{server: server, conn: conn}
	for _, sql := range setup {
		if err := execute(ctx, conn, sql); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *session) Ask(sql string) (peer.Answer, error) {
	began := time.Now()
	results, err := s.conn.Exec(context.Background(), sql).ReadAll()
	took := time.Since(began)
	if err != nil {
		return peer.Answer{}, err
	}
	return peer.Answer{Rows: results[0].Rows, Took: took}, nil
}

func (s *session) Close() error {
	return errors.Join(s.conn.Close(context.Background()), s.server.Stop())
}
