package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"github.com/allsource-db/allsource/cmd/internal/node"
)

// demoEvents is three years of the Ruby on Rails repository; demo/README.md credits it.
//
//go:embed demo/rails_2013_2015.ndjson.gz
var demoEvents []byte

// stop is one station of the tour.
type stop struct{ title, sql string }

const demoFile = "file:rails/actionpack/lib/action_dispatch/routing/mapper.rb"

// tour shows what the log is for, on the demo's events.
var tour = []stop{
	{"How many events of each type?", `SELECT event_type, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC`},
	{"Which files changed most often?", `SELECT entity_id, count(*) AS changes FROM events WHERE event_type = 'file.modified' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5`},
	{"Inside the payload, nothing declared: how long did commits wait, by year?",
		`SELECT extract(year FROM timestamp) AS year, count(*) AS commits, round(avg((payload->>'lag_s')::numeric) / 3600, 1) AS avg_hours, sum((payload->'stats'->>'modified')::int) AS files_modified
FROM events WHERE event_type = 'commit.committed' GROUP BY 1 ORDER BY 1`},
	{"The history of one file, newest first:", `SELECT version, timestamp, event_type, payload->>'commit' AS commit FROM events WHERE entity_id = '` + demoFile + `' ORDER BY version DESC LIMIT 5`},
	{"Its state now:", `SELECT version, timestamp, payload->>'blob' AS content FROM events WHERE entity_id = '` + demoFile + `' ORDER BY version DESC LIMIT 1`},
	{"The same question, asked as of the end of 2013:", `SELECT version, timestamp, payload->>'blob' AS content FROM events AS OF SYSTEM TIME '2014-01-01' WHERE entity_id = '` + demoFile + `' ORDER BY version DESC LIMIT 1`},
	{"And how large was the log then?", `SELECT count(*) AS events, max(recorded_at) AS last FROM events AS OF SYSTEM TIME '2014-01-01'`},
}

func demo(ctx context.Context, args []string, s streams) (err error) {
	fs := flags("demo", s)
	if _, err := parse(fs, args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "allsource-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	limit, err := memoryLimit("")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n, err := node.Start(node.Config{Data: filepath.Join(dir, "data"), PG: "127.0.0.1:0", HTTP: "127.0.0.1:0", Memory: limit,
		Version: versionText(), Logger: log, Fatal: fatal(log)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close(context.WithoutCancel(ctx))) }()
	url := fmt.Sprintf("postgres://allsource@%s/allsource?sslmode=disable", n.PGAddr())
	fmt.Fprintf(s.out, "A server is running on a new store in %s.\nImporting three years of the Ruby on Rails repository, each event recorded when it happened:\n\n", dir)
	if err := importDemo(ctx, dir, url, s); err != nil {
		return err
	}
	if err := walk(ctx, url, s); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Now ask it yourself, from another terminal:\n\n  psql %q\n\nhealth: http://%s/health   metrics: http://%s/metrics\n", url, n.HTTPAddr(), n.HTTPAddr())
	out, ok := s.out.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	fmt.Fprintln(s.out, "\nThe server runs until Ctrl-C; its store is temporary and goes with it.")
	<-ctx.Done()
	return nil
}

// importDemo runs the importer as a user would.
func importDemo(ctx context.Context, dir, url string, s streams) error {
	name := filepath.Join(dir, "rails_2013_2015.ndjson.gz")
	if err := os.WriteFile(name, demoEvents, 0o600); err != nil {
		return err
	}
	s.in = bytes.NewReader(nil)
	return importFiles(ctx, []string{"--url", url, "--as-recorded", name}, s)
}

// walk asks the tour's questions and prints the answers with their times.
func walk(ctx context.Context, url string, s streams) error {
	sh := &session{streams: s, printer: printer{w: s.out, format: "table"}}
	c, err := target{url: url}.connect(ctx, s, sh.notice)
	if err != nil {
		return err
	}
	sh.client = c
	defer c.close(ctx)
	for _, st := range tour {
		fmt.Fprintf(s.out, "\n%s\n\n  %s\n\n", st.title, st.sql)
		start := time.Now()
		if err := sh.run(ctx, st.sql); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "answered in %.1f ms\n", float64(time.Since(start).Microseconds())/1000)
	}
	fmt.Fprintln(s.out)
	return nil
}
