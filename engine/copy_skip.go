package engine

import (
	"github.com/allsource-db/allsource/sql/pgerr"
)

// skippedRow is a row that COPY leaves out (ON_ERROR ignore) because the value of a column cannot be read.
type skippedRow struct {
	line   int64
	column string
	text   []byte // the value, nil: null
}

// skippedRows counts them.
type skippedRows struct{ count int64 }

// add leaves a row out, unless that is one too many.
func (b *skippedRows) add(s *Session, r *rowReader, row skippedRow) error {
	if b.count++; r.opts.limit > 0 && b.count > r.opts.limit {
		e := pgerr.New(pgerr.InvalidTextRepresentation, "skipped more than REJECT_LIMIT (%d) rows due to data type incompatibility", r.opts.limit)
		e.Where = r.at(row.line, row.column, row.text)
		return e
	}
	if r.opts.verbosity == "verbose" {
		what := "null input"
		if row.text != nil {
			what = "\"" + cutCopied(row.text) + "\""
		}
		n := pgerr.New("00000", "skipping row due to data type incompatibility at line %d for column %q: %s", row.line, row.column, what)
		n.Where = "COPY " + r.rel
		s.notice(n)
	}
	return nil
}

// tell says at the end how many rows were left out.
func (b *skippedRows) tell(s *Session, o *copyOptions) {
	switch {
	case b.count == 0 || o.verbosity == "silent":
	case b.count == 1:
		s.notice(pgerr.New("00000", "1 row was skipped due to data type incompatibility"))
	default:
		s.notice(pgerr.New("00000", "%d rows were skipped due to data type incompatibility", b.count))
	}
}
