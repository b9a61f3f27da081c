package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/klauspost/compress/zstd"
)

// wholeLog is what is exported when nothing else is asked for. An import with --exact takes it over as it is.
const wholeLog = `SELECT position, id, entity_id, event_type, version, "timestamp", recorded_at, payload, metadata FROM events ORDER BY position`

// exporter writes one answer to one output.
type exporter struct {
	client   *client
	sql      string
	progress *progress
	rows     int64
}

// exportFormats write the answer in a format; each streams.
var exportFormats = map[string]func(e *exporter, ctx context.Context, w io.Writer) error{
	"ndjson": func(e *exporter, ctx context.Context, w io.Writer) error {
		return e.copyText(ctx, w, "FORMAT ndjson")
	},
	"csv": func(e *exporter, ctx context.Context, w io.Writer) error {
		return e.copyText(ctx, w, "FORMAT csv, HEADER")
	},
	"arrow": (*exporter).arrow, "parquet": (*exporter).parquet,
}

func export(ctx context.Context, args []string, s streams) (err error) {
	fs := flags("export", s)
	t := targetFlags(fs, "export from", "export from")
	format := fs.String("format", "", "ndjson, csv, arrow or parquet; by the file's name, else ndjson")
	query := fs.String("query", "", "export the answer of this query instead of the whole log")
	kind := fs.String("type", "", "export the events of this type, each path of their payloads a typed column")
	asOf := fs.String("as-of", "", "what the log said at this moment, such as 2026-01-31 or -1h")
	files, err := parse(fs, args)
	if err != nil {
		return err
	}
	name := "-"
	switch len(files) {
	case 0:
	case 1:
		name = files[0]
	default:
		fs.Usage()
		return errUsage
	}
	if *format == "" {
		*format = formatOfName(name)
	}
	write := exportFormats[*format]
	if write == nil {
		return fmt.Errorf("--format %s: use ndjson, csv, arrow or parquet", *format)
	}
	e := &exporter{sql: wholeLog, progress: newProgress(s.err)}
	switch {
	case *query != "" && *kind != "":
		return errors.New("give --query or --type, not both")
	case *query != "":
		e.sql = strings.TrimRight(*query, "; \n\t")
	case *kind != "":
		e.sql = `SELECT * FROM by_type."` + strings.ReplaceAll(*kind, `"`, `""`) + `" ORDER BY position`
	}
	if e.client, err = t.connect(ctx, s, func(n *pgconn.Notice) { fmt.Fprintln(s.err, n.Message) }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.client.close(ctx)) }()
	settings := "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'"
	if *asOf != "" {
		settings += "; SET default_transaction_as_of = " + quote(*asOf)
	}
	if _, err := e.client.Exec(ctx, settings).ReadAll(); err != nil {
		return err
	}
	if err := e.to(ctx, name, s.out, write); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%s: %s rows in %s (%s/s)\n", name, thousands(e.rows), e.progress.elapsed(), thousands(e.progress.rate(e.rows)))
	return nil
}

// formatOfName is the format that a file's name says.
func formatOfName(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	switch ext := strings.TrimPrefix(filepath.Ext(name), "."); ext {
	case "csv", "arrow", "parquet":
		return ext
	case "feather":
		return "arrow"
	}
	return "ndjson"
}

// to writes a file whole or not at all; "-" is standard output.
func (e *exporter) to(ctx context.Context, name string, out io.Writer, write func(*exporter, context.Context, io.Writer) error) error {
	e.progress.begin(name, &input{})
	defer e.progress.end()
	if name == "-" {
		w := bufio.NewWriterSize(out, 1<<20)
		return errors.Join(write(e, ctx, w), w.Flush())
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 1<<20)
	err = e.compressed(name, w, func(w io.Writer) error { return write(e, ctx, w) })
	if err = errors.Join(err, w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// compressed packs what write writes, if the file's name says so.
func (e *exporter) compressed(name string, w io.Writer, write func(io.Writer) error) error {
	var z io.WriteCloser
	switch filepath.Ext(name) {
	case ".gz":
		z = gzip.NewWriter(w)
	case ".zst":
		var err error
		if z, err = zstd.NewWriter(w); err != nil {
			return err
		}
	default:
		return write(w)
	}
	return errors.Join(write(z), z.Close())
}

// copyText sends what COPY gives.
func (e *exporter) copyText(ctx context.Context, w io.Writer, options string) error {
	tag, err := e.client.CopyTo(ctx, &ticking{w: w, e: e}, "COPY ("+e.sql+") TO STDOUT ("+options+")")
	e.rows = tag.RowsAffected()
	return err
}

// ticking counts rows as they are written; COPY gives one at a time.
type ticking struct {
	w io.Writer
	e *exporter
	n int64
}

func (t *ticking) Write(p []byte) (int, error) {
	if t.n++; t.n%1024 == 0 {
		t.e.progress.update(t.n)
	}
	return t.w.Write(p)
}
