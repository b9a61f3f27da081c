package lock

// rowHolders counts the locked rows of one table.
type rowHolders struct {
	byOwner map[*Owner]int
	tryAt   int // rows of one owner at which it is tried to lock all at once
}

// countRow notes that the owner has one more row of the table, and locks all of them at once when they are many.
func (o *Owner) countRow(table uint32) {
	m := o.s.m
	r := m.rows[table]
	if r == nil {
		r = &rowHolders{byOwner: map[*Owner]int{}, tryAt: manyRows}
		m.rows[table] = r
	}
	r.byOwner[o]++
	if n := r.byOwner[o]; n >= r.tryAt {
		r.tryAt = 2 * n
		if len(r.byOwner) == 1 {
			o.lockEveryRow(table)
		}
	}
}

func (o *Owner) uncountRow(table uint32) {
	m := o.s.m
	r := m.rows[table]
	if r.byOwner[o]--; r.byOwner[o] == 0 {
		delete(r.byOwner, o)
	}
	if len(r.byOwner) == 0 {
		delete(m.rows, table)
	}
}

// lockEveryRow replaces the owner's locks on rows of the table, which nobody else has any of, by one that stands for all. What
// others wait for stays locked by itself. It begins where the first of them was taken, so a savepoint after that no longer gives rows back: too
// much is locked until the end then, never too little.
func (o *Owner) lockEveryRow(table uint32) {
	m := o.s.m
	all := &entry{key: Key{Kind: Row, Object: table, Row: everyRow}}
	kept, placed := o.taken[:0], false
	for _, t := range o.taken {
		if t.e.key.Kind != Row || t.e.key.Object != table || len(t.e.queue) > 0 {
			kept = append(kept, t)
			continue
		}
		if !placed {
			placed = true
			kept = append(kept, taken{all, ForEnding, t.at})
		}
		delete(m.entries, t.e.key)
	}
	clear(o.taken[len(kept):])
	o.taken = kept
	all.holds = []hold{{owner: o, modes: modes(ForEnding)}}
	m.entries[all.key] = all
	still := map[*entry]bool{}
	for _, t := range kept {
		if t.e.key.Kind == Row && t.e.key.Object == table {
			still[t.e] = true
		}
	}
	m.rows[table].byOwner[o] = len(still)
}
