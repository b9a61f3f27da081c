package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dump is what pg_dump writes of a server, without the log.
func dump(t *testing.T, s *server) string {
	t.Helper()
	out, err := clientProgram(t, "pg_dump", "--no-owner", "-T", "events", "-d", s.url()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// statements are the lines of a dump in an order of their own: objects that do not depend on each other come as the server numbers them.
func statements(dump string) []string {
	var out []string
	for line := range strings.Lines(dump) {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "--") && !strings.HasPrefix(text, `\`) {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

// TestDump restores a dump into a new server: it has all there was, each object after what it needs, and says the same once more.
func TestDump(t *testing.T) {
	program(t, "pg_dump")
	script, err := os.ReadFile("testdata/dump.sql")
	if err != nil {
		t.Fatal(err)
	}
	first, second := startServer(t, filepath.Join(t.TempDir(), "first")), startServer(t, filepath.Join(t.TempDir(), "second"))
	if out := psql(t, first, string(script), "-v", "ON_ERROR_STOP=1"); strings.Contains(out, "ERROR") {
		t.Fatal(out)
	}
	text := dump(t, first)
	if out := psql(t, second, text, "-v", "ON_ERROR_STOP=1"); strings.Contains(out, "ERROR") {
		t.Fatalf("%s\nof the dump\n%s", out, text)
	}
	if again := dump(t, second); !slices.Equal(statements(text), statements(again)) {
		t.Errorf("the dump\n%s\nis restored as\n%s", text, again)
	}
	const question = `SELECT shop.put(7, 'seven'), shop.one(1), shop.total(9), (SELECT string_agg(x, ',' ORDER BY id) FROM shop.v), (SELECT z FROM shop.a_first), (SELECT count(*) FROM shop.mv),
		(SELECT string_agg(id || '=' || n, ',' ORDER BY id) FROM shop.g)`
	if one, two := psql(t, first, question, "-A", "-t"), psql(t, second, question, "-A", "-t"); one != two || !strings.HasPrefix(one, "3|") {
		t.Errorf("the same question gives\n%s\nand after the dump\n%s", one, two)
	}
}
