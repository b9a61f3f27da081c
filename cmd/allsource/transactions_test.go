package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	txnFor  = flag.Duration("txn-for", 4*time.Second, "how long TestTransactions goes on")
	txnKill = flag.Duration("txn-kill", 2*time.Second, "how often TestTransactions kills the server")
	txnSeed = flag.Uint64("txn-seed", 1, "what TestTransactions draws from")
)

const (
	txnSessions  = 6
	regSessions  = 3
	listsAtOnce  = 4
	listsFor     = 60 // transactions of a session until it goes on to other lists
	regs         = 3
	opsOfARegset = 25 // operations of a session on a register until it goes on to another one

	registerPatience = 10 * time.Second
	undecidedShare   = 20 // at most one of so many registers may be undecided
)

// transactions is a server on which several sessions do random transactions with lists and registers, and what they saw.
type transactions struct {
	killed
	next      atomic.Int64 // values and transactions
	stories   []story
	registers map[int][]porcupine.Operation
	began     time.Time
}

// TestTransactions lets sessions do random transactions at once, on a server that is killed now and then, and has their histories checked: lists
// for SERIALIZABLE, snapshot isolation and READ COMMITTED, registers for linearizability, and the events that were appended beside for being there exactly
// when the transaction is. `make histories` lets it go on for long.
func TestTransactions(t *testing.T) {
	x := &transactions{registers: map[int][]porcupine.Operation{}, began: time.Now()}
	x.start(t, filepath.Join(t.TempDir(), "data"),
		`CREATE TABLE lists (k int PRIMARY KEY, v int[] NOT NULL)`, `CREATE TABLE registers (k int PRIMARY KEY, v int NOT NULL)`)
	for n := range txnSessions + regSessions {
		rng, do := rand.New(rand.NewPCG(*txnSeed, uint64(n))), x.lists
		if n >= txnSessions {
			do = x.register
		}
		x.session(t, func(c *pgx.Conn, turn int) error { return do(c, rng, n, turn) })
	}
	x.run(t, *txnFor, *txnKill)
	c := x.srv.connect(t)
	x.judge(t, c)
	_ = c.Close(t.Context())
	x.srv.stop(t)
	t.Logf("%d transactions, %d kills; refused: %v", len(x.stories), x.kills, x.codes)
}

// lists does one transaction with lists and writes down what it was.
func (x *transactions) lists(c *pgx.Conn, rng *rand.Rand, n, turn int) error {
	ctx := context.Background()
	s := story{id: int(x.next.Add(1)), repeatable: rng.IntN(3) > 0, fate: aborted}
	s.serial = s.repeatable && rng.IntN(3) > 0
	defer func() {
		x.mu.Lock()
		x.stories = append(x.stories, s)
		x.mu.Unlock()
	}()
	level := pgx.ReadCommitted
	switch {
	case s.serial:
		level = pgx.Serializable
	case s.repeatable:
		level = pgx.RepeatableRead
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: level})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	saved := -1 // deeds at the savepoint
	for range 1 + rng.IntN(5) {
		switch what := rng.IntN(12); {
		case what == 0 && saved < 0:
			_, err = tx.Exec(ctx, `SAVEPOINT s`)
			saved = len(s.deeds)
		case what == 1 && saved >= 0:
			_, err = tx.Exec(ctx, `ROLLBACK TO s`)
			for i := saved; i < len(s.deeds); i++ {
				s.deeds[i].undone = true
			}
		default:
			err = x.deed(ctx, tx, rng, turn/listsFor*listsAtOnce, &s)
		}
		if err != nil {
			return err
		}
	}
	if rng.IntN(3) == 0 {
		if _, err := tx.Exec(ctx, `INSERT INTO events (entity_id, event_type) VALUES ($1, 'done')`, fmt.Sprint("txn-", s.id)); err != nil {
			return err
		}
		s.deeds = append(s.deeds, deed{key: beside, value: s.id})
	}
	if rng.IntN(8) == 0 {
		return nil
	}
	s.fate = unknown
	if err = tx.Commit(ctx); err == nil {
		s.fate = committed
	} else if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code != "57P01" {
		s.fate = aborted
	}
	return err
}

// deed reads lists or appends to them, by key or by a condition.
func (x *transactions) deed(ctx context.Context, tx pgx.Tx, rng *rand.Rand, first int, s *story) error {
	key := first + rng.IntN(listsAtOnce)
	value := int(x.next.Add(1))
	appended := func(sql string, args ...any) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, pgx.RowTo[int])
		for _, k := range keys {
			s.deeds = append(s.deeds, deed{key: k, value: value})
		}
		return err
	}
	read := func(from, to int, sql string) error {
		rows, err := tx.Query(ctx, sql, from, to)
		if err != nil {
			return err
		}
		got := map[int][]int{}
		var k int
		var v []int
		if _, err := pgx.ForEachRow(rows, []any{&k, &v}, func() error { got[k], v = v, nil; return nil }); err != nil {
			return err
		}
		for k := from; k <= to; k++ {
			s.deeds = append(s.deeds, deed{key: k, read: true, list: got[k]})
		}
		return nil
	}
	switch rng.IntN(8) {
	case 0, 1:
		return appended(`INSERT INTO lists VALUES ($1, ARRAY[$2::int]) ON CONFLICT (k) DO UPDATE SET v = lists.v || excluded.v RETURNING k`, key, value)
	case 2:
		return appended(`UPDATE lists SET v = v || $2::int WHERE k = $1 RETURNING k`, key, value)
	case 3:
		return appended(`UPDATE lists SET v = v || $3::int WHERE k >= $1 AND k < $2 AND cardinality(v) % 2 = 0 RETURNING k`, first, first+listsAtOnce, value)
	case 4: // the row goes, and comes again with one more value
		var was []int
		err := tx.QueryRow(ctx, `DELETE FROM lists WHERE k = $1 RETURNING v`, key).Scan(&was)
		if err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				err = nil
			}
			return err
		}
		return appended(`INSERT INTO lists VALUES ($1, $2) RETURNING k`, key, append(was, value))
	case 5:
		return read(first, first+listsAtOnce-1, `SELECT k, v FROM lists WHERE k >= $1 AND k <= $2`)
	case 6:
		return read(key, key, `SELECT k, v FROM lists WHERE k BETWEEN $1 AND $2 FOR UPDATE`)
	}
	return read(key, key, `SELECT k, v FROM lists WHERE k = $1 AND k = $2`)
}

// regOp is an operation on a register: 'r' read, 'w' write, 'c' put value where old is, 'd' delete.
type regOp struct {
	kind       byte
	value, old int
}

// regAnswer is what it gave: the value read (0: none), whether a row was changed. unknown where the server was killed first.
type regAnswer struct {
	value   int
	changed bool
	unknown bool
}

// register does one operation on a register, as a statement of its own.
func (x *transactions) register(c *pgx.Conn, rng *rand.Rand, n, turn int) error {
	key := turn/opsOfARegset*regs + rng.IntN(regs)
	op := regOp{kind: "rrwcd"[rng.IntN(5)], value: 1 + rng.IntN(4), old: 1 + rng.IntN(4)}
	call := int64(time.Since(x.began))
	var out regAnswer
	var tag pgconn.CommandTag
	var err error
	ctx := context.Background()
	switch op.kind {
	case 'r':
		if err = c.QueryRow(ctx, `SELECT v FROM registers WHERE k = $1`, key).Scan(&out.value); errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
	case 'w':
		tag, err = c.Exec(ctx, `INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v`, key, op.value)
	case 'c':
		tag, err = c.Exec(ctx, `UPDATE registers SET v = $2 WHERE k = $1 AND v = $3`, key, op.value, op.old)
	case 'd':
		tag, err = c.Exec(ctx, `DELETE FROM registers WHERE k = $1`, key)
	}
	out.changed = tag.RowsAffected() > 0
	done := porcupine.Operation{ClientId: n, Input: op, Output: out, Call: call, Return: int64(time.Since(x.began))}
	if err != nil {
		done.Output, done.Return = regAnswer{unknown: true}, 1<<62
		done.ClientId = int(x.next.Add(1)) // the client goes on while this one may still happen
	}
	x.mu.Lock()
	x.registers[key] = append(x.registers[key], done)
	x.mu.Unlock()
	return err
}

func registerModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{0} },
		Step: func(state, input, output any) []any {
			op, got, now := input.(regOp), output.(regAnswer), state.(int)
			after, want := now, regAnswer{}
			switch {
			case op.kind == 'r':
				want.value = now
			case op.kind == 'w':
				after, want.changed = op.value, true
			case op.kind == 'c' && now == op.old:
				after, want.changed = op.value, true
			case op.kind == 'd' && now != 0:
				after, want.changed = 0, true
			}
			switch {
			case got.unknown && after != now:
				return []any{now, after}
			case got.unknown || got == want:
				return []any{after}
			}
			return nil
		},
	}
	return m.ToModel()
}

// judge reads what is there at the end and has everything checked.
func (x *transactions) judge(t *testing.T, c *pgx.Conn) {
	t.Helper()
	final := map[int][]int{}
	rows, err := c.Query(t.Context(), `SELECT k, v FROM lists UNION ALL SELECT -1, array_agg(substr(entity_id, 5)::int ORDER BY position) FROM events HAVING count(*) > 0`)
	if err != nil {
		t.Fatal(err)
	}
	var k int
	var v []int
	if _, err := pgx.ForEachRow(rows, []any{&k, &v}, func() error { final[k], v = v, nil; return nil }); err != nil {
		t.Fatal(err)
	}
	problems := checkHistory(x.stories, final)
	for _, p := range problems[:min(len(problems), 10)] {
		t.Error(p)
	}
	fates, values := map[fate]int{}, 0
	for i := range x.stories {
		fates[x.stories[i].fate]++
	}
	for _, list := range final {
		values += len(list)
	}
	if fates[committed] == 0 || fates[aborted] == 0 || values == 0 || len(x.registers) == 0 {
		t.Errorf("fates %v, %d values, %d registers: the test showed nothing", fates, values, len(x.registers))
	}
	x.judgeRegisters(t)
}

// judgeRegisters looks for an order of each register's operations. A search that finds neither an order nor that there is none in its time shows nothing;
// few may end so.
func (x *transactions) judgeRegisters(t *testing.T) {
	t.Helper()
	undecided := 0
	for key, ops := range x.registers {
		switch porcupine.CheckOperationsTimeout(registerModel(), ops, registerPatience) {
		case porcupine.Illegal:
			t.Errorf("the %d operations on register %d are not linearizable", len(ops), key)
		case porcupine.Unknown:
			undecided++
		}
	}
	t.Logf("%d registers, of which %d are undecided", len(x.registers), undecided)
	if undecided*undecidedShare > len(x.registers) {
		t.Errorf("%d of %d registers are undecided: their histories are too long for the search", undecided, len(x.registers))
	}
}
