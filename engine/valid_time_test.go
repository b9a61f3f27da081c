package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/allsource-db/allsource/sql/pgerr"
)

const (
	portionIDs  = 3
	portionDays = 40
)

// days are what holds of an id on each day: 0 nothing.
type days [portionIDs][portionDays]int

// portions is a table with a period beside what it must say.
type portions struct {
	*person
	t     *testing.T
	b     *bed
	rng   *rand.Rand
	model days
	value int
}

func (p *portions) date(day int) string { return fmt.Sprintf("date '2024-02-10' + %d", day) }

// change does something random to the table and to the model, and says what.
func (p *portions) change() string {
	from := p.rng.IntN(portionDays - 1)
	to := from + 1 + p.rng.IntN(portionDays-from-1)
	id := p.rng.IntN(portionIDs)
	p.value++
	after, clash := p.model, false
	for d := from; d < to; d++ {
		clash = clash || after[id][d] != 0
	}
	fill := func(value func(old int) int) {
		for d := from; d < to; d++ {
			after[id][d] = value(after[id][d])
		}
	}
	sql := ""
	switch p.rng.IntN(4) {
	case 0, 1:
		sql = fmt.Sprintf("INSERT INTO h VALUES (%d, %s, %s, %d)", id, p.date(from), p.date(to), p.value)
		fill(func(int) int { return p.value })
	case 2:
		clash = false
		sql = fmt.Sprintf("UPDATE h FOR PORTION OF valid_time FROM %s TO %s SET v = v + 1000 WHERE id = %d", p.date(from), p.date(to), id)
		fill(func(old int) int {
			if old != 0 {
				old += 1000
			}
			return old
		})
	case 3:
		clash = false
		sql = fmt.Sprintf("DELETE FROM h FOR PORTION OF valid_time FROM %s TO %s WHERE id = %d", p.date(from), p.date(to), id)
		fill(func(int) int { return 0 })
	}
	_, err := p.run(sql)
	switch {
	case clash && !pgerr.Is(err, "23P01"):
		p.t.Fatalf("%s overlaps, and gives %v", sql, err)
	case !clash && err != nil:
		p.t.Fatalf("%s: %v", sql, err)
	case !clash:
		p.model = after
	}
	return sql
}

// is compares the table with what it must say, at each day and as rows.
func (p *portions) is(what string, want days, clause string) {
	p.t.Helper()
	answers, err := p.run("SELECT id, s - date '2024-02-10', e - date '2024-02-10', v FROM h " + clause)
	if err != nil {
		p.t.Fatal(err)
	}
	var got days
	for _, r := range answers[0].rows {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(r[i])
		}
		for d := n[1]; d < n[2]; d++ {
			if got[n[0]][d] != 0 {
				p.t.Fatalf("%s: rows of %d overlap on day %d", what, n[0], d)
			}
			got[n[0]][d] = n[3]
		}
	}
	if got != want {
		p.t.Fatalf("%s: the table says\n%v\nand not\n%v", what, got, want)
	}
	day, id := p.rng.IntN(portionDays), p.rng.IntN(portionIDs)
	answers, err = p.run(fmt.Sprintf("SELECT coalesce(sum(v), 0) FROM h %s FOR VALID_TIME AS OF %s WHERE id = %d", clause, p.date(day), id))
	if err != nil {
		p.t.Fatal(err)
	}
	if got := answers[0].rows[0][0]; got != strconv.Itoa(want[id][day]) {
		p.t.Fatalf("%s: %d has %s on day %d and not %d", what, id, got, day, want[id][day])
	}
}

// TestPortions changes random parts of periods, in transactions some of which go back, and asks later what was believed at each moment.
func TestPortions(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for seed := range uint64(6) {
		b := newBed(t)
		p := &portions{person: b.connect(t, 0), t: t, b: b, rng: rand.New(rand.NewPCG(seed, 7))}
		if _, err := p.run("CREATE TABLE h (id int, s date, e date, v int, PERIOD FOR valid_time (s, e), PRIMARY KEY (id, valid_time WITHOUT OVERLAPS))"); err != nil {
			t.Fatal(err)
		}
		type moment struct {
			at    string
			model days
		}
		var past []moment
		for range 40 {
			b.clock.unix.Add(1000)
			before, n := p.model, 1+p.rng.IntN(4)
			var log []string
			must := func(sql string) {
				if _, err := p.run(sql); err != nil {
					t.Fatalf("%v %s: %v", log, sql, err)
				}
			}
			must("BEGIN")
			for range n {
				must("SAVEPOINT s")
				kept := p.model
				log = append(log, p.change())
				if p.model == kept || p.rng.IntN(4) == 0 {
					must("ROLLBACK TO s")
					p.model = kept
				}
			}
			if p.rng.IntN(5) == 0 {
				must("ROLLBACK")
				p.model = before
			} else {
				must("COMMIT")
			}
			p.is(fmt.Sprint("seed ", seed, " after ", log), p.model, "")
			past = append(past, moment{b.clock.now().Format("2006-01-02 15:04:05.000000+00"), p.model})
			if p.rng.IntN(6) == 0 {
				if err := b.db.Seal(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			then := past[p.rng.IntN(len(past))]
			p.is(fmt.Sprint("seed ", seed, " as of ", then.at), then.model, "FOR SYSTEM_TIME AS OF '"+then.at+"'")
		}
		p.s.Close()
		b.close(t)
	}
}

// TestWithoutOverlapsAtOnce has several sessions put rows under few keys: whoever comes second waits and is refused, and no two rows that stay
// overlap.
func TestWithoutOverlapsAtOnce(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	setup := b.connect(t, 0)
	defer setup.s.Close()
	if _, err := setup.run("CREATE TABLE h (id int, s date, e date, v int, PERIOD FOR valid_time (s, e), PRIMARY KEY (id, valid_time WITHOUT OVERLAPS))"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	outcomes := map[string]int{}
	var wg sync.WaitGroup
	for n := range 6 {
		p := b.connect(t, 0)
		wg.Go(func() {
			defer p.s.Close()
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			for range 60 {
				from, id := rng.IntN(60), rng.IntN(2)
				period := fmt.Sprintf("date '2024-01-01' + %d, date '2024-01-01' + %d", from, from+1+rng.IntN(8))
				portion := fmt.Sprintf("FOR PORTION OF valid_time FROM date '2024-01-01' + %d TO date '2024-01-01' + %d", from, from+2)
				sql := []string{
					fmt.Sprintf("INSERT INTO h VALUES (%d, %s, 1)", id, period),
					fmt.Sprintf("BEGIN; INSERT INTO h VALUES (%d, %s, 2); SELECT count(*) FROM h; COMMIT", id, period),
					fmt.Sprintf("UPDATE h %s SET v = v + 1 WHERE id = %d", portion, id),
					fmt.Sprintf("DELETE FROM h %s WHERE id = %d", portion, id),
					fmt.Sprintf("UPDATE h SET s = s - 1 WHERE id = %d AND s > '2024-01-%d'", id, 1+rng.IntN(20)),
				}[rng.IntN(5)]
				_, err := p.run(sql)
				outcome := "done"
				if err != nil {
					outcome = string(pgerr.From(err).Code)
					_, _ = p.run("ROLLBACK")
				}
				mu.Lock()
				outcomes[outcome]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	answers, err := setup.run("SELECT (count(*) - (SELECT count(*) FROM h)) / 2 FROM h a JOIN h b ON a.id = b.id AND a.s < b.e AND b.s < a.e")
	if err != nil {
		t.Fatal(err)
	}
	if answers[0].rows[0][0] != "0" {
		t.Errorf("%s pairs of rows overlap", answers[0].rows[0][0])
	}
	if outcomes["done"] == 0 || outcomes["23P01"] == 0 {
		t.Errorf("outcomes %v: too few to say anything", outcomes)
	}
	for code := range outcomes {
		if code != "done" && code != "23P01" && code != "40P01" {
			t.Errorf("%d statements gave %s", outcomes[code], code)
		}
	}
}

// TestWithoutOverlapsWaits has a session meet a key that another one has under way: it waits, and what it gets follows from what that one does.
func TestWithoutOverlapsWaits(t *testing.T) {
	b := newBed(t)
	defer b.close(t)
	ann, bob := b.connect(t, 0), b.connect(t, 0)
	defer ann.s.Close()
	defer bob.s.Close()
	for _, step := range []struct {
		p    *person
		sql  string
		code pgerr.Code
	}{
		{ann, "CREATE TABLE h (id int, s date, e date, PERIOD FOR valid_time (s, e), PRIMARY KEY (id, valid_time WITHOUT OVERLAPS))", ""},
		{bob, "SET lock_timeout = '20ms'", ""},
		{ann, "BEGIN; INSERT INTO h VALUES (7, '2025-01-01', '2025-03-01')", ""},
		{bob, "INSERT INTO h VALUES (8, '2025-01-01', '2025-03-01')", ""},
		{bob, "INSERT INTO h VALUES (7, '2025-02-01', '2025-04-01')", "55P03"},
		{bob, "INSERT INTO h VALUES (7, '2025-02-01', '2025-04-01') ON CONFLICT DO NOTHING", "55P03"},
		{ann, "COMMIT", ""},
		{bob, "INSERT INTO h VALUES (7, '2025-02-01', '2025-04-01')", "23P01"},
		{bob, "INSERT INTO h VALUES (7, '2025-03-01', '2025-04-01')", ""},
		{ann, "BEGIN; DELETE FROM h FOR PORTION OF valid_time FROM '2025-02-01' TO '2025-02-15' WHERE id = 7", ""},
		{bob, "INSERT INTO h VALUES (7, '2025-02-01', '2025-02-15')", "55P03"},
		{bob, "UPDATE h SET s = '2024-12-01' WHERE id = 7 AND s = '2025-01-01'", "55P03"},
		{ann, "COMMIT", ""},
		{bob, "INSERT INTO h VALUES (7, '2025-02-01', '2025-02-15')", ""},
		{ann, "BEGIN; DELETE FROM h WHERE id = 8", ""},
		{bob, "INSERT INTO h VALUES (8, '2025-02-01', '2025-02-15')", "55P03"},
		{ann, "ROLLBACK", ""},
		{bob, "INSERT INTO h VALUES (8, '2025-02-01', '2025-02-15')", "23P01"},
	} {
		if _, err := step.p.run(step.sql); err == nil && step.code != "" || err != nil && !pgerr.Is(err, step.code) {
			t.Fatalf("%s: %v, want %q", step.sql, err, step.code)
		}
	}
}
