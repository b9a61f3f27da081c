package engine_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/sql/opt"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// TestSession plays the scripts of testdata/session, each on a new store whose clock goes only when it is told to. `sql` runs
// a script as one message of the simple protocol, after the WITH query that `table` gave a name where with= says so; `analyze`
// does too and masks what is measured. `copy` has the statement on its first line and the data on the others (escaped: with
// Go's escapes, hex: in hexadecimal, piece=n: in pieces of n bytes). `clock` moves the clock by a Go duration; `seal`, `compact`
// and `reopen` are what they say. session=name says who does it. Answers are columns apart by |, then the tag, then the state
// of the transaction where there is one. `same` compares two queries that are apart by a line with =, and says how many rows they have.
func TestSession(t *testing.T) {
	datadriven.Walk(t, "testdata/session", func(t *testing.T, path string) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		s := &sessions{bed: newBed(t), people: map[string]*person{}, tables: map[string]string{}}
		defer func() {
			s.leave()
			s.close(t)
		}()
		datadriven.RunTest(t, path, s.step)
	})
}

// TestRulesOff plays the scripts with PostgreSQL's answers again, with each rule of the optimizer switched off, and without
// any: the answers are the same.
func TestRulesOff(t *testing.T) {
	off := []string{"all"}
	for _, r := range opt.Rules() {
		off = append(off, r.Name)
	}
	for _, rule := range off {
		for _, script := range []string{"queries.txt", "correlated.txt", "joins.txt", "windows.txt"} {
			t.Run(rule+"/"+script, func(t *testing.T) {
				s := &sessions{bed: newBed(t), people: map[string]*person{}, tables: map[string]string{}, first: "SET optimizer_off = '" + rule + "'"}
				defer func() {
					s.leave()
					s.close(t)
				}()
				datadriven.RunTest(t, filepath.Join("testdata/session", script), s.step)
			})
		}
	}
}

// measured are the figures of EXPLAIN ANALYZE that no test can foretell.
var measured = regexp.MustCompile(`(time=|Time: |Bytes: |Memory: |"Bytes Read": |"Peak Memory Usage": )[0-9.]+(?: ?[mkM]?[sB])?`)

type sessions struct {
	*bed
	people map[string]*person
	first  string // what everybody runs first
	tables map[string]string
}

func (s *sessions) leave() {
	for _, p := range s.people {
		p.s.Close()
	}
	clear(s.people)
}

// person is who does a step.
func (s *sessions) person(t *testing.T, d *datadriven.TestData) *person {
	t.Helper()
	name := "ann"
	d.MaybeScanArgs(t, "session", &name)
	p := s.people[name]
	if p == nil {
		_, database, ok := strings.Cut(name, "@")
		if !ok {
			database = storage.FirstDatabase
		}
		p = s.connectTo(t, len(s.people)%len(s.engines), database)
		s.people[name] = p
		if _, err := p.run(s.first); err != nil {
			d.Fatalf(t, "%s: %v", s.first, err)
		}
	}
	return p
}

func (s *sessions) step(t *testing.T, d *datadriven.TestData) string {
	p, name := s.person(t, d), ""
	var err error
	switch d.Cmd {
	case "table":
		d.ScanArgs(t, "name", &name)
		s.tables[name] = d.Input
		return ""
	case "sql":
		name := ""
		if d.MaybeScanArgs(t, "with", &name); name != "" {
			d.Input = "WITH " + s.tables[name] + "\n" + d.Input
		}
		answers, err := p.run(d.Input)
		return p.report(answers, err)
	case "same":
		one, other, _ := strings.Cut(d.Input, "\n=\n")
		return p.compare(t, one, other)
	case "analyze":
		answers, err := p.run(d.Input)
		return measured.ReplaceAllString(p.report(answers, err), "$1#")
	case "copy":
		tag, err := p.copyCommand(t, d)
		if err != nil {
			return p.report(nil, err)
		}
		return p.report([]answer{{tag: tag}}, nil)
	case "clock":
		var step time.Duration
		if step, err = time.ParseDuration(strings.TrimSpace(d.Input)); err == nil {
			s.clock.unix.Add(step.Microseconds())
		}
	case "seal":
		err = s.db.Seal(t.Context())
	case "compact":
		err = s.db.Compact(t.Context())
	case "reopen":
		s.leave()
		s.close(t)
		s.open(t)
	default:
		err = fmt.Errorf("no command is called %q", d.Cmd)
	}
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return ""
}

// compare says what two queries answer differently.
func (p *person) compare(t *testing.T, one, other string) string {
	t.Helper()
	var text [2]string
	rows := 0
	for i, sql := range []string{one, other} {
		answers, err := p.run(sql)
		if text[i] = p.report(answers, err); err == nil && len(answers) == 1 {
			rows = len(answers[0].rows)
			_, text[i], _ = strings.Cut(text[i], "\n") // the names of the columns
		}
	}
	if text[0] != text[1] {
		return text[0] + "and\n" + text[1]
	}
	return fmt.Sprintf("%d rows\n", rows)
}

func (p *person) copyCommand(t *testing.T, d *datadriven.TestData) (string, error) {
	sql, text, _ := strings.Cut(d.Input, "\n")
	data := []byte(text)
	if len(data) > 0 {
		data = append(data, '\n')
	}
	switch {
	case d.HasArg("hex"):
		var err error
		if data, err = hex.DecodeString(strings.Join(strings.Fields(text), "")); err != nil {
			d.Fatalf(t, "%v", err)
		}
	case d.HasArg("escaped"):
		s, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(text, `"`, `\"`), "\n", "") + `"`)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		data = []byte(s)
	}
	piece := 0
	d.MaybeScanArgs(t, "piece", &piece)
	return p.copyIn(sql, data, piece)
}

// report prints what a client sees.
func (p *person) report(answers []answer, err error) string {
	var w strings.Builder
	for _, n := range p.notices {
		level := n.Severity.String()
		if n.Code != "00000" {
			level += " " + string(n.Code)
		}
		describeError(&w, level, n)
	}
	p.notices = nil
	for _, a := range answers {
		if len(a.fields) > 0 {
			w.WriteString(strings.Join(a.fields, " | ") + "\n")
		}
		for _, row := range a.rows {
			if a.fields != nil && len(a.fields) == 0 {
				row = []string{strconv.Quote(row[0])}
			}
			w.WriteString(strings.Join(row, " | ") + "\n")
		}
		w.WriteString(a.tag + "\n")
	}
	if err != nil {
		e := pgerr.From(err)
		var known *pgerr.Error
		if !errors.As(err, &known) {
			w.WriteString("not an error for clients: ")
		}
		describeError(&w, "ERROR "+string(e.Code), e)
	}
	if status := p.s.Status(); status != 'I' {
		fmt.Fprintf(&w, "[%c]\n", status)
	}
	return w.String()
}

func describeError(w *strings.Builder, level string, e *pgerr.Error) {
	fmt.Fprintf(w, "%s: %s", level, e.Message)
	if e.Position > 0 {
		fmt.Fprintf(w, " at %d", e.Position)
	}
	w.WriteString("\n")
	for _, f := range []struct{ name, text string }{{"detail", e.Detail}, {"hint", e.Hint}, {"where", e.Where}} {
		if f.text != "" {
			fmt.Fprintf(w, "  %s: %s\n", f.name, f.text)
		}
	}
}

// TestLongFieldInSmallPieces would take minutes if every piece were a reason to look at the whole row again.
func TestLongFieldInSmallPieces(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p := b.connect(t, 0)
	defer p.s.Close()
	long := strings.Repeat("many words, ", 1<<20)
	for format, row := range map[string]string{
		"csv":  `e,t,"{""a"": ""` + long + `""}"`,
		"text": "e\tt\t" + `{"a": "` + long + `"}`,
	} {
		if _, err := p.copyIn("COPY events (entity_id, event_type, payload) FROM STDIN (FORMAT "+format+")", []byte(row+"\n"), 256); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
	}
	got, err := p.ask("SELECT count(*), min(length(payload->>'a')), max(length(payload->>'a')) FROM events")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("2|%d|%d", len(long), len(long)); len(got.rows) != 1 || strings.Join(got.rows[0], "|") != want {
		t.Fatalf("%v, expected %s", got.rows, want)
	}
}

// TestTransactionTimeout: a transaction that takes too long ends its connection, also between its statements; the shorter of two limits counts.
func TestTransactionTimeout(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	for _, c := range []struct{ before, sql, want string }{
		{"SET transaction_timeout = '20ms'", "SELECT pg_sleep(60)", "25P04"},
		{"SET transaction_timeout = '20ms'", "SELECT 1; SELECT pg_sleep(60)", "25P04"},
		{"SET transaction_timeout = '20ms'; BEGIN", "SELECT pg_sleep(60)", "25P04"},
		{"SET transaction_timeout = '20ms'; BEGIN; COMMIT AND CHAIN", "SELECT pg_sleep(60)", "25P04"},
		{"SET transaction_timeout = '1h'; SET statement_timeout = '20ms'; BEGIN", "SELECT pg_sleep(60)", "57014"},
		{"SET transaction_timeout = '1h'", "SELECT 1", ""},
	} {
		p := b.connect(t, 0)
		if _, err := p.run(c.before); err != nil && !strings.HasPrefix(c.want, "25") {
			t.Fatal(err)
		}
		if limit, err := p.s.IdleLimit(); p.s.Status() == 'T' && (limit == 0 || err.Code != "25P04") {
			t.Errorf("%s: the client may be idle for %v, %v", c.before, limit, err)
		}
		_, err := p.run(c.sql)
		got := ""
		if err != nil {
			got = string(pgerr.From(err).Code)
		}
		if got != c.want || (p.s.Over() != nil) != (c.want == "25P04") {
			t.Errorf("%s, %s: %v, over %v", c.before, c.sql, err, p.s.Over())
		}
		p.s.Close()
	}
}
