// Command tables fills tables in bulk and changes them: COPY and INSERT … SELECT of the same rows, without and with a key, and scans of a
// table before and after some millions of updates, now and as of moments before them. AllSource, DuckDB, PostgreSQL 18.
//
//	go run ./bench/tables -binary ./allsource -rows 2000000 allsource duckdb postgres
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/allsource-db/allsource/bench/internal/figure"
	"github.com/allsource-db/allsource/bench/internal/peer"
)

type settings struct {
	binary, peers, folder, memory, out string
	rows                               int64
	rounds                             int
	loads, works, scans                bool
}

func main() {
	var s settings
	flag.StringVar(&s.binary, "binary", "./allsource", "the allsource binary")
	flag.StringVar(&s.peers, "peers", "bench/peers", "the folder with the peers' scripts")
	flag.StringVar(&s.folder, "folder", "", "where to put rows and stores (default: the system's temporary folder)")
	flag.StringVar(&s.memory, "memory", "", "AllSource's --memory (default: its own)")
	flag.StringVar(&s.out, "out", "bench/results/tables.txt", "file that the tables are written to as well")
	flag.Int64Var(&s.rows, "rows", 2_000_000, "rows of each table")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds")
	flag.BoolVar(&s.loads, "loads", true, "measure COPY and INSERT … SELECT")
	flag.BoolVar(&s.works, "works", true, "measure wide rows, rows from events, indexes, ON CONFLICT, MERGE and DELETE")
	flag.BoolVar(&s.scans, "scans", true, "measure scans beside updates")
	flag.Parse()
	peer.Main("tables", func(ctx context.Context) error { return run(ctx, s, flag.Args()) })
}

// system is one of those that are measured.
type system struct {
	name string
	session
	idle func(ctx context.Context) error // waits until it has nothing to do in the background
}

// session is what can be asked and filled.
type session interface {
	Ask(sql string) (peer.Answer, error)
	Copy(table, file string) (peer.Answer, error)
	CopyTo(table, file string) (peer.Answer, error)
	Close() error
}

func run(ctx context.Context, s settings, names []string) (err error) {
	if len(names) == 0 {
		return errors.New("name the systems: allsource, duckdb, postgres")
	}
	folder, err := os.MkdirTemp(s.folder, "tables-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil { // PostgreSQL runs as another user
		return err
	}
	file := filepath.Join(folder, "rows.csv")
	if err := writeRows(file, s.rows); err != nil {
		return err
	}
	began, first := time.Now(), peer.Quiet()
	var systems []*system
	defer func() {
		for _, y := range systems {
			err = errors.Join(err, y.Close())
		}
	}()
	for _, name := range names {
		y, err := s.open(ctx, name, filepath.Join(folder, name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		systems = append(systems, y)
	}
	for _, y := range systems {
		if _, err := y.fill("source", keys[0].id, keys[0].code, file); err != nil {
			return fmt.Errorf("%s: %w", y.name, err)
		}
	}
	var loads, scans []line
	if s.loads {
		if loads, err = s.measureLoads(ctx, systems, file); err != nil {
			return err
		}
	}
	if s.works {
		works, err := s.measureWorks(ctx, systems, folder)
		if err != nil {
			return err
		}
		loads = append(loads, works...)
	}
	if s.scans {
		if scans, err = s.measureScans(ctx, systems, file); err != nil {
			return err
		}
	}
	return figure.Tell(s.out, func(w io.Writer) error {
		fmt.Fprintf(w, "%s, %d rows\n", figure.Run(began, min(first, peer.Load()), max(first, peer.Load())), s.rows)
		return table(w, names, s.rows, loads, scans)
	})
}

// embedded is DuckDB, which reads and writes files itself.
type embedded struct{ *peer.Embedded }

func (e embedded) Copy(table, file string) (peer.Answer, error) {
	return e.Ask("copy " + table + " from '" + file + "' (format csv, header false)")
}

func (e embedded) CopyTo(table, file string) (peer.Answer, error) {
	return e.Ask("copy " + table + " to '" + file + "' (format csv, header false)")
}

func (s settings) open(ctx context.Context, name, folder string) (*system, error) {
	y := &system{name: name, idle: func(context.Context) error { return nil }}
	var server *peer.Server
	var err error
	switch name {
	case "allsource":
		if server, err = peer.StartAllSource(ctx, s.binary, folder, s.memory); err == nil {
			y.idle = server.Idle
		}
	case "postgres":
		server, err = peer.StartPostgres(ctx, filepath.Join(s.peers, "postgres.sh"), folder)
	case "duckdb":
		if err = os.Mkdir(folder, 0o755); err != nil {
			return nil, err
		}
		duck, err := peer.OpenEmbedded(ctx, s.peers, name, folder)
		y.session = embedded{duck}
		return y, err
	default:
		return nil, errors.New("unknown system")
	}
	if err != nil {
		return nil, err
	}
	y.session, err = peer.Connect(ctx, server, nil)
	return y, err
}
