package engine

import (
	"context"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/storage/segment"
)

// shaper is a log that knows what its event types look like.
type shaper interface {
	Shapes(ctx context.Context) ([]storage.Shape, int64, error)
}

// shapesOf describes the event types of a database for its catalog. A log that cannot be read has none: the query that reads
// it says why.
func (e *Engine) shapesOf(database string) ([]catalog.EventShape, int64) {
	log, err := e.cfg.Logs.Open(database)
	if err != nil {
		return nil, 0
	}
	s, ok := log.(shaper)
	if !ok {
		return nil, 0
	}
	shapes, version, err := s.Shapes(context.Background())
	if err != nil {
		e.cfg.Logger.Error("the event types cannot be described", "database", database, "error", err)
		return nil, 0
	}
	out := make([]catalog.EventShape, len(shapes))
	for i, t := range shapes {
		out[i] = catalog.EventShape{Type: t.Type, Seq: t.Seq, Rows: t.Rows}
		for _, p := range t.Paths {
			out[i].Paths = append(out[i].Paths, catalog.EventPath{Path: p.Path, Rows: p.Rows, Kinds: jsonKinds(p.Kinds)})
		}
	}
	return out, version
}

// jsonKinds translates what storage tells apart.
func jsonKinds(k storage.Kinds) (out catalog.JSONKinds) {
	for stored, kind := range map[storage.Kinds]catalog.JSONKinds{
		segment.KindNull: catalog.JSONNull, segment.KindBool: catalog.JSONBoolean, segment.KindInt: catalog.JSONInteger,
		segment.KindDecimal: catalog.JSONDecimal, segment.KindNumeric: catalog.JSONDecimal, segment.KindString: catalog.JSONString,
		segment.KindArray: catalog.JSONArray, segment.KindObject: catalog.JSONObject,
	} {
		if k&stored != 0 {
			out |= kind
		}
	}
	return out
}
