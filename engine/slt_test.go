package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/engine/slt"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/opt"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/wire/pg"
)

// configuration is one way to run the corpus: no answer may depend on it. The zero value is how a server runs.
type configuration struct {
	name    string
	cheap   bool     // part of every test run, over a sample of the files
	set     []string // statements at the start of each session
	batch   int      // rows per batch
	workers int      // 0: 3
	memory  int64    // of all statements together, 0: enough
	groups  int      // rows of a row group, 0: 64
	load    int      // events per INSERT that brings the data, 0: half of it as one COPY, the rest in INSERTs of 20
	seal    bool     // what is in the tail is sealed before each statement
	reopen  bool     // the store is closed and opened between load and queries
	wire    bool     // over the wire, prepared, with results in binary
	scalar  bool     // without the processor's wide registers
	again   bool     // a query is asked until its plan comes from the cache
	restart bool     // the store is closed and opened before every third record that is in no transaction
	plain   bool     // nothing is done by another way because it is about one row
	own     bool     // the second half of the events is appended by the transaction that asks
}

// configurations is the table of all ways.
func configurations() []configuration {
	list := []configuration{
		{name: "default"},
		{name: "batches of 1", batch: 1, cheap: true},
		{name: "batches of 2", batch: 2},
		{name: "unoptimized", set: []string{"SET optimizer_off = 'all'"}, cheap: true},
		{name: "tail", load: 7, groups: 1 << 16, cheap: true},
		{name: "sealed", load: 1000, groups: 4, seal: true, cheap: true},
		{name: "reopened", load: 50, groups: 16, reopen: true, cheap: true},
		{name: "wire", wire: true, cheap: true},
		{name: "little memory", memory: 256 << 10, groups: 16, cheap: true},
		{name: "1 worker", workers: 1, groups: 16},
		{name: "8 workers", workers: 8, groups: 4, seal: true},
		{name: "scalar", scalar: true, groups: 16, seal: true},
		{name: "again", again: true, cheap: true},
		{name: "plain", plain: true, cheap: true},
		{name: "restarted", groups: 16, restart: true, cheap: true},
		{name: "own", groups: 16, own: true, cheap: true},
		{name: "own, sealed", groups: 4, own: true, seal: true, workers: 8},
	}
	for _, rule := range opt.Rules() {
		list = append(list, configuration{name: "without " + rule.Name, set: []string{"SET optimizer_off = '" + rule.Name + "'"}})
	}
	return list
}

// TestSLT plays testdata/slt: by default the whole corpus as a server runs, and a sample under the configurations that are cheap;
// with ALLSOURCE_SLT=all everything under every configuration. The answers in testdata/slt/events are our own reasoning, about what
// PostgreSQL has not; all others are PostgreSQL's (see TestSLTElsewhere), those in testdata/slt/later of a later one than is followed.
func TestSLT(t *testing.T) {
	all := os.Getenv("ALLSOURCE_SLT") == "all"
	for _, c := range configurations() {
		if c.name != "default" && !all && !c.cheap {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			for _, path := range corpus(t, "*.slt", "events/*.slt", "later/*.slt") {
				if c.name != "default" && !all && !sampled(c.name, path) || !c.plays(path) {
					continue
				}
				t.Run(strings.TrimSuffix(filepath.Base(path), ".slt"), func(t *testing.T) {
					defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
					playFile(t, c, path)
				})
			}
		})
	}
}

func corpus(t *testing.T, patterns ...string) []string {
	t.Helper()
	var out []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join("testdata/slt", pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		out = append(out, found...)
	}
	return out
}

// sampled picks a fourth of the files, others for each configuration.
func sampled(name, path string) bool {
	h := fnv.New32()
	h.Write([]byte(name + path))
	return h.Sum32()%4 == 0
}

// plays reports whether a file's answers are the same under the configuration.
func (c configuration) plays(path string) bool {
	switch file := filepath.Base(path); {
	case c.own:
		return !hasTransactions(path) && file != "sizes.slt" // rows take room when they are committed
	case c.again: // its queries must not change anything
		return !slices.Contains([]string{"routines.slt", "bodies.slt", "function_settings.slt", "function_snapshots.slt", "in_use.slt", "sequence_limits.slt", "system_columns.slt"}, file)
	}
	return true
}

// hasTransactions reports whether a file is about transactions, or about the past, which does not have a transaction's own events.
func hasTransactions(path string) bool {
	switch filepath.Base(path) {
	case "catalog.slt", "current_of.slt", "cursors.slt", "errors.slt", "foreign_keys.slt", "function_settings.slt", "in_use.slt", "indexes_in_transactions.slt", "past.slt", "prepared_tables.slt", "routines.slt", "savepoint_checks.slt", "sequence_limits.slt", "session_objects.slt", "tables.slt":
		return true
	}
	return strings.Contains(path, "/events/") || strings.Contains(path, "/later/")
}

func readFile(t *testing.T, path string) *slt.File {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := slt.Parse(path, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func playFile(t *testing.T, c configuration, path string) {
	t.Helper()
	if c.scalar {
		defer vec.Use(vec.Scalar)()
	}
	f := readFile(t, path)
	r := newRig(t, c)
	defer r.close(t)
	name, _, _ := strings.Cut(c.name, " ")
	p := slt.Player{Name: name, Conn: r, After: func(_ *slt.Record, wrong error) error {
		if wrong != nil {
			t.Error(wrong)
		}
		return nil
	}}
	played, _, err := p.Play(f)
	if err != nil {
		t.Error(err)
	}
	if played == 0 {
		t.Errorf("%s has no records", path)
	}
}

// rig is a store with the corpus' events and a session on it.
type rig struct {
	*bed
	t      *testing.T
	c      configuration
	person *person
	net    *wireRig
	ran    int      // records
	kept   []string // what a session remembers, for one that begins anew
}

func newRig(t *testing.T, c configuration) *rig {
	t.Helper()
	if c.groups == 0 {
		c.groups = 64
	}
	r := &rig{bed: newBedOf(t, c.groups), t: t, c: c}
	r.begin()
	r.loadEvents()
	if c.reopen {
		r.restart()
	}
	return r
}

// restart is a stop of the server after which the client goes on.
func (r *rig) restart() {
	r.end()
	r.bed.close(r.t)
	r.bed.open(r.t)
	r.begin()
	for _, sql := range r.kept {
		_, _ = r.person.run(sql) // what failed then fails again
	}
}

func (r *rig) begin() {
	r.t.Helper()
	c := r.c
	if c.workers == 0 {
		c.workers = 3
	}
	if c.memory == 0 {
		c.memory = 64 << 20
	}
	r.engines = []*engine.Engine{engine.New(engine.Config{Logs: bedLogs{r.store}, Memory: c.memory, TempDir: r.t.TempDir(),
		Now: r.clock.now, Workers: c.workers, BatchRows: c.batch, Operators: c.plain})}
	r.person = r.connect(r.t, 0)
	if c.wire {
		r.net = newWireRig(r.t, r.engines[0])
	}
	for _, s := range append([]string{"SET statement_timeout = '30s'"}, c.set...) {
		var err error
		if r.net != nil {
			_, err = r.net.run(s)
		} else {
			_, err = r.person.run(s)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) end() {
	r.person.s.Close()
	if r.net != nil {
		r.net.close(r.t)
		r.net = nil
	}
}

func (r *rig) close(t *testing.T) {
	t.Helper()
	r.end()
	r.bed.close(t)
}

// dataEvent is one line of the corpus' events.
type dataEvent struct {
	EntityID  string          `json:"entity_id"`
	EventType string          `json:"event_type"`
	Timestamp string          `json:"timestamp"`
	Payload   json.RawMessage `json:"payload"`
}

func dataLines(t *testing.T) [][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/slt/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// insertOf is the INSERT of some lines.
func insertOf(t *testing.T, lines [][]byte) string {
	t.Helper()
	var w strings.Builder
	w.WriteString(`INSERT INTO events (entity_id, event_type, "timestamp", payload) VALUES `)
	for i, line := range lines {
		var e dataEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if i > 0 {
			w.WriteString(", ")
		}
		fmt.Fprintf(&w, "(%s, %s, %s, %s)", quote(e.EntityID), quote(e.EventType), quote(e.Timestamp), quote(string(e.Payload)))
	}
	return w.String()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (r *rig) loadEvents() {
	r.t.Helper()
	lines, each := dataLines(r.t), r.c.load
	if each == 0 {
		half := len(lines) / 2
		if _, err := r.person.copyIn("COPY events FROM STDIN WITH (FORMAT ndjson)", bytes.Join(lines[:half], nil), 0); err != nil {
			r.t.Fatal(err)
		}
		lines, each = lines[half:], 20
	}
	if r.c.own {
		r.statement("BEGIN")
	}
	for len(lines) > 0 {
		n := min(each, len(lines))
		r.statement(insertOf(r.t, lines[:n]))
		lines = lines[n:]
	}
}

// statement runs what must not fail.
func (r *rig) statement(sql string) {
	r.t.Helper()
	if _, err := r.person.run(sql); err != nil {
		r.t.Fatal(err)
	}
}

// stated is an error as slt wants it.
type stated struct{ err *pgerr.Error }

func (s stated) Error() string    { return s.err.Error() }
func (s stated) SQLState() string { return string(s.err.Code) }

// Run runs a script in the session, or over the wire.
func (r *rig) Run(sql string) (slt.Answer, error) {
	if r.c.seal {
		if err := r.db.Seal(context.Background()); err != nil {
			return slt.Answer{}, err
		}
	}
	if r.net != nil {
		return r.net.run(sql)
	}
	if r.ran++; r.c.restart && r.ran%3 == 0 && r.person.s.Status() == 'I' {
		r.restart()
	}
	switch word, _, _ := strings.Cut(sql, " "); strings.ToUpper(word) {
	case "SET", "RESET", "PREPARE", "DEALLOCATE":
		r.kept = append(r.kept, sql)
	}
	if word, _, _ := strings.Cut(sql, " "); r.c.again && (word == "SELECT" || word == "WITH") && !strings.Contains(sql, "append(") {
		for range 2 {
			if _, err := r.person.run(sql); err != nil {
				break
			}
		}
	}
	if r.c.own {
		r.statement("SAVEPOINT before")
	}
	answers, err := r.person.run(sql)
	if err != nil && r.c.own {
		r.statement("ROLLBACK TO before")
	}
	if err != nil {
		return slt.Answer{}, stated{err: pgerr.From(err)}
	}
	if len(answers) == 0 {
		return slt.Answer{}, nil
	}
	a := answers[len(answers)-1]
	out := slt.Answer{Types: classes(a.types), Rows: make([][]*string, len(a.rows))}
	for i, row := range a.rows {
		for k := range row {
			v := &row[k]
			if a.binary[i][k] == "NULL" {
				v = nil
			}
			out.Rows[i] = append(out.Rows[i], v)
		}
	}
	return out, nil
}

// classes names the classes of types as slt does.
func classes(types []datum.OID) string {
	out := make([]byte, len(types))
	for i, t := range types {
		switch t {
		case datum.Int2, datum.Int4, datum.Int8:
			out[i] = 'I'
		case datum.Float4, datum.Float8, datum.Numeric:
			out[i] = 'R'
		case datum.Bool:
			out[i] = 'B'
		default:
			out[i] = 'T'
		}
	}
	return string(out)
}

// wireRig is the engine behind its front door, and a client.
type wireRig struct {
	client *pgconn.PgConn
	stop   func()
}

func newWireRig(t *testing.T, e *engine.Engine) *wireRig {
	t.Helper()
	front := pg.NewServer(pg.Config{Engine: e, MaxConnections: 5, Logger: slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- front.Serve(context.Background(), l) }()
	client, err := pgconn.Connect(context.Background(), fmt.Sprintf("postgres://ann@%s/%s?sslmode=disable", l.Addr(), storage.FirstDatabase))
	if err != nil {
		t.Fatal(err)
	}
	return &wireRig{client, func() {
		l.Close()
		front.Shutdown(context.Background())
		if err := <-served; err != nil {
			t.Error(err)
		}
	}}
}

func (w *wireRig) close(t *testing.T) {
	if err := w.client.Close(context.Background()); err != nil {
		t.Error(err)
	}
	w.stop()
}

// run asks in binary, and in text where PostgreSQL has no reader of the binary form; a script that is not one statement goes
// as a simple query.
func (w *wireRig) run(sql string) (slt.Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	prep, err := w.client.Prepare(ctx, "", sql, nil)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "42601" && strings.Contains(e.Message, "multiple commands") {
		return slt.Answer{}, w.client.Exec(ctx, sql).Close()
	}
	if err != nil {
		return slt.Answer{}, err
	}
	formats := make([]int16, len(prep.Fields))
	for i, f := range prep.Fields {
		if oid := datum.OID(f.DataTypeOID); oid != datum.Record && oid != datum.RecordArray {
			formats[i] = pgx.BinaryFormatCode
		}
	}
	env := &datum.Env{ExtraFloatDigits: 1}
	env.Location, _, _ = datum.ZoneSetting(w.client.ParameterStatus("TimeZone"))
	var bad error
	rows := w.client.ExecPrepared(ctx, "", nil, nil, formats)
	a := answerOf(rows, func(f pgconn.FieldDescription, v []byte) string {
		if f.Format == pgx.TextFormatCode {
			return string(v)
		}
		text, err := textOf(datum.OID(f.DataTypeOID), v, env)
		bad = errors.Join(bad, err)
		return text
	})
	_, err = rows.Close()
	return a, errors.Join(err, bad)
}

// answerOf reads rows, whose values text turns into text.
func answerOf(rows *pgconn.ResultReader, text func(pgconn.FieldDescription, []byte) string) slt.Answer {
	var a slt.Answer
	fields := rows.FieldDescriptions()
	types := make([]datum.OID, len(fields))
	for i, f := range fields {
		types[i] = datum.OID(f.DataTypeOID)
	}
	a.Types = classes(types)
	for rows.NextRow() {
		row := make([]*string, len(types))
		for k, v := range rows.Values() {
			if v != nil {
				s := text(fields[k], v)
				row[k] = &s
			}
		}
		a.Rows = append(a.Rows, row)
	}
	return a
}

// textOf turns a value's binary form into its text.
func textOf(oid datum.OID, raw []byte, env *datum.Env) (string, error) {
	t := datum.T(oid)
	b := datum.NewBuilder(t, 1)
	if err := datum.ParseBinary(t, raw, b, env); err != nil {
		return "", err
	}
	return string(datum.AppendText(nil, t, b.Finish(), 0, env)), nil
}
