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
	Shapes(ctx context.Context) ([]storage.Shape, error)
	ShapesVersion(ctx context.Context) (int64, error)
}

// eventTypes describes the event types of a database for its catalog. A log that cannot be read has none: the query that reads
// it says why.
type eventTypes struct {
	engine   *Engine
	database string

	mu      sync.Mutex
	version int64
	shapes  []catalog.EventShape // as of version
}

var _ catalog.TypeSource = (*eventTypes)(nil)

// Shapes implements catalog.TypeSource.
func (t *eventTypes) Shapes() ([]catalog.EventShape, int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var version int64
	var now []catalog.EventShape
	t.ask(func(log shaper) (err error) {
		if version, err = log.ShapesVersion(context.Background()); err == nil && version != t.version {
			now, err = shapesOf(log)
		}
		return err
	})
	if now != nil {
		t.version, t.shapes = version, now
	}
	return t.shapes, t.version
}

// Counted implements catalog.TypeSource.
func (t *eventTypes) Counted() (out []catalog.EventShape) {
	t.ask(func(log shaper) (err error) {
		out, err = shapesOf(log)
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

func shapesOf(log shaper) ([]catalog.EventShape, error) {
	shapes, err := log.Shapes(context.Background())
	out := make([]catalog.EventShape, len(shapes))
	for i, s := range shapes {
		out[i] = catalog.EventShape{Type: s.Type, Seq: s.Seq, Rows: s.Rows, Paths: make([]catalog.EventPath, len(s.Paths))}
		for k, p := range s.Paths {
			out[i].Paths[k] = catalog.EventPath{Path: p.Path, Rows: p.Rows, Kinds: jsonKinds(p.Kinds)}
		}
	}
	return out, err
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
