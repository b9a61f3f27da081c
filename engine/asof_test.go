package engine_test

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// questions are asked at a moment and again as of it. %s is where a table's time clause or a query's AS OF stands.
var questions = []struct{ name, sql string }{
	{"count", `SELECT count(*) FROM events%s`},
	{"types", `SELECT event_type, count(*), count(payload->>'x') FROM events%s GROUP BY event_type ORDER BY event_type`},
	{"like", `SELECT count(*) FROM events%s WHERE payload->>'s' LIKE '%%a%%'`},
	{"distinct", `SELECT count(DISTINCT entity_id), count(DISTINCT payload->>'s') FROM events%s`},
	{"sum", `SELECT sum((payload->>'x')::float8), avg((payload->>'x')::float8), stddev((payload->>'x')::float8) FROM events%s WHERE event_type <> 'note'`},
	{"sum by type", `SELECT event_type, sum((payload->>'x')::float8), avg((payload->>'x')::float8) FROM events%s WHERE event_type <> 'note' GROUP BY event_type ORDER BY event_type`},
	{"sum by entity", `SELECT entity_id, sum((payload->>'x')::float8) AS s FROM events%s WHERE event_type = 'paid' GROUP BY entity_id ORDER BY s DESC, entity_id LIMIT 3`},
	{"numeric", `SELECT sum((payload->>'x')::numeric), min((payload->>'x')::numeric), max((payload->>'x')::float8) FROM events%s WHERE event_type IN ('paid', 'moved')`},
	{"history", `SELECT version, event_type, timestamp, payload, metadata FROM events%s WHERE entity_id = 'e1' ORDER BY version`},
	{"extremes", `SELECT min(timestamp), max(timestamp), min(recorded_at), max(recorded_at), max(version), max(position), min(payload->>'s'), max(payload->>'s') FROM events%s`},
	{"large", `SELECT position, payload->>'x' FROM events%s WHERE event_type = 'paid' AND (payload->>'x')::float8 > 1 ORDER BY position DESC LIMIT 5`},
	{"all", `SELECT * FROM events%s ORDER BY position`},
}

// forms are the ways to name a moment: what stands behind the table, and the parameter if there is one; or how a transaction
// about it begins.
var forms = []struct {
	name   string
	clause func(at storage.Micros) (clause string, args []string)
	begin  string // %s: the moment
}{
	{name: "literal", clause: func(at storage.Micros) (string, []string) { return " AS OF SYSTEM TIME '" + timeText(at) + "'", nil }},
	{name: "typed", clause: func(at storage.Micros) (string, []string) {
		return " AS OF SYSTEM TIME TIMESTAMPTZ '" + timeText(at) + "'", nil
	}},
	{name: "parameter", clause: func(at storage.Micros) (string, []string) { return " AS OF SYSTEM TIME $1", []string{timeText(at)} }},
	{name: "table", clause: func(at storage.Micros) (string, []string) {
		return " FOR SYSTEM_TIME AS OF TIMESTAMPTZ '" + timeText(at) + "'", nil
	}},
	{name: "nanoseconds", clause: func(at storage.Micros) (string, []string) {
		return " AS OF SYSTEM TIME " + strconv.FormatInt((at+postgresEpoch.UnixMicro())*1000, 10), nil
	}},
	{name: "transaction", begin: "BEGIN AS OF SYSTEM TIME '%s'"},
	{name: "transaction with a parameter", begin: "BEGIN AS OF SYSTEM TIME $1"},
	{name: "mode of a transaction", begin: "BEGIN; SET TRANSACTION AS OF SYSTEM TIME '%s'"},
	{name: "default", begin: "SET default_transaction_as_of = '%s'; BEGIN"},
}

// askIn asks a question as of a moment in one of the forms.
func askIn(one *person, sql string, at storage.Micros, form int) (answer, error) {
	f := forms[form]
	if f.begin == "" {
		clause, args := f.clause(at)
		return one.ask(fmt.Sprintf(sql, clause), args...)
	}
	var a answer
	var err error
	steps := strings.Split(strings.ReplaceAll(f.begin, "%s", timeText(at)), "; ")
	for i, step := range append(steps, fmt.Sprintf(sql, ""), "ROLLBACK", "RESET default_transaction_as_of") {
		var args []string
		if strings.Contains(step, "$1") {
			args = []string{timeText(at)}
		}
		got, e := one.ask(step, args...)
		if i == len(steps) {
			a = got
		}
		if err == nil {
			err = e
		}
	}
	return a, err
}

func timeText(at storage.Micros) string {
	return postgresEpoch.Add(time.Duration(at)*time.Microsecond).Format("2006-01-02 15:04:05.999999") + "+00"
}

// fact is an event as the model knows it.
type fact struct {
	entity, kind string
	x, s         *string
	recorded     storage.Micros
}

// past is a moment and what was answered about it.
type past struct {
	at      storage.Micros
	answers []answer
}

// world does the same to a log and to a model, and remembers answers.
type world struct {
	*bed
	people []*person // one for each engine
	facts  []fact
	pasts  []past
}

func (w *world) connectAll(t fataler) {
	w.people = nil
	for i := range w.engines {
		w.people = append(w.people, w.connect(t, i))
	}
}

func (w *world) leave() {
	for _, p := range w.people {
		p.s.Close()
	}
}

func (w *world) someone(t *rapid.T) *person {
	return w.people[rapid.IntRange(0, len(w.people)-1).Draw(t, "engine")]
}

// numbers are what payloads hold under x: integers, decimals, floats beyond exactness, and numbers in strings.
var numbers = rapid.OneOf(
	rapid.Map(rapid.IntRange(-1000, 1000), strconv.Itoa),
	rapid.Map(rapid.IntRange(-100000, 100000), func(n int) string { return fmt.Sprintf("%d.%02d", n/100, (n%100+100)%100) }),
	rapid.SampledFrom([]string{"0.1", "1.50", "1e2", "-1e-7", "9007199254740993", "123456789.123456789", "1e15", "-0.0", "3.3333333333333335"}),
	rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }),
	rapid.SampledFrom([]string{`"0.7"`, `"-12"`, `"1e3"`}),
)

var words = rapid.SampledFrom([]string{"", "a", "ab", "Banane", "größer", "日本", `quo"te`, "it's", `back\slash`, "100%", "a_b", "zzz", "\t"})

// draw makes an event: what the model keeps, and its payload as JSON text.
func draw(t *rapid.T) (fact, string) {
	f := fact{entity: "e" + strconv.Itoa(rapid.IntRange(0, 6).Draw(t, "entity")),
		kind: rapid.SampledFrom([]string{"paid", "paid", "paid", "moved", "note"}).Draw(t, "type")}
	var members []string
	switch rapid.IntRange(0, 5).Draw(t, "x") {
	case 0: // missing
	case 1:
		members = append(members, `"x": null`)
	default:
		x := numbers.Draw(t, "number")
		if f.kind == "note" {
			x = `"not a number"`
		}
		f.x = &x
		members = append(members, `"x": `+x)
	}
	if rapid.Bool().Draw(t, "has s") {
		s := words.Draw(t, "s")
		f.s = &s
		members = append(members, `"s": `+quoteJSON(s))
	}
	if rapid.IntRange(0, 7).Draw(t, "deep") == 0 {
		members = append(members, `"o": {"x": 5, "l": [1, {"s": "a"}]}`)
	}
	return f, "{" + strings.Join(members, ", ") + "}"
}

func quoteJSON(s string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\t", `\t`).Replace(s) + `"`
}

func quoteSQL(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (w *world) drawMany(t *rapid.T, most int) (facts []fact, payloads []string) {
	for range rapid.IntRange(1, most).Draw(t, "events") {
		f, p := draw(t)
		facts, payloads = append(facts, f), append(payloads, p)
	}
	return facts, payloads
}

// stored asks the log when the last events were recorded, and gives that time to the model.
func (w *world) stored(t *rapid.T, facts []fact) {
	w.storedAt(t, facts, w.view(t, storage.Latest).At())
}

func (w *world) storedAt(t *rapid.T, facts []fact, at storage.Micros) {
	if n := len(w.facts); n > 0 && w.facts[n-1].recorded >= at {
		t.Fatalf("recorded at %s after %s", timeText(at), timeText(w.facts[n-1].recorded))
	}
	for _, p := range w.pasts {
		if p.at >= at {
			t.Fatalf("recorded at %s, though %s was read before", timeText(at), timeText(p.at))
		}
	}
	for _, f := range facts {
		f.recorded = at
		w.facts = append(w.facts, f)
	}
}

func (w *world) view(t fataler, at storage.Micros) storage.View {
	v, err := w.db.View(context.Background(), at)
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	return v
}

// insert adds events in one statement, or in several of one transaction: one append either way.
func (w *world) insert(t *rapid.T) {
	facts, payloads := w.drawMany(t, 8)
	var rows []string
	for i, f := range facts {
		row := "(" + quoteSQL(f.entity) + ", " + quoteSQL(f.kind) + ", " + quoteSQL(payloads[i])
		if rapid.Bool().Draw(t, "timed") {
			row += ", " + quoteSQL(timeText(rapid.Int64Range(-1e15, 1e15).Draw(t, "time"))) + ")"
		} else {
			row += ", DEFAULT)"
		}
		rows = append(rows, row)
	}
	const into = "INSERT INTO events (entity_id, event_type, payload, timestamp) VALUES "
	script := into + strings.Join(rows, ", ")
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		script = "BEGIN; " + into + strings.Join(rows, "; "+into) + "; COMMIT"
	case 1:
		script = into + strings.Join(rows, "; "+into)
	case 2:
		script = "BEGIN; " + script + "; ROLLBACK; " + script
	}
	if _, err := w.someone(t).run(script); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	w.stored(t, facts)
}

func (w *world) copyLines(t *rapid.T) {
	facts, payloads := w.drawMany(t, 50)
	var data strings.Builder
	for i, f := range facts {
		fmt.Fprintf(&data, `{"entity_id": %q, "event_type": %q, "payload": %s}`+"\n", f.entity, f.kind, payloads[i])
	}
	tag, err := w.someone(t).copyIn("COPY events FROM STDIN WITH (FORMAT ndjson)", []byte(data.String()), rapid.SampledFrom([]int{0, 7, 1000}).Draw(t, "piece"))
	if want := fmt.Sprintf("COPY %d", len(facts)); err != nil || tag != want {
		t.Fatalf("copy: %s %v, expected %s", tag, err, want)
	}
	w.stored(t, facts)
}

// copyRecorded brings recorded times: they rise, after everything that was stored or read and not after now.
func (w *world) copyRecorded(t *rapid.T) {
	from := w.db.Now()
	w.clock.unix.Store(max(w.clock.unix.Load(), from+postgresEpoch.UnixMicro()) + 1000)
	facts, payloads := w.drawMany(t, 20)
	var data strings.Builder
	at := from
	for i := range facts {
		if i == 0 || rapid.Bool().Draw(t, "later") {
			at += int64(rapid.IntRange(1, 40).Draw(t, "gap"))
		}
		facts[i].recorded = at
		fmt.Fprintf(&data, `{"entity_id": %q, "event_type": %q, "payload": %s, "recorded_at": %q}`+"\n", facts[i].entity, facts[i].kind, payloads[i], timeText(at))
	}
	tag, err := w.someone(t).copyIn("COPY events FROM STDIN WITH (FORMAT ndjson, AS_RECORDED)", []byte(data.String()), 0)
	if want := fmt.Sprintf("COPY %d", len(facts)); err != nil || tag != want {
		t.Fatalf("copy as recorded: %s %v, expected %s", tag, err, want)
	}
	w.facts = append(w.facts, facts...)
	// The same again lies before what is there.
	_, err = w.someone(t).copyIn("COPY events FROM STDIN WITH (FORMAT ndjson, AS_RECORDED)", []byte(data.String()), 0)
	if !pgerr.Is(err, pgerr.InvalidParameterValue) {
		t.Fatalf("recorded times that do not rise: %v", err)
	}
}

func (w *world) restart(t *rapid.T) {
	w.leave()
	w.close(t)
	w.open(t)
	w.connectAll(t)
}

// record asks every question about a moment and keeps the answers. About the present they are asked without a moment too.
func (w *world) record(t *rapid.T) {
	if len(w.pasts) == 12 {
		return
	}
	p := past{at: w.db.Now()}
	present := true
	if n := len(w.facts); n > 0 && rapid.Bool().Draw(t, "earlier") {
		p.at = w.facts[rapid.IntRange(0, n-1).Draw(t, "event")].recorded + int64(rapid.IntRange(-1, 1).Draw(t, "beside"))
		present = w.until(p.at) == n
	}
	p.at = min(p.at, w.db.Now())
	one := w.someone(t)
	for i, q := range questions {
		a := w.askAsOf(t, one, i, p.at, 0)
		if present {
			now, err := one.ask(fmt.Sprintf(q.sql, ""))
			if err != nil {
				t.Fatalf("%s: %v", q.name, err)
			}
			same(t, q.name+" now and as of now", now, a)
		}
		p.answers = append(p.answers, a)
	}
	w.checkModel(t, p)
	w.pasts = append(w.pasts, p)
}

func (w *world) askAsOf(t fataler, one *person, q int, at storage.Micros, form int) answer {
	t.Helper()
	a, err := askIn(one, questions[q].sql, at, form)
	if err != nil {
		t.Fatalf("%s as of %s (%s): %v", questions[q].name, timeText(at), forms[form].name, err)
	}
	return a
}

// again asks everything about a moment once more, with whichever engine and in whichever form.
func (w *world) again(t *rapid.T) {
	if len(w.pasts) == 0 {
		return
	}
	p := w.pasts[rapid.IntRange(0, len(w.pasts)-1).Draw(t, "past")]
	one := w.someone(t)
	form := rapid.IntRange(0, len(forms)-1).Draw(t, "form")
	for i, q := range questions {
		same(t, fmt.Sprintf("%s as of %s (%s)", q.name, timeText(p.at), forms[form].name), w.askAsOf(t, one, i, p.at, form), p.answers[i])
	}
}

func same(t fataler, what string, got, want answer) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\n got %q\n     %q\nwant %q\n     %q", what, got.rows, got.binary, want.rows, want.binary)
	}
}

// until is how many events the model had at a moment.
func (w *world) until(at storage.Micros) int {
	n := 0
	for n < len(w.facts) && w.facts[n].recorded <= at {
		n++
	}
	return n
}

// checkModel counts the model's events and compares.
func (w *world) checkModel(t fataler, p past) {
	t.Helper()
	count, like := 0, 0
	kinds, xs := map[string]int{}, map[string]int{}
	entities, distinct := map[string]bool{}, map[string]bool{}
	for _, f := range w.facts[:w.until(p.at)] {
		count++
		kinds[f.kind]++
		entities[f.entity] = true
		if f.x != nil {
			xs[f.kind]++
		}
		if f.s != nil {
			distinct[*f.s] = true
			if strings.Contains(*f.s, "a") {
				like++
			}
		}
	}
	var types [][]string
	for _, k := range []string{"moved", "note", "paid"} {
		if kinds[k] > 0 {
			types = append(types, []string{k, strconv.Itoa(kinds[k]), strconv.Itoa(xs[k])})
		}
	}
	for i, want := range [][][]string{{{strconv.Itoa(count)}}, types, {{strconv.Itoa(like)}},
		{{strconv.Itoa(len(entities)), strconv.Itoa(len(distinct))}}} {
		if got := p.answers[i].rows; !reflect.DeepEqual(got, want) {
			t.Fatalf("%s as of %s: %v, expected %v", questions[i].name, timeText(p.at), got, want)
		}
	}
}

// future moments are refused, however they are written.
func (w *world) future(t *rapid.T) {
	at := w.db.Now() + int64(rapid.SampledFrom([]int{1, 1_000_000, 3_600_000_000}).Draw(t, "ahead"))
	form := rapid.IntRange(0, len(forms)-1).Draw(t, "form")
	if a, err := askIn(w.someone(t), questions[0].sql, at, form); !pgerr.Is(err, pgerr.InvalidParameterValue) {
		t.Fatalf("as of %s (%s): %v %v, expected 22023", timeText(at), forms[form].name, a.rows, err)
	}
}

// TestAsOf is the promise of the log: whatever happens later, an answer about a moment stays the same to the last bit.
func TestAsOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{bed: newBed(t)}
		w.connectAll(t)
		defer func() {
			w.leave()
			w.close(t)
		}()
		step := func(do func(context.Context) error) func(*rapid.T) {
			return func(t *rapid.T) {
				if err := do(context.Background()); err != nil {
					t.Fatalf("%v", err)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert":  w.insert,
			"insert2": w.insert,
			"copy":    w.copyLines,
			"import":  w.copyRecorded,
			"record":  w.record,
			"again":   w.again,
			"again2":  w.again,
			"future":  w.future,
			"seal":    step(func(ctx context.Context) error { return w.db.Seal(ctx) }),
			"compact": step(func(ctx context.Context) error { return w.db.Compact(ctx) }),
			"restart": w.restart,
			"clock": func(t *rapid.T) {
				w.clock.unix.Add(rapid.SampledFrom([]int64{1, 1000, 5_000_000, 7_200_000_000, -1, -1000, -3_600_000_000}).Draw(t, "step"))
			},
		})
	})
}
