package catalog

import (
	"context"

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
