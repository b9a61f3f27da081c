package engine_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allsource-db/allsource/engine"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// postgresEpoch is where the microseconds of values count from.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// handClock is a wall clock that a test moves by hand.
type handClock struct{ unix atomic.Int64 } // microseconds

func newHandClock() *handClock {
	c := &handClock{}
	c.unix.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro())
	return c
}

func (c *handClock) now() time.Time { return time.UnixMicro(c.unix.Load()).UTC() }

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// bed is a store in memory with engines over it: one with a single worker, one with several. Nothing happens in the
// background, and row groups are tiny.
type bed struct {
	rows    int // of a row group
	fs      storage.FS
	clock   *handClock
	store   *storage.Store
	db      *storage.DB
	engines []*engine.Engine
	// tableBytes is from which size on something goes to the disk as a table; 0: the usual one.
	tableBytes int64
}

func newBed(t fataler) *bed {
	t.Helper()
	return newBedOf(t, 32)
}

// newBedOf is a bed with row groups of another size.
func newBedOf(t fataler, rows int) *bed {
	t.Helper()
	b := &bed{rows: rows, fs: storage.NewMemFS(), clock: newHandClock()}
	b.open(t)
	return b
}

func (b *bed) open(t fataler) {
	t.Helper()
	var err error
	quiet := slog.New(slog.DiscardHandler)
	b.store, err = storage.Open("db", storage.Options{FS: b.fs, Memory: 32 << 20, Now: b.clock.now, Logger: quiet,
		RowGroupRows: b.rows, SealRows: b.rows / 2, Manual: true, TableBytes: b.tableBytes})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	if b.db, err = b.store.Database(storage.FirstDatabase); err != nil {
		t.Fatalf("database: %v", err)
	}
	b.engines = nil
	for _, workers := range []int{1, 3} {
		// With several workers, what a transaction writes goes to disk at once.
		own := int64(workers / 2)
		b.engines = append(b.engines, engine.New(engine.Config{Logs: bedLogs{b.store}, Memory: 64 << 20, Now: b.clock.now,
			Logger: quiet, Workers: workers, OwnBytes: own}))
	}
}

func (b *bed) close(t fataler) {
	t.Helper()
	for i, e := range b.engines {
		if n := e.Sessions(); n != 0 {
			t.Fatalf("engine %d has %d sessions left", i, n)
		}
	}
	if err := b.store.Close(); err != nil {
		t.Fatalf("close the store: %v", err)
	}
}

type bedLogs struct{ store *storage.Store }

func (l bedLogs) Open(name string) (engine.Log, error) {
	db, err := l.store.Database(name)
	if err != nil {
		return nil, err
	}
	return db, nil
}

func (l bedLogs) Names() []string { return l.store.Databases() }

// person is somebody at a session.
type person struct {
	s       *engine.Session
	notices []*pgerr.Error
}

func (b *bed) connect(t fataler, worker int) *person {
	t.Helper()
	return b.connectTo(t, worker, storage.FirstDatabase)
}

func (b *bed) connectTo(t fataler, worker int, database string) *person {
	t.Helper()
	p := &person{}
	s, err := b.engines[worker].Connect(engine.SessionOptions{Database: database, User: "ann",
		Notice: func(n *pgerr.Error) { p.notices = append(p.notices, n) }})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	p.s = s
	return p
}

// answer is what a statement gave: rows in text and in binary.
type answer struct {
	tag    string
	fields []string
	types  []datum.OID
	rows   [][]string
	binary [][]string // hexadecimal
}

// run sends a script as one message of the simple protocol does: several statements are one transaction. The answers before
// an error are returned with it.
func (p *person) run(script string) ([]answer, error) {
	ctx := context.Background()
	stmts, err := p.s.Parse(script)
	if err != nil {
		return nil, err
	}
	if len(stmts) > 1 {
		p.s.BeginImplicit()
	}
	var out []answer
	for i, st := range stmts {
		prep, err := p.s.Prepare(ctx, st, script, nil)
		var a answer
		if err == nil {
			a, err = p.execute(prep, nil)
		}
		if err != nil {
			if end := p.s.EndImplicit(ctx); end != nil {
				err = fmt.Errorf("%w; and then %w", err, end)
			}
			return out, err
		}
		out = append(out, a)
		if len(stmts) > 1 && i+1 < len(stmts) && p.s.Status() == 'I' {
			p.s.BeginImplicit()
		}
	}
	return out, p.s.EndImplicit(ctx)
}

// waiting begins what a session does, and returns once it waits for a lock, as another session sees. What it is then told comes from the channel.
func waiting[T any](t *testing.T, p, watch *person, do func() T) <-chan T {
	t.Helper()
	told := make(chan T, 1)
	go func() { told <- do() }()
	for asked(t, watch, fmt.Sprintf("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %d", p.s.PID())) == "0\n" {
		select {
		case got := <-told:
			t.Fatalf("nobody kept it waiting: %v", got)
		default:
			runtime.Gosched()
		}
	}
	return told
}

// ask runs one statement with parameters in text, as the extended protocol does.
func (p *person) ask(sql string, args ...string) (answer, error) {
	ctx := context.Background()
	stmts, err := p.s.Parse(sql)
	if err != nil {
		return answer{}, err
	}
	if len(stmts) != 1 {
		return answer{}, fmt.Errorf("%d statements", len(stmts))
	}
	prep, err := p.s.Prepare(ctx, stmts[0], sql, nil)
	if err != nil {
		return answer{}, err
	}
	if len(prep.ParamTypes) != len(args) {
		return answer{}, fmt.Errorf("%d parameters for %d", len(args), len(prep.ParamTypes))
	}
	params := make([]*vec.Column, len(args))
	for i, v := range args {
		b := vec.NewBuilder(datum.Lookup(prep.ParamTypes[i]).Kind, 1)
		if err := datum.ParseText(datum.T(prep.ParamTypes[i]), []byte(v), b, p.s.Env()); err != nil {
			return answer{}, err
		}
		params[i] = b.Finish()
	}
	a, err := p.execute(prep, params)
	if err != nil {
		return a, err
	}
	return a, p.s.EndImplicit(ctx)
}

func (p *person) execute(prep *engine.Prepared, params []*vec.Column) (answer, error) {
	ctx := context.Background()
	if prep.Copy() == engine.CopyTo {
		return p.copyOut(prep, params)
	}
	rows, err := p.s.Execute(ctx, prep, params)
	if err != nil {
		return answer{}, err
	}
	defer rows.Close()
	var a answer
	for _, f := range rows.Fields {
		a.fields, a.types = append(a.fields, f.Name), append(a.types, f.Type.OID)
	}
	for {
		b, err := rows.Next()
		if err != nil {
			return a, err
		}
		if b == nil {
			a.tag = rows.Tag()
			return a, nil
		}
		for i := range b.Len {
			if err := a.add(rows.Fields, b, i, p.s.Env()); err != nil {
				return a, err
			}
		}
	}
}

func (a *answer) add(fields []engine.Field, b *vec.Batch, i int, env *datum.Env) error {
	var text, binary []string
	for k, c := range b.Cols {
		if c.Null(i) {
			text, binary = append(text, "NULL"), append(binary, "NULL")
			continue
		}
		raw, err := datum.AppendBinary(nil, fields[k].Type, c, i, env)
		if err != nil {
			return fmt.Errorf("column %s in binary: %w", fields[k].Name, err)
		}
		text = append(text, string(datum.AppendText(nil, fields[k].Type, c, i, env)))
		binary = append(binary, hex.EncodeToString(raw))
	}
	a.rows, a.binary = append(a.rows, text), append(a.binary, binary)
	return nil
}

// copyOut gives each line as a row of one column.
func (p *person) copyOut(prep *engine.Prepared, params []*vec.Column) (answer, error) {
	out, err := p.s.CopyOut(context.Background(), prep, params)
	if err != nil {
		return answer{}, err
	}
	defer out.Close()
	a := answer{fields: []string{}}
	for {
		line, err := out.Next()
		if err != nil {
			return a, err
		}
		if line == nil {
			a.tag = out.Tag()
			return a, nil
		}
		text := string(line)
		if out.Binary() {
			text = hex.EncodeToString(line)
		}
		a.rows = append(a.rows, []string{text})
	}
}

// copyIn runs a COPY FROM STDIN with the data in pieces of the given size (0: one piece).
func (p *person) copyIn(sql string, data []byte, piece int) (string, error) {
	ctx := context.Background()
	stmts, err := p.s.Parse(sql)
	if err != nil {
		return "", err
	}
	prep, err := p.s.Prepare(ctx, stmts[0], sql, nil)
	if err != nil {
		return "", err
	}
	in, err := p.s.CopyIn(ctx, prep)
	if err != nil {
		return "", err
	}
	for len(data) > 0 {
		n := len(data)
		if piece > 0 {
			n = min(n, piece)
		}
		if err := in.Write(data[:n]); err != nil {
			in.Abort(err)
			return "", err
		}
		data = data[n:]
	}
	tag, err := in.Close()
	if err != nil {
		return "", err
	}
	return tag, p.s.EndImplicit(ctx)
}
