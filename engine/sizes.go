package engine

import (
	"context"
	"math"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/storage"
)

// RelationSize is pg_table_size() and its like: the stored bytes of a relation's row groups, those of its past included; 0 stands for all relations.
func (i sessionInfo) RelationSize(ctx context.Context, relation datum.OID) (bytes int64, ok bool, err error) {
	v, err := i.s.log.Log.View(ctx, storage.Latest)
	if err != nil {
		return 0, false, err
	}
	for _, r := range i.catalog.Relations() {
		if relation != 0 && r.OID != relation {
			continue
		}
		n, err := storedBytes(ctx, v, r)
		if err != nil {
			return 0, false, err
		}
		bytes, ok = bytes+n, true
	}
	if !ok {
		_, _, ok = className(i.catalog, relation) // an index
	}
	return bytes, ok, nil
}

func storedBytes(ctx context.Context, v storage.View, r *catalog.Relation) (bytes int64, err error) {
	switch {
	case r.OID == catalog.EventsOID:
		groups, _, err := v.Groups(ctx, nil)
		for _, g := range groups {
			bytes += g.Bytes()
		}
		return bytes, err
	case r.Kind == catalog.Table || r.Kind == catalog.Materialized:
		groups, _, err := v.TableBetween(storage.TableID(r.OID), math.MinInt64, math.MaxInt64, true).Groups(ctx, nil)
		for _, g := range groups {
			bytes += g.Bytes()
		}
		return bytes, err
	}
	return 0, nil
}
