package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEntities appends at random, seals, compacts and opens again, and compares what is said of entities at random positions:
// by the index and snapshots, and by reading and folding all their events without any rule of the optimizer.
func TestEntities(t *testing.T) {
	const all = `SELECT entity_id, version, state, created_at, updated_at, last_event_type, last_timestamp, last_position FROM entities AS OF POSITION %d WHERE entity_id IN ('e0', 'e1', 'e2') ORDER BY entity_id`
	const states = `SELECT entity_id, entity_state(entity_id, 'position %d') AS state FROM (VALUES ('e0'), ('e1'), ('e2')) v(entity_id) WHERE entity_state(entity_id, 'position %[1]d') IS NOT NULL ORDER BY entity_id`
	const folds = `SELECT entity_id, jsonb_merge_agg(payload ORDER BY version) AS state FROM events AS OF POSITION %d WHERE entity_id || '' IN ('e0', 'e1', 'e2') GROUP BY entity_id ORDER BY entity_id`
	const members = `SELECT entity_id, state ->> 'a', state -> 'a', state -> 'c' ->> 'd', state #> '{c}', version FROM entities AS OF POSITION %d WHERE %s ORDER BY entity_id`
	const grouped = `SELECT state -> 'c' IS NULL, count(*), sum((state ->> 'a')::numeric), min(state ->> 'b') FROM entities AS OF POSITION %d WHERE state ->> 'a' <> '1' GROUP BY 1 ORDER BY 1`
	const some = `SELECT * FROM entities AS OF POSITION %d WHERE %s LIMIT %d OFFSET %d`
	const diff = `SELECT path, version FROM entity_diff('e0', 'position %d', 'position %d') ORDER BY path`
	const setters = `SELECT path, max(version) AS version FROM (SELECT d.path, h.version, h.position, h.state #> d.path AS now, lag(h.state #> d.path) OVER (PARTITION BY d.path ORDER BY h.version) AS before
		FROM entity_diff('e0', 'position %[1]d', 'position %[2]d') d, entity_history('e0') h) x WHERE position > %[1]d AND position <= %[2]d AND now IS DISTINCT FROM before GROUP BY path ORDER BY path`
	rapid.Check(t, func(t *rapid.T) {
		b := newBed(t)
		defer func() { b.close(t) }()
		end := 0
		run := func(first, sql string) string {
			p := b.connect(t, rapid.IntRange(0, len(b.engines)-1).Draw(t, "engine"))
			defer p.s.Close()
			for _, s := range []string{first, sql} {
				answers, err := p.run(s)
				if err != nil {
					t.Fatalf("%s: %v", s, err)
				}
				if s == sql {
					return p.report(answers, nil)
				}
			}
			return ""
		}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			var rows []string
			for range rapid.IntRange(1, 120).Draw(t, "events") {
				payload := rapid.SampledFrom([]string{`{"a": %d}`, `{"b": %d, "a": 1}`, `{"c": {"d": %d}}`, `{"long": "%040d"}`, `{"a": %d.50}`}).Draw(t, "payload")
				if rapid.IntRange(0, 60).Draw(t, "no object") == 0 {
					payload = `[%d]`
				}
				rows = append(rows, fmt.Sprintf("('e%d', 't%d', '%s')", rapid.IntRange(0, 2).Draw(t, "entity"), end%4, fmt.Sprintf(payload, end)))
				end++
			}
			run("SELECT 1", "INSERT INTO events (entity_id, event_type, payload) VALUES "+strings.Join(rows, ", "))
			b.clock.unix.Add(1000)
			var err error
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0, 1:
				err = b.db.Seal(t.Context())
			case 2:
				err = b.db.Compact(t.Context())
			case 3:
				b.close(t)
				b.open(t)
			}
			if err != nil {
				t.Fatal(err)
			}
			at := rapid.IntRange(1, end).Draw(t, "position")
			plain := "SET optimizer_off = 'all'"
			if got, want := run("SELECT 1", fmt.Sprintf(all, at)), run(plain, fmt.Sprintf(all, at)); got != want {
				t.Fatalf("entities at %d:\n%s\nand with all events read\n%s", at, got, want)
			}
			if got, want := run("SELECT 1", fmt.Sprintf(states, at)), run(plain, fmt.Sprintf(folds, at)); got != want {
				t.Fatalf("states at %d:\n%s\nand with all events read\n%s", at, got, want)
			}
			since := rapid.IntRange(0, at).Draw(t, "since")
			if got, want := run("SELECT 1", fmt.Sprintf(diff, since, at)), run("SELECT 1", fmt.Sprintf(setters, since, at)); got != want {
				t.Fatalf("changes from %d to %d:\n%s\nand by the states after each event\n%s", since, at, got, want)
			}
			which := rapid.SampledFrom([]string{"true", "entity_id = 'e1'", "entity_id IN ('e0', 'e2')", "entity_id > 'e0'"}).Draw(t, "which")
			count, skip := rapid.IntRange(0, 3).Draw(t, "count"), rapid.IntRange(0, 2).Draw(t, "skip")
			for _, sql := range []string{fmt.Sprintf(members, at, which), fmt.Sprintf(grouped, at), fmt.Sprintf(some, at, which, count, skip)} {
				if got, want := run("SELECT 1", sql), run(plain, sql); got != want {
					t.Fatalf("%s:\n%s\nand with all events read\n%s", sql, got, want)
				}
			}
		}
	})
}
