package catalog

import (
	"context"
	"strconv"

	"github.com/allsource-db/allsource/sql/datum"
)

// sequenceColumns are those of a sequence that is read like a table.
var sequenceColumns = []Column{
	{Name: "last_value", Type: datum.T(datum.Int8), NotNull: true},
	{Name: "log_cnt", Type: datum.T(datum.Int8), NotNull: true},
	{Name: "is_called", Type: datum.T(datum.Bool), NotNull: true},
}

// sequenceRow is the one row of a sequence.
func sequenceRow(_ context.Context, c *Context, t *rows) error {
	last, called, err := c.Server.SequenceState(t.rel.OID)
	t.add(row{"last_value": last, "log_cnt": 0, "is_called": called})
	return err
}

// sequences calls f for every sequence.
func (c *Catalog) sequences(f func(s *SequenceObject)) {
	for _, o := range c.Objects() {
		if s, ok := o.(*SequenceObject); ok {
			f(s)
		}
	}
}

func sequenceRows(c *Catalog, t *rows) {
	c.sequences(func(s *SequenceObject) {
		t.add(row{"seqrelid": s.ID, "seqtypid": s.Type, "seqstart": s.Start, "seqincrement": s.Increment, "seqmax": s.Max, "seqmin": s.Min,
			"seqcache": s.Cache, "seqcycle": s.Cycle})
	})
}

// sequenceListRows are pg_sequences.
func sequenceListRows(_ context.Context, x *Context, t *rows) (err error) {
	x.Catalog.sequences(func(s *SequenceObject) {
		last, called, e := x.Server.SequenceState(s.ID)
		if e != nil {
			err = e
		}
		r := row{"schemaname": x.Catalog.SchemaName(s.Schema), "sequencename": s.Name, "sequenceowner": superuserName, "data_type": s.Type,
			"start_value": s.Start, "min_value": s.Min, "max_value": s.Max, "increment_by": s.Increment, "cycle": s.Cycle, "cache_size": s.Cache}
		if called {
			r["last_value"] = last
		}
		t.add(r)
	})
	return err
}

func infoSequenceRows(c *Catalog, t *rows) {
	c.sequences(func(s *SequenceObject) {
		if s.Identity {
			return
		}
		text := func(n int64) string { return strconv.FormatInt(n, 10) }
		bits := map[datum.OID]int{datum.Int2: 16, datum.Int4: 32, datum.Int8: 64}[s.Type]
		t.add(row{"sequence_catalog": c.database, "sequence_schema": c.SchemaName(s.Schema), "sequence_name": s.Name,
			"data_type": datum.FormatType(datum.T(s.Type)), "numeric_precision": bits, "numeric_precision_radix": 2, "numeric_scale": 0,
			"start_value": text(s.Start), "minimum_value": text(s.Min), "maximum_value": text(s.Max), "increment": text(s.Increment),
			"cycle_option": yesNo(s.Cycle)})
	})
}
