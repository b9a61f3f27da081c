package storage

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Kinds is a set of kinds of JSON values.
type Kinds = segment.Kinds

// Shape says what the events of one type look like.
type Shape struct {
	Type  string
	Seq   int // place of the type in the order in which types came
	Rows  int64
	Paths []PathShape // of the payload, by path
}

// PathShape is a path of the payload with how many events have a value there, JSON null included, and of what kinds.
// A member that is an object with members has none: its members have.
type PathShape struct {
	Path  []string
	Rows  int64
	Kinds Kinds
}

// shapes gathers the shapes of a log as it grows.
type shapes struct {
	mu    sync.Mutex
	end   int64 // the position after the last event that is in it
	types []string
	index map[string]int
	rows  []int64
	uses  *segment.Uses
}

// Shapes describes the types of the events in the log, by name. Row groups are asked for what their metadata says, once; the
// events of the tail are looked at once.
func (d *DB) Shapes(ctx context.Context) ([]Shape, error) {
	s := &d.shapes
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.extend(ctx, d, d.state.Load()); err != nil {
		return nil, err
	}
	return s.list(), nil
}

// ShapesVersion is a number that grows when a type, a path of a type, or a kind of values at one is new.
func (d *DB) ShapesVersion(ctx context.Context) (int64, error) {
	s := &d.shapes
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.extend(ctx, d, d.state.Load())
	return int64(len(s.types)) + s.uses.Changes, err
}

func (s *shapes) extend(ctx context.Context, d *DB, st *state) error {
	if s.index == nil {
		s.index, s.uses, s.end = map[string]int{}, segment.NewUses(nil), 1
	}
	for s.end < st.sealedEnd() {
		g := st.groupAt(s.end)
		r, err := g.openReader(ctx)
		if err != nil {
			return err
		}
		if s.end > g.base { // some of it was in the tail when it was looked at
			at := make([]int32, 0, g.end()-s.end)
			for pos := s.end; pos < g.end(); pos++ {
				at = append(at, int32(pos-g.base))
			}
			rows, err := g.rowsAt(ctx, at)
			if err != nil {
				return err
			}
			for i := range rows {
				s.take(rows[i].Type, rows[i].Payload)
			}
			s.end = g.end()
			continue
		}
		uses, err := r.Uses(ctx)
		if err != nil {
			return damaged(err)
		}
		codes := make([]int, 0, len(r.Types()))
		for _, t := range r.Types() {
			codes = append(codes, s.code(t.Type))
			s.rows[codes[len(codes)-1]] += int64(t.Rows)
		}
		for _, u := range uses {
			s.uses.Take(codes[u.Type], u)
		}
		g.used(r)
		s.end = g.end()
	}
	for ; s.end < st.end; s.end++ {
		row := st.tail.At(s.end)
		s.take(row.Type, row.Payload)
	}
	return nil
}

func (s *shapes) code(name string) int {
	c, ok := s.index[name]
	if !ok {
		c = len(s.types)
		s.index[name] = c
		s.types, s.rows = append(s.types, name), append(s.rows, 0)
	}
	return c
}

func (s *shapes) take(name string, payload jsonb.Value) {
	c := s.code(name)
	s.rows[c]++
	s.uses.Add(c, nil, payload)
}

func (s *shapes) list() []Shape {
	byType := make([][]PathShape, len(s.types))
	for _, u := range s.uses.List {
		byType[u.Type] = append(byType[u.Type], PathShape{u.Path, int64(u.Rows), u.Kinds})
	}
	out := make([]Shape, 0, len(s.types))
	for c, name := range s.types {
		slices.SortFunc(byType[c], func(a, b PathShape) int { return slices.Compare(a.Path, b.Path) })
		out = append(out, Shape{name, c, s.rows[c], byType[c]})
	}
	slices.SortFunc(out, func(a, b Shape) int { return strings.Compare(a.Type, b.Type) })
	return out
}
