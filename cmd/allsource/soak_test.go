package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	soakFor  = flag.Duration("soak-for", 6*time.Second, "how long TestSoak goes on")
	soakKill = flag.Duration("soak-kill", 2*time.Second, "how often TestSoak kills the server")
)

const (
	soakWriters  = 8
	soakReaders  = 4
	soakEntities = 24
)

// fact is an event as somebody was told of it.
type fact struct {
	position, version int64
	entity, id        string
}

// soak is a server that is killed again and again, and what its clients know.
type soak struct {
	data string
	over atomic.Bool // the writers are to end

	mu     sync.Mutex
	url    string
	acked  []fact
	pasts  []past
	memory int64 // most bytes that a server held

	conflicts, refused, retries, kills, crashes atomic.Int64
}

// past is what was answered about a moment while it was the present.
type past struct {
	at     time.Time
	answer string
}

func (s *soak) connect(ctx context.Context) (*pgx.Conn, error) {
	s.mu.Lock()
	url := s.url
	s.mu.Unlock()
	return pgx.Connect(ctx, url)
}

// persist calls do with a connection until it says that it is done, with a new one after each failure.
func (s *soak) persist(ctx context.Context, do func(c *pgx.Conn) (done bool, err error)) error {
	for ctx.Err() == nil {
		c, err := s.connect(ctx)
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		for err == nil {
			var done bool
			if done, err = do(c); done {
				c.Close(context.Background())
				return err
			}
		}
		c.Close(context.Background())
	}
	return ctx.Err()
}

// soakAppend is an append of a writer: 0 one event, 1 one event of each of two entities, 2 the claim of a key that nobody may
// have claimed.
type soakAppend struct {
	kind, key     int
	first, second string // entities
	id, other     string
	tries         int
}

// write appends with expected versions, in batches of two entities, and under conditions. What it does not know the outcome of it
// sends again with the same ids.
func (s *soak) write(ctx context.Context, w int) error {
	rng := rand.New(rand.NewPCG(uint64(w), 1))
	entity := func() string { return fmt.Sprint("entity-", rng.IntN(soakEntities)) }
	id := func(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", w, n) }
	var op *soakAppend // nil: the last one is settled
	n := 0
	return s.persist(ctx, func(c *pgx.Conn) (bool, error) {
		for op != nil || !s.over.Load() {
			if op == nil {
				n += 2
				op = &soakAppend{kind: rng.IntN(3), key: rng.IntN(2000), first: entity(), second: entity(), id: id(n), other: id(n + 1)}
			}
			settled, err := s.settle(ctx, c, op)
			if err != nil {
				return settled, err
			}
			if settled {
				op = nil
			}
		}
		return true, nil
	})
}

// settle sends an append and reports whether its outcome is known; an error with a known outcome is one that should not be.
func (s *soak) settle(ctx context.Context, c *pgx.Conn, op *soakAppend) (bool, error) {
	if op.tries++; op.tries > 1 {
		s.retries.Add(1)
	}
	got, err := s.send(ctx, c, op)
	var refused *pgconn.PgError
	switch known := errors.As(err, &refused); {
	case errors.Is(err, errWrong):
		return true, err
	case err == nil:
		s.mu.Lock()
		s.acked = append(s.acked, got...)
		s.mu.Unlock()
		return true, nil
	case known && refused.Code == "40001" && op.kind == 2:
		s.refused.Add(1)
		return true, nil
	case known && refused.Code == "40001":
		s.conflicts.Add(1)
		return op.tries > 20, nil
	default:
		return known && refused.Code != "57P01", err
	}
}

func (s *soak) send(ctx context.Context, c *pgx.Conn, op *soakAppend) ([]fact, error) {
	const returning = ` RETURNING position, version, entity_id, id::text`
	var version int64
	if err := c.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM events WHERE entity_id = $1`, op.first).Scan(&version); err != nil {
		return nil, err
	}
	var rows pgx.Rows
	var err error
	switch op.kind {
	case 0:
		rows, err = c.Query(ctx, `INSERT INTO events (entity_id, event_type, id, payload, expected_version) VALUES ($1, 'set', $2, '{"n": 1}', $3)`+returning,
			op.first, op.id, version)
	case 1:
		batch := fmt.Sprintf(`[{"entity_id": %q, "event_type": "moved", "id": %q, "expected_version": %d}, {"entity_id": %q, "event_type": "moved", "id": %q}]`,
			op.first, op.id, version, op.second, op.other)
		rows, err = c.Query(ctx, `SELECT position, version, entity_id, id::text FROM append_batch($1)`, batch)
	default:
		rows, err = c.Query(ctx, `INSERT INTO events (entity_id, event_type, id, payload) VALUES ($1, 'claimed', $2, jsonb_build_object('key', $3::int))
			WHEN NOT EXISTS (SELECT FROM events WHERE event_type = 'claimed' AND (payload->>'key')::int = $3)`+returning, op.first, op.id, op.key)
	}
	if err != nil {
		return nil, err
	}
	got, err := facts(rows)
	if err == nil && op.kind < 2 && got[0].version != version+1 && (op.tries == 1 || got[0].version > version) {
		err = fmt.Errorf("%w: %+v was appended where version %d was expected", errWrong, got[0], version)
	}
	return got, err
}

// errWrong is an answer that must not be.
var errWrong = errors.New("wrong")

func facts(rows pgx.Rows) ([]fact, error) {
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (f fact, err error) {
		err = r.Scan(&f.position, &f.version, &f.entity, &f.id)
		return f, err
	})
}

// read follows the log, crashes now and then, and goes on where it last stored how far it was. Every event must come once, in
// order, and again as it was after a crash.
func (s *soak) read(ctx context.Context, r int, end func() int64) ([]fact, error) {
	rng := rand.New(rand.NewPCG(uint64(r), 2))
	var seen []fact // seen[i] has position i+1
	stored := 0
	err := s.persist(ctx, func(c *pgx.Conn) (bool, error) {
		if _, err := c.Exec(ctx, `LISTEN events`); err != nil {
			return false, err
		}
		at := stored
		for {
			rows, err := c.Query(ctx, `SELECT position, version, entity_id, id::text FROM events WHERE position > $1 ORDER BY position LIMIT 500`, at)
			if err != nil {
				return false, err
			}
			list, err := facts(rows)
			for _, f := range list {
				switch {
				case f.position != int64(at)+1:
					return true, fmt.Errorf("reader %d: position %d after %d", r, f.position, at)
				case at < len(seen) && seen[at] != f:
					return true, fmt.Errorf("reader %d: %+v was %+v", r, f, seen[at])
				case at == len(seen):
					seen = append(seen, f)
				}
				at++
			}
			if err != nil {
				return false, err
			}
			if last := end(); last >= 0 && int64(at) >= last {
				return true, nil
			}
			if rng.IntN(50) == 0 { // it crashes before it has stored how far it is
				s.crashes.Add(1)
				return false, errors.New("crash")
			}
			stored = at
			if len(list) == 0 {
				wait, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
				_, err = c.WaitForNotification(wait)
				timedOut := wait.Err() != nil
				cancel()
				if err != nil && !timedOut {
					return false, err
				}
				if err != nil {
					return false, nil // pgx closes a connection whose wait ran out
				}
			}
		}
	})
	return seen, err
}

// remember asks about the present, and keeps the answer for when it is the past. A server that is killed meanwhile gives none.
func (s *soak) remember(ctx context.Context) {
	c, err := s.connect(ctx)
	if err != nil {
		return
	}
	defer c.Close(context.Background())
	var p past
	if err := c.QueryRow(ctx, `SELECT max(recorded_at), `+soakSummary+` FROM events`).Scan(&p.at, &p.answer); err == nil {
		s.pasts = append(s.pasts, p)
	}
}

const soakSummary = `concat_ws(' ', count(*), count(DISTINCT entity_id), sum(position * version), min(id::text), max(payload::text), sum((payload->>'key')::float8 / 7))`

// killAgainAndAgain ends the server every now and then while it works, and starts it again. It returns the last one.
func (s *soak) killAgainAndAgain(ctx context.Context, t *testing.T, srv *server) *server {
	t.Helper()
	for end := time.Now().Add(*soakFor); time.Now().Before(end); {
		next := time.Now().Add(*soakKill)
		for time.Now().Before(next) {
			time.Sleep(*soakKill / 10)
			s.remember(ctx)
		}
		select {
		case err := <-srv.exited:
			t.Fatalf("the server ended by itself: %v\n%s", err, srv.log)
		default:
		}
		srv.kill(t)
		s.kills.Add(1)
		s.memory = max(s.memory, peakMemory(srv.cmd.ProcessState))
		started := time.Now()
		srv = startServer(t, s.data)
		s.mu.Lock()
		s.url = srv.url()
		acked := len(s.acked)
		s.mu.Unlock()
		t.Logf("kill %d: %d events acknowledged so far, listening again after %v", s.kills.Load(), acked, time.Since(started).Round(time.Millisecond))
	}
	return srv
}

// peakMemory is what a program held at most, in bytes.
func peakMemory(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}

// TestSoak lets writers and readers work on a server that is killed again and again. No event may be lost, doubled, skipped or out of
// order, versions have no gaps, and what was answered about a moment stays the answer. `make soak` lets it go on for half an hour.
func TestSoak(t *testing.T) {
	s := &soak{data: filepath.Join(t.TempDir(), "data")}
	srv := startServer(t, s.data)
	s.url = srv.url()
	ctx, cancel := context.WithTimeout(context.Background(), *soakFor+5*time.Minute)
	defer cancel()
	var writers, readers sync.WaitGroup
	for w := range soakWriters {
		writers.Go(func() {
			if err := s.write(ctx, w); err != nil {
				t.Errorf("writer %d: %v", w, err)
			}
		})
	}
	var last atomic.Int64
	last.Store(-1)
	seen := make([][]fact, soakReaders)
	for r := range soakReaders {
		readers.Go(func() {
			var err error
			if seen[r], err = s.read(ctx, r, last.Load); err != nil {
				t.Error(err)
			}
		})
	}
	srv = s.killAgainAndAgain(ctx, t, srv)
	s.over.Store(true)
	writers.Wait()
	last.Store(queryOne[int64](t, srv.connect(t), `SELECT coalesce(max(position), 0) FROM events`))
	readers.Wait()
	srv.stop(t)
	srv = startServer(t, s.data)
	c := srv.connect(t)
	s.check(t, c, seen)
	s.checkPasts(t, c)
	t.Logf("%v: %d events, %d acknowledged; %d conflicts, %d claims refused, %d appends sent again; %d kills, %d crashes of readers; "+
		"%d moments asked about again; at most %d MiB of memory", *soakFor, last.Load(), len(s.acked), s.conflicts.Load(), s.refused.Load(),
		s.retries.Load(), s.kills.Load(), s.crashes.Load(), len(s.pasts), s.memory>>20)
}

// check compares the log with what everybody was told.
func (s *soak) check(t *testing.T, c *pgx.Conn, seen [][]fact) {
	t.Helper()
	for name, sql := range map[string]string{
		"positions that are missing": `SELECT max(position) - count(*) FROM events`,
		"versions that are missing":  `SELECT count(*) FROM (SELECT max(version) - count(*) AS gap FROM events GROUP BY entity_id) e WHERE gap <> 0`,
		"ids that are there twice":   `SELECT count(*) - count(DISTINCT id) FROM events`,
		"keys claimed twice":         `SELECT count(*) - count(DISTINCT payload->>'key') FROM events WHERE event_type = 'claimed'`,
		"batches in part":            `SELECT count(*) FROM (SELECT recorded_at FROM events WHERE event_type = 'moved' GROUP BY recorded_at HAVING count(*) <> 2) b`,
		"recorded out of order":      `SELECT count(*) FROM (SELECT recorded_at < lag(recorded_at) OVER (ORDER BY position) AS back FROM events) e WHERE back`,
	} {
		if n := queryOne[int64](t, c, sql); n != 0 {
			t.Errorf("%d %s", n, name)
		}
	}
	rows, err := c.Query(t.Context(), `SELECT position, version, entity_id, id::text FROM events ORDER BY position`)
	if err != nil {
		t.Fatal(err)
	}
	log, err := facts(rows)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]int64{}
	for i, f := range log {
		if versions[f.entity]++; f.position != int64(i)+1 || f.version != versions[f.entity] {
			t.Fatalf("%+v is event %d of the log and %d of its entity", f, i+1, versions[f.entity])
		}
	}
	for r := range seen {
		if !slices.Equal(seen[r], log) {
			t.Errorf("reader %d saw %d events, which are not the %d of the log", r, len(seen[r]), len(log))
		}
	}
	for _, f := range s.acked {
		if f.position > int64(len(log)) || log[f.position-1] != f {
			t.Errorf("%+v was acknowledged and is not there", f)
		}
	}
	if len(s.acked) == 0 || s.kills.Load() == 0 || len(s.pasts) == 0 {
		t.Error("nothing was acknowledged, nothing killed, or nothing asked: the test showed nothing")
	}
}

// checkPasts asks again about each moment that somebody asked about.
func (s *soak) checkPasts(t *testing.T, c *pgx.Conn) {
	t.Helper()
	for _, p := range s.pasts {
		now := queryOne[string](t, c, `SELECT `+soakSummary+` FROM events AS OF SYSTEM TIME $1`, p.at)
		if now != p.answer {
			t.Errorf("as of %v: %s, it was %s", p.at, now, p.answer)
		}
	}
}
