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
	made  []Shape // nil: to be made of the above
	at    int64   // the version of made
}

// Shapes describes the types of the events in the log, by name. version grows when a path, a kind or a type is new. Neither may
// be changed. Row groups are asked for what their metadata says, once; the events of the tail are looked at once.
func (d *DB) Shapes(ctx context.Context) (list []Shape, version int64, err error) {
	s := &d.shapes
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		s.index, s.uses, s.end = map[string]int{}, segment.NewUses(nil), 1
	}
	st := d.state.Load()
	if s.end < st.end {
		if err := s.extend(ctx, d, st); err != nil {
			return nil, 0, err
		}
	}
	if s.made == nil {
		s.make()
	}
	return s.made, s.at, nil
}

func (s *shapes) extend(ctx context.Context, d *DB, st *state) error {
	s.made = nil
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

func (s *shapes) make() {
	byType := make([][]PathShape, len(s.types))
	for _, u := range s.uses.List {
		byType[u.Type] = append(byType[u.Type], PathShape{u.Path, int64(u.Rows), u.Kinds})
	}
	s.made = make([]Shape, 0, len(s.types))
	s.at = int64(len(s.types))
	for c, name := range s.types {
		slices.SortFunc(byType[c], func(a, b PathShape) int { return slices.Compare(a.Path, b.Path) })
		s.made = append(s.made, Shape{name, c, s.rows[c], byType[c]})
		for _, p := range byType[c] {
			for k := p.Kinds; k > 0; k &= k - 1 {
				s.at++
			}
			s.at++
		}
	}
	slices.SortFunc(s.made, func(a, b Shape) int { return strings.Compare(a.Type, b.Type) })
}
