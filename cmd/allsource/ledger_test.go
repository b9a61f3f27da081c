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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	ledgerFor  = flag.Duration("ledger-for", 5*time.Second, "how long TestKillLedger goes on")
	ledgerKill = flag.Duration("ledger-kill", 1500*time.Millisecond, "how often TestKillLedger kills the server")
	ledgerSeed = flag.Uint64("ledger-seed", 1, "what TestKillLedger draws from")
)

const (
	ledgerSessions = 8
	ledgerAccounts = 12
	ledgerMoments  = 40 // of the past, looked at in the end
)

// ledger is a server that is killed again and again while sessions move amounts between accounts: each transaction appends events and
// changes the read model of them, the table balance, and the table transfers that says which transactions there were.
type ledger struct {
	killed
	next   atomic.Int64 // number of the next transaction
	fates  map[int64]fate
	looked int64 // times that a reader compared
}

var ledgerTables = []string{
	`CREATE TABLE balance (account text PRIMARY KEY, amount numeric NOT NULL, events bigint NOT NULL, version bigint NOT NULL)`,
	`CREATE TABLE transfers (txn bigint PRIMARY KEY, events bigint NOT NULL)`,
}

// ledgerWrong counts where the read models differ from what the events add up to: accounts, and transactions that are there in part.
const ledgerWrong = `SELECT
	(SELECT count(*) FROM (SELECT entity_id, sum((payload->>'amount')::numeric) AS amount, count(*) AS events, max(version) AS version FROM events GROUP BY 1) e
		FULL JOIN balance b ON b.account = e.entity_id
		WHERE (b.amount, b.events, b.version) IS DISTINCT FROM (e.amount, e.events, e.version)),
	(SELECT count(*) FROM (SELECT (payload->>'txn')::bigint AS txn, count(*) AS events, max((payload->>'of')::int) AS parts, count(DISTINCT recorded_at) AS times FROM events GROUP BY 1) e
		FULL JOIN transfers t USING (txn)
		WHERE t.events IS DISTINCT FROM e.events OR e.parts IS DISTINCT FROM e.events OR e.times <> 1)`

// ledgerWays are the ways to append n events of a transaction and bring the read model up to date.
var ledgerWays = []func(ctx context.Context, tx pgx.Tx, txn int64, accounts []string) error{
	// Event by event, the row changed beside it.
	func(ctx context.Context, tx pgx.Tx, txn int64, accounts []string) error {
		for i, a := range accounts {
			_, err := tx.Exec(ctx, `INSERT INTO events (entity_id, event_type, payload) VALUES ($1, 'moved', jsonb_build_object('amount', $2::int, 'txn', $3::bigint, 'of', $4::int))`,
				a, i-1, txn, len(accounts))
			if err == nil {
				_, err = tx.Exec(ctx, `INSERT INTO balance VALUES ($1, $2, 1, 1) ON CONFLICT (account) DO UPDATE SET amount = balance.amount + excluded.amount,
					events = balance.events + 1, version = balance.version + 1`, a, i-1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	},
	// One statement: what was appended goes into the read model.
	func(ctx context.Context, tx pgx.Tx, txn int64, accounts []string) error {
		_, err := tx.Exec(ctx, `WITH e AS (INSERT INTO events (entity_id, event_type, payload)
				SELECT a, 'moved', jsonb_build_object('amount', n * 0.25, 'txn', $1::bigint, 'of', cardinality($2::text[])) FROM unnest($2::text[]) WITH ORDINALITY AS u(a, n)
				RETURNING entity_id, (payload->>'amount')::numeric AS amount)
			INSERT INTO balance SELECT entity_id, amount, 1, 1 FROM e ON CONFLICT (account) DO UPDATE SET amount = balance.amount + excluded.amount,
				events = balance.events + 1, version = balance.version + 1`, txn, accounts)
		return err
	},
	// The rows are locked, and what was appended is read again: the read model is computed anew from all events.
	func(ctx context.Context, tx pgx.Tx, txn int64, accounts []string) error {
		for _, a := range accounts {
			if _, err := tx.Exec(ctx, `INSERT INTO balance VALUES ($1, 0, 0, 0) ON CONFLICT (account) DO UPDATE SET events = balance.events`, a); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO events (entity_id, event_type, payload) SELECT a, 'counted', jsonb_build_object('amount', 1, 'txn', $1::bigint, 'of', cardinality($2::text[])) FROM unnest($2::text[]) AS a`, txn, accounts)
		if err == nil {
			_, err = tx.Exec(ctx, `UPDATE balance b SET amount = e.amount, events = e.events, version = e.version
				FROM (SELECT entity_id, sum((payload->>'amount')::numeric) AS amount, count(*) AS events, max(version) AS version FROM events WHERE entity_id = ANY ($1) GROUP BY 1) e
				WHERE account = entity_id`, accounts)
		}
		return err
	},
}

// transfer does one transaction. Some are rolled back, and some lose their connection.
func (l *ledger) transfer(c *pgx.Conn, rng *rand.Rand) error {
	ctx := context.Background()
	txn, f := l.next.Add(1), aborted
	defer func() {
		l.mu.Lock()
		l.fates[txn] = f
		l.mu.Unlock()
	}()
	var accounts []string // in order, so that nobody waits in a circle
	for a := range ledgerAccounts {
		if rng.IntN(4) == 0 {
			accounts = append(accounts, fmt.Sprintf("account-%02d", a))
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if rng.IntN(4) == 0 { // a part that is taken back
		if _, err = tx.Exec(ctx, `SAVEPOINT s`); err == nil {
			err = ledgerWays[rng.IntN(len(ledgerWays))](ctx, tx, txn, accounts)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `ROLLBACK TO s`)
		}
		if err != nil {
			return err
		}
	}
	if err := ledgerWays[rng.IntN(len(ledgerWays))](ctx, tx, txn, accounts); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO transfers VALUES ($1, $2)`, txn, len(accounts)); err != nil {
		return err
	}
	switch rng.IntN(10) {
	case 0:
		return nil
	case 1:
		return c.PgConn().Conn().Close()
	}
	f = unknown
	if err = tx.Commit(ctx); err == nil {
		f = committed
	} else if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code != "57P01" {
		f = aborted
	}
	return err
}

// look compares the read models with the events in one statement, as they are now.
func (l *ledger) look(t *testing.T, c *pgx.Conn) error {
	var balances, transfers int
	err := c.QueryRow(context.Background(), ledgerWrong).Scan(&balances, &transfers)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.looked++
	l.mu.Unlock()
	if balances+transfers > 0 {
		t.Errorf("a reader finds %d balances and %d transfers that are not what the events say", balances, transfers)
	}
	time.Sleep(20 * time.Millisecond)
	return nil
}

// TestKillLedger kills the server again and again while many sessions append events and change the tables that are computed from them, in one
// transaction each. Whenever one looks, also as of moments of the past, the tables are what the events add up to; what was acknowledged
// is there, what was not is there in whole or not at all. `make crash` lets it go on for longer.
func TestKillLedger(t *testing.T) {
	l := &ledger{fates: map[int64]fate{}}
	l.start(t, filepath.Join(t.TempDir(), "data"), ledgerTables...)
	for n := range ledgerSessions {
		rng := rand.New(rand.NewPCG(*ledgerSeed, uint64(n)))
		l.session(t, func(c *pgx.Conn, _ int) error { return l.transfer(c, rng) })
	}
	l.session(t, func(c *pgx.Conn, _ int) error { return l.look(t, c) })
	l.run(t, *ledgerFor, *ledgerKill)
	l.srv.kill(t)
	l.again(t)
	c := l.srv.connect(t)
	l.check(t, c)
	moments := l.checkPast(t, c)
	_ = c.Close(t.Context())
	l.srv.stop(t)
	if l.kills == 0 || l.looked == 0 || moments == 0 {
		t.Errorf("%d kills, %d looks, %d moments: the test showed nothing", l.kills, l.looked, moments)
	}
	t.Logf("%d transactions, %d kills, %d looks meanwhile, %d moments; refused: %v", len(l.fates), l.kills, l.looked, moments, l.codes)
}

// check compares what is there with what the sessions were told.
func (l *ledger) check(t *testing.T, c *pgx.Conn) {
	t.Helper()
	var balances, transfers int
	if err := c.QueryRow(t.Context(), ledgerWrong).Scan(&balances, &transfers); err != nil || balances+transfers > 0 {
		t.Errorf("%d balances and %d transfers are not what the events say: %v", balances, transfers, err)
	}
	rows, err := c.Query(t.Context(), `SELECT txn FROM transfers`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	there, count := map[int64]bool{}, map[fate]int{}
	for _, txn := range list {
		there[txn] = true
		if _, ok := l.fates[txn]; !ok {
			t.Errorf("nobody did transaction %d", txn)
		}
	}
	for txn, f := range l.fates {
		count[f]++
		if f == committed && !there[txn] || f == aborted && there[txn] {
			t.Errorf("transaction %d is there: %v, its fate was %d", txn, there[txn], f)
		}
	}
	if count[committed] == 0 || count[aborted] == 0 {
		t.Errorf("%d committed, %d aborted: the test showed nothing", count[committed], count[aborted])
	}
}

// checkPast compares as of moments of the run: when transactions were committed, and right before.
func (l *ledger) checkPast(t *testing.T, c *pgx.Conn) (moments int) {
	t.Helper()
	rows, err := c.Query(t.Context(), `SELECT at FROM (SELECT DISTINCT recorded_at AS at FROM events) e ORDER BY md5(at::text) LIMIT $1`, ledgerMoments/2)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range list {
		for _, m := range []time.Time{at, at.Add(-time.Microsecond)} {
			moments++
			tx, err := c.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `SET TRANSACTION AS OF SYSTEM TIME '`+m.UTC().Format("2006-01-02 15:04:05.999999Z")+`'`); err != nil {
				t.Fatal(err)
			}
			var balances, transfers, events int
			err = tx.QueryRow(t.Context(), `SELECT *, (SELECT count(*) FROM events) FROM (`+ledgerWrong+`) w`).Scan(&balances, &transfers, &events)
			if err != nil || balances+transfers > 0 {
				t.Errorf("as of %v, with %d events, %d balances and %d transfers are not what the events say: %v", m, events, balances, transfers, err)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return moments
}
