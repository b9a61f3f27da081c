package engine_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/allsource-db/allsource/storage"
)

// aboutTypes are parts of questions about what the log knows of event types, which is that of what is committed.
var aboutTypes = []string{"by_type", "event_paths"}

// TestOwnEvents is what a transaction sees of the events that it has appended: the answers are those of the log right after its commit,
// if nobody else appends meanwhile. What it has taken back is not seen, and what others see does not change before the commit.
func TestOwnEvents(t *testing.T) {
	runs, failing := 0, false
	rapid.Check(t, func(t *rapid.T) {
		if runs++; runs > *prefixRuns && !failing {
			return
		}
		defer func() { failing = failing || t.Failed() }()
		w := &world{bed: newBed(t)}
		w.connectAll(t)
		defer func() {
			w.leave()
			w.close(t)
		}()
		writer := &prefixWriter{now: w.clock.unix.Load()}
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			writer.step(t, w.db.Now()).do(t, w.bed, w.someone(t))
			w.upkeep(t)
		}
		own := w.connect(t, rapid.IntRange(0, 1).Draw(t, "worker"))
		defer own.s.Close()
		before := w.inquireAll(w.someone(t))
		do := func(sql string) {
			if _, err := own.run(sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		some := func() {
			for range rapid.IntRange(1, 12).Draw(t, "own") {
				do(rowInsert(writer.rowWithID(t, "NULL", true)))
			}
		}
		do("BEGIN ISOLATION LEVEL " + rapid.SampledFrom([]string{"READ COMMITTED", "REPEATABLE READ"}).Draw(t, "level"))
		some()
		for range rapid.IntRange(0, 2).Draw(t, "savepoints") {
			do("SAVEPOINT s")
			some()
			if rapid.Bool().Draw(t, "ask") {
				w.inquireAll(own)
			}
			do("ROLLBACK TO s")
			some()
		}
		if rapid.Bool().Draw(t, "seal") {
			if err := w.db.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		inside := w.inquireAll(own)
		if others := w.inquireAll(w.someone(t)); !slices.Equal(others, before) {
			t.Fatalf("others see what is not committed: %v", others)
		}
		do("COMMIT")
		for i, after := range w.inquireAll(w.someone(t)) {
			if inside[i] != after {
				t.Fatalf("%s\nin the transaction\n%s\nafter its commit\n%s", prefixQuestions[i], inside[i], after)
			}
		}
	})
}

// inquireAll asks what is not about event types.
func (w *world) inquireAll(p *person) []string {
	out := make([]string, len(prefixQuestions))
	for i, q := range prefixQuestions {
		if !slices.ContainsFunc(aboutTypes, func(s string) bool { return strings.Contains(q, s) }) {
			out[i] = p.inquire(q, mark{}, -1)
		}
	}
	return out
}

// TestOwnManyEvents has more own events than fit into one group of rows, of entities that are there and of new ones.
func TestOwnManyEvents(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	p := b.connect(t, 1)
	defer p.s.Close()
	ask := func() (out []string) {
		for _, q := range []string{
			`SELECT count(*), count(DISTINCT entity_id), min(position), max(position), sum(version), max(recorded_at) FROM events`,
			`SELECT event_type, count(*), min(entity_id), max(timestamp) FROM events GROUP BY 1 ORDER BY 1`,
			`SELECT entity_id, count(*), max(version) FROM events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5`,
			`SELECT position, entity_id, version FROM events ORDER BY position DESC LIMIT 5`,
			`SELECT position, version FROM events WHERE entity_id = 'k7' AND version BETWEEN 3 AND 5 ORDER BY 1`,
			`SELECT position FROM events WHERE entity_id = 'k7' ORDER BY position DESC LIMIT 3`,
			`SELECT entity_id, position FROM events WHERE position IN (1, 5000, 9000, 20000) ORDER BY 2`,
			`SELECT count(*) FROM events a JOIN events b ON a.entity_id = b.entity_id AND b.version = a.version + 1`,
			`SELECT entity_state('k7'), entity_state('new3'), entity_state('old')`,
			`SELECT version, state FROM entity_history('k7') ORDER BY version DESC LIMIT 2`,
			`SELECT entity_id, version, state FROM entities WHERE entity_id IN ('k7', 'new3', 'old') ORDER BY 1`,
		} {
			out = append(out, p.inquire(q, mark{}, -1))
		}
		return out
	}
	p.must(t, `INSERT INTO events (entity_id, event_type, payload) SELECT 'k' || n % 10, 'a', jsonb_build_object('n', n) FROM generate_series(1, 100) AS n;
		INSERT INTO events (entity_id, event_type) VALUES ('old', 'a')`)
	if err := b.db.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.must(t, `BEGIN`)
	p.must(t, `INSERT INTO events (entity_id, event_type, payload) SELECT CASE WHEN n % 3 = 0 THEN 'new' || n ELSE 'k' || n % 10 END, 'b', jsonb_build_object('n', n) FROM generate_series(1, 20000) AS n`)
	inside := ask()
	p.must(t, `COMMIT`)
	for i, after := range ask() {
		if inside[i] != after {
			t.Errorf("in the transaction\n%s\nafter its commit\n%s", inside[i], after)
		}
	}
	if v, err := b.db.View(t.Context(), storage.Latest); err != nil || v.Rows() != 20101 {
		t.Errorf("the log has %d events: %v", v.Rows(), err)
	}
}
