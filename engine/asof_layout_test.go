package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/allsource-db/allsource/storage"
)

// layoutEvents is enough for several blocks of sums and for workers that share a scan.
const layoutEvents = 150_000

// recordedLines makes ndjson lines with recorded times from start on: a thousand events have one time. The numbers are such
// that their sum depends on the order of the additions.
func recordedLines(start time.Time) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	lines := make([][]byte, layoutEvents)
	for i := range lines {
		x := strconv.FormatFloat((r.Float64()-0.5)*float64(int(1)<<r.IntN(40)), 'g', -1, 64)
		if r.IntN(10) == 0 {
			x = "null"
		}
		lines[i] = fmt.Appendf(nil, `{"entity_id": "e%d", "event_type": "t%d", "recorded_at": %q, "payload": {"x": %s}}`+"\n",
			r.IntN(1000), r.IntN(5), start.Add(time.Duration(i/1000)*time.Millisecond).Format(time.RFC3339Nano), x)
	}
	return lines
}

var layoutQuestions = []string{
	`SELECT count(*), sum((payload->>'x')::float8), avg((payload->>'x')::float8), stddev((payload->>'x')::float8) FROM events AS OF SYSTEM TIME $1`,
	`SELECT event_type, count(*), sum((payload->>'x')::float8), avg((payload->>'x')::float8) FROM events AS OF SYSTEM TIME $1 GROUP BY event_type ORDER BY event_type`,
	`SELECT sum((payload->>'x')::float8) FROM events AS OF SYSTEM TIME $1 WHERE event_type = 't3'`,
	`SELECT entity_id, sum((payload->>'x')::float8) AS s FROM events AS OF SYSTEM TIME $1 GROUP BY entity_id ORDER BY s DESC LIMIT 20`,
	`SELECT date_trunc('second', recorded_at) AS at, count(*), sum((payload->>'x')::float8) FROM events AS OF SYSTEM TIME $1 GROUP BY 1 ORDER BY 1`,
	`SELECT count(DISTINCT entity_id), max((payload->>'x')::float8), min((payload->>'x')::numeric) FROM events AS OF SYSTEM TIME $1 WHERE (payload->>'x')::float8 > 0`,
}

func (b *bed) load(t *testing.T, lines [][]byte) {
	t.Helper()
	p := b.connect(t, 0)
	defer p.s.Close()
	tag, err := p.copyIn("COPY events FROM STDIN WITH (FORMAT ndjson, AS_RECORDED)", bytes.Join(lines, nil), 1<<20)
	if want := fmt.Sprintf("COPY %d", len(lines)); err != nil || tag != want {
		t.Fatalf("copy: %s %v, expected %s", tag, err, want)
	}
}

// TestAsOfLayout loads the same events at once and in many small loads. How they are stored, and
// how many workers read them, must not show in any answer about any moment.
func TestAsOfLayout(t *testing.T) {
	at := func(n int) storage.Micros { // when event n was recorded
		return newHandClock().now().Sub(postgresEpoch).Microseconds() + int64(n/1000)*1000
	}
	lines := recordedLines(newHandClock().now())
	whole, pieces := newBedOf(t, 65536), newBedOf(t, 4096)
	for _, b := range []*bed{whole, pieces} {
		b.clock.unix.Add(time.Hour.Microseconds())
		defer func() { b.close(t) }()
	}
	whole.load(t, lines)
	moments := []storage.Micros{at(0) - 1, at(500), at(64_999), at(65_999), at(131_999), at(layoutEvents), whole.db.Now()}
	answers := make(map[string]answer)
	ask := func(b *bed, what string) {
		t.Helper()
		for worker := range b.engines {
			p := b.connect(t, worker)
			for _, m := range moments {
				for _, sql := range layoutQuestions {
					a, err := p.ask(sql, timeText(m))
					if err != nil {
						t.Fatalf("%s: %v", sql, err)
					}
					key := timeText(m) + " " + sql
					if first, ok := answers[key]; ok {
						same(t, fmt.Sprintf("%s, engine %d: %s", what, worker, key), a, first)
					} else {
						answers[key] = a
					}
				}
			}
			p.s.Close()
		}
	}
	ask(whole, "one load")
	for n := 0; n < layoutEvents; n += 3000 {
		pieces.load(t, lines[n:n+3000])
	}
	ask(pieces, "many loads")
	if err := pieces.db.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	ask(pieces, "compacted")
	pieces.close(t)
	pieces.open(t)
	ask(pieces, "opened again")
	if _, err := pieces.connectOnce(t, `INSERT INTO events (entity_id, event_type, payload) SELECT 'late', 't1', '{"x": 1e30}' FROM generate_series(1, 3000)`); err != nil {
		t.Fatal(err)
	}
	if err := pieces.db.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	ask(pieces, "with more behind")
}

// connectOnce runs a script in a session of its own.
func (b *bed) connectOnce(t *testing.T, script string) ([]answer, error) {
	p := b.connect(t, 0)
	defer p.s.Close()
	return p.run(script)
}
