package lock

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// waiting has an owner wait for a thing, and returns what comes of it. Who waits for ever is told of.
func waiting(t *testing.T, o *Owner, k Key, mode Mode) <-chan error {
	got := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	go func() {
		defer cancel()
		got <- o.Lock(ctx, k, mode)
	}()
	waitsFor(t, o.s, got)
	return got
}

// Who comes later does not overtake those that wait, but for who shares a row with those that have it, who only looks, and who has the thing already.
func TestNobodyOvertakes(t *testing.T) {
	m := New()
	a, b, c := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner(), m.NewSession(3).NewOwner()
	table := Key{Kind: Table, Object: 7}
	a.TryLock(table, AccessShare)
	a.TryLock(row(1), ForKeyShare)
	for _, w := range []struct {
		key    Key
		wanted Mode
		later  Mode
		passes bool
	}{
		{table, AccessExclusive, AccessShare, false},
		{table, AccessExclusive, RowExclusive, false},
		{row(1), ForUpdate, ForKeyShare, true},
		{row(1), ForUpdate, ForShare, true},
		{row(1), ForUpdate, ForNoKeyUpdate, false},
		{row(1), ForEnding, Glance, true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		go func() { got <- b.Lock(ctx, w.key, w.wanted) }()
		waitsFor(t, b.s, got)
		if c.TryLock(w.key, w.later) != w.passes {
			t.Errorf("%s passes who waits for %s: %v", w.later, w.wanted, !w.passes)
		}
		c.Release()
		if w.later != Glance && !a.TryLock(w.key, w.later) {
			t.Errorf("who has it does not get %s", w.later)
		}
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if m.waiters.Load() != 0 || a.s.Contended() {
		t.Errorf("%d are taken to wait", m.waiters.Load())
	}
}

// Who only looks at a row waits for nobody but who has it.
func TestGlanceWaitsForHolders(t *testing.T) {
	m := New()
	a, b, c := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner(), m.NewSession(3).NewOwner()
	a.TryLock(row(1), ForChange)
	second := waiting(t, b, row(1), ForEnding)
	third := waiting(t, c, row(1), Glance)
	for _, w := range m.Waits() {
		if !slices.Equal(w.Blockers, []int32{1}) {
			t.Errorf("session %d waits for %v", w.PID, w.Blockers)
		}
	}
	handsOver(t, a, second)
	handsOver(t, b, third)
}

// Those before one in a queue are waited for too.
func TestDeadlockByQueue(t *testing.T) {
	m := New()
	a, b, c := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner(), m.NewSession(3).NewOwner()
	table := Key{Kind: Table, Object: 7}
	a.TryLock(table, AccessShare)
	c.TryLock(row(1), ForUpdate)
	second := waiting(t, b, table, AccessExclusive)
	first := waiting(t, a, row(1), ForUpdate)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Lock(ctx, table, AccessShare); !errors.Is(err, ErrDeadlock) {
		t.Errorf("got %v", err)
	}
	handsOver(t, c, first)
	handsOver(t, a, second)
}

// lockMany locks rows until the owner has all of them.
func lockMany(o *Owner) {
	for i := range int64(manyRows) {
		o.TryLock(row(i), ForNoKeyUpdate)
	}
}

// Who waits for a row of somebody who then locks all rows gets it when that one ends, and so does who waited for all of them.
func TestWaitersOfMany(t *testing.T) {
	m := New()
	a, b, c := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner(), m.NewSession(3).NewOwner()
	a.TryLock(row(0), ForNoKeyUpdate)
	early := waiting(t, b, row(0), ForUpdate)
	lockMany(a)
	if !a.HasAll(Row, 1) {
		t.Fatal("not all rows are locked")
	}
	late := waiting(t, c, row(0), ForUpdate)
	handsOver(t, a, early)
	waitsFor(t, c.s, late)
	handsOver(t, b, late)
	c.Release()
	if len(m.entries) > 0 || len(m.many) > 0 {
		t.Errorf("%d entries left, %d tables", len(m.entries), len(m.many))
	}
}

// Of who has yielded all rows the time is met, and nothing is listed.
func TestYieldOfMany(t *testing.T) {
	m := New()
	a, b := m.NewSession(1).NewOwner(), m.NewSession(2).NewOwner()
	lockMany(a)
	if n := len(m.Held()); n != 1 {
		t.Errorf("%d locks are listed", n)
	}
	a.Yield(7)
	if n := len(m.Held()); n != 0 {
		t.Errorf("%d locks are listed that were yielded", n)
	}
	if !b.TryLock(row(5), ForUpdate) || b.s.After() != 7 {
		t.Errorf("after %d", b.s.After())
	}
}
