package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allsource-db/allsource/cmd/internal/node"
)

// passingExpressions is how many of PostgreSQL's stand-alone statements must answer as PostgreSQL 15 does: rows, names
// and types of columns, or the SQLSTATE. It only ever rises.
const passingExpressions = 2105

// expression is one statement of PostgreSQL's regression tests with what PostgreSQL 15 answered.
type expression struct {
	File     string      `json:"file"`
	SQL      string      `json:"sql"`
	Rows     [][]*string `json:"rows"`
	Cols     [][2]any    `json:"cols"`
	SQLState string      `json:"sqlstate"`
}

// sharedFile finds a file of the shared test data, which lies beside the repository unless SHARED says where.
func sharedFile(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no shared data beside the repository (SHARED says where it is)")
	}
	return path
}

func TestPostgresExpressions(t *testing.T) {
	list := readExpressions(t, sharedFile(t, "sql/postgres15_expressions.jsonl"))
	c := connected(t)
	passed := 0
	for i := range list {
		if list[i].answered(c) {
			passed++
		}
		if c.IsClosed() {
			t.Fatalf("the statement ends the connection: %s", list[i].SQL)
		}
	}
	t.Logf("%d of %d statements answer as PostgreSQL 15 does", passed, len(list))
	if passed < passingExpressions {
		t.Errorf("%d statements answer as PostgreSQL 15 does, %d did before", passed, passingExpressions)
	}
}

// TestExpressions runs statements by topic, with PostgreSQL 15's answers: all of them must be ours too.
func TestExpressions(t *testing.T) {
	files, err := filepath.Glob("testdata/expressions/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no statements", err)
	}
	c := connected(t)
	for _, name := range files {
		for _, e := range readExpressions(t, name) {
			if !e.answered(c) {
				t.Errorf("%s: another answer than PostgreSQL 15's: %s", filepath.Base(name), e.SQL)
			}
			if c.IsClosed() {
				t.Fatalf("the statement ends the connection: %s", e.SQL)
			}
		}
	}
}

func readExpressions(t *testing.T, path string) (out []expression) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e expression
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// connected opens an empty database and connects to it.
func connected(t *testing.T) *pgconn.PgConn {
	t.Helper()
	n, err := node.Open(node.Config{Data: t.TempDir(), Memory: minMemory, Version: "test", Logger: quietLog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close(context.Background()) })
	c, err := n.Connect(context.Background(), node.DefaultDatabase, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	if _, err := c.Exec(context.Background(), "SET statement_timeout = '5s'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	return c
}

// answered runs the statement and compares.
func (e *expression) answered(c *pgconn.PgConn) bool {
	results, err := c.Exec(context.Background(), e.SQL).ReadAll()
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code == e.SQLState
	}
	if err != nil || len(results) != 1 || e.SQLState != "" {
		return false
	}
	r := results[0]
	if len(e.Rows) == 0 && len(r.Rows) == 0 {
		return true // the driver tells the columns with the first row
	}
	if len(r.FieldDescriptions) != len(e.Cols) || len(r.Rows) != len(e.Rows) {
		return false
	}
	for i, col := range e.Cols {
		oid, ok := col[1].(float64)
		if !ok || r.FieldDescriptions[i].Name != col[0] || r.FieldDescriptions[i].DataTypeOID != uint32(oid) {
			return false
		}
	}
	for i, row := range r.Rows {
		if !slices.EqualFunc(row, e.Rows[i], func(got []byte, want *string) bool {
			return got == nil && want == nil || got != nil && want != nil && string(got) == *want
		}) {
			return false
		}
	}
	return true
}
