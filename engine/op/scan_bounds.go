package op

import (
	"errors"
	"math"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/expr"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/storage"
	"github.com/allsource-db/allsource/vec"
)

// storageError says a failure of the log as SQL users see it; errors that have a code keep it.
func storageError(err error) error {
	if err == nil {
		return nil
	}
	var known *pgerr.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, storage.ErrCorrupt):
		return pgerr.New(pgerr.DataCorrupted, "%w", err)
	case errors.Is(err, storage.ErrClosed):
		return pgerr.New(pgerr.AdminShutdown, "%w", err)
	}
	return err
}

// preds evaluates the bounds: what storage may use to leave out groups, and the window of positions that they allow.
func (s *EventScan) preds(x *expr.EvalCtx, end int64) ([]storage.Pred, positions, error) {
	w := positions{s.Start, end}
	var out []storage.Pred
	for _, b := range s.Bounds {
		p := storage.Pred{Ref: refOf(b.Col), Op: storage.Op(b.Op)}
		if b.Op != plan.NotNull {
			vals, err := boundValues(x, b)
			if err != nil {
				return nil, w, err
			}
			if vals == nil || vals.HasNulls() {
				continue // the filter decides
			}
			p.Values = vals
			if b.Col.Column == catalog.EventPosition && b.Op != plan.In && vals.Kind == vec.Int64 {
				w.narrow(b.Op, vals.Int(0))
			}
		}
		out = append(out, p)
	}
	return out, w, nil
}

// boundValues evaluates the values into one column.
func boundValues(x *expr.EvalCtx, b plan.Bound) (*vec.Column, error) {
	cols := make([]*vec.Column, len(b.Values))
	for i, e := range b.Values {
		c, err := expr.Value(x, e)
		if err != nil {
			return nil, err
		}
		cols[i] = c.Flat()
	}
	if len(cols) == 0 {
		return nil, nil
	}
	return concat(b.Values[0].Type(), cols), nil
}

func (w *positions) narrow(op plan.CompareOp, v int64) {
	switch op {
	case plan.Eq:
		w.from, w.to = max(w.from, v), min(w.to, after(v))
	case plan.Lt:
		w.to = min(w.to, v)
	case plan.Le:
		w.to = min(w.to, after(v))
	case plan.Gt:
		w.from = max(w.from, after(v))
	case plan.Ge:
		w.from = max(w.from, v)
	}
}

// after is v+1 where there is one.
func after(v int64) int64 {
	if v == math.MaxInt64 {
		return v
	}
	return v + 1
}

// entityBound is one entity and the range of its versions that the bounds allow.
type entityBound struct {
	name     string
	from, to int64
}

// entity finds an equality with one entity among the bounds.
func (s *EventScan) entity(x *expr.EvalCtx) (e entityBound, ok bool, err error) {
	w := positions{0, math.MaxInt64}
	for _, b := range s.Bounds {
		if b.Col.Path != nil || b.Op == plan.NotNull || b.Op == plan.In && len(b.Values) != 1 {
			continue
		}
		if b.Col.Column != catalog.EventEntity && b.Col.Column != catalog.EventVersion {
			continue
		}
		v, err := boundValues(x, b)
		if err != nil {
			return e, false, err
		}
		if v.Null(0) {
			continue
		}
		equal := b.Op == plan.Eq || b.Op == plan.In
		switch {
		case b.Col.Column == catalog.EventEntity && equal && v.Kind == vec.Bytes && b.Values[0].Type().OID != datum.BPChar:
			if ok && e.name != string(v.Bytes(0)) {
				w.to = w.from // two different ones
			}
			e.name, ok = string(v.Bytes(0)), true
		case b.Col.Column == catalog.EventVersion && v.Kind == vec.Int64 && b.Op != plan.In:
			w.narrow(b.Op, v.Int(0))
		}
	}
	e.from, e.to = w.from, max(w.from, w.to)
	return e, ok, nil
}
