package storage

import (
	"context"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/allsource-db/allsource/storage/segment"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Kinds is a set of kinds of JSON values.
type Kinds = segment.Kinds

// Shape says what the events of one type look like. Rows, here and of its paths, are those of CountedShapes and else 0.
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
	news  []news // in the order of the log
}

// news is something that was new in one of the events from from to before to: a path of a type, or kinds of values at one.
// The metadata of a row group tells no more of where it was; what does is looked at when somebody asks about a moment in between.
type news struct {
	segment.PathUse // its kinds are those that were new
	from, to        int64
}

// chunkRows is how many documents are read at a time.
const chunkRows = 1024

// Shapes describes the types of the events before a position, by name: their paths and kinds. Row groups are asked for what their
// metadata says, once; the events of the tail are looked at once.
func (d *DB) Shapes(ctx context.Context, end int64) ([]Shape, error) {
	s := &d.shapes
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsBefore(ctx, d.state.Load().ahead(), end)
	if err != nil {
		return nil, err
	}
	past := shapes{types: s.types, rows: make([]int64, len(s.types)), uses: replay(s.news[:n])}
	for i := range past.uses.List {
		past.uses.List[i].Rows = 0
	}
	return past.list(), nil
}

// ShapesVersion names what Shapes says: a position before end, such that nothing is new between the two. Later ones are not smaller.
func (d *DB) ShapesVersion(ctx context.Context, end int64) (int64, error) {
	s := &d.shapes
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsBefore(ctx, d.state.Load().ahead(), end)
	if err != nil || n == 0 {
		return 0, err
	}
	return s.news[n-1].to - 1, nil
}

// CountedShapes is Shapes with numbers of events. About the past it asks all row groups again.
func (d *DB) CountedShapes(ctx context.Context, end int64) ([]Shape, error) {
	s := &d.shapes
	s.mu.Lock()
	defer s.mu.Unlock()
	st := d.state.Load()
	if err := s.extend(ctx, st, st.end); err != nil {
		return nil, err
	}
	if end < s.end {
		s = &shapes{}
		if err := s.extend(ctx, st, end); err != nil {
			return nil, err
		}
	}
	return s.list(), nil
}

// extend takes the events before end.
func (s *shapes) extend(ctx context.Context, st *state, end int64) error {
	if s.index == nil {
		s.index, s.uses, s.end = map[string]int{}, segment.NewUses(nil), 1
	}
	for s.end < min(st.sealedEnd(), end) {
		g := st.groupAt(s.end)
		if s.end > g.base || g.end() > end { // a part of it: what was in the tail when it was looked at, or the beginning
			if err := s.takeRows(ctx, g, min(g.end(), end)); err != nil {
				return err
			}
			continue
		}
		if err := s.takeGroup(ctx, g); err != nil {
			return err
		}
	}
	for s.end < end {
		row := st.tail.At(s.end)
		s.take(row.Type, row.Payload)
	}
	return nil
}

// takeGroup takes a whole row group.
func (s *shapes) takeGroup(ctx context.Context, g *group) error {
	r, err := g.openReader(ctx)
	if err != nil {
		return err
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
	s.note(g.end())
	return nil
}

// takeRows takes the rows of a row group before a position.
func (s *shapes) takeRows(ctx context.Context, g *group, end int64) error {
	return g.eachPayload(ctx, s.end, end, func(_ int64, name string, payload jsonb.Value) bool {
		s.take(name, payload)
		return true
	})
}

// take takes the event at the end.
func (s *shapes) take(name string, payload jsonb.Value) {
	c := s.code(name)
	s.rows[c]++
	s.uses.Add(c, nil, payload)
	s.note(s.end + 1)
}

// note moves the end, and says of what is new that it lies before it.
func (s *shapes) note(end int64) {
	for _, u := range s.uses.News {
		s.news = append(s.news, news{u, s.end, end})
	}
	s.uses.News, s.end = nil, end
}

// newsBefore says how many news there were before a position.
func (s *shapes) newsBefore(ctx context.Context, st *state, end int64) (int, error) {
	if err := s.extend(ctx, st, st.end); err != nil {
		return 0, err
	}
	before := func() int { return sort.Search(len(s.news), func(i int) bool { return s.news[i].to > end }) }
	n := before()
	if n == len(s.news) || s.news[n].from >= end {
		return n, nil
	}
	if err := s.locate(ctx, st, n); err != nil {
		return 0, err
	}
	return before(), nil
}

// locate finds the events that the news from the n-th on lie in, of those which are known to lie between the same two positions.
func (s *shapes) locate(ctx context.Context, st *state, n int) error {
	from, to := s.news[n].from, s.news[n].to
	behind, left := n, 0
	for ; behind < len(s.news) && s.news[behind].from == from; behind++ {
		left += bits.OnesCount16(uint16(s.news[behind].Kinds))
	}
	uses := replay(s.news[:n])
	var found []news
	for pos := from; pos < to && left > 0; {
		g := st.groupAt(pos)
		err := g.eachPayload(ctx, pos, min(g.end(), to), func(pos int64, name string, payload jsonb.Value) bool {
			uses.Add(s.code(name), nil, payload)
			for _, u := range uses.News {
				found = append(found, news{u, pos, pos + 1})
				left -= bits.OnesCount16(uint16(u.Kinds))
			}
			uses.News = nil
			return left > 0
		})
		if err != nil {
			return err
		}
		pos = g.end()
	}
	s.news = slices.Replace(s.news, n, behind, found...)
	return nil
}

// replay gives what is known after some news.
func replay(list []news) *segment.Uses {
	uses := segment.NewUses(nil)
	for _, n := range list {
		uses.Take(n.Type, n.PathUse)
	}
	uses.News = nil
	return uses
}

// eachPayload calls do with the events at positions from up to before to, until it returns false.
func (g *group) eachPayload(ctx context.Context, from, to int64, do func(pos int64, name string, payload jsonb.Value) bool) error {
	for ; from < to; from += chunkRows {
		at := make([]int32, min(chunkRows, to-from))
		for i := range at {
			at[i] = int32(from - g.base + int64(i))
		}
		names, err := g.readRows(ctx, Ref{Col: ColType}, at)
		if err != nil {
			return err
		}
		payloads, err := g.readRows(ctx, Ref{Col: ColPayload}, at)
		if err != nil {
			return err
		}
		for i := range at {
			if !do(from+int64(i), string(names.Bytes(i)), jsonb.Value(payloads.Bytes(i))) {
				return nil
			}
		}
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

func (s *shapes) list() []Shape {
	byType := make([][]PathShape, len(s.types))
	for _, u := range s.uses.List {
		byType[u.Type] = append(byType[u.Type], PathShape{u.Path, int64(u.Rows), u.Kinds})
	}
	out := make([]Shape, 0, len(s.types))
	for c, name := range s.types {
		if len(byType[c]) == 0 {
			continue // it came later
		}
		slices.SortFunc(byType[c], func(a, b PathShape) int { return slices.Compare(a.Path, b.Path) })
		out = append(out, Shape{name, c, s.rows[c], byType[c]})
	}
	slices.SortFunc(out, func(a, b Shape) int { return strings.Compare(a.Type, b.Type) })
	return out
}
