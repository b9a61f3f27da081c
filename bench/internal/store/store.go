// Package store gives the measurements systems with one log in them: loaded now, or by an earlier run into a folder that was kept.
package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/bench/internal/peer"
)

// Systems in the order in which they are asked and told.
var Systems = []string{"allsource", "duckdb", "clickhouse", "postgres"}

// Store is one system that holds the log and answers questions about it.
type Store interface {
	Ask(sql string) (peer.Answer, error)
	Close() error
}

// Place says where stores are and what they are made with.
type Place struct {
	Binary string   // the allsource binary
	Peers  string   // the folder with the peers' scripts
	Keep   string   // the folder where stores stay and are found by the next run; empty: they go
	Memory string   // AllSource's --memory, empty for its own
	Fresh  []string // systems that load again
}

// Flags declares the flags that a place is made of; the result gives it when they are parsed.
func Flags() func() (Place, error) {
	var p Place
	fresh := flag.String("fresh", "", "with -keep: systems that load again, as AllSource must where the format on disk has changed")
	flag.StringVar(&p.Binary, "binary", "./allsource", "the allsource binary")
	flag.StringVar(&p.Peers, "peers", "bench/peers", "the folder with the peers' scripts")
	flag.StringVar(&p.Keep, "keep", "", "a folder where the loaded stores stay and are found by the next run")
	flag.StringVar(&p.Memory, "memory", "", "AllSource's --memory (default: its own)")
	return func() (_ Place, err error) {
		p.Fresh = Split(*fresh)
		for _, path := range []*string{&p.Binary, &p.Peers} {
			if *path, err = filepath.Abs(*path); err != nil {
				return p, err
			}
		}
		return p, nil
	}
}

// Split takes a list with commas apart.
func Split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// Log is a log whose stores are in one folder of a place.
type Log struct {
	place   Place
	Name    string
	file    string
	folder  string
	ordered bool
}

// Log prepares the folder of a file's log. Its times are taken for those of recording where they are ordered. done is to be called
// at the end, when all stores are closed.
func (p Place) Log(file string, ordered bool) (l *Log, done func() error, err error) {
	name, _, _ := strings.Cut(filepath.Base(file), ".ndjson")
	l = &Log{place: p, Name: name, ordered: ordered}
	if l.folder, done, err = p.folder(name); err != nil {
		return nil, nil, err
	}
	if l.file, err = plain(file, l.folder); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return l, done, nil
}

// folder is where the stores of a log go, and what is to be done with it at the end.
func (p Place) folder(name string) (string, func() error, error) {
	if p.Keep == "" {
		folder, err := os.MkdirTemp("", "bench-"+name+"-")
		if err != nil {
			return "", nil, err
		}
		return folder, func() error { return os.RemoveAll(folder) }, os.Chmod(folder, 0o755)
	}
	folder, err := filepath.Abs(filepath.Join(p.Keep, name))
	if err != nil {
		return "", nil, err
	}
	for _, system := range p.Fresh {
		if err := os.RemoveAll(filepath.Join(folder, system)); err != nil {
			return "", nil, err
		}
	}
	return folder, func() error { return nil }, os.MkdirAll(folder, 0o755)
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

// Open gives a system with the log in it.
func (l *Log) Open(ctx context.Context, system string) (Store, error) {
	folder := filepath.Join(l.folder, system)
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
		fmt.Fprintf(os.Stderr, "loading %s into %s\n", l.Name, system)
	}
	var opened Store
	switch system {
	case "allsource":
		opened, err = l.allsource(ctx, filepath.Join(folder, "data"), loaded)
	case "postgres":
		opened, err = l.postgres(ctx, filepath.Join(folder, "cluster"), loaded)
	case "duckdb", "clickhouse":
		opened, err = l.embedded(ctx, system, folder, loaded)
	default:
		err = fmt.Errorf("there is no such system")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", system, err)
	}
	return opened, os.WriteFile(mark, nil, 0o644)
}

func (l *Log) allsource(ctx context.Context, folder string, loaded bool) (Store, error) {
	server, err := peer.StartAllSource(ctx, l.place.Binary, folder, l.place.Memory)
	if err != nil {
		return nil, err
	}
	if !loaded {
		args := []string{"import", "--url", server.URL}
		if l.ordered {
			args = append(args, "--as-recorded")
		}
		if out, err := exec.CommandContext(ctx, l.place.Binary, append(args, l.file)...).CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("import: %w\n%s", err, out), server.Stop())
		}
	}
	return peer.Connect(ctx, server, nil)
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

func (l *Log) postgres(ctx context.Context, folder string, loaded bool) (Store, error) {
	server, err := peer.StartPostgres(ctx, filepath.Join(l.place.Peers, "postgres.sh"), folder)
	if err != nil {
		return nil, err
	}
	if !loaded {
		if err := loadPostgres(ctx, server.URL, l.file); err != nil {
			return nil, errors.Join(err, server.Stop())
		}
	}
	return peer.Connect(ctx, server, postgresSession)
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
	if err := peer.Execute(ctx, conn, `create unlogged table lines (line jsonb)`); err != nil {
		return err
	}
	// Characters that no line holds, so that each line is one value.
	const copyLines = `copy lines from stdin with (format csv, delimiter e'\x01', quote e'\x02', escape e'\x02')`
	if _, err := conn.CopyFrom(ctx, lines, copyLines); err != nil {
		return err
	}
	for _, sql := range postgresLoad {
		if err := peer.Execute(ctx, conn, sql); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) embedded(ctx context.Context, system, folder string, loaded bool) (Store, error) {
	if !loaded {
		cmd := exec.CommandContext(ctx, "node", system+".mjs", l.file, folder)
		cmd.Dir = l.place.Peers
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, complaint.String())
		}
	}
	return peer.OpenEmbedded(ctx, l.place.Peers, system, folder)
}
