package engine

import (
	"context"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// explainOptions are the options of an EXPLAIN.
type explainOptions struct {
	analyze, verbose, json bool
	costs, timing          bool
}

func parseExplain(st *syntax.Explain) (explainOptions, error) {
	o := explainOptions{timing: true}
	for _, op := range st.Options {
		on, err := optionBool(op)
		switch op.Name {
		case "format":
			err = nil
			switch strings.ToLower(op.Text) {
			case "text":
			case "json":
				o.json = true
			default:
				err = pgerr.New(pgerr.InvalidParameterValue, "unrecognized value for EXPLAIN option \"format\": %q", op.Text).WithHint("Use text or json.")
			}
		case "analyze":
			o.analyze = on
		case "verbose":
			o.verbose = on
		case "costs":
			o.costs = on
		case "timing":
			o.timing = on
		case "buffers", "summary", "settings", "wal", "generic_plan", "memory":
		default:
			err = pgerr.New(pgerr.SyntaxError, "unrecognized EXPLAIN option %q", op.Name)
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// explainFields is the one column that EXPLAIN gives.
func explainFields(st *syntax.Explain) []Field {
	t := datum.T(datum.Text)
	if o, err := parseExplain(st); err == nil && o.json {
		t = datum.T(datum.JSON)
	}
	return []Field{{Name: "QUERY PLAN", Type: t}}
}

// drain runs a query to its end for EXPLAIN ANALYZE and forgets the rows.
func drain(ctx context.Context, in source) error {
	for {
		b, err := in.Next(ctx)
		if err != nil || b == nil {
			return err
		}
	}
}
