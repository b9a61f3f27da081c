package engine

import (
	"context"
	"slices"

	"github.com/allsource-db/allsource/engine/lock"
	"github.com/allsource-db/allsource/engine/op"
	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// modifier is the operator of plan.Modify. It does all of it when the first rows are asked for, or when it is closed without that if it was
// opened, and gives the rows of RETURNING.
type modifier struct {
	b     *builder
	n     *plan.Modify
	in    op.Op
	w     *writer
	part  *portion // of an UPDATE or DELETE FOR PORTION OF
	out   []*vec.Batch
	count int64
	done  bool
}

func (b *builder) modify(n *plan.Modify) (op.Op, error) {
	if b.x.cfg.session == nil {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "%s cannot stand inside a query", n.Describe())
	}
	rows := b
	if n.Cursor != "" {
		at, err := b.x.cfg.session.currentOf(n.Cursor, n.Relation)
		if err != nil {
			return nil, err
		}
		rows = b.inside(b.env.X.Outer)
		rows.only = map[int][]storage.RowID{n.Target: at}
	}
	in, err := rows.build(rows.weigh(n.Input))
	if err != nil {
		return nil, err
	}
	if b.x.cfg.serial {
		in = inTurn(in, plan.Exprs(n)...)
	}
	return &modifier{b: b, n: n, in: in}, nil
}

// Open implements op.Op.
func (m *modifier) Open(ctx context.Context) (err error) {
	if m.w, err = m.b.x.newWriter(m.n.Relation, &m.n.Rules); err != nil {
		return err
	}
	if m.part, err = m.b.x.portion(m.n.Portion); err != nil {
		return err
	}
	return m.in.Open(ctx)
}

// Next implements op.Op.
func (m *modifier) Next(ctx context.Context) (*vec.Batch, error) {
	if !m.done {
		if err := m.run(ctx); err != nil {
			return nil, err
		}
	}
	if len(m.out) == 0 {
		return nil, nil
	}
	b := m.out[0]
	m.out = m.out[1:]
	return b, nil
}

// Close implements op.Op.
func (m *modifier) Close() error { return m.in.Close() }

// run changes all rows.
func (m *modifier) run(ctx context.Context) error {
	m.done = true
	if m.part != nil && m.part.from == m.part.to {
		return nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := m.in.Next(ctx)
		if b == nil || err != nil {
			m.b.x.counts = append(m.b.x.counts, modifyCount{m.n, m.count})
			return err
		}
		switch m.n.Kind {
		case plan.InsertRows:
			err = m.insert(ctx, b)
		case plan.UpdateRows:
			err = m.each(ctx, b, m.update)
		case plan.DeleteRows:
			err = m.each(ctx, b, m.delete)
		case plan.MergeRows:
			err = m.merge(ctx, b)
		}
		if err != nil {
			return err
		}
		if err := m.b.x.cfg.session.roomy(); err != nil {
			return err
		}
	}
}

// roomy bounds what a transaction may hold in memory.
func (s *Session) roomy() error {
	if held := s.tx.work.held(); held > s.engine.cfg.Memory/2 {
		return pgerr.New(pgerr.OutOfMemory, "what the transaction must remember of the rows that it has changed does not fit in memory").
			WithDetail("It takes %d MB.", held>>20).WithHint("Change fewer rows in one transaction, or start the server with more --memory.")
	}
	return nil
}

// give adds rows to the answer: as they were (nil: they are new) and as they are (nil: they are deleted), and the input that they come from (nil: none of
// it is read).
func (m *modifier) give(old, now, input *vec.Batch) error {
	rows, action := now, "INSERT"
	switch {
	case now == nil:
		rows, action = old, "DELETE"
	case old != nil:
		action = "UPDATE"
	}
	m.count += int64(rows.Len)
	if m.n.Returning == nil || rows.Len == 0 {
		return nil
	}
	n := len(m.w.rel.Columns)
	all := &vec.Batch{Len: rows.Len, Cols: make([]*vec.Column, 3*n+1)}
	copy(all.Cols, rows.Cols)
	if m.n.Images {
		copy(all.Cols[n:], orAbsent(old, rows).Cols)
		copy(all.Cols[2*n:], orAbsent(now, rows).Cols)
		word := &vec.Column{Kind: vec.Bytes, Len: 1, Offsets: []int32{0, int32(len(action))}, Data: []byte(action)}
		all.Cols[3*n] = vec.Repeat(word, 0, rows.Len)
	}
	if input != nil {
		all.Cols = append(all.Cols, input.Cols...)
	}
	out := &vec.Batch{Len: rows.Len}
	for _, e := range m.n.Returning {
		c, err := m.b.x.eval(e, all)
		if err != nil {
			return err
		}
		out.Cols = append(out.Cols, c)
	}
	m.out = append(m.out, out)
	return nil
}

// orAbsent is rows, or as many nulls as there are like.
func orAbsent(rows, like *vec.Batch) *vec.Batch {
	if rows != nil {
		return rows
	}
	none := make([]int32, like.Len)
	for i := range none {
		none[i] = -1
	}
	return like.Take(none)
}

func (m *modifier) insert(ctx context.Context, b *vec.Batch) error {
	if m.n.Conflict != nil {
		return m.upsert(ctx, b)
	}
	_, rows, err := m.w.insert(ctx, b)
	if err != nil {
		return err
	}
	return m.give(nil, rows, nil)
}

// each locks the rows that a batch is about, sees to those that others have changed meanwhile, and changes them all.
func (m *modifier) each(ctx context.Context, b *vec.Batch, change func(ctx context.Context, b *vec.Batch) error) error {
	if err := m.untouched(b.Cols[0].I64[:b.Len]...); err != nil {
		return err
	}
	if b = m.first(b); b.Len == 0 {
		return nil
	}
	parts, err := m.claim(ctx, b)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if len(parts) > 1 { // this statement may have changed what others made of a row, too
			part = m.first(part)
		}
		if part.Len > 0 {
			if err := change(ctx, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// untouched refuses rows that a function has changed which the statement calls.
func (m *modifier) untouched(rows ...storage.RowID) error {
	calls := &m.b.x.callers
	if len(calls.resume) == 0 {
		return nil
	}
	for _, row := range rows {
		if live, by := m.w.d.state(row); !live && calls.othersDid(by) {
			return pgerr.New(pgerr.TriggeredDataChange, "tuple to be %s was already modified by an operation triggered by the current command",
				map[plan.ModifyKind]string{plan.InsertRows: "updated", plan.UpdateRows: "updated", plan.DeleteRows: "deleted", plan.MergeRows: "updated or deleted"}[m.n.Kind]).
				WithHint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.")
		}
	}
	return nil
}

// first leaves out rows that this statement has changed already: a join may find a row more than once.
func (m *modifier) first(b *vec.Batch) *vec.Batch {
	if live := m.w.d.livePlaces(b.Cols[0].I64[:b.Len]); live != nil {
		b = b.Take(live)
	}
	rows := b.Cols[0].I64[:b.Len]
	if ascending(rows) {
		return b
	}
	var keep []int32
	seen := make(map[storage.RowID]bool, len(rows))
	for i, row := range rows {
		if !seen[row] {
			seen[row] = true
			keep = append(keep, int32(i))
		}
	}
	if len(keep) == b.Len {
		return b
	}
	return b.Take(keep)
}

// ascending reports whether each row comes after the one before it.
func ascending(rows []storage.RowID) bool {
	for i := 1; i < len(rows); i++ {
		if rows[i] <= rows[i-1] {
			return false
		}
	}
	return true
}

// claim locks the rows of a batch and returns them in order, in parts. Of those that somebody has replaced since they were found the input is made
// again, if they still satisfy the statement's conditions.
func (m *modifier) claim(ctx context.Context, b *vec.Batch) (parts []*vec.Batch, err error) {
	rows, most, from := b.Cols[0].I64[:b.Len], m.strength(m.n.Set), 0
	mode := most
	if most == lock.ForEnding && m.n.Kind == plan.UpdateRows && m.part == nil && m.sameKeys(b) {
		mode = lock.ForChange
	}
	one := func(i int) error {
		now, err := m.w.claim(ctx, rows[i], mode)
		if err != nil || now == rows[i] {
			return err
		}
		if now != 0 && mode != most { // what it will be is not known yet
			if now, err = m.w.claim(ctx, now, most); err != nil {
				return err
			}
		}
		if from < i {
			parts = append(parts, b.Slice(from, i))
		}
		from = i + 1
		if now == 0 {
			return nil
		}
		only := map[int][]storage.RowID{m.n.Target: {now}}
		for _, t := range m.n.Beside {
			only[t.Target] = idOf(b, t, i)
		}
		again, err := m.b.again(ctx, m.n.Input, only)
		if again != nil {
			parts = append(parts, again)
		}
		return err
	}
	for i := 0; i < len(rows); {
		n, ended, err := m.w.claimFree(ctx, rows[i:], mode)
		if err != nil {
			return nil, err
		}
		if n == 0 { // somebody has it
			n, ended = 1, []int{0}
		}
		for _, k := range ended {
			if err := one(i + k); err != nil {
				return nil, err
			}
		}
		i += n
	}
	if from == 0 {
		return []*vec.Batch{b}, nil
	}
	return append(parts, b.Slice(from, b.Len)), nil
}

// claimFree locks the first of rows as long as that needs no waiting, unless they are the transaction's own. It returns how many they are, and the
// places of those that are no longer as they were.
func (w *writer) claimFree(ctx context.Context, rows []storage.RowID, mode lock.Mode) (n int, ended []int, err error) {
	own := rows[0] < 0
	to := 1
	for to < len(rows) && rows[to] < 0 == own {
		to++
	}
	if own {
		return to, nil, w.claimOwn(ctx, rows[:to], mode)
	}
	n = w.s.owner().TryRows(uint32(w.rel.OID), rows[:to], mode)
	ended, err = w.s.log.Ended(storage.TableID(w.rel.OID), rows[:n])
	return n, ended, err
}

// claimOwn locks the versions that own rows have replaced: the rows themselves nobody else sees, but others may refer to the keys that they have from those.
func (w *writer) claimOwn(ctx context.Context, rows []storage.RowID, mode lock.Mode) error {
	if mode != lock.ForEnding || !w.refs.referenced() || w.s.owner().HasAll(lock.Row, uint32(w.rel.OID)) {
		return nil
	}
	for _, root := range w.d.roots(rows) {
		if err := w.s.lock(ctx, w.rowLock(root), mode); err != nil {
			return err
		}
	}
	return nil
}

// claim locks a row, which may be the transaction's own, and returns it as it is now.
func (w *writer) claim(ctx context.Context, row storage.RowID, mode lock.Mode) (storage.RowID, error) {
	if row > 0 {
		return w.s.claim(ctx, w.rel, row, mode, false, false)
	}
	return row, w.claimOwn(ctx, []storage.RowID{row}, mode)
}

// strength is how rows are locked: an update that leaves the keys alone, as that of the columns given may, lets others go on referring to them.
func (m *modifier) strength(set []int) lock.Mode {
	if m.n.Kind == plan.DeleteRows || m.part != nil || slices.ContainsFunc(set, m.w.setsKey) {
		return lock.ForEnding
	}
	return lock.ForChange
}

// sameKeys reports whether an UPDATE gives all rows the very keys that they have. Where it does not that mostly shows in the first.
func (m *modifier) sameKeys(b *vec.Batch) bool {
	n := len(m.w.rel.Columns)
	for i, c := range m.n.Set {
		if !m.w.setsKey(c) {
			continue
		}
		for r := range b.Len {
			if slices.Contains(m.n.Unread, c) || !sameValue(m.w.rel.Columns[c].Type, b.Cols[1+c], b.Cols[1+n+i], r) {
				return false
			}
		}
	}
	return true
}

// setsKey reports whether a column that is set changes a key that foreign keys may refer to.
func (w *writer) setsKey(column int) bool {
	return slices.ContainsFunc(w.keys, func(k tableKey) bool { return slices.Contains(k.sets, column) })
}

// claim locks a row and returns it as it is now: the version that replaced it, where somebody has, 0 where it is gone or, with skip, where others
// have locked it.
func (s *Session) claim(ctx context.Context, rel *catalog.Relation, row storage.RowID, mode lock.Mode, noWait, skip bool) (storage.RowID, error) {
	for {
		key := lock.Key{Kind: lock.Row, Object: uint32(rel.OID), Row: row}
		if noWait || skip {
			if !s.tryLock(key, mode) {
				if skip {
					return 0, nil
				}
				return 0, pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on row in relation %q", rel.Name)
			}
		} else if err := s.lock(ctx, key, mode); err != nil {
			return 0, err
		}
		closed, next, err := s.log.Fate(storage.TableID(rel.OID), row)
		switch {
		case err != nil:
			return 0, err
		case closed == 0:
			return row, nil
		case s.repeatable() && next == 0:
			return 0, pgerr.New(pgerr.SerializationFailure, "could not serialize access due to concurrent delete")
		case s.repeatable():
			return 0, errConcurrentUpdate()
		case next == 0:
			return 0, nil
		}
		row = next
	}
}

// again runs a plan with some of its scans giving nothing but certain rows, and returns the first row of the answer, nil if there is none.
func (b *builder) again(ctx context.Context, n plan.Node, only map[int][]storage.RowID) (*vec.Batch, error) {
	in := b.inside(b.env.X.Outer)
	in.only = only
	o, err := in.build(n)
	if err != nil {
		return nil, err
	}
	if err := o.Open(ctx); err != nil {
		return nil, closeWith(o, err)
	}
	out, err := o.Next(ctx)
	if err = closeWith(o, err); err != nil || out == nil {
		return nil, err
	}
	return out.Slice(0, 1), nil
}

// update replaces rows that are locked.
func (m *modifier) update(ctx context.Context, b *vec.Batch) error {
	n := len(m.w.rel.Columns)
	old := &vec.Batch{Len: b.Len, Cols: slices.Clone(b.Cols[1 : n+1])}
	for _, c := range m.n.Unread {
		old.Cols[c] = nil
	}
	rows := &vec.Batch{Len: b.Len, Cols: slices.Clone(old.Cols)}
	for i, c := range m.n.Set {
		rows.Cols[c] = b.Cols[1+n+i]
	}
	if m.part != nil {
		m.part.within(rows)
	}
	stored, err := m.w.replace(ctx, b.Cols[0].I64[:b.Len], old, rows)
	if err == nil && m.part != nil {
		err = m.part.leftOver(ctx, m.w, old)
	}
	if err != nil {
		return err
	}
	return m.give(old, stored, b)
}

// delete deletes rows that are locked.
func (m *modifier) delete(ctx context.Context, b *vec.Batch) error {
	old := (*vec.Batch)(nil)
	if m.n.Returning != nil || m.part != nil {
		old = &vec.Batch{Len: b.Len, Cols: b.Cols[1 : len(m.w.rel.Columns)+1]}
	}
	if err := m.w.remove(ctx, b.Cols[0].I64[:b.Len], old); err != nil {
		return err
	}
	if old == nil {
		m.count += int64(b.Len)
		return nil
	}
	if m.part != nil {
		if err := m.part.leftOver(ctx, m.w, old); err != nil {
			return err
		}
	}
	return m.give(old, nil, b)
}
