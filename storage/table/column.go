// Package table holds what package storage makes tables of: rows of typed values as bytes, the tail of rows that are in
// no row group yet, blocks that keep them on disk, and the closings that say when a version of a row ended. It knows
// nothing of keys or files.
//
// # A row
//
// A bit for each column, set where the value is null, then the values that are not null, in the order of the columns:
//
//	Bool      one byte, 0 or 1
//	Int64     varint
//	Float64   8 bytes, little-endian
//	Bytes     uvarint length, bytes
//	Decimal   its storage form (package decimal)
//	Interval  varints: months, days, microseconds
//	List      uvarint elements, uvarint dimensions (0: one, numbered from 1), per dimension uvarint length and varint lower
//	          bound, byte kind of the elements, a bit for each that is null, and the others as above
package table

import (
	"errors"
	"fmt"
	"slices"

	"github.com/allsource-db/allsource/vec"
)

// ErrCorrupt is wrapped by the error of bytes that are not as they were written.
var ErrCorrupt = errors.New("table data is damaged")

// RowID numbers the versions of a table's rows, from 1, in the order of the commits that added them.
type RowID = int64

// Column is a physical column of a table.
type Column struct {
	ID   uint32   // never used again within its table
	Kind vec.Kind // not Struct
	Elem vec.Kind // of lists
	// Missing is a column of one row: the value of versions that were written without this column; nil: null.
	Missing *vec.Column
}

// Absent returns n values of a column that the versions read do not have.
func (c *Column) Absent(n int) *vec.Column {
	if c.Missing != nil && n > 0 {
		return vec.Repeat(c.Missing, 0, n)
	}
	b := c.Builder(n)
	for range n {
		b.AppendNull()
	}
	return b.Finish()
}

// elem is the kind of the elements of a list.
func (c *Column) elem() vec.Kind {
	if c.Kind == vec.List && c.Elem == vec.Invalid {
		return vec.Bytes
	}
	return c.Elem
}

// Builder returns a builder of values of the column, with room for n.
func (c *Column) Builder(n int) *vec.Builder {
	if c.Kind == vec.List {
		return vec.NewListBuilder(c.elem(), n)
	}
	return vec.NewBuilder(c.Kind, n)
}

// Shape is the columns that rows were written with, in order. It is not changed after it was made.
type Shape struct{ Columns []Column }

// NewShape makes a shape, or says which columns there cannot be.
func NewShape(cols []Column) (*Shape, error) {
	s := &Shape{Columns: make([]Column, len(cols))}
	seen := make(map[uint32]bool, len(cols))
	for i, c := range cols {
		if c.Kind < vec.Bool || c.Kind > vec.List || c.Kind == vec.List && (c.Elem > vec.Interval) {
			return nil, fmt.Errorf("column %d cannot have the kind %d of %d", c.ID, c.Kind, c.Elem)
		}
		if seen[c.ID] {
			return nil, fmt.Errorf("column %d occurs twice", c.ID)
		}
		seen[c.ID] = true
		s.Columns[i] = Column{ID: c.ID, Kind: c.Kind, Elem: c.elem()}
	}
	return s, nil
}

// Equal reports whether rows of both shapes are alike.
func (s *Shape) Equal(other *Shape) bool { return s == other || s.IsOf(other.Columns) }

// IsOf reports whether the shape is that of the columns.
func (s *Shape) IsOf(columns []Column) bool {
	return slices.EqualFunc(s.Columns, columns, func(a, b Column) bool {
		return a.ID == b.ID && a.Kind == b.Kind && a.elem() == b.elem()
	})
}

// Place is where the column stands in a row, -1 if it does not.
func (s *Shape) Place(c *Column) int {
	for i := range s.Columns {
		if s.Columns[i].ID == c.ID && s.Columns[i].Kind == c.Kind {
			return i
		}
	}
	return -1
}

// Check refuses a batch that has not the columns of the shape; some says that columns may be nil.
func (s *Shape) Check(b *vec.Batch, some bool) error {
	if len(b.Cols) != len(s.Columns) {
		return fmt.Errorf("rows of %d columns for a table of %d", len(b.Cols), len(s.Columns))
	}
	for k, c := range b.Cols {
		want := &s.Columns[k]
		if c == nil && some {
			continue
		}
		if c.Kind != want.Kind || c.Len != b.Len {
			return fmt.Errorf("column %d has %d values of kind %d, expected %d of kind %d", want.ID, c.Len, c.Kind, b.Len, want.Kind)
		}
		if c.Kind != vec.List {
			continue
		}
		if c.Codes != nil {
			c = c.Dict
		}
		if child := c.Child; child.Kind != want.Elem && child.Len > 0 && (child.Valid == nil || child.Valid.Count(child.Len) > 0) {
			return fmt.Errorf("column %d has elements of kind %d, expected %d", want.ID, child.Kind, want.Elem)
		}
	}
	return nil
}
