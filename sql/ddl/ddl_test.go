package ddl

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/allsource-db/allsource/sql/bind"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

var record = flag.String("record", "", "a PostgreSQL to record the answers from: postgres://…")

// TestScripts plans the statements of testdata one after another, without rows, and compares what is said with what PostgreSQL said.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { playScript(t, f) })
	}
}

// block is a statement and what it is answered with.
type block struct{ sql, answer string }

func readScript(t *testing.T, file string) []block {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	for _, part := range strings.Split(string(b), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			sql, answer, _ := strings.Cut(part, "\n----\n")
			out = append(out, block{strings.TrimSuffix(sql, "\n----"), answer})
		}
	}
	return out
}

func playScript(t *testing.T, file string) {
	blocks := readScript(t, file)
	if *record != "" {
		recordScript(t, file, blocks)
		return
	}
	cat := catalog.New("db").With()
	next := datum.OID(16500)
	for _, b := range blocks {
		var said []string
		ctx := &Context{
			Bind:      &bind.Context{Catalog: cat, SearchPath: []string{"public"}, Env: &datum.Env{}, Text: b.sql},
			Path:      []string{"public"},
			NewID:     func() (datum.OID, error) { next++; return next, nil },
			Notice:    func(n *pgerr.Error) { said = append(said, message("NOTICE", n)) },
			Constant:  func(syntax.Expr, catalog.TypeRef) (*string, error) { return nil, nil },
			LastValue: func(o *catalog.SequenceObject) (int64, error) { return o.Start, nil },
		}
		st, err := syntax.ParseOne(b.sql)
		var ch *Change
		if err == nil {
			ch, err = Plan(ctx, st.Stmt)
		}
		if err == nil {
			cat = Apply(cat, ch.Objects, ch.Dropped)
		} else {
			said = append(said, message("ERROR", pgerr.From(err)))
		}
		if got := strings.Join(said, "\n"); got != b.answer {
			t.Errorf("%s\nanswers\n%s\nPostgreSQL\n%s", b.sql, got, b.answer)
		}
	}
}

func message(level string, e *pgerr.Error) string {
	s := fmt.Sprintf("%s:  %s: %s", level, e.Code, e.Message)
	if e.Detail != "" {
		s += "\nDETAIL:  " + e.Detail
	}
	if e.Hint != "" {
		s += "\nHINT:  " + e.Hint
	}
	return s
}

// recordScript writes the answers of PostgreSQL into a script.
func recordScript(t *testing.T, file string, blocks []block) {
	var in strings.Builder
	in.WriteString("DROP DATABASE IF EXISTS ddlrecord;\nCREATE DATABASE ddlrecord;\n\\c ddlrecord\n\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n\\echo @@@@\n")
	for _, b := range blocks {
		in.WriteString(b.sql + ";\n\\echo @@@@\n")
	}
	cmd := exec.Command("psql", "-X", "-q", *record)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answers := strings.Split(string(out), "@@@@\n")[1:]
	var text strings.Builder
	for i, b := range blocks {
		text.WriteString(b.sql + "\n----\n")
		skip := false
		for _, line := range strings.Split(answers[i], "\n") {
			if strings.HasPrefix(line, "LINE ") || strings.HasPrefix(line, "LOCATION: ") {
				skip = strings.HasPrefix(line, "LINE ")
				continue
			}
			if skip || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "SCHEMA NAME:") || strings.HasSuffix(line, "NAME:") {
				skip = false
				continue
			}
			text.WriteString(line + "\n")
		}
		text.WriteString("\n")
	}
	if err := os.WriteFile(file, []byte(strings.TrimSuffix(text.String(), "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
