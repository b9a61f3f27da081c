package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// interleavings is how many are tried where neither number nor duration is given.
const interleavings = 60

// replays is how often one is played until both have played it in the same way.
const replays = 6

// TestIsolation lets sessions run transactions over the same few rows, statement by statement in a random order. Which statements
// wait for which sessions, what each of them says, and what is there in the end is the same in both. Who is the victim of a deadlock is not compared.
func TestIsolation(t *testing.T) {
	doors := [2]func() *pgconn.PgConn{ours(t), postgres(t, *server)}
	var stages [2]*stage
	for i, door := range doors {
		stages[i] = newStage(t, [...]string{"AllSource", "PostgreSQL"}[i], door)
	}
	waited, deadlocks := 0, 0
	numbered(interleavings, func(i int) {
		var seen [2][][]string
		script := newScript(rand.New(rand.NewPCG(*seed, uint64(i))))
		plays, same := [2]play{}, false
		for try := 0; try < replays && !same; try++ { // of several that are let go at once any may be the first
			for k, s := range stages {
				plays[k] = s.perform(script)
			}
			seen[0], seen[1] = append(seen[0], plays[0].said), append(seen[1], plays[1].said)
			same = plays[0].deadlock && plays[1].deadlock || meet(seen[0], seen[1])
		}
		waited += plays[1].waits
		if plays[1].deadlock {
			deadlocks++
		}
		if same {
			return
		}
		t.Errorf("%s\nAllSource:\n%s\nPostgreSQL:\n%s\n-- again: go test ./cmd/internal/difftest -run TestIsolation -args -seed %d -skip %d -queries 1",
			strings.Join(script, "\n"), strings.Join(plays[0].said, "\n"), strings.Join(plays[1].said, "\n"), *seed, i)
	})
	t.Logf("%d statements waited, %d interleavings ended in a deadlock", waited, deadlocks)
}

// meet reports whether both have played it in one way.
func meet(a, b [][]string) bool {
	return slices.ContainsFunc(a, func(x []string) bool {
		return slices.ContainsFunc(b, func(y []string) bool { return slices.Equal(x, y) })
	})
}

const actors = 3

// newScript is a list of "actor: statement", in the order in which they are said if nobody waits.
func newScript(r *rand.Rand) []string {
	levels := []string{"READ COMMITTED", "READ COMMITTED", "REPEATABLE READ"}
	var parts [actors][]string
	for a := range 2 + r.IntN(actors-1) {
		parts[a] = append(parts[a], "BEGIN ISOLATION LEVEL "+levels[r.IntN(len(levels))])
		for range 1 + r.IntN(4) {
			parts[a] = append(parts[a], scriptStatement(r))
		}
		parts[a] = append(parts[a], []string{"COMMIT", "COMMIT", "COMMIT", "ROLLBACK"}[r.IntN(4)])
	}
	var out []string
	for {
		var open []int
		for a := range parts {
			if len(parts[a]) > 0 {
				open = append(open, a)
			}
		}
		if len(open) == 0 {
			return out
		}
		a := open[r.IntN(len(open))]
		out = append(out, fmt.Sprintf("%d: %s", a, parts[a][0]))
		parts[a] = parts[a][1:]
	}
}

func scriptStatement(r *rand.Rand) string {
	k, n := r.IntN(4)+1, r.IntN(5)
	list := []string{
		fmt.Sprintf("UPDATE t SET v = v + 1 WHERE k = %d", k),
		fmt.Sprintf("UPDATE t SET v = v * 2 WHERE v > %d RETURNING *", n*10),
		fmt.Sprintf("UPDATE t SET k = k + 10 WHERE k = %d", k),
		fmt.Sprintf("UPDATE t SET v = %d WHERE k = (SELECT min(k) FROM t WHERE v < 25) RETURNING k, v", n),
		fmt.Sprintf("UPDATE t SET k = k, v = v + 1 WHERE k = %d", k),
		"UPDATE t SET k = greatest(k, 0) RETURNING *",
		fmt.Sprintf("UPDATE t SET v = v + u.k FROM u WHERE u.k = t.k AND v > %d", n),
		fmt.Sprintf("DELETE FROM t USING u WHERE u.k = t.k AND v < %d RETURNING *", 10*n),
		fmt.Sprintf("UPDATE t SET v = t.v + 1 FROM t AS o WHERE o.v = t.v + %d", 10*(n-2)),
		fmt.Sprintf("DELETE FROM t WHERE k = %d", k),
		fmt.Sprintf("DELETE FROM t WHERE v = %d RETURNING k", 10+n),
		fmt.Sprintf("INSERT INTO t VALUES (%d, 100)", k),
		fmt.Sprintf("INSERT INTO t VALUES (%d, 7) ON CONFLICT DO NOTHING", k),
		fmt.Sprintf("INSERT INTO t VALUES (%d, 5) ON CONFLICT (k) DO UPDATE SET v = t.v + excluded.v RETURNING *", k),
		fmt.Sprintf("INSERT INTO u VALUES (%d)", k),
		"DELETE FROM u",
		"SELECT * FROM t ORDER BY k",
		fmt.Sprintf("SELECT * FROM t WHERE k = %d FOR UPDATE", k),
		fmt.Sprintf("SELECT * FROM t WHERE k = %d FOR SHARE", k),
		fmt.Sprintf("SELECT * FROM t WHERE v > %d ORDER BY k FOR UPDATE SKIP LOCKED", n*5),
		fmt.Sprintf("SELECT * FROM t WHERE k = %d FOR NO KEY UPDATE NOWAIT", k),
		"SELECT count(*), sum(v) FROM t",
		"LOCK TABLE t IN SHARE MODE",
		"LOCK TABLE u",
		"LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
		"ALTER TABLE u ADD IF NOT EXISTS w int",
		"SELECT count(*) FROM u",
		"SELECT k FROM t WHERE EXISTS (SELECT FROM u WHERE u.k = t.k)",
		fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", n),
		fmt.Sprintf("SELECT pg_try_advisory_xact_lock(%d)", n),
	}
	return list[r.IntN(len(list))]
}

// stage is one system with its sessions.
type stage struct {
	t        *testing.T
	name     string
	observer *pgconn.PgConn
	actors   [actors]*actor
}

type actor struct {
	conn *pgconn.PgConn
	said chan outcome // of the statement that is under way; nil: none is
}

// play is what one system made of a script.
type play struct {
	said     []string
	waits    int
	deadlock bool
}

func newStage(t *testing.T, name string, door func() *pgconn.PgConn) *stage {
	s := &stage{t: t, name: name, observer: door()}
	execute(t, s.observer, "SET statement_timeout = 0")
	for i := range s.actors {
		s.actors[i] = &actor{conn: door()}
		// Waiting takes as long as it takes; what neither ends nor waits is not polled for ever.
		execute(t, s.actors[i].conn, "SET statement_timeout = '5min'; SET deadlock_timeout = '50ms'")
	}
	return s
}

func (s *stage) perform(script []string) (p play) {
	execute(s.t, s.observer, `DROP TABLE IF EXISTS u, t; CREATE TABLE t (k int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10), (2, 20), (3, 30);
		CREATE TABLE u (k int REFERENCES t ON DELETE CASCADE); INSERT INTO u VALUES (2)`)
	var later [actors][]string
	for _, line := range script {
		a, sql := int(line[0]-'0'), line[3:]
		later[a] = append(later[a], sql)
		for progress := true; progress; {
			progress = false
			for k := range later {
				for len(later[k]) > 0 && s.actors[k].said == nil {
					s.say(&p, k, later[k][0])
					later[k] = later[k][1:]
					progress = true
				}
			}
			progress = s.hear(&p) || progress
		}
	}
	s.untie(&p, script)
	// Of two that are let go at once either may go on first: what each of them says counts.
	slices.SortStableFunc(p.said, func(a, b string) int { return int(a[0]) - int(b[0]) })
	for _, table := range []string{"t", "u"} {
		p.said = append(p.said, table+": "+whole(ask(s.observer, "SELECT * FROM "+table+" ORDER BY 1")))
	}
	return p
}

// untie ends what is left of a play. Who waits still waits in a circle, which the system opens, or behind it: all that do not wait roll back, so that
// in the end nobody does, or the system has forgotten him.
func (s *stage) untie(p *play, script []string) {
	for {
		waiting := -1
		for i, a := range s.actors {
			if a.said != nil {
				waiting = i
			} else if a.conn.TxStatus() != 'I' {
				execute(s.t, a.conn, "ROLLBACK")
			}
		}
		if waiting < 0 {
			return
		}
		p.deadlock = true
		select { // whoever does not wait has nothing to say
		case <-s.actors[0].said:
			s.actors[0].said = nil
		case <-s.actors[1].said:
			s.actors[1].said = nil
		case <-s.actors[2].said:
			s.actors[2].said = nil
		case <-time.After(time.Minute):
			s.t.Fatalf("actor %d of %s waits for ever:\n%s\nlocks: %s", waiting, s.name, strings.Join(script, "\n"),
				whole(ask(s.observer, "SELECT pid, locktype, relation::regclass, mode, granted FROM pg_locks WHERE locktype <> 'virtualxid' ORDER BY 1")))
		}
	}
}

// say starts a statement of an actor and returns when it has ended or waits.
func (s *stage) say(p *play, k int, sql string) {
	a := s.actors[k]
	said := make(chan outcome, 1)
	a.said = said
	go func() { said <- ask(a.conn, sql) }()
	if s.settle(p, k) {
		return
	}
	p.waits++
	p.said = append(p.said, fmt.Sprintf("%d waits: %s", k, sql))
}

// settle waits until the actor's statement has ended, which it notes, or waits for somebody.
func (s *stage) settle(p *play, k int) (ended bool) {
	a := s.actors[k]
	for {
		select {
		case o := <-a.said:
			a.said = nil
			p.deadlock = p.deadlock || o.state == "40P01"
			p.said = append(p.said, fmt.Sprintf("%d: %s", k, whole(o)))
			return true
		case <-time.After(2 * time.Millisecond):
		}
		waiting := ask(s.observer, fmt.Sprintf("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %d", a.conn.PID()))
		if waiting.state != "" {
			s.t.Fatal(waiting)
		}
		if string(waiting.rows[0][0]) != "0" {
			return false
		}
	}
}

// hear notes what those say who waited and no longer do.
func (s *stage) hear(p *play) (any bool) {
	for k, a := range s.actors {
		if a.said != nil && s.settle(p, k) {
			any = true
		}
	}
	return any
}

// whole is an outcome without what may differ between systems.
func whole(o outcome) string {
	if o.state != "" {
		return o.state
	}
	rows := make([]string, len(o.rows))
	for i, row := range o.rows {
		rows[i] = shown(row)
	}
	return o.tag + " " + strings.Join(rows, " ")
}
