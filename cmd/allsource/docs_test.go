package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/sql/syntax"
)

// documented is the log that the examples of the documents are about.
const documented = `INSERT INTO events (entity_id, event_type, payload) VALUES
	('order-1', 'order.created', '{"amount": 12.50}');
INSERT INTO events (entity_id, event_type, payload) SELECT 'order-1', 'order.made', '{"amount": 120.5, "user": {"name": "ann"}}' FROM generate_series(1, 2);
INSERT INTO events (entity_id, event_type) SELECT 'account-1', 'money.deposited' FROM generate_series(1, 7);
INSERT INTO events (entity_id, event_type) VALUES ('account-2', 'account.opened')`

// guides have examples that fail, and answers: package engine runs them, with a clock of its own.
var guides = []string{"append.md", "time.md"}

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

// TestDocuments runs the SQL of every document, each block in a session of its own. What a statement changes is rolled back; one
// with parameters is prepared only. An append may find another version than it expects.
func TestDocuments(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no documents", err)
	}
	s := startServer(t, filepath.Join(t.TempDir(), "data"))
	ctx := context.Background()
	if _, err := s.connect(t).PgConn().Exec(ctx, documented).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "../../README.md") {
		if slices.Contains(guides, filepath.Base(name)) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range sqlBlock.FindAllStringSubmatch(string(text), -1) {
			stmts, err := syntax.Parse(block[1])
			if err != nil {
				t.Errorf("%s: %v in\n%s", filepath.Base(name), err, block[1])
			}
			c := s.connect(t).PgConn()
			for _, st := range stmts {
				if err := runDocumented(ctx, c, st); err != nil {
					t.Errorf("%s: %v in\n%s", filepath.Base(name), err, st.Text)
				}
			}
		}
	}
}

func runDocumented(ctx context.Context, c *pgconn.PgConn, st syntax.Statement) error {
	if st.NumParams > 0 {
		_, err := c.Prepare(ctx, "", st.Text, nil)
		return err
	}
	switch stmt := st.Stmt.(type) {
	case *syntax.Copy:
		if stmt.From {
			_, err := c.CopyFrom(ctx, strings.NewReader(""), st.Text)
			return err
		}
		_, err := c.CopyTo(ctx, io.Discard, st.Text)
		return err
	case *syntax.Insert, *syntax.Query:
		_, err := c.Exec(ctx, "BEGIN; "+st.Text).ReadAll()
		if isCode(err, "40001") {
			err = nil
		}
		_, end := c.Exec(ctx, "ROLLBACK").ReadAll()
		return errors.Join(err, end)
	}
	_, err := c.Exec(ctx, st.Text).ReadAll()
	return err
}
