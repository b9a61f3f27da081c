package engine

import (
	"context"
	"sync"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/storage/segment"
)

// shaper is a log that knows what its event types look like.
type shaper interface {
	Shapes(ctx context.Context, end int64) ([]storage.Shape, error)
	CountedShapes(ctx context.Context, end int64) ([]storage.Shape, error)
	ShapesVersion(ctx context.Context, end int64) (int64, error)
}

// eventTypes describes the event types of a database for its catalog. A log that cannot be read has none: the query that reads
// it says why.
type eventTypes struct {
	engine   *Engine
	database string

	mu    sync.Mutex
	known map[int64][]catalog.EventShape // by version
}

// maxKnownShapes is how many versions of the shapes are kept: moments of the past are asked about in turn.
const maxKnownShapes = 16

var _ catalog.TypeSource = (*eventTypes)(nil)

// Shapes implements catalog.TypeSource.
func (t *eventTypes) Shapes(end int64) (out []catalog.EventShape, version int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ask(func(log shaper) (err error) {
		if version, err = log.ShapesVersion(context.Background(), end); err != nil {
			return err
		}
		var ok bool
		if out, ok = t.known[version]; ok {
			return nil
		}
		shapes, err := log.Shapes(context.Background(), version+1)
		if err != nil {
			return err
		}
		if out = shapesOf(shapes); t.known == nil || len(t.known) >= maxKnownShapes {
			t.known = map[int64][]catalog.EventShape{}
		}
		t.known[version] = out
		return nil
	})
	return out, version
}

// Counted implements catalog.TypeSource.
func (t *eventTypes) Counted(end int64) (out []catalog.EventShape) {
	t.ask(func(log shaper) error {
		shapes, err := log.CountedShapes(context.Background(), end)
		out = shapesOf(shapes)
		return err
	})
	return out
}

func (t *eventTypes) ask(f func(log shaper) error) {
	log, err := t.engine.cfg.Logs.Open(t.database)
	if s, ok := log.(shaper); ok && err == nil {
		err = f(s)
	}
	if err != nil {
		t.engine.cfg.Logger.Error("the event types cannot be described", "database", t.database, "error", err)
	}
}

func shapesOf(shapes []storage.Shape) []catalog.EventShape {
	out := make([]catalog.EventShape, len(shapes))
	for i, s := range shapes {
		out[i] = catalog.EventShape{Type: s.Type, Seq: s.Seq, Rows: s.Rows, Paths: make([]catalog.EventPath, len(s.Paths))}
		for k, p := range s.Paths {
			out[i].Paths[k] = catalog.EventPath{Path: p.Path, Rows: p.Rows, Kinds: jsonKinds(p.Kinds)}
		}
	}
	return out
}

// storedKinds says what storage's kinds are in the catalog.
var storedKinds = []struct {
	stored storage.Kinds
	kind   catalog.JSONKinds
}{
	{segment.KindNull, catalog.JSONNull}, {segment.KindBool, catalog.JSONBoolean}, {segment.KindInt, catalog.JSONInteger},
	{segment.KindDecimal, catalog.JSONDecimal}, {segment.KindNumeric, catalog.JSONDecimal}, {segment.KindString, catalog.JSONString},
	{segment.KindArray, catalog.JSONArray}, {segment.KindObject, catalog.JSONObject},
}

func jsonKinds(k storage.Kinds) (out catalog.JSONKinds) {
	for _, s := range storedKinds {
		if k&s.stored != 0 {
			out |= s.kind
		}
	}
	return out
}
