package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestKnownAggregates asks what row groups know without being read, and asks again with a condition that makes every row be
// read: the answers must be the same, whatever part of the log is sealed and wherever conditions and moments cut it.
func TestKnownAggregates(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	fill := func(from, to int) {
		t.Helper()
		// Types come and go, some events have a time of their own, one row group has only one type.
		if _, err := b.connectOnce(t, fmt.Sprintf(`INSERT INTO events (entity_id, event_type, timestamp) SELECT 'e' || n %% 7,
			CASE WHEN n BETWEEN 64 AND 130 THEN 'solo' WHEN n < 200 THEN 't' || n %% 3 ELSE '7' END,
			CASE WHEN n %% 100 < 70 THEN '2025-01-01 00:00+00'::timestamptz + n * interval '1h' END FROM generate_series(%d, %d) AS n`, from, to)); err != nil {
			t.Fatal(err)
		}
		b.clock.unix.Add(1000)
	}
	for n := 0; n < 260; n += 20 {
		fill(n+1, n+20)
		if n == 220 {
			if err := b.db.Seal(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	aggregates := []string{
		"count(*)", "count(entity_id), count(*)", "min(position), max(position)", "min(timestamp), max(timestamp)",
		"min(recorded_at), max(recorded_at), count(*)", "count(*) FILTER (WHERE event_type = 't1'), count(*) FILTER (WHERE event_type ~ '^t')",
		"event_type, count(*)", "event_type, max(timestamp), min(recorded_at)", "left(event_type, 1), count(*), max(position)",
		"DISTINCT event_type", "count(payload)", "max(version)",
	}
	conds := []string{
		"true", "event_type = 't1'", "event_type <> 't1' AND event_type <> 'solo'", "event_type IN ('solo', 'none')", "event_type LIKE 't%'", "event_type = 'none'",
		"position > 40", "position BETWEEN 33 AND 96", "100 >= position", "position = 70", "position > 10 AND position < 5", "position > NULL",
		"timestamp >= '2025-01-02' AND timestamp < '2025-01-06'", "timestamp < '2024-01-01'", "timestamp >= '2025-01-03 00:00+00' AND event_type = 'solo'",
		"recorded_at > (SELECT recorded_at FROM events WHERE position = 100)", "recorded_at <= '2026-01-02 03:04:05.005+00'", "recorded_at >= '2026-01-02 03:04:05.0065+00' AND event_type <> '7'",
		"timestamp::date = '2025-01-04'", "timestamp > recorded_at", "position > 200 AND event_type::int = 7", "version > 0",
	}
	for _, moment := range []string{"", " AS OF POSITION 150", " AS OF POSITION 64", " AS OF SYSTEM TIME '2026-01-02 03:04:05.007+00'"} {
		for _, cond := range conds {
			for _, agg := range aggregates {
				group := ""
				if key, _, ok := strings.Cut(agg, ", count"); ok && !strings.HasSuffix(key, ")") || strings.HasPrefix(agg, "left") || strings.HasPrefix(agg, "event_type") {
					group = " GROUP BY 1"
				}
				sql := fmt.Sprintf("SELECT %s FROM events%s WHERE (%s)%%s%s", agg, moment, cond, group)
				sameAnswer(t, b, fmt.Sprintf(sql, ""), fmt.Sprintf(sql, " AND coalesce(entity_id, '') <> 'none'"))
			}
		}
	}
}

// sameAnswer asks two statements of every engine and compares what they give, errors included.
func sameAnswer(t *testing.T, b *bed, sql, plain string) {
	t.Helper()
	for worker := range b.engines {
		p := b.connect(t, worker)
		got, gotErr := p.run(sql)
		want, wantErr := p.run(plain)
		p.s.Close()
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Fatalf("engine %d: %s\n%v\nexpected %v", worker, sql, gotErr, wantErr)
		}
		if wantErr == nil {
			same(t, fmt.Sprintf("engine %d: %s", worker, sql), got[0], want[0])
		}
	}
}
