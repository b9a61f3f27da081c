package lock

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// postgresTable is the table of conflicting lock modes of PostgreSQL's manual, 13.3.1, and that of rows, 13.3.2.
const postgresTable = `
AccessShareLock           .......#
RowShareLock              ......##
RowExclusiveLock          ....####
ShareUpdateExclusiveLock  ...#####
ShareLock                 ..##.###
ShareRowExclusiveLock     ..######
ExclusiveLock             .#######
AccessExclusiveLock       ########
`

const postgresRows = `
For_Key_Share      ...#
For_Share          ..##
For_No_Key_Update  .###
For_Update         ####
`

func TestModesConflictAsPostgreSQLs(t *testing.T) {
	check := func(table string, kind Kind, from Mode) {
		for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
			f := strings.Fields(line)
			mode := from + Mode(i)
			if got := strings.ReplaceAll(mode.String(), " ", "_"); got != f[0] {
				t.Fatalf("mode %d is %s, want %s", mode, got, f[0])
			}
			for k := range f[1] {
				m := New()
				a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
				key := Key{Kind: kind, Object: 7, Row: 1}
				if !a.TryLock(key, mode) {
					t.Fatalf("%s on what nobody has", mode)
				}
				other := from + Mode(k)
				if got, want := !b.TryLock(key, other), f[1][k] == '#'; got != want {
					t.Errorf("%s against %s: conflict %v, want %v", other, mode, got, want)
				}
				b.Release()
				if !a.TryLock(key, other) {
					t.Errorf("%s keeps its own owner from %s", mode, other)
				}
			}
		}
	}
	check(postgresTable, Table, AccessShare)
	check(postgresRows, Row, ForKeyShare)
}

func row(n int64) Key { return Key{Kind: Row, Object: 1, Row: n} }

// waitsFor returns once the session waits; who would otherwise tell of its end has room for that in the channel.
func waitsFor[T any](t *testing.T, s *Session, ended <-chan T) {
	t.Helper()
	for {
		if len(ended) > 0 {
			t.Fatal("nobody kept the session waiting")
		}
		s.m.mu.Lock()
		w := s.waiting != nil
		s.m.mu.Unlock()
		if w {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// handsOver ends what an owner has, which who waits for it must then get.
func handsOver(t *testing.T, o *Owner, waiter <-chan error) {
	t.Helper()
	o.Release()
	if err := <-waiter; err != nil {
		t.Error(err)
	}
}

func TestWaitersComeInOrder(t *testing.T) {
	m := New()
	a := m.NewSession(1).NewOwner()
	if err := a.Lock(t.Context(), row(1), ForUpdate); err != nil {
		t.Fatal(err)
	}
	order := make(chan int, 3)
	var done sync.WaitGroup
	for i, mode := range []Mode{ForUpdate, ForShare, ForUpdate} {
		o := m.NewSession(int32(i + 2)).NewOwner()
		done.Add(1)
		go func() {
			defer done.Done()
			if err := o.Lock(t.Context(), row(1), mode); err != nil {
				t.Error(err)
			}
			order <- i
			o.Release()
		}()
		waitsFor(t, o.s, order)
	}
	if m.NewSession(9).NewOwner().TryLock(row(1), ForKeyShare) {
		t.Error("locked although it is held for update")
	}
	a.Release()
	done.Wait()
	for i := range 3 {
		if got := <-order; got != i {
			t.Errorf("waiter %d came as number %d", got, i)
		}
	}
	if len(m.entries) > 0 || len(m.many) > 0 {
		t.Errorf("%d entries left, %d tables", len(m.entries), len(m.many))
	}
}

func TestDeadlock(t *testing.T) {
	m := New()
	var owners []*Owner
	for i := range int64(3) {
		owners = append(owners, m.NewSession(int32(i+1)).NewOwner())
		if err := owners[i].Lock(t.Context(), row(i+1), ForUpdate); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan error, 2)
	for i := range int64(2) {
		go func() { got <- owners[i].Lock(t.Context(), row(i+2), ForNoKeyUpdate) }()
		waitsFor(t, owners[i].s, got)
	}
	err := owners[2].Lock(t.Context(), row(1), ForShare)
	var d *Deadlock
	if !errors.Is(err, ErrDeadlock) || !errors.As(err, &d) {
		t.Fatalf("got %v", err)
	}
	want := "Process 3 waits for For Share on row 1 of relation 1; blocked by process 1.\n" +
		"Process 1 waits for For No Key Update on row 2 of relation 1; blocked by process 2.\n" +
		"Process 2 waits for For No Key Update on row 3 of relation 1; blocked by process 3."
	if d.Detail() != want {
		t.Errorf("got\n%s", d.Detail())
	}
	for i := 2; i >= 1; i-- {
		handsOver(t, owners[i], got)
	}
}

// Two that have a row shared and both want it for update wait for each other; one alone gets it past those that wait.
func TestStrongerLockOnWhatOneHas(t *testing.T) {
	m := New()
	a, b, c := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner(), m.NewSession(3).NewOwner()
	for _, o := range []*Owner{a, b} {
		if !o.TryLock(row(1), ForShare) {
			t.Fatal("not shared")
		}
	}
	got, gotC := make(chan error, 1), make(chan error, 1)
	go func() { gotC <- c.Lock(t.Context(), row(1), ForUpdate) }()
	waitsFor(t, c.s, gotC)
	go func() { got <- a.Lock(t.Context(), row(1), ForUpdate) }()
	waitsFor(t, a.s, got)
	if err := b.Lock(t.Context(), row(1), ForUpdate); !errors.Is(err, ErrDeadlock) {
		t.Errorf("got %v", err)
	}
	handsOver(t, b, got)
	handsOver(t, a, gotC)
}

func TestCanceledWaitLeavesNothing(t *testing.T) {
	m := New()
	a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
	if !a.TryLock(row(1), ForUpdate) {
		t.Fatal("not locked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() { got <- b.Lock(ctx, row(1), ForUpdate) }()
	waitsFor(t, b.s, got)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	a.Release()
	if len(m.entries) > 0 || b.s.waiting != nil {
		t.Error("the wait left something")
	}
}

func TestSavepoint(t *testing.T) {
	m := New()
	a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
	for i := range int64(3) {
		if !a.TryLock(row(i), ForShare) {
			t.Fatal("not locked")
		}
	}
	mark := a.Mark()
	if !a.TryLock(row(1), ForUpdate) || !a.TryLock(row(5), ForUpdate) {
		t.Fatal("not locked")
	}
	if b.TryLock(row(1), ForShare) {
		t.Error("shared while locked for update")
	}
	a.ReleaseTo(mark)
	if !b.TryLock(row(1), ForShare) || !b.TryLock(row(5), ForUpdate) || b.TryLock(row(2), ForNoKeyUpdate) {
		t.Error("the savepoint gave back too much or too little")
	}
}

func TestAdvisoryLocksCount(t *testing.T) {
	m := New()
	s := m.NewSession(1)
	session, tx, other := s.NewOwner(), s.NewOwner(), m.NewSession(2).NewOwner()
	k := Key{Kind: Advisory, Row: 42}
	if !session.TryLock(k, Exclusive) || !session.TryLock(k, Exclusive) || !tx.TryLock(k, Share) {
		t.Fatal("a session keeps itself out")
	}
	if !session.Unlock(k, Exclusive) || other.TryLock(k, Share) {
		t.Error("unlocked once what was locked twice")
	}
	if !session.Unlock(k, Exclusive) || session.Unlock(k, Exclusive) {
		t.Error("unlocked wrongly")
	}
	if other.TryLock(k, Exclusive) || !other.TryLock(k, Share) {
		t.Error("the transaction's lock does not count")
	}
}

func TestManyRowsBecomeAll(t *testing.T) {
	m := New()
	a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
	mark := Mark(0)
	for i := range int64(manyRows + 10) {
		if !a.TryLock(row(i), ForNoKeyUpdate) {
			t.Fatal("not locked")
		}
		if i == manyRows/2 {
			mark = a.Mark()
		}
	}
	if n := len(m.entries); n > 10 {
		t.Errorf("%d entries", n)
	}
	if b.TryLock(row(-5), ForKeyShare) {
		t.Error("all rows are locked, and this one is not")
	}
	if !b.TryLock(Key{Kind: Row, Object: 2, Row: 1}, ForUpdate) {
		t.Error("the rows of another table are locked")
	}
	a.ReleaseTo(mark)
	if b.TryLock(row(1), ForUpdate) {
		t.Error("a row from before the savepoint is free")
	}
	got := make(chan error, 1)
	go func() { got <- b.Lock(t.Context(), row(1), ForUpdate) }()
	waitsFor(t, b.s, got)
	handsOver(t, a, got)
	b.Release()
	if len(m.entries) > 0 || len(m.many) > 0 {
		t.Errorf("%d entries left, %d tables", len(m.entries), len(m.many))
	}
}

// Many sessions lock rows in any order; nobody is inside together with somebody who excludes him, and all come to an end.
func TestNobodyMeetsWhoExcludesHim(t *testing.T) {
	const things = 5
	m := New()
	var inside [things][numModes]atomic.Int32
	var done sync.WaitGroup
	var deadlocks atomic.Int32
	for s := range 8 {
		done.Add(1)
		go func() {
			defer done.Done()
			rng := rand.New(rand.NewPCG(uint64(s), 1))
			session := m.NewSession(int32(s))
			for range 300 {
				o := session.NewOwner()
				type lock struct {
					row  int
					mode Mode
				}
				var mine []lock
				for range 1 + rng.IntN(3) {
					l := lock{rng.IntN(things), ForKeyShare + Mode(rng.IntN(4))}
					if err := o.Lock(t.Context(), row(int64(l.row)), l.mode); err != nil {
						deadlocks.Add(1)
						break
					}
					own := map[Mode]int32{}
					for _, x := range mine {
						if x.row == l.row {
							own[x.mode]++
						}
					}
					for other := ForKeyShare; other <= ForUpdate; other++ {
						if conflicts[l.mode].has(other) && inside[l.row][other].Load() > own[other] {
							t.Errorf("%s beside %s", l.mode, other)
						}
					}
					inside[l.row][l.mode].Add(1)
					mine = append(mine, l)
				}
				for _, l := range mine {
					inside[l.row][l.mode].Add(-1)
				}
				o.Release()
			}
		}()
	}
	done.Wait()
	if len(m.entries) > 0 || len(m.many) > 0 {
		t.Errorf("%d entries left, %d tables", len(m.entries), len(m.many))
	}
	t.Logf("%d deadlocks", deadlocks.Load())
}

func BenchmarkUncontended(b *testing.B) {
	o := New().NewSession(1).NewOwner()
	for b.Loop() {
		for i := range int64(8) {
			o.TryLock(row(i), ForNoKeyUpdate)
		}
		o.Release()
	}
}

// Who takes what another has yielded does not wait, and knows of it where it would have waited.
func TestYieldedLocks(t *testing.T) {
	m := New()
	a := m.NewSession(1).NewOwner()
	for _, k := range []Key{row(1), row(2)} {
		if err := a.Lock(t.Context(), k, ForNoKeyUpdate); err != nil {
			t.Fatal(err)
		}
	}
	waiting := m.NewSession(2)
	got := make(chan error, 1)
	go func() { got <- waiting.NewOwner().Lock(t.Context(), row(1), ForNoKeyUpdate) }()
	waitsFor(t, waiting, got)
	a.Yield(7)
	if err := <-got; err != nil || waiting.After() != 7 {
		t.Errorf("the waiter: %v, after %d", err, waiting.After())
	}
	for _, c := range []struct {
		key   Key
		mode  Mode
		after int64
	}{{row(2), ForKeyShare, 0}, {row(2), ForShare, 7}, {row(3), ForUpdate, 0}} {
		s := m.NewSession(3)
		o := s.NewOwner()
		if !o.TryLock(c.key, c.mode) || s.After() != c.after {
			t.Errorf("%s on %s: after %d, want %d", c.mode, c.key, s.After(), c.after)
		}
		o.Release()
	}
	if m.NewSession(4).NewOwner().TryLock(row(1), ForNoKeyUpdate) {
		t.Error("locked although the waiter has it")
	}
	a.Release()
	late := m.NewSession(5)
	if !late.NewOwner().TryLock(row(2), ForUpdate) || late.After() != 0 {
		t.Errorf("after the release: after %d", late.After())
	}
}

// TestWhoChangesALockedRowIsSeen has a session change a row that it had locked before: who wants to know what becomes of the row waits from then on.
func TestWhoChangesALockedRowIsSeen(t *testing.T) {
	for _, locked := range []Mode{ForKeyShare, ForShare, ForNoKeyUpdate, ForUpdate} {
		for _, change := range []Mode{ForChange, ForEnding} {
			m := New()
			a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
			k := Key{Kind: Row, Object: 1, Row: 1}
			if !a.TryLock(k, locked) || !b.TryLock(k, Glance) {
				t.Fatalf("a row that is locked %s cannot be looked at", locked)
			}
			b.Release()
			if !a.TryLock(k, change) {
				t.Fatalf("who has locked a row %s cannot change it", locked)
			}
			if b.TryLock(k, Glance) {
				t.Errorf("who locks a row %s and then %s is not seen", locked, change)
			}
		}
	}
}

// Readers are kept out by who has a table in ACCESS EXCLUSIVE mode and by who waits for it, and by nobody after that.
func TestReadable(t *testing.T) {
	m := New()
	reader, a, b := m.NewSession(1), m.NewSession(2), m.NewSession(3)
	table := Key{Kind: Table, Object: 7}
	expect := func(want bool, when string) {
		t.Helper()
		if got := reader.Readable(7); got != want {
			t.Errorf("%s: readable %v", when, got)
		}
		if !reader.Readable(8) {
			t.Errorf("%s: another table is not readable", when)
		}
	}
	expect(true, "nobody has it")
	first := a.NewOwner()
	first.TryLock(table, TableExclusive)
	expect(true, "EXCLUSIVE")
	mark := first.Mark()
	first.TryLock(table, AccessExclusive)
	expect(false, "ACCESS EXCLUSIVE")
	if !a.Readable(7) {
		t.Error("it keeps its own session out")
	}
	first.ReleaseTo(mark)
	expect(true, "back to EXCLUSIVE")
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	second := b.NewOwner()
	go func() { got <- second.Lock(ctx, table, AccessExclusive) }()
	waitsFor(t, b, got)
	expect(false, "somebody waits")
	cancel()
	<-got
	expect(true, "he has given up")
	go func() { got <- second.Lock(t.Context(), table, AccessExclusive) }()
	waitsFor(t, b, got)
	first.Release()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	expect(false, "he has it")
	second.Release()
	expect(true, "all is over")
	if n := m.exclusive.Load(); n != 0 {
		t.Errorf("%d are counted in the end", n)
	}
}

// A row that takes the place of one that others share is shared by them, as long as the one is.
func TestHandOn(t *testing.T) {
	m := New()
	a, b, c := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner(), m.NewSession(3).NewOwner()
	for n := range int64(2) {
		if !a.TryLock(row(10+n), ForKeyShare) || !b.TryLock(row(10+n), ForChange) {
			t.Fatal("not shared")
		}
	}
	b.TryLock(row(12), ForChange)
	mark := a.Mark()
	a.TryLock(row(13), ForKeyShare)
	b.TryLock(row(13), ForChange)
	d := m.NewSession(4).NewOwner()
	d.TryLock(row(14), ForKeyShare)
	b.TryLock(row(14), ForChange)
	d.Yield(1) // it is over: nobody refers to the row by it any more
	b.HandOn(func(table uint32, row int64) int64 {
		if row == 12 || row == 14 {
			t.Errorf("asked about row %d, which is not shared", row)
		}
		return map[int64]int64{10: 20, 13: 23}[row] // 11 stays
	})
	b.Release()
	d.Release()
	has := func(want ...bool) {
		t.Helper()
		for i, n := range []int64{20, 21, 22, 23} {
			if c.TryLock(row(n), ForUpdate) == want[i] {
				t.Errorf("row %d is shared: %v", n, !want[i])
			}
		}
		c.Release()
	}
	has(true, false, false, true)
	a.ReleaseTo(mark)
	has(true, false, false, false)
	a.Release()
	has(false, false, false, false)
	if len(m.entries) > 0 || len(m.many) > 0 {
		t.Errorf("%d entries left, %d tables", len(m.entries), len(m.many))
	}
}

// Very many rows are handed on in one walk over what their other owner has: commits of the database wait meanwhile.
func TestHandOnMany(t *testing.T) {
	m := New()
	a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
	const rows = 100_000
	b.TryLock(row(0), ForChange) // so that a keeps its rows one by one
	for n := int64(1); n <= rows; n++ {
		if !a.TryLock(row(n), ForKeyShare) || !b.TryLock(row(n), ForChange) {
			t.Fatal("not shared")
		}
	}
	b.HandOn(func(_ uint32, row int64) int64 { return rows + row })
	b.Release()
	for n := int64(1); n <= 2*rows; n++ {
		if b.TryLock(row(n), ForUpdate) {
			t.Fatalf("row %d is not shared", n)
		}
	}
	a.Release()
	if len(m.entries) > 0 || len(m.many) > 0 {
		t.Errorf("%d entries left, %d tables", len(m.entries), len(m.many))
	}
}
