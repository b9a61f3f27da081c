package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
)

// ear is a session that listens; woken gets a token when there is something.
type ear struct {
	person
	woken chan struct{}
}

func (b *bed) ear(t *testing.T, channels ...string) *ear {
	t.Helper()
	e := &ear{woken: make(chan struct{}, 1)}
	var err error
	e.s, err = b.engines[1].Connect(engine.SessionOptions{Database: storage.FirstDatabase, User: "ann", Wake: func() {
		select {
		case e.woken <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range channels {
		e.must(t, `LISTEN "`+c+`"`)
	}
	return e
}

func (p *person) must(t fataler, script string) []answer {
	t.Helper()
	out, err := p.run(script)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return out
}

// appended is the payload of what the log tells.
type appended struct{ First, Last, Count int64 }

// heard waits until the log has told of position last on each channel, and returns what it told, put together.
func (e *ear) heard(t *testing.T, last map[string]int64) map[string]appended {
	t.Helper()
	out := map[string]appended{}
	reached := func() bool {
		for c, pos := range last {
			if out[c].Last < pos {
				return false
			}
		}
		return true
	}
	for limit := time.After(30 * time.Second); !reached(); {
		select {
		case <-e.woken:
		case <-limit:
			t.Fatalf("heard %v, want up to %v", out, last)
		}
		for _, n := range e.s.Notifications() {
			var a appended
			if err := json.Unmarshal([]byte(n.Payload), &a); err != nil || n.PID != 0 {
				t.Fatalf("%+v: %v", n, err)
			}
			if have := out[n.Channel]; have.Count > 0 {
				if a.First <= have.Last {
					t.Fatalf("%s: told of %+v after %+v", n.Channel, a, have)
				}
				a.First, a.Count = have.First, have.Count+a.Count
			}
			out[n.Channel] = a
		}
	}
	return out
}

// TestListenEvents asks for what is appended in each way there is: all of it, by type, by entity, and from LISTEN on.
func TestListenEvents(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	b := newBed(t)
	defer b.close(t)
	long := strings.Repeat("entity with a long name ", 20) // and one that needs no quoting but these
	w := b.connect(t, 0)
	defer w.s.Close()
	w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('a', 'before')")
	e := b.ear(t, "events", "events:paid", "events/a", "events/"+long, "events:never", "events/")
	w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('a', 'paid'), ('b', 'paid'), ('a', 'made')") // 2 to 4
	each := b.ear(t, "events")                                                                                 // is woken by every way of appending
	late := b.ear(t, "events", "events:paid")
	w.must(t, "BEGIN; INSERT INTO events (entity_id, event_type) VALUES ('"+long+"', 'paid')") // 5
	w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('c', 'made')")
	w.must(t, "COMMIT")
	each.heard(t, map[string]int64{"events": 6})
	w.must(t, "SELECT append('a', 'made', '{}')") // 7
	each.heard(t, map[string]int64{"events": 7})
	var lines strings.Builder
	for i := range 100 { // 8 to 107: more than one row group
		fmt.Fprintf(&lines, `{"entity_id":%q,"event_type":%q}`+"\n", []string{"a", "d"}[i%2], []string{"paid", "e", "f"}[i%3])
	}
	if _, err := w.copyIn("COPY events FROM STDIN (FORMAT ndjson)", []byte(lines.String()), 0); err != nil {
		t.Fatal(err)
	}
	each.heard(t, map[string]int64{"events": 107})
	if _, err := w.copyIn("COPY events (entity_id, event_type) FROM STDIN", []byte("c\tpaid\n"), 0); err != nil { // 108
		t.Fatal(err)
	}
	each.heard(t, map[string]int64{"events": 108})
	if _, err := w.run("INSERT INTO events (entity_id, event_type) SELECT 'a', 'paid' FROM generate_series(1, 3) g WHERE 1 / (2 - g) > -9"); err == nil {
		t.Fatal("no error")
	}
	w.must(t, "INSERT INTO events (entity_id, event_type) SELECT 'g', 'paid' FROM generate_series(1, 5000)") // 109 to 5108
	each.heard(t, map[string]int64{"events": 5108})
	w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('a', 'paid')") // 5109
	got := e.heard(t, map[string]int64{"events": 5109, "events:paid": 5109, "events/a": 5109, "events/" + long: 5})
	want := map[string]appended{"events": {2, 5109, 5108}, "events:paid": {2, 5109, 2 + 1 + 34 + 1 + 5000 + 1}, "events/a": {2, 5109, 2 + 1 + 50 + 1}, "events/" + long: {5, 5, 1}}
	for channel, a := range want {
		if got[channel] != a {
			t.Errorf("%.30s: heard %v, want %v", channel, got[channel], a)
		}
	}
	if len(got) != len(want) {
		t.Errorf("heard %v", got)
	}
	if got := late.heard(t, map[string]int64{"events": 5109, "events:paid": 5109}); got["events"] != (appended{5, 5109, 5105}) || got["events:paid"].First != 5 {
		t.Errorf("who listened later heard %v", got)
	}
	e.must(t, "UNLISTEN *")
	w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('a', 'paid')")
	late.heard(t, map[string]int64{"events": 5110, "events:paid": 5110})
	if n := e.s.Notifications(); n != nil {
		t.Errorf("after UNLISTEN: %v", n)
	}
	for _, x := range []*ear{e, each, late} {
		x.s.Close()
	}
}

// TestSlowListener does not take what it is told: of events it has one entry a channel, and of messages so many until
// who notifies is refused.
func TestSlowListener(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	w := b.connect(t, 0)
	defer w.s.Close()
	e := b.ear(t, "events", "events/a", "m")
	defer e.s.Close()
	for range 500 {
		w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('a', 't')")
	}
	time.Sleep(10 * time.Millisecond) // so that there is something to fold
	all := e.heard(t, map[string]int64{"events": 500, "events/a": 500})
	if all["events"].Count != 500 || all["events/a"].Count != 500 {
		t.Errorf("heard %v", all)
	}
	other := b.connect(t, 1) // of the ear's engine
	defer other.s.Close()
	n := 0
	for ; ; n++ {
		_, err := other.run(fmt.Sprintf("INSERT INTO events (entity_id, event_type) VALUES ('b', 't'); SELECT pg_notify('m', %d || repeat('x', 7000))", n))
		if err == nil {
			continue
		}
		if pe := new(pgerr.Error); !errors.As(err, &pe) || pe.Code != pgerr.ProgramLimitExceeded {
			t.Fatalf("%v", err)
		}
		break
	}
	if usage := other.must(t, "SELECT pg_notification_queue_usage() > 0.99 AND pg_notification_queue_usage() <= 1, count(*) FROM events WHERE entity_id = 'b'"); usage[0].rows[0][0] != "t" || usage[0].rows[0][1] != fmt.Sprint(n) {
		t.Errorf("usage %v after %d", usage, n)
	}
	messages := 0
	for _, x := range e.s.Notifications() {
		if x.Channel == "m" {
			if !strings.HasPrefix(x.Payload, fmt.Sprint(messages)+"x") {
				t.Fatalf("message %d is %.10s", messages, x.Payload)
			}
			messages++
		}
	}
	if messages != n || n < 100 {
		t.Errorf("%d messages of %d", messages, n)
	}
	other.must(t, "NOTIFY m")
	if got := e.s.Notifications(); len(got) == 0 || got[len(got)-1].Channel != "m" {
		t.Errorf("%v", got)
	}
}

// TestNotifyUnread calls pg_notify in columns that nobody reads, as PostgreSQL does: it keeps what is volatile.
func TestNotifyUnread(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	e := b.ear(t, "m")
	defer e.s.Close()
	w := b.connect(t, 1)
	defer w.s.Close()
	w.must(t, "INSERT INTO events (entity_id, event_type) VALUES ('a', 't'), ('b', 't')")
	for _, sql := range []string{
		"SELECT count(*) FROM (SELECT pg_notify('m', i::text) FROM generate_series(1, 2) i) s",
		"SELECT count(*) FROM (SELECT pg_notify('m', position::text) FROM events) s",
		"SELECT position FROM (SELECT position, pg_notify('m', position::text) FROM events OFFSET 0) s",
		"SELECT c FROM (SELECT count(*) AS c, max(pg_notify('m', position::text)::text) FROM events) s",
		"SELECT a FROM (VALUES (1, pg_notify('m', '1')::text), (2, pg_notify('m', '2')::text)) v (a)",
		"SELECT 1 FROM (SELECT pg_notify('m', position::text) FROM events UNION ALL SELECT null WHERE false) s",
	} {
		w.must(t, sql)
		var got []string
		for _, n := range e.s.Notifications() {
			got = append(got, n.Payload)
		}
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("%s: heard %v", sql, got)
		}
	}
}

// TestTail has readers that follow the log with LISTEN and SELECT … WHERE position > $1 while others append in every way and the
// tail is sealed: each sees every event once, in order.
func TestTail(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	b := newBed(t)
	defer b.close(t)
	const writers, rounds, readers = 4, 25, 3
	var work, follow sync.WaitGroup
	total := make(chan int64, 1)
	for r := range readers {
		channel := []string{"events", "events:t", "events/shared"}[r]
		e := b.ear(t, channel)
		follow.Go(func() { e.follow(t, channel, total) })
	}
	var counts [writers]int64
	for k := range writers {
		work.Go(func() { counts[k] = b.appendAll(t, k, rounds) })
	}
	stop := make(chan struct{})
	var seals sync.WaitGroup
	seals.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := b.db.Seal(context.Background()); err != nil {
				t.Error(err)
			}
			if i%3 == 0 {
				if err := b.db.Compact(context.Background()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	work.Wait()
	close(stop)
	seals.Wait()
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	// The last event tells all readers how many there are.
	last := b.connect(t, 0)
	last.must(t, fmt.Sprintf(`SELECT append('shared', 't', '{"end": %d}')`, sum+1))
	last.s.Close()
	total <- sum + 1
	follow.Wait()
}

// appendAll appends in all ways and returns how many events it appended.
func (b *bed) appendAll(t *testing.T, k, rounds int) (n int64) {
	p := b.connect(t, k%2)
	defer p.s.Close()
	rnd := rand.New(rand.NewPCG(uint64(k), 1))
	try := func(err error) {
		if err != nil {
			t.Errorf("writer %d: %v", k, err)
		}
	}
	for range rounds {
		switch rnd.IntN(5) {
		case 0, 1:
			_, err := p.run("INSERT INTO events (entity_id, event_type) VALUES ('shared', 't')")
			try(err)
			n++
		case 2:
			_, err := p.run("BEGIN; INSERT INTO events (entity_id, event_type) VALUES ('shared', 't'), ('x', 't')")
			try(err)
			_, err = p.run("INSERT INTO events (entity_id, event_type) VALUES ('shared', 'u')")
			try(err)
			end, added := "COMMIT", int64(3)
			if rnd.IntN(3) == 0 {
				end, added = "ROLLBACK", 0
			}
			_, err = p.run(end)
			try(err)
			n += added
		case 3:
			lines := int64(1 + rnd.IntN(90))
			_, err := p.copyIn("COPY events FROM STDIN (FORMAT ndjson)", []byte(strings.Repeat(`{"entity_id":"shared","event_type":"t"}`+"\n", int(lines))), 0)
			try(err)
			n += lines
		case 4:
			_, err := p.run("INSERT INTO events (entity_id, event_type) SELECT 'shared', 't' FROM generate_series(1, 40)")
			try(err)
			n += 40
		}
	}
	return n
}

// follow reads what it is woken for until it has seen the last event, and then compares.
func (e *ear) follow(t *testing.T, channel string, total chan int64) {
	defer e.s.Close()
	var seen []int64
	at, told := int64(0), int64(0)
	limit := time.After(time.Minute)
	for done := false; !done; {
		a, err := e.ask("SELECT position, payload->>'end' FROM events WHERE position > $1 ORDER BY position", fmt.Sprint(at))
		if err != nil {
			t.Errorf("%s: %v", channel, err)
			return
		}
		for _, row := range a.rows {
			fmt.Sscan(row[0], &at)
			seen = append(seen, at)
			done = done || row[1] != "NULL"
		}
		if done {
			break
		}
		if at < told {
			t.Errorf("%s: told of %d, but the log ends at %d", channel, told, at)
		}
		select {
		case <-e.woken:
		case <-limit:
			t.Errorf("%s: nobody woke the reader at %d", channel, at)
			return
		}
		for _, n := range e.s.Notifications() {
			var x appended
			if err := json.Unmarshal([]byte(n.Payload), &x); err != nil {
				t.Error(err)
			}
			told = x.Last
		}
	}
	n := <-total
	total <- n
	if int64(len(seen)) != n || !slices.IsSorted(seen) || seen[0] != 1 || seen[len(seen)-1] != n {
		t.Errorf("%s: saw %d of %d events, from %d to %d", channel, len(seen), n, seen[0], seen[len(seen)-1])
	}
}
