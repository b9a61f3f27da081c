package lock

import "slices"

// class is all rows of a table, or all keys of an index: one of them may stand for all, where they are many.
type class struct {
	kind   Kind
	object uint32
}

// ofMany reports whether the key is one of a class.
func (k Key) ofMany() bool { return k.Kind == Row || k.Kind == IndexKey }

func (c class) all() Key { return Key{Kind: c.kind, Object: c.object, Row: everyRow} }

// rowsAtOnce is how many rows are locked while nobody else can lock anything.
const rowsAtOnce = 256

// strongest is the mode that covers all others of the class.
func (c class) strongest() Mode {
	if c.kind == IndexKey {
		return Exclusive
	}
	return ForEnding
}

// holders counts the locks on things of one class.
type holders struct {
	byOwner map[*Owner]int
	tryAt   int // locks of one owner at which it is tried to lock all at once
}

// count notes that the owner has one more of a class, and locks all of them at once when they are many.
func (o *Owner) count(c class) {
	m := o.s.m
	r := m.many[c]
	if r == nil {
		r = &holders{byOwner: map[*Owner]int{}, tryAt: manyRows}
		m.many[c] = r
	}
	r.byOwner[o]++
	if n := r.byOwner[o]; n >= r.tryAt {
		r.tryAt = 2 * n
		if len(r.byOwner) == 1 {
			o.lockAll(c)
		}
	}
}

func (o *Owner) uncount(c class) {
	m := o.s.m
	r := m.many[c]
	if r.byOwner[o]--; r.byOwner[o] == 0 {
		delete(r.byOwner, o)
	}
	if len(r.byOwner) == 0 {
		delete(m.many, c)
	}
}

// HasAll reports whether the owner has locked all rows of a table, or all keys of an index.
func (o *Owner) HasAll(kind Kind, object uint32) bool {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	c := class{kind, object}
	all := m.entries[c.all()]
	if all == nil {
		return false
	}
	h := all.of(o)
	return h != nil && h.modes.covers(c.strongest())
}

// TryRows locks rows of a table, one after the other, as long as that needs no waiting, and returns how many it has locked.
func (o *Owner) TryRows(table uint32, rows []int64, mode Mode) int {
	for n := 0; n < len(rows); {
		to := min(n+rowsAtOnce, len(rows))
		k := o.tryRows(table, rows[n:to], mode)
		if n += k; n < to {
			return n
		}
	}
	return len(rows)
}

func (o *Owner) tryRows(table uint32, rows []int64, mode Mode) int {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if all := m.entries[class{Row, table}.all()]; all != nil {
		if h := all.of(o); h != nil && h.modes.covers(mode) {
			return len(rows)
		}
	}
	for i, row := range rows {
		if o.try(Key{Kind: Row, Object: table, Row: row}, mode) != nil {
			return i
		}
	}
	return len(rows)
}

// lockAll replaces the owner's locks on things of a class, which nobody else has any of, by one that stands for all. What
// others wait for stays locked by itself. It begins where the first of them was taken, so a savepoint after that no longer gives them back: too
// much is locked until the end then, never too little.
func (o *Owner) lockAll(c class) {
	m := o.s.m
	all := &entry{key: c.all()}
	kept, placed := o.taken[:0], false
	for _, t := range o.taken {
		if (class{t.e.key.Kind, t.e.key.Object}) != c || len(t.e.queue) > 0 {
			kept = append(kept, t)
			continue
		}
		if !placed {
			placed = true
			kept = append(kept, taken{all, c.strongest(), t.at})
		}
		delete(m.entries, t.e.key)
	}
	clear(o.taken[len(kept):])
	o.taken = kept
	all.holds = []hold{{owner: o, modes: modes(c.strongest())}}
	m.entries[all.key] = all
	still := map[*entry]bool{}
	for _, t := range kept {
		if (class{t.e.key.Kind, t.e.key.Object}) == c {
			still[t.e] = true
		}
	}
	m.many[c].byOwner[o] = len(still)
}

// HandOn gives those that share a row with the owner the row that takes its place, as they have the one that goes: who refers to a key refers to it as long
// as it stays. next tells which row that is, 0 if there is none; it is called for rows that others have too. Savepoints give both back together.
func (o *Owner) HandOn(next func(table uint32, row int64) int64) {
	m := o.s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	heirs := map[*Owner]map[*entry]*entry{}
	for _, t := range o.taken {
		k, shares := t.e.key, func(h hold) bool { return h.owner != o && h.owner.yielded == 0 }
		if k.Kind != Row || k.Row == everyRow || !slices.ContainsFunc(t.e.holds, shares) {
			continue
		}
		if k.Row = next(k.Object, k.Row); k.Row == 0 {
			continue
		}
		to := m.entry(k)
		for _, h := range t.e.holds {
			if !shares(h) || to.of(h.owner) != nil {
				continue
			}
			to.holds = append(to.holds, hold{owner: h.owner, modes: h.modes})
			m.many[class{Row, k.Object}].byOwner[h.owner]++
			if heirs[h.owner] == nil {
				heirs[h.owner] = map[*entry]*entry{}
			}
			heirs[h.owner][t.e] = to
		}
	}
	for other, of := range heirs {
		other.inherit(of)
	}
}

// inherit notes that the owner has taken things as it had taken those whose places they take.
func (o *Owner) inherit(heirs map[*entry]*entry) {
	all := make([]taken, 0, len(o.taken)+len(heirs))
	for _, t := range o.taken {
		all = append(all, t)
		if to := heirs[t.e]; to != nil {
			all = append(all, taken{to, t.mode, t.at})
		}
	}
	o.taken = all
}
