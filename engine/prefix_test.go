package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

var prefixRuns = flag.Int("prefix-runs", 15, "how many logs TestPrefix makes up, of those that -rapid.checks allows")

// prefixQuestions are asked of a log that has only the beginning, and of one that has everything as of then. {} is where an AS OF
// clause may stand; a question without one is asked in a transaction about the moment.
var prefixQuestions = []string{
	// What there is, and sums whose order matters.
	`SELECT * FROM events{} ORDER BY position`,
	`SELECT count(*), max(position), min(recorded_at), max(recorded_at), count(DISTINCT entity_id), count(DISTINCT payload) FROM events{}`,
	`SELECT event_type, count(*), sum((payload->>'f')::float8), avg((payload->>'f')::float8), var_samp((payload->>'f')::float8) FROM events{} GROUP BY 1 ORDER BY 1`,
	`SELECT entity_id, sum((payload->>'f')::float8) AS s, array_agg(version ORDER BY position) FROM events{} GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1`,
	`SELECT jsonb_typeof(payload->'m') AS kind, count(*), min(payload->>'m'), max(payload->>'m'), string_agg(payload->>'m', ',' ORDER BY position) FROM events{} GROUP BY 1 ORDER BY 1`,
	`SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (payload->>'f')::float8), mode() WITHIN GROUP (ORDER BY event_type), corr((payload->>'f')::float8, position) FROM events{}`,
	`SELECT event_type, entity_id, GROUPING(event_type, entity_id), count(*), sum(version) FROM events{} GROUP BY CUBE (event_type, entity_id) ORDER BY 3, 1, 2`,
	// Single rows, histories, pages.
	`SELECT version, event_type, payload, metadata FROM events{} WHERE entity_id = 'e1' ORDER BY version DESC LIMIT 3`,
	`SELECT position, entity_id FROM events{} WHERE payload->>'s' LIKE '%a%' OR payload @> '{"o": {"k": 1}}' ORDER BY position DESC LIMIT 4`,
	`SELECT position FROM events{} WHERE timestamp BETWEEN '2025-12-31' AND '2026-01-02 03:05+00' ORDER BY timestamp, position OFFSET 1 LIMIT 5`,
	`SELECT max(version) FROM events{} WHERE entity_id = 'e2'`,
	`SELECT DISTINCT ON (entity_id) entity_id, position, payload FROM events{} ORDER BY entity_id, timestamp DESC, position`,
	// Joins, subqueries, windows, recursion.
	`SELECT a.position, b.position FROM events a JOIN events b ON b.entity_id = a.entity_id AND b.version = a.version + 1{} ORDER BY 1, 2`,
	`SELECT a.entity_id, b.n FROM events a LEFT JOIN (SELECT event_type, count(*) AS n FROM events GROUP BY 1) b ON b.event_type = a.payload->>'s'{} ORDER BY a.position`,
	`SELECT e.position, (SELECT count(*) FROM events x WHERE x.event_type = e.event_type AND x.position < e.position) FROM events e{} ORDER BY 1`,
	`SELECT position FROM events e{} WHERE NOT EXISTS (SELECT FROM events x WHERE x.entity_id = e.entity_id AND x.version > e.version) ORDER BY 1`,
	`SELECT position, lag(position) OVER w, rank() OVER (PARTITION BY event_type ORDER BY version), sum((payload->>'f')::float8) OVER w FROM events{} WINDOW w AS (PARTITION BY entity_id ORDER BY position ROWS 3 PRECEDING) ORDER BY 1`,
	`WITH RECURSIVE r(position, depth) AS (SELECT 1::int8, 1 UNION ALL SELECT e.position, depth + 1 FROM r JOIN events e ON e.position = r.position * 2) SELECT count(*), max(depth) FROM r`,
	`SELECT entity_id FROM events WHERE event_type = 'a' EXCEPT SELECT entity_id FROM events WHERE event_type = 'rare' ORDER BY 1`,
	`SELECT k, count(*) FROM events, jsonb_object_keys(CASE WHEN jsonb_typeof(payload) = 'object' THEN payload END) AS k{} GROUP BY 1 ORDER BY 1`,
	// Event types as tables.
	`SELECT * FROM by_type.a{} ORDER BY position`, `SELECT * FROM by_type.b{} ORDER BY position`, `SELECT * FROM by_type.c{} ORDER BY position`,
	`SELECT sum(f), pg_typeof(sum(f)) FROM by_type.a{}`,
	`SELECT m, pg_typeof(m), count(*) FROM by_type.b{} GROUP BY 1, 2 ORDER BY 1`,
	`SELECT a.entity_id, a.m, b.m FROM by_type.a AS a JOIN by_type.b AS b USING (entity_id){} ORDER BY a.position, b.position`,
	`SELECT o_k FROM by_type.a{} WHERE o_k IS NOT NULL ORDER BY position`,
	`SELECT * FROM events_by_type{} ORDER BY event_type`,
	`SELECT * FROM event_paths{} ORDER BY event_type, path`,
	`SELECT table_name, column_name, ordinal_position, data_type FROM information_schema.columns WHERE table_schema = 'by_type' ORDER BY 1, 3`,
	`SELECT c.oid, c.relname, count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'by_type'::regnamespace GROUP BY 1, 2 ORDER BY 1`,
	`SELECT relname, pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'by_type'::regnamespace ORDER BY 1`,
	// Entities.
	`SELECT * FROM entities{} ORDER BY entity_id`,
	`SELECT * FROM entities{} WHERE entity_id = 'e1'`,
	`SELECT entity_id, state->>'m', version FROM entities{} WHERE state ? 'm' ORDER BY 1`,
	`SELECT entity_state('e0'), entity_state('e1'), entity_state('e2'), entity_state('nobody')`,
	`SELECT entity_id, version, entity_state_after(entity_id, version) FROM events{} ORDER BY position`,
	`SELECT version, event_type, state FROM entity_history('e1'){}`,
	`SELECT * FROM entity_diff('e1', '2026-01-01')`,
	`SELECT entity_id, jsonb_deep_merge_agg(payload ORDER BY version), first(event_type ORDER BY version), last(payload ORDER BY version) FROM events{} GROUP BY 1 ORDER BY 1`,
	// Analytics.
	`SELECT * FROM funnel('{a,b,c}', '7 days'){}`, `SELECT * FROM retention('a', 'b', 'day', 3){}`, `SELECT * FROM journeys('a', 3){}`,
	`SELECT * FROM sessions('1 hour'){} ORDER BY 1, 2`, `SELECT * FROM event_counts('1 day'){}`, `SELECT * FROM correlation('a', 'b', '2 days'){}`,
	`SELECT * FROM attribution('c', '{a,b}', '2 days', 'linear'){} ORDER BY 1`, `SELECT * FROM anomalies('1 day'){}`,
	// Both times.
	`SELECT count(*), max(position) FROM events FOR VALID_TIME AS OF '2026-01-01'{}`,
	`SELECT position FROM events FOR VALID_TIME FROM '2025-12-31' TO '2026-01-02'{} ORDER BY 1`,
	`SELECT * FROM by_type.a FOR VALID_TIME BETWEEN '2025-12-31' AND '2026-01-02'{} ORDER BY position`,
	`SELECT * FROM entities FOR VALID_TIME AS OF '2026-01-01'{} ORDER BY entity_id`,
	`SELECT count(*), max(position) FROM events FOR SYSTEM_TIME ALL`,
}

// prefixStep is something that happens to a log, at a time of the wall clock.
type prefixStep struct {
	at   int64 // of the clock
	sql  string
	copy string // the lines of a COPY
}

// do plays a step and says how it ended.
func (s prefixStep) do(t fataler, b *bed, p *person) string {
	t.Helper()
	b.clock.unix.Store(s.at)
	if s.copy != "" {
		tag, err := p.copyIn(s.sql, []byte(s.copy), 0)
		return tag + codeOf(err)
	}
	answers, err := p.run(s.sql)
	if p.s.Status() != 'I' {
		if _, e := p.run("ROLLBACK"); e != nil {
			t.Fatalf("rollback: %v", e)
		}
	}
	detail := ""
	if err != nil {
		detail = pgerr.From(err).Detail // such as current_version
	}
	return fmt.Sprint(answers, codeOf(err), detail)
}

// codeOf is what a client sees of an error, without the place in the text.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	var known *pgerr.Error
	if e := pgerr.From(err); errors.As(err, &known) {
		return " " + string(e.Code) + " " + e.Message
	}
	return " not an error for clients: " + err.Error()
}

// prefixWriter makes steps up.
type prefixWriter struct {
	now, least int64 // the clock, and what it may not go below any more
	ids        int
	given      []string // events with ids, as rows of VALUES
}

func (w *prefixWriter) entity(t *rapid.T) string {
	return "e" + strconv.Itoa(rapid.IntRange(0, 4).Draw(t, "entity"))
}

// payload changes its mind about what is under a path as the log grows.
func (w *prefixWriter) payload(t *rapid.T) string {
	if rapid.IntRange(0, 19).Draw(t, "root") == 0 {
		return rapid.SampledFrom([]string{`[]`, `1`, `null`, `{}`, `"text"`}).Draw(t, "other root")
	}
	var members []string
	if rapid.Bool().Draw(t, "has f") {
		members = append(members, `"f": `+rapid.SampledFrom([]string{"1", "2", "-3", "0.1", "2.50", "1e3", "123456789012", "3.3333333333333335", "null"}).Draw(t, "f"))
	}
	if rapid.Bool().Draw(t, "has m") {
		members = append(members, `"m": `+rapid.SampledFrom([]string{"1", "7", "1.5", `"1"`, `"x"`, "true", "null", "[1, {}]", "{}", `{"z": 1}`}).Draw(t, "m"))
	}
	if rapid.IntRange(0, 3).Draw(t, "has s") == 0 {
		members = append(members, `"s": `+quoteJSON(words.Draw(t, "s")))
	}
	if rapid.IntRange(0, 3).Draw(t, "has o") == 0 {
		members = append(members, `"o": {"k": `+rapid.SampledFrom([]string{"1", `"a"`, "{}"}).Draw(t, "k")+`}`)
	}
	if rapid.IntRange(0, 7).Draw(t, "rare") == 0 {
		members = append(members, fmt.Sprintf(`"r%d": %d`, rapid.IntRange(0, 30).Draw(t, "which"), len(members)))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// row is an event as a row of VALUES: entity, type, payload, timestamp, id and expected version.
func (w *prefixWriter) row(t *rapid.T, expected string) string {
	return w.rowWithID(t, expected, false)
}

// rowWithID is row of an event that has an id: in a transaction the log makes random ones.
func (w *prefixWriter) rowWithID(t *rapid.T, expected string, always bool) string {
	id := "NULL"
	if always || rapid.Bool().Draw(t, "has an id") {
		w.ids++
		id = fmt.Sprintf("'00000000-0000-4000-8000-%012x'", w.ids)
	}
	at := "NULL"
	if rapid.IntRange(0, 2).Draw(t, "timed") == 0 {
		at = fmt.Sprintf("'2025-12-31 00:00+00'::timestamptz + '%d minutes'", rapid.IntRange(0, 4000).Draw(t, "minutes"))
	}
	kind := rapid.SampledFrom([]string{"a", "a", "b", "b", "c", "rare"}).Draw(t, "type")
	row := fmt.Sprintf("(%s, '%s', %s::jsonb, %s, %s::uuid, %s)", quoteSQL(w.entity(t)), kind, quoteSQL(w.payload(t)), at, id, expected)
	if id != "NULL" && expected == "NULL" {
		w.given = append(w.given, row)
	}
	return row
}

func (w *prefixWriter) insert(rows ...string) string {
	var out []string
	for _, r := range rows {
		out = append(out, rowInsert(r))
	}
	return strings.Join(out, "; ")
}

// rowInsert is the statement that appends a row, without the columns that are null.
func rowInsert(row string) string {
	names := []string{"entity_id", "event_type", "payload", "timestamp", "id", "expected_version"}
	parts := strings.Split(row[1:len(row)-1], ", ")
	tail := parts[len(parts)-3:]
	head := strings.Join(parts[:len(parts)-3], ", ")
	cols := names[:3]
	for i, v := range tail {
		if !strings.HasPrefix(v, "NULL") {
			cols, head = append(cols[:len(cols):len(cols)], names[3+i]), head+", "+v
		}
	}
	return "INSERT INTO events (" + strings.Join(cols, ", ") + ") VALUES (" + head + ")"
}

// step makes up what happens next. from is when the log says that the next event could be recorded.
func (w *prefixWriter) step(t *rapid.T, from storage.Micros) prefixStep {
	w.now += rapid.SampledFrom([]int64{0, 0, 1, 1000, 60_000_000, 3_600_000_000, 86_400_000_000, -1, -5_000_000}).Draw(t, "later")
	w.now = max(w.now, w.least)
	s := prefixStep{at: w.now}
	several := func() (out []string) {
		for range rapid.IntRange(1, 6).Draw(t, "events") {
			out = append(out, w.rowWithID(t, "NULL", true))
		}
		return out
	}
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0, 1:
		s.sql = w.insert(w.row(t, "NULL"))
	case 2:
		s.sql = "BEGIN; " + w.insert(several()...) + "; COMMIT"
	case 3:
		s.sql = "BEGIN; " + w.insert(several()...) + "; ROLLBACK"
	case 4: // an expected version that holds, or does not
		s.sql = w.insert(w.row(t, rapid.SampledFrom([]string{"0", "1", "2", "3", "'none'", "'exists'"}).Draw(t, "expected")))
	case 5: // the same again
		if s.sql = w.insert(w.row(t, "NULL")); len(w.given) > 0 {
			s.sql = w.insert(rapid.SampledFrom(w.given).Draw(t, "again"))
		}
	case 6: // the same id with other content, among others
		rows := several()
		if len(w.given) > 0 {
			rows = append(rows, strings.Replace(rapid.SampledFrom(w.given).Draw(t, "conflict"), "::jsonb", "::jsonb || '{\"other\": 1}'", 1))
		}
		s.sql = "BEGIN; " + w.insert(rows...) + "; COMMIT"
	case 7:
		s.sql = fmt.Sprintf("SELECT version, position FROM append('%s', 'b', %s, condition => NOT EXISTS (SELECT FROM events WHERE event_type = 'b' AND payload->>'m' = '7'))", w.entity(t), quoteSQL(w.payload(t)))
	case 8:
		s.sql = "COPY events FROM STDIN WITH (FORMAT ndjson)"
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			s.copy += fmt.Sprintf(`{"entity_id": "%s", "event_type": "%s", "payload": %s}`+"\n", w.entity(t), rapid.SampledFrom([]string{"a", "b", "c", "bulk"}).Draw(t, "type"), w.payload(t))
		}
	case 9: // recorded elsewhere
		s.sql = "COPY events FROM STDIN WITH (FORMAT ndjson, AS_RECORDED)"
		s.at = max(s.at, from+postgresEpoch.UnixMicro()) + 5000
		w.now = s.at
		for at := from; at < from+1000; at += int64(rapid.IntRange(0, 300).Draw(t, "gap")) + 1 {
			s.copy += fmt.Sprintf(`{"entity_id": "%s", "event_type": "a", "payload": %s, "recorded_at": "%s"}`+"\n", w.entity(t), w.payload(t), timeText(at+1))
		}
	}
	return s
}

// mark is a moment at which everything was asked of the log that had only the beginning.
type mark struct {
	at      storage.Micros
	last    int64 // position
	answers []string
}

// prefixForms are the ways to ask about a mark: as a clause, or in a transaction.
var prefixForms = []func(m mark) (clause, begin, end string){
	func(m mark) (string, string, string) { return " AS OF SYSTEM TIME '" + timeText(m.at) + "'", "", "" },
	func(m mark) (string, string, string) { return fmt.Sprintf(" AS OF POSITION %d", m.last), "", "" },
	func(m mark) (string, string, string) {
		return "", "BEGIN AS OF SYSTEM TIME '" + timeText(m.at) + "'", "ROLLBACK"
	},
	func(m mark) (string, string, string) {
		return "", fmt.Sprintf("BEGIN AS OF POSITION %d", m.last), "ROLLBACK"
	},
	func(m mark) (string, string, string) {
		return "", "SET default_transaction_as_of = '" + timeText(m.at) + "'", "RESET default_transaction_as_of"
	},
}

// inquire asks a question. About a mark it does so in a form.
func (p *person) inquire(sql string, m mark, form int) string {
	clause, begin, end := "", "", ""
	if form >= 0 {
		if clause, begin, end = prefixForms[form](m); clause != "" && !strings.Contains(sql, "{}") {
			clause, begin, end = prefixForms[form+2](m)
		}
	}
	if begin != "" {
		if _, err := p.run(begin); err != nil {
			return begin + codeOf(err)
		}
	}
	a, err := p.ask(strings.Replace(sql, "{}", clause, 1))
	if end != "" {
		if _, e := p.run(end); e != nil {
			return end + codeOf(e)
		}
	}
	if e := pgerr.From(err); e != nil && e.Code == pgerr.InvalidTextRepresentation && strings.Contains(sql, "::float8") {
		return " " + string(pgerr.InvalidTextRepresentation) // the plan decides which of several texts that are no numbers is read first
	}
	if err != nil {
		return codeOf(err)
	}
	return fmt.Sprintf("%v\n%v\n%q\n%q", a.fields, a.types, a.rows, a.binary)
}

// twin makes a bed whose log gives the same ids as another's: that of a copy of its empty store.
func (b *bed) twin(t fataler) *bed {
	t.Helper()
	b.close(t)
	out := &bed{rows: b.rows, fs: storage.NewMemFS(), clock: newHandClock()}
	if _, err := vfs.Clone(b.fs, out.fs, "db", "db"); err != nil {
		t.Fatalf("clone: %v", err)
	}
	b.open(t)
	out.open(t)
	return out
}

// TestPrefix is what AS OF means: the answer about a moment is the one of a log that has only what came before. The beginning goes
// into one store, which is asked again and again; then all of it into another, which is asked as of then. Meanwhile either is sealed,
// compacted and opened anew as it happens. `make prefix` tries many more.
func TestPrefix(t *testing.T) {
	runs, failing := 0, false
	rapid.Check(t, func(t *rapid.T) {
		if runs++; runs > *prefixRuns && !failing {
			return
		}
		defer func() { failing = failing || t.Failed() }()
		first := newBed(t)
		b := &world{bed: first.twin(t)}
		a := &world{bed: first}
		for _, w := range []*world{a, b} {
			w.connectAll(t)
			defer func() {
				w.leave()
				w.close(t)
			}()
		}
		w := &prefixWriter{now: b.clock.unix.Load()}
		var steps []prefixStep
		var ended []string
		var marks []mark
		for range rapid.IntRange(3, 25).Draw(t, "steps") {
			s := w.step(t, b.db.Now())
			steps, ended = append(steps, s), append(ended, s.do(t, b.bed, b.someone(t)))
			b.upkeep(t)
			if len(marks) < 4 && rapid.IntRange(0, 4).Draw(t, "mark") == 0 {
				marks = append(marks, b.mark(t, w))
			}
		}
		for i, s := range steps {
			if got := s.do(t, a.bed, a.someone(t)); got != ended[i] {
				t.Fatalf("%s%s\nended %s\nbefore %s", s.sql, s.copy, got, ended[i])
			}
			a.upkeep(t)
		}
		for range 2 {
			for _, m := range marks {
				a.checkMark(t, m)
			}
			for range rapid.IntRange(1, 3).Draw(t, "more") {
				w.step(t, a.db.Now()).do(t, a.bed, a.someone(t))
				a.upkeep(t)
			}
		}
	})
}

// upkeep seals, compacts and opens a store anew, or not.
func (w *world) upkeep(t *rapid.T) {
	var err error
	switch rapid.IntRange(0, 9).Draw(t, "upkeep") {
	case 0, 1:
		err = w.db.Seal(t.Context())
	case 2:
		err = w.db.Compact(t.Context())
	case 3:
		w.restart(t)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// mark asks everything about the present. The moment is that of the last event, or a later one that nothing comes before any more.
func (w *world) mark(t *rapid.T, writer *prefixWriter) mark {
	v := w.view(t, storage.Latest)
	m := mark{at: v.At(), last: v.Rows()}
	if now := writer.now - postgresEpoch.UnixMicro(); m.last == 0 || now > m.at && rapid.Bool().Draw(t, "after the last") {
		m.at, writer.least = now, writer.now+1
	}
	for _, q := range prefixQuestions {
		m.answers = append(m.answers, w.someone(t).inquire(q, m, -1))
	}
	return m
}

func (w *world) checkMark(t *rapid.T, m mark) {
	t.Helper()
	form := rapid.IntRange(0, len(prefixForms)-1).Draw(t, "form")
	one := w.someone(t)
	for i, q := range prefixQuestions {
		if got := one.inquire(q, m, form); got != m.answers[i] {
			t.Fatalf("%s\nas of %s, position %d, in form %d\n%s\nbefore more came\n%s", q, timeText(m.at), m.last, form, got, m.answers[i])
		}
	}
}

// TestPrefixQuestions sees that the questions are about something: on a log with everything in it each has an answer.
func TestPrefixQuestions(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p := b.connect(t, 1)
	defer p.s.Close()
	for i, kind := range []string{"a", "b", "c", "a", "b", "c"} {
		row := fmt.Sprintf(`('e%d', '%s', '{"f": %d, "m": 1, "s": "a", "o": {"k": 1}}'::jsonb, '2026-01-0%d', NULL::uuid, NULL)`, i/3+1, kind, i, i/3+1)
		if _, err := p.run(rowInsert(row)); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range prefixQuestions {
		got := p.inquire(q, mark{}, -1)
		if lines := strings.Split(got, "\n"); len(lines) != 4 || slices.Contains(lines, "[]") {
			t.Errorf("%s: %s", q, got)
		}
	}
}
