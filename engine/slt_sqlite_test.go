package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/engine/slt"
)

var sqliteLimit = flag.Int("sqlite-limit", 200, "how many queries of each of SQLite's files are asked, spread over the file; 0 is all")

// TestSQLiteSLT asks the queries of SQLite's public test files, in the folder that ALLSOURCE_SQLITE names: a table is a type of event,
// a row an event, and the queries stand unchanged behind a WITH that makes tables of the events again. Where ALLSOURCE_ORACLE
// names a PostgreSQL 15, a query that it answers otherwise than SQLite too is counted apart.
func TestSQLiteSLT(t *testing.T) {
	folder := os.Getenv("ALLSOURCE_SQLITE")
	if folder == "" {
		t.Skip("ALLSOURCE_SQLITE names no folder of SQLite's test files")
	}
	var total sqliteTally
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".test" {
			return err
		}
		name, err := filepath.Rel(folder, path)
		t.Run(name, func(t *testing.T) {
			tally := playSQLite(t, path)
			total.add(tally)
			t.Log(tally)
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(total)
}

// sqliteTally counts queries.
type sqliteTally struct{ asked, right, dialect int }

func (t *sqliteTally) add(o sqliteTally) {
	t.asked, t.right, t.dialect = t.asked+o.asked, t.right+o.right, t.dialect+o.dialect
}

func (t sqliteTally) String() string {
	return fmt.Sprintf("%d queries, %d right, %d that PostgreSQL does not answer as SQLite does, %d wrong",
		t.asked, t.right, t.dialect, t.asked-t.right-t.dialect)
}

func playSQLite(t *testing.T, path string) (tally sqliteTally) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := slt.Parse(filepath.Base(path), string(text))
	if err != nil {
		t.Fatal(err)
	}
	thin(f, *sqliteLimit)
	r := newRig(t, configuration{groups: 256})
	defer r.close(t)
	judge := newJudge(t)
	p := slt.Player{Name: "postgresql", Public: true, Conn: &sqliteTables{rig: r}, After: func(rec *slt.Record, wrong error) error {
		if errors.Is(wrong, errNoTable) {
			return errNoTable
		}
		agrees := judge.agrees(rec)
		if rec.Kind != slt.Query {
			if wrong != nil && !rec.Fails { // what must fail is about tables
				t.Error(wrong)
			}
			return nil
		}
		tally.asked++
		switch {
		case wrong == nil:
			tally.right++
		case !agrees:
			tally.dialect++
		default:
			t.Error(wrong)
		}
		return nil
	}}
	if _, _, err := p.Play(f); err != nil && !errors.Is(err, errNoTable) {
		t.Error(err)
	}
	return tally
}

// thin leaves as many queries as the limit allows.
func thin(f *slt.File, limit int) {
	queries := 0
	for _, r := range f.Records {
		if r.Kind == slt.Query && r.RunsOn("postgresql") {
			queries++
		}
	}
	if limit == 0 || queries <= limit {
		return
	}
	seen := 0
	f.Records = slices.DeleteFunc(f.Records, func(r *slt.Record) bool {
		if r.Kind != slt.Query || !r.RunsOn("postgresql") {
			return false
		}
		seen++
		return seen*limit/queries == (seen-1)*limit/queries
	})
}

// judge asks PostgreSQL, if there is one.
type judge struct{ p *slt.Player }

func newJudge(t *testing.T) judge {
	t.Helper()
	if os.Getenv("ALLSOURCE_ORACLE") == "" {
		return judge{}
	}
	o := newOracle(t)
	if _, err := o.Run("SET search_path = pg_temp; SET statement_timeout = '20s'"); err != nil {
		t.Fatal(err)
	}
	return judge{&slt.Player{Name: "postgresql", Public: true, Conn: o}}
}

// agrees reports whether PostgreSQL answers as the record says; without one it is taken to.
func (j judge) agrees(r *slt.Record) bool {
	if j.p == nil {
		return true
	}
	wrong, err := j.p.Check(r)
	return wrong == nil && err == nil
}

// errNoTable ends a file that changes rows: events stay.
var errNoTable = errors.New("rows are changed")

// sqliteTables is a connection on which tables are types of events.
type sqliteTables struct {
	*rig
	names  []string
	tables map[string]sqliteTable
}

// sqliteTable is a table, or a view, which has only a definition.
type sqliteTable struct {
	columns []string
	def     string // the query that gives its rows
}

var (
	createTable = regexp.MustCompile(`(?is)^create\s+table\s+(\w+)\s*\((.*)\)\s*$`)
	createView  = regexp.MustCompile(`(?is)^create\s+view\s+(\w+)\s+as\s+(.*)$`)
	insertInto  = regexp.MustCompile(`(?is)^insert\s+into\s+(\w+)\s*(?:\(([^)]*)\)\s*)?((?:values|select).*)$`)
	noMatter    = regexp.MustCompile(`(?is)^(create\s+(unique\s+)?index|drop|reindex|analyze)\b`)
	changes     = regexp.MustCompile(`(?is)^(update|delete|replace|insert\s+or|create)\b`)
)

// Run runs a record of SQLite's.
func (s *sqliteTables) Run(sql string) (slt.Answer, error) {
	if s.tables == nil {
		s.tables = map[string]sqliteTable{}
	}
	if m := createTable.FindStringSubmatch(sql); m != nil {
		s.define(m[1], columnsOf(m[1], m[2]))
		return slt.Answer{}, nil
	}
	if m := createView.FindStringSubmatch(sql); m != nil {
		s.define(m[1], sqliteTable{def: m[2]})
		return slt.Answer{}, nil
	}
	if m := insertInto.FindStringSubmatch(sql); m != nil {
		return s.rig.Run(s.insert(m[1], m[2], m[3]))
	}
	switch {
	case noMatter.MatchString(sql):
		return slt.Answer{}, nil
	case changes.MatchString(sql):
		return slt.Answer{}, errNoTable
	}
	return s.rig.Run(s.with(sql) + sql)
}

func (s *sqliteTables) define(name string, t sqliteTable) {
	if _, ok := s.tables[name]; !ok {
		s.names = append(s.names, name)
	}
	s.tables[name] = t
}

// columnsOf reads the columns of CREATE TABLE; the types are SQLite's few.
func columnsOf(name, body string) sqliteTable {
	var t sqliteTable
	var list []string
	for part := range strings.SplitSeq(body, ",") {
		words := strings.Fields(part)
		if len(words) < 2 || strings.EqualFold(words[0], "primary") || strings.EqualFold(words[0], "unique") {
			continue
		}
		typ := "text"
		switch kind := strings.ToLower(words[1]); {
		case strings.HasPrefix(kind, "int"):
			typ = "int"
		case strings.HasPrefix(kind, "float"), strings.HasPrefix(kind, "real"), strings.HasPrefix(kind, "double"):
			typ = "float8"
		}
		t.columns = append(t.columns, words[0])
		list = append(list, fmt.Sprintf("(payload->>'%s')::%s AS %s", words[0], typ, words[0]))
	}
	t.def = fmt.Sprintf("SELECT %s FROM events WHERE event_type = 'sqlite.%s'", strings.Join(list, ", "), name)
	return t
}

// with makes tables of what a query names; a word that is none of them does no harm.
func (s *sqliteTables) with(sql string) string {
	need := map[string]bool{}
	var visit func(sql string)
	visit = func(sql string) {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(sql, -1) {
			if t, ok := s.tables[word]; ok && !need[word] {
				need[word] = true
				if t.columns == nil {
					visit(t.def)
				}
			}
		}
	}
	visit(sql)
	var parts []string
	for _, name := range s.names {
		if need[name] {
			parts = append(parts, name+" AS ("+s.tables[name].def+")")
		}
	}
	if parts == nil {
		return ""
	}
	return "WITH " + strings.Join(parts, ", ") + " "
}

// insert appends what a query gives as events of a table.
func (s *sqliteTables) insert(table, columns, query string) string {
	names := s.tables[table].columns
	if columns != "" {
		names = strings.Split(strings.ReplaceAll(columns, " ", ""), ",")
	}
	pairs := make([]string, len(names))
	for i, n := range names {
		pairs[i] = "'" + n + "', " + n
	}
	return fmt.Sprintf("INSERT INTO events (entity_id, event_type, payload) SELECT 'sqlite', 'sqlite.%s', jsonb_build_object(%s) FROM (%s%s) AS new(%s)",
		table, strings.Join(pairs, ", "), s.with(query), query, strings.Join(names, ", "))
}
