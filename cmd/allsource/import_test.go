package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// buffer is a strings.Builder that several goroutines may write.
type buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func writeLines(t *testing.T, name string, n int) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintf(w, `{"entity_id":"e-%d","event_type":"t.%d","timestamp":"2026-01-01T00:00:00Z","payload":{"n":%d,"text":"some text"}}`+"\n", i%1000, i%7, i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// cli runs a command line in this process and returns its status and output.
func cli(t *testing.T, stdin string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e buffer
	status = run(context.Background(), args, streams{strings.NewReader(stdin), &o, &e})
	return status, o.String(), e.String()
}

func mustCLI(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	status, out, errs := cli(t, stdin, args...)
	if status != 0 {
		t.Fatalf("allsource %s: status %d\n%s%s", strings.Join(args, " "), status, out, errs)
	}
	return out + errs
}

func askCSV(t *testing.T, data, sql string) string {
	t.Helper()
	status, out, errs := cli(t, "", "sql", "--data", data, "--format", "csv", "-c", sql)
	if status != 0 {
		t.Fatalf("%s: %s", sql, errs)
	}
	return out
}

func TestImportTwiceAddsNothing(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "e.ndjson")
	writeLines(t, file, 5000)
	mustCLI(t, "", "import", "--data", data, file)
	out := mustCLI(t, "", "import", "--data", data, file)
	if !strings.Contains(out, "5,000 lines were imported before") {
		t.Errorf("the second import says %q", out)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, `{"entity_id":"late","event_type":"t","payload":{}}`)
	f.Close()
	mustCLI(t, "", "import", "--data", data, file)
	mustCLI(t, "", "import", "--data", data, file)
	if got := askCSV(t, data, "SELECT count(*), count(DISTINCT payload->>'n') FROM events"); got != "count,count\n5001,5000\n" {
		t.Errorf("got %q", got)
	}
}

func TestImportBadLine(t *testing.T) {
	dir := t.TempDir()
	data, bad := filepath.Join(dir, "data"), filepath.Join(dir, "bad.ndjson")
	in := `{"entity_id":"a","event_type":"t","payload":{"n":1}}
{"entity_id":"a","event_type":"t","payload":{"n":}}
{"event_type":"t"}
{"entity_id":"a","event_type":"t","payload":{"n":2}}
`
	status, _, errs := cli(t, in, "import", "--data", data, "-")
	if status != 1 || !strings.Contains(errs, "line 2") || !strings.Contains(errs, "column 50") {
		t.Errorf("status %d: %s", status, errs)
	}
	if got := askCSV(t, data, "SELECT count(*) FROM events"); got != "count\n0\n" {
		t.Errorf("after the refused import: %q", got)
	}
	out := mustCLI(t, in, "import", "--data", data, "--skip-bad", bad, "-")
	if !strings.Contains(out, "2 events added") || !strings.Contains(out, "2 lines set aside") {
		t.Errorf("the import says %q", out)
	}
	lines, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join(strings.Split(in, "\n")[1:3], "\n") + "\n"
	if string(lines) != want {
		t.Errorf("set aside: %q, want %q", lines, want)
	}
}

func TestImportCSVMapGzip(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "e.csv.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, "user,kind,at,amount,note\nu1,paid,2026-01-02T03:04:05Z,12.50,\"a, \"\"b\"\"\"\nu2,paid,2026-01-02T03:04:06Z,3,\n")
	z.Close()
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	mustCLI(t, "", "import", "--data", data, "--map", "entity_id=user,event_type=kind,timestamp=at", file)
	got := askCSV(t, data, "SELECT entity_id, event_type, timestamp, payload FROM events ORDER BY position")
	want := "entity_id,event_type,timestamp,payload\n" +
		`u1,paid,2026-01-02 03:04:05+00,"{""note"": ""a, \""b\"""", ""amount"": 12.50}"` + "\n" +
		`u2,paid,2026-01-02 03:04:06+00,"{""amount"": 3}"` + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestImportAsRecorded(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "rails.ndjson.gz")
	if err := os.WriteFile(file, demoEvents, 0o600); err != nil {
		t.Fatal(err)
	}
	mustCLI(t, "", "import", "--data", data, "--as-recorded", file)
	if got := askCSV(t, data, "SELECT count(*), count(DISTINCT entity_id), max(recorded_at) = max(timestamp) AS same FROM events"); got != "count,count,same\n75011,5876,t\n" {
		t.Errorf("got %q", got)
	}
	past := askCSV(t, data, "SELECT count(*) FROM events AS OF SYSTEM TIME '2014-01-01'")
	if want := askCSV(t, data, "SELECT count(*) FROM events WHERE timestamp <= '2014-01-01'"); past != want || past == "count\n0\n" {
		t.Errorf("as of 2014: %q, counted by timestamp: %q", past, want)
	}
	status, _, errs := cli(t, `{"entity_id":"a","event_type":"t","timestamp":"2014-01-01T00:00:00Z","payload":{}}`+"\n", "import", "--data", data, "--as-recorded", "-")
	if status != 1 || !strings.Contains(errs, "recorded times must rise") {
		t.Errorf("a recorded time in the log's past: status %d, %s", status, errs)
	}
}
