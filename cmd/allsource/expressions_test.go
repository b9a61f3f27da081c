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
const passingExpressions = 1570

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
	f, err := os.Open(sharedFile(t, "sql/postgres15_expressions.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := node.Open(node.Config{Data: t.TempDir(), Memory: minMemory, Version: "test", Logger: quietLog()})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close(context.Background())
	c, err := n.Connect(context.Background(), node.DefaultDatabase, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { c.Close(context.Background()) }()
	if _, err := c.Exec(context.Background(), "SET statement_timeout = '5s'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	total, passed := 0, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e expression
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		total++
		if e.answered(c) {
			passed++
		}
		if c.IsClosed() {
			t.Fatalf("the statement ends the connection: %s", e.SQL)
		}
	}
	t.Logf("%d of %d statements answer as PostgreSQL 15 does", passed, total)
	if passed < passingExpressions {
		t.Errorf("%d statements answer as PostgreSQL 15 does, %d did before", passed, passingExpressions)
	}
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
