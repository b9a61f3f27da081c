package oracle

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// ours finds statements with clauses that PostgreSQL does not have.
var ours = regexp.MustCompile(`(?i)\bas of (system|timestamp|position)\b|\b(system|valid)_time\b|\bperiod for\b`)

// newer finds what PostgreSQL's parser knows since 16 and 17 and this one takes for functions.
var newer = regexp.MustCompile(`(?i)\bjson_(table|exists|value|query|array|object|arrayagg|objectagg|scalar|serialize)\b|\bjson\s*\(|\bmerge_action\b`)

// tally counts how one source of statements fared.
type tally struct{ total, same, bothRefuse, sameError, tree, weRefuse, weAccept, unsupported, excluded int }

func shared() string {
	if s := os.Getenv("SHARED"); s != "" {
		return s
	}
	return "../../../../shared"
}

func TestCorpus(t *testing.T) {
	b, err := os.ReadFile("../testdata/corpus.sql")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "corpus", strings.Split(string(b), "\n----\n"))
}

func TestShared(t *testing.T) {
	dir := shared()
	if _, err := os.Stat(filepath.Join(dir, "sql")); err != nil {
		t.Skipf("no statements to compare: %s/sql is not there; SHARED names the folder", dir)
	}
	compare(t, "expressions", jsonLines(t, filepath.Join(dir, "sql", "postgres15_expressions.jsonl")))
	b, err := os.ReadFile(filepath.Join(dir, "sql", "bi_and_driver_statements.sql"))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "bi_and_driver", strings.Split(string(b), "\n----\n"))
	files, _ := filepath.Glob(filepath.Join(dir, "clients", "recorded", "*.sql"))
	var all []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, regexp.MustCompile(`(?m)^-- \[.*$`).Split(string(b), -1)...)
	}
	compare(t, "recorded", all)
}

func jsonLines(t *testing.T, file string) []string {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var line struct{ SQL string }
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line.SQL)
	}
	return out
}

func compare(t *testing.T, name string, statements []string) {
	t.Run(name, func(t *testing.T) {
		var c tally
		for _, sql := range statements {
			if sql = strings.TrimSpace(sql); sql == "" {
				continue
			}
			c.total++
			if ours.MatchString(sql) || newer.MatchString(sql) {
				c.excluded++
				continue
			}
			c.one(t, sql)
		}
		t.Logf("%d statements: %d the same tree, %d refused by both (%d with the same message and place), %d not supported here, %d excluded; "+
			"differences: %d trees, %d refused here only, %d accepted here only",
			c.total, c.same, c.bothRefuse, c.sameError, c.unsupported, c.excluded, c.tree, c.weRefuse, c.weAccept)
	})
}

// one compares the two parsers on one statement.
func (c *tally) one(t *testing.T, sql string) {
	want, pgErr := pg.ParseToJSON(sql)
	stmts, err := syntax.Parse(sql)
	switch {
	case pgErr != nil && err != nil:
		c.bothRefuse++
		c.compareErrors(t, sql, err, pgErr)
		return
	case err != nil && pgerr.Is(err, pgerr.FeatureNotSupported):
		c.unsupported++
		return
	case err != nil:
		c.weRefuse++
		t.Errorf("refused: %v: %s", err, sql)
		return
	case pgErr != nil:
		for _, s := range stmts {
			if _, ok := s.Stmt.(*syntax.Unsupported); ok {
				c.unsupported++
				return
			}
		}
		c.weAccept++
		t.Errorf("accepted, PostgreSQL says %v: %s", pgErr, sql)
		return
	}
	printed := make([]string, len(stmts))
	for i, s := range stmts {
		printed[i] = syntax.Format(s.Stmt)
	}
	text := strings.Join(printed, ";\n")
	got, pgErr := pg.ParseToJSON(text)
	if pgErr != nil {
		c.tree++
		t.Errorf("printed text is refused: %v\n  source:  %s\n  printed: %s", pgErr, sql, text)
		return
	}
	if a, b := normal(t, want), normal(t, got); !reflect.DeepEqual(a, b) {
		c.tree++
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		i := 0
		for i < min(len(x), len(y)) && x[i] == y[i] {
			i++
		}
		from := max(0, i-80)
		t.Errorf("another tree\n  source:  %s\n  printed: %s\n  wanted: %s\n  got:    %s", sql, text,
			x[from:min(i+120, len(x))], y[from:min(i+120, len(y))])
		return
	}
	c.same++
}

// compareErrors compares messages and places; other words for the same refusal are no failure.
func (c *tally) compareErrors(t *testing.T, sql string, err, pgErr error) {
	var theirs *parser.Error
	if !errors.As(pgErr, &theirs) {
		t.Fatal(pgErr)
	}
	if ours := pgerr.From(err); ours.Message == theirs.Message && ours.Position == theirs.Cursorpos {
		c.sameError++
	} else {
		t.Logf("%q at %d, PostgreSQL %q at %d: %s", ours.Message, ours.Position, theirs.Message, theirs.Cursorpos, sql)
	}
}

// normal is a tree without what depends on the text: places, and underscores in numbers.
func normal(t *testing.T, tree string) any {
	var v any
	if err := json.Unmarshal([]byte(tree), &v); err != nil {
		t.Fatal(err)
	}
	return without(v)
}

func without(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if strings.HasSuffix(k, "location") || k == "stmt_len" || k == "list_start" || k == "list_end" {
				delete(v, k)
				continue
			}
			v[k] = without(x)
		}
		if s, ok := v["fval"].(string); ok {
			v["fval"] = strings.ReplaceAll(s, "_", "")
		}
		if b, ok := v["Boolean"].(map[string]any); ok && b["boolval"] == true { // of COPY's old options
			return map[string]any{"String": map[string]any{"sval": "true"}}
		}
	case []any:
		for i := range v {
			v[i] = without(v[i])
		}
	}
	return v
}
