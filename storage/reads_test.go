package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/allsource-db/allsource/vec"
)

// readsModel is a table with few keys and a few entities with events of few types, and what was changed since some moment.
type readsModel struct {
	t       *testing.T
	d       *DB
	rng     *rand.Rand
	live    [12]RowID
	touched map[int]bool // keys
	names   map[string]bool
	events  int
}

func (m *readsModel) key(k int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(k)) }

// change commits something: a row comes, goes, or is replaced, under its key or another one, or an event comes.
func (m *readsModel) change() {
	var c Commit
	if m.rng.IntN(3) == 0 {
		ev := Event{Entity: fmt.Sprint("e", m.rng.IntN(5)), Type: fmt.Sprint("t", m.rng.IntN(5)), Expected: AnyVersion}
		m.names[ev.Entity], m.names[ev.Type] = true, true
		m.events++
		c.Events = []Event{ev}
	} else {
		k := m.rng.IntN(len(m.live))
		to := k
		if m.rng.IntN(4) == 0 {
			to = m.rng.IntN(len(m.live))
		}
		if to != k && m.live[to] != 0 {
			to = k
		}
		ch := TableChange{Table: 1}
		stays := m.live[k] == 0 || m.rng.IntN(3) > 0
		if m.live[k] != 0 {
			end := Closing{Row: m.live[k], Next: -1}
			if stays {
				end.Next, end.Kept = 0, to == k
			}
			ch.Closed = closingsOf(end)
			m.touched[k] = true
		}
		if stays {
			m.touched[to] = true
			ch.Columns, ch.Rows, ch.Keys = benchColumns, []*vec.Batch{benchRows(to, 1, 0)}, []IndexKeys{{2, [][]byte{m.key(to)}}}
		}
		c.Tables = []TableChange{ch}
		done, err := m.d.Commit(m.t.Context(), c)
		if err != nil {
			m.t.Fatal(err)
		}
		m.live[k] = 0
		if stays {
			m.live[to] = done.First(1)
		}
		return
	}
	if _, err := m.d.Commit(m.t.Context(), c); err != nil {
		m.t.Fatal(err)
	}
}

// read reads something through a watched view, and returns what tells whether it has changed later.
func (m *readsModel) read(v View, end int64) (what string, changed func() bool) {
	ctx := m.t.Context()
	all := func() bool { return len(m.touched) > 0 }
	switch m.rng.IntN(9) {
	case 0:
		k := m.rng.IntN(len(m.live))
		if _, _, err := v.Table(1).One(ctx, 2, m.key(k)); err != nil {
			m.t.Fatal(err)
		}
		return fmt.Sprint("key ", k), func() bool { return m.touched[k] }
	case 1, 2, 3:
		lo := m.rng.IntN(len(m.live))
		hi := lo + m.rng.IntN(len(m.live)-lo+1)
		desc, steps := m.rng.IntN(2) == 0, 1+m.rng.IntN(4)
		from, to := lo, lo // what was read
		if desc {
			from, to = hi, hi
		}
		c := v.Table(1).Seek(ctx, 2, KeyRange{Lo: m.key(lo), Hi: m.key(hi), Desc: desc})
		for range steps {
			key, _, ok, err := c.Next(ctx)
			if err != nil {
				m.t.Fatal(err)
			}
			switch {
			case !ok:
				from, to = lo, hi
			case desc:
				from = int(binary.BigEndian.Uint16(key))
			default:
				to = int(binary.BigEndian.Uint16(key)) + 1
			}
		}
		return fmt.Sprint("keys ", from, " to ", to), func() bool {
			for k := from; k < to; k++ {
				if m.touched[k] {
					return true
				}
			}
			return false
		}
	case 4:
		if _, _, err := v.Table(1).Groups(ctx, nil); err != nil {
			m.t.Fatal(err)
		}
		return "table", all
	case 5:
		name := fmt.Sprint("e", m.rng.IntN(5))
		if _, err := v.Version(ctx, name); err != nil {
			m.t.Fatal(err)
		}
		return name, func() bool { return m.names[name] }
	case 6:
		name := fmt.Sprint("t", m.rng.IntN(5))
		b := vec.NewBuilder(vec.Bytes, 1)
		b.AppendString(name)
		if _, _, err := v.Groups(ctx, []Pred{{Ref: Ref{Col: ColType}, Op: Eq, Values: b.Finish()}}); err != nil {
			m.t.Fatal(err)
		}
		return name, func() bool { return m.names[name] }
	case 7:
		b := vec.NewBuilder(vec.Int64, 1)
		b.AppendInt(end - 1)
		if _, _, err := v.Groups(ctx, []Pred{{Ref: Ref{Col: ColPosition}, Op: Le, Values: b.Finish()}}); err != nil {
			m.t.Fatal(err)
		}
		return "positions", func() bool { return false }
	}
	v.Rows()
	return "log", func() bool { return m.events > 0 }
}

// TestReadsFindChanges: what was read is found to have changed if, and only if, a commit after the snapshot has touched it, however it is stored, and where it is looked for
// twice too.
func TestReadsFindChanges(t *testing.T) {
	s, d := openTest(t, vfs.NewMem(), Options{Manual: true, RowGroupRows: 64, SealRows: 16})
	defer s.Close()
	ctx := context.Background()
	m := &readsModel{t: t, d: d, rng: rand.New(rand.NewPCG(3, 4))}
	changed := 0
	for round := range 3000 {
		snapshot := mustView(t, d, Latest)
		r := NewReads(snapshot)
		m.touched, m.names, m.events = map[int]bool{}, map[string]bool{}, 0
		what, isChanged := m.read(r.Watch(snapshot, Latest), snapshot.End())
		later := m.rng.IntN(3) == 0
		for range m.rng.IntN(3) {
			m.change()
		}
		aside := error(nil)
		if m.rng.IntN(2) == 0 {
			aside = r.CheckAside(ctx, d.After(1<<62))
		}
		if later { // it reads what is there by then too
			also, isAlso := m.read(r.Watch(mustView(t, d, Latest), Latest), snapshot.End())
			was := isChanged
			what, isChanged = what+", "+also, func() bool { return was() || isAlso() }
			aside = nil // a check before a read says nothing about it
			r = &Reads{d: d, base: r.base, checked: r.base.at, end: r.base.end, events: r.events, tables: r.tables}
		}
		for range m.rng.IntN(3) {
			m.change()
		}
		if round%50 == 0 {
			if err := errors.Join(d.Seal(ctx), d.Compact(ctx)); err != nil {
				t.Fatal(err)
			}
		}
		err := aside
		if err == nil {
			err = r.Check(ctx, mustView(t, d, Latest))
		}
		want := isChanged()
		if err != nil && !errors.Is(err, ErrChanged) {
			t.Fatal(err)
		}
		if (err != nil) != want {
			t.Fatalf("round %d: read %s, touched %v %v, %d events: %v", round, what, m.touched, m.names, m.events, err)
		}
		if want {
			changed++
		}
	}
	if changed < 500 || changed > 2500 {
		t.Errorf("%d of 3000 changed: that proves little", changed)
	}
}
