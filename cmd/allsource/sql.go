package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/peterh/liner"
	"golang.org/x/term"

	"github.com/allsource-db/allsource/sql/syntax"
)

// repeated is a flag that may be given several times.
type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, "; ") }
func (r *repeated) Set(v string) error { *r = append(*r, v); return nil }

// session is one run of the shell.
type session struct {
	client  *client
	printer printer
	streams streams
	timing  bool
}

func shell(ctx context.Context, args []string, s streams) (err error) {
	fs := flags("sql", s)
	t := targetFlags(fs, "ask", "open")
	var commands, files repeated
	fs.Var(&commands, "c", "run this SQL and exit; may be given several times")
	fs.Var(&files, "f", "run the SQL of this file and exit; - is standard input")
	format := fs.String("format", "table", "table, csv or json")
	operands, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return fmt.Errorf("unexpected argument %q", operands[0])
	}
	if *format != "table" && *format != "csv" && *format != "json" {
		return fmt.Errorf("--format %s: use table, csv or json", *format)
	}
	sh := &session{streams: s, printer: printer{w: s.out, format: *format}}
	if sh.client, err = t.connect(ctx, s, sh.notice); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sh.client.close(ctx)) }()
	in, isFile := s.in.(*os.File)
	interactive := isFile && term.IsTerminal(int(in.Fd()))
	if len(commands) == 0 && len(files) == 0 && interactive {
		return sh.interactive(ctx)
	}
	if len(commands) == 0 && len(files) == 0 {
		files = repeated{"-"}
	}
	for _, c := range commands {
		if err := sh.script(ctx, c); err != nil {
			return err
		}
	}
	for _, f := range files {
		text, err := readScript(f, s.in)
		if err != nil {
			return err
		}
		if err := sh.script(ctx, text); err != nil {
			return fmt.Errorf("%s: stopped at the first error", f)
		}
	}
	return nil
}

func readScript(name string, stdin io.Reader) (string, error) {
	if name == "-" {
		b, err := io.ReadAll(stdin)
		return string(b), err
	}
	b, err := os.ReadFile(name)
	return string(b), err
}

func (sh *session) notice(n *pgconn.Notice) {
	fmt.Fprintf(sh.streams.err, "%s:  %s\n", n.Severity, n.Message)
}

// errReported stands for an error that the user has seen.
var errReported = errors.New("the statement failed")

// script runs statements one after the other, meta commands too, and stops at the first error.
func (sh *session) script(ctx context.Context, text string) error {
	if strings.HasPrefix(strings.TrimSpace(text), `\`) {
		return sh.meta(ctx, strings.TrimSpace(text))
	}
	stmts, err := syntax.Parse(text)
	if err != nil {
		return sh.run(ctx, text) // the server says what is wrong
	}
	for _, st := range stmts {
		if err := sh.run(ctx, st.Text); err != nil {
			return err
		}
	}
	return nil
}

// run sends one statement and prints its answers.
func (sh *session) run(ctx context.Context, sql string) error {
	start := time.Now()
	results := sh.client.Exec(ctx, sql)
	var err error
	for err == nil && results.NextResult() {
		err = sh.printer.result(results.ResultReader())
	}
	err = errors.Join(err, results.Close())
	if err != nil {
		describeError(sh.streams.err, err, sql)
		return errReported
	}
	if sh.timing {
		fmt.Fprintf(sh.streams.out, "Time: %.3f ms\n", float64(time.Since(start).Microseconds())/1000)
	}
	return nil
}

// interactive reads statements from the terminal until \q or the end of input.
func (sh *session) interactive(ctx context.Context) error {
	ln := liner.NewLiner()
	defer ln.Close()
	ln.SetCtrlCAborts(true)
	ln.SetMultiLineMode(true)
	history := historyFile()
	if f, err := os.Open(history); err == nil {
		ln.ReadHistory(f)
		f.Close()
	}
	defer saveHistory(ln, history)
	fmt.Fprintf(sh.streams.out, "allsource %s. Statements end with a semicolon; \\? helps, \\q leaves.\n", versionText())
	var pending string
	for {
		prompt := "allsource=> "
		if pending != "" {
			prompt = "allsource-> "
		}
		line, err := ln.Prompt(prompt)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			pending = ""
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(sh.streams.out)
			return nil
		case err != nil:
			return err
		}
		if pending == "" && strings.HasPrefix(strings.TrimSpace(line), `\`) {
			ln.AppendHistory(line)
			if strings.TrimSpace(line) == `\q` {
				return nil
			}
			sh.meta(ctx, strings.TrimSpace(line))
			continue
		}
		pending += line + "\n"
		if strings.TrimSpace(pending) == "" {
			pending = ""
		}
		if complete(pending) {
			ln.AppendHistory(strings.TrimSpace(strings.ReplaceAll(pending, "\n", " ")))
			sh.script(ctx, pending)
			pending = ""
			if sh.client.IsClosed() {
				return errors.New("the connection is gone")
			}
		}
	}
}

// complete reports whether text ends with a semicolon that ends a statement: outside quotes and comments.
func complete(text string) bool {
	trimmed := strings.TrimSpace(text)
	if !strings.HasSuffix(trimmed, ";") {
		return false
	}
	if _, err := syntax.Parse(text); err == nil {
		return true
	}
	// A quote that is still open hides the semicolon: another one after it then changes what is wrong.
	_, before := syntax.Parse(trimmed)
	return !strings.Contains(before.Error(), "unterminated")
}

func historyFile() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".allsource_history")
}

func saveHistory(ln *liner.State, name string) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	ln.WriteHistory(f)
}

const metaHelp = `  \d           list relations         \d NAME      describe a relation
  \dt          list tables            \dn          list schemas
  \l           list databases         \conninfo    say where this is connected
  \timing      show times, or not     \q           leave
`

// metaQueries answers the meta commands that are questions.
var metaQueries = map[string]string{
	`\d`:        relationsQuery("'r','v','m','S'"),
	`\dt`:       relationsQuery("'r'"),
	`\dn`:       `SELECT nspname AS "Name" FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
	`\l`:        `SELECT datname AS "Name" FROM pg_catalog.pg_database ORDER BY 1`,
	`\conninfo`: `SELECT current_database() AS "Database", current_user AS "User", version() AS "Server"`,
}

func relationsQuery(kinds string) string {
	return `SELECT n.nspname AS "Schema", c.relname AS "Name", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'sequence' END AS "Type"
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN (` + kinds + `) AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`
}

func describeQuery(name string) string {
	return `SELECT a.attname AS "Column", pg_catalog.format_type(a.atttypid, a.atttypmod) AS "Type", CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS "Nullable", coalesce(pg_catalog.col_description(a.attrelid, a.attnum), '') AS "Description"
FROM pg_catalog.pg_attribute a WHERE a.attrelid = ` + quote(name) + `::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
}

// meta runs a backslash command.
func (sh *session) meta(ctx context.Context, line string) error {
	name, arg, _ := strings.Cut(strings.TrimSuffix(line, ";"), " ")
	arg = strings.TrimSpace(arg)
	if q, ok := metaQueries[name]; ok && (arg == "" || name != `\d`) {
		return sh.run(ctx, q)
	}
	switch name {
	case `\d`:
		return sh.run(ctx, describeQuery(arg))
	case `\timing`:
		sh.timing = !sh.timing
		fmt.Fprintf(sh.streams.out, "Timing is %s.\n", map[bool]string{true: "on", false: "off"}[sh.timing])
	case `\?`, `\h`:
		fmt.Fprint(sh.streams.out, metaHelp)
	default:
		fmt.Fprintf(sh.streams.err, "there is no command %s; \\? lists them\n", name)
		return errReported
	}
	return nil
}
