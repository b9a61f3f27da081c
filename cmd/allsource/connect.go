package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/cmd/internal/node"
)

// defaultURL is where a server with its defaults listens.
const defaultURL = "postgres://allsource@127.0.0.1:5433/allsource?sslmode=disable"

// target says which log a command works on: a server's by URL, or a data folder opened in this process.
type target struct {
	url, data, memory string
}

// targetFlags declares the flags that name a target, saying what the command does with a server and with a folder.
func targetFlags(fs *flag.FlagSet, server, folder string) *target {
	t := &target{}
	fs.StringVar(&t.url, "url", "", "server to "+server+" (default "+defaultURL+")")
	fs.StringVar(&t.data, "data", "", "folder of a store to "+folder+", with no server running on it")
	fs.StringVar(&t.memory, "memory", "", "with --data: most memory to use")
	return t
}

// client is a connection to the target, and the node behind it when the folder was opened here.
type client struct {
	*pgconn.PgConn
	node *node.Node
}

// connect opens the target. onNotice takes what the server says besides answers.
func (t target) connect(ctx context.Context, s streams, onNotice func(*pgconn.Notice)) (*client, error) {
	if t.url != "" && t.data != "" {
		return nil, errors.New("give --url or --data, not both")
	}
	configure := func(c *pgconn.Config) {
		c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { onNotice(n) }
		c.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
			fmt.Fprintf(s.err, "notification on %q: %s\n", n.Channel, n.Payload)
		}
		if c.RuntimeParams["application_name"] == "" {
			c.RuntimeParams["application_name"] = "allsource"
		}
	}
	if t.data != "" {
		limit, err := memoryLimit(t.memory)
		if err != nil {
			return nil, err
		}
		log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
		n, err := node.Open(node.Config{Data: t.data, Memory: limit, Version: versionText(), Logger: log, Fatal: fatal(log)})
		if err != nil {
			return nil, err
		}
		c, err := n.Connect(ctx, node.DefaultDatabase, configure)
		if err != nil {
			return nil, errors.Join(err, n.Close(ctx))
		}
		return &client{PgConn: c, node: n}, nil
	}
	url := t.url
	if url == "" {
		url = defaultURL
	}
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	configure(cfg)
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%w\nis a server running there? start one with: allsource serve", err)
	}
	return &client{PgConn: c}, nil
}

// close ends the connection, and the node if it was opened here.
func (c *client) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	err := c.PgConn.Close(ctx)
	if c.node != nil {
		err = errors.Join(err, c.node.Close(ctx))
	}
	return err
}

// describeError writes an error as psql does: the message, the place in the statement, detail and hint.
func describeError(w io.Writer, err error, sql string) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		fmt.Fprintf(w, "ERROR:  %v\n", err)
		return
	}
	fmt.Fprintf(w, "%s:  %s\n", e.Severity, e.Message)
	if e.Position > 0 {
		showPosition(w, sql, int(e.Position))
	}
	for _, f := range []struct{ label, text string }{{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"CONTEXT", e.Where}} {
		if f.text != "" {
			fmt.Fprintf(w, "%s:  %s\n", f.label, f.text)
		}
	}
}

// showPosition prints the line with the position (in characters from 1) and a caret under it.
func showPosition(w io.Writer, sql string, position int) {
	rs := []rune(sql)
	at := min(position-1, len(rs))
	from, to := at, at
	for from > 0 && rs[from-1] != '\n' {
		from--
	}
	for to < len(rs) && rs[to] != '\n' {
		to++
	}
	label := fmt.Sprintf("LINE %d: ", 1+strings.Count(string(rs[:at]), "\n"))
	fmt.Fprintf(w, "%s%s\n%s^\n", label, strings.ReplaceAll(string(rs[from:to]), "\t", " "), strings.Repeat(" ", len(label)+at-from))
}
