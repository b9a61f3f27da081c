package storage

import (
	"context"
	"fmt"
	"slices"

	"github.com/allsource-db/allsource/storage/table"
	"github.com/allsource-db/allsource/vec"
)

// What follows is for versions that take the place of others and have most of their columns, as a statement adds them that changes all of a table. Where the
// versions of a whole row group are replaced in their order the new group has those columns as the old one has them encoded, and nobody decodes them.

// loadSource is a row group whose first versions are replaced, in order, by all that a load has not written yet.
type loadSource struct {
	group *tableGroup
	kept  []bool // columns that they have as those have them
	of    [][]RowID
	rows  int // how many they are
}

func (s *loadSource) isWhole() bool { return s.rows == s.group.rows }

// Replace is Add of versions that take the place of others in the table, which are named. They have the same values in the columns that are kept; those may be nil.
func (l *TableLoad) Replace(ctx context.Context, rows *vec.Batch, keys []IndexKeys, of []RowID, kept []bool) error {
	if len(of) != rows.Len || len(kept) != len(rows.Cols) {
		return fmt.Errorf("%d versions are replaced by %d", len(of), rows.Len)
	}
	return l.admit(ctx, rows, keys, true, func() error {
		for rows.Len > 0 {
			n, err := l.follow(rows, of, kept)
			if n == 0 && err == nil {
				n = l.rowsOfGroup(of)
				err = l.read(rows.Slice(0, n), of[:n])
			}
			if err != nil {
				return err
			}
			rows, of = rows.Slice(n, rows.Len), of[n:]
		}
		return nil
	})
}

// rowsOfGroup is how many of versions, the first ones, lie in one row group.
func (l *TableLoad) rowsOfGroup(of []RowID) int {
	g := l.rel.state.Load().groupOf(of[0])
	if g == nil {
		return len(of)
	}
	n := 1
	for n < len(of) && of[n] >= g.first && of[n] < g.end {
		n++
	}
	return n
}

// follow takes the first of rows, as many as it returns, if they replace the next versions of the row group that is being replaced, or the first ones
// of another.
func (l *TableLoad) follow(rows *vec.Batch, of []RowID, kept []bool) (n int, err error) {
	if l.source != nil && !slices.Equal(kept, l.source.kept) {
		err = l.unfollow()
	}
	if l.source == nil && err == nil {
		err = l.begin(of[0], kept)
	}
	s := l.source
	if s == nil || err != nil {
		return 0, err
	}
	n = min(len(of), s.group.rows-s.rows)
	ids, err := s.group.ids(s.rows, s.rows+n)
	if err != nil {
		return 0, err
	}
	if !slices.Equal(ids, of[:n]) {
		return 0, l.unfollow()
	}
	l.wait(rows.Slice(0, n))
	s.of, s.rows = append(s.of, of[:n]), s.rows+n
	switch {
	case s.isWhole():
		err = l.write()
	case l.size >= maxLoadBytes:
		err = l.unfollow()
	}
	return n, err
}

// begin finds the row group that begins with a version. Groups that are small are not taken for it, so that many of them become a large one.
func (l *TableLoad) begin(row RowID, kept []bool) error {
	most := l.d.s.o.RowGroupRows
	g := l.rel.state.Load().groupOf(row)
	if g == nil || g.first != row || g.rows > most || g.rows*crowded < most || l.waiting > 0 && l.waiting*crowded < most || !slices.Contains(kept, true) {
		return nil
	}
	if err := l.write(); err != nil {
		return err
	}
	l.source = &loadSource{group: g, kept: kept}
	return nil
}

// unfollow reads what the rows that wait have of those that they replace: they are not all of a row group.
func (l *TableLoad) unfollow() error {
	s, batches := l.source, l.batches
	if s == nil {
		return nil
	}
	l.source, l.batches, l.waiting, l.size = nil, nil, 0, 0
	for i, b := range batches {
		if err := l.read(b, s.of[i]); err != nil {
			l.failed = err
			return err
		}
	}
	return nil
}

// read takes rows, and what columns they lack from the versions that they replace.
func (l *TableLoad) read(rows *vec.Batch, of []RowID) error {
	var cols []TableColumn
	for k, c := range rows.Cols {
		if c == nil {
			cols = append(cols, l.columns[k])
		}
	}
	if len(cols) == 0 {
		return l.take(rows)
	}
	v := &tableView{rel: l.rel, st: l.rel.state.Load(), moment: Latest}
	for from := 0; from < rows.Len; from += vec.BatchRows { // they may be wide
		all := rows.Slice(from, min(from+vec.BatchRows, rows.Len))
		found, err := v.Read(context.Background(), cols, of[from:from+all.Len])
		if err != nil {
			return err
		}
		for k, c := range all.Cols {
			if c == nil {
				all.Cols[k], found.Cols = found.Cols[0], found.Cols[1:]
			}
		}
		if err := l.take(all); err != nil {
			return err
		}
	}
	return nil
}

// column is column k of a group: what the source has, if there is one that is kept, or the values of batches.
func (s *loadSource) column(c *TableColumn, batches []*vec.Batch, k int) (*vec.Column, *table.Encoded, error) {
	if s != nil && s.kept[k] {
		r, err := s.group.openReader()
		if err != nil {
			return nil, nil, err
		}
		x, err := r.Encoded(c)
		if x == nil && err == nil {
			return c.Absent(s.rows), nil, nil
		}
		return nil, x, damaged(err)
	}
	parts := make([]*vec.Column, len(batches))
	for i, b := range batches {
		parts[i] = b.Cols[k]
	}
	return c.Join(parts), nil, nil
}
