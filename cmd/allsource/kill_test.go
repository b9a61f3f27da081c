package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestKillWhileAppending kills the real server again and again while several connections append one event at a time.
// What was acknowledged must be there once, what was not may be there at most once, and versions have no gaps.
func TestKillWhileAppending(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	const writers, rounds = 4, 4
	acked := make([]int, writers) // the last number that writer w was told is stored
	next := make([]int, writers)
	for round := range rounds {
		s := startServer(t, data)
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() { appendUntilDead(ctx, s.url(), w, &next[w], &acked[w]) })
		}
		time.Sleep(time.Duration(300+rand.IntN(500)) * time.Millisecond)
		s.kill(t)
		cancel()
		wg.Wait()
		checkAfterKill(t, data, round, acked, next)
	}
	if acked[0] == 0 {
		t.Fatal("nothing was acknowledged: the test showed nothing")
	}
}

// appendUntilDead appends numbered events, each with an id of its own, repeating the one whose outcome is unknown.
func appendUntilDead(ctx context.Context, url string, w int, next, acked *int) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return
	}
	defer c.Close(context.Background())
	for n := *acked + 1; ; n++ {
		*next = n
		_, err := c.Exec(ctx, `INSERT INTO events (entity_id, event_type, id, payload) VALUES ($1, 'tick', $2, $3)`,
			fmt.Sprintf("writer-%d", w), fmt.Sprintf("%08x-0000-4000-8000-%012x", w, n), map[string]int{"n": n})
		if err != nil {
			return
		}
		*acked = n
	}
}

func checkAfterKill(t *testing.T, data string, round int, acked, next []int) {
	t.Helper()
	s := startServer(t, data)
	defer s.stop(t)
	c := s.connect(t)
	for w := range acked {
		var count, last, maxVersion, distinct int
		err := c.QueryRow(context.Background(), `SELECT count(*), coalesce(max((payload->>'n')::int), 0), coalesce(max(version), 0), count(DISTINCT payload->>'n')
			FROM events WHERE entity_id = $1`, fmt.Sprintf("writer-%d", w)).Scan(&count, &last, &maxVersion, &distinct)
		if err != nil {
			t.Fatal(err)
		}
		if last < acked[w] || last > next[w] || count != last || maxVersion != count || distinct != count {
			t.Errorf("round %d writer %d: acknowledged %d, tried %d, but count=%d last=%d version=%d distinct=%d", round, w, acked[w], next[w], count, last, maxVersion, distinct)
		}
	}
	if n := queryOne[int64](t, c, `SELECT count(*) - max(position) FROM events`); n != 0 {
		t.Errorf("round %d: positions have gaps", round)
	}
	c.Close(context.Background())
}

// TestKillWhileImporting kills the server while a file is imported, and imports again: every event is there once.
func TestKillWhileImporting(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "events.ndjson")
	const lines = 400_000
	writeLines(t, file, lines)
	s := startServer(t, data)
	var out, errs buffer
	status := make(chan int, 1)
	go func() {
		status <- run(context.Background(), []string{"import", "--url", s.url(), file}, streams{nil, &out, &errs})
	}()
	time.Sleep(300 * time.Millisecond)
	s.kill(t)
	<-status
	s = startServer(t, data)
	if st := run(context.Background(), []string{"import", "--url", s.url(), file}, streams{nil, &out, &errs}); st != 0 {
		t.Fatalf("the second import ended with %d: %s", st, errs.String())
	}
	c := s.connect(t)
	if n := queryOne[int64](t, c, `SELECT count(DISTINCT payload->>'n') FROM events`); n != lines {
		t.Errorf("%d different events, want %d", n, lines)
	}
	if n := queryOne[int64](t, c, `SELECT count(*) FROM events`); n != lines {
		t.Errorf("%d events, want %d", n, lines)
	}
}
