package engine

import (
	"fmt"

	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/plan"
	"github.com/allsource-db/allsource/sql/syntax"
	"github.com/allsource-db/allsource/vec"
)

// Field describes one column of an answer.
type Field = plan.Field

// Rows is the answer of one statement. It is pulled batch by batch and must be closed. Between Suspend and Resume
// the statement timeout does not run.
type Rows struct {
	Fields []Field // nil for a statement without an answer
	tag    string
	count  int64
	counts bool // the tag ends with the number of rows
	pull   func() (*vec.Batch, error)
	stop   func()
	resume func()
	pause  func()
	closed bool
}

// done is the answer of a statement that gives no rows.
func done(tag string) *Rows { return &Rows{tag: tag} }

// textRows is an answer made of text columns.
func textRows(tag string, fields []Field, rows [][]string) *Rows {
	b := &vec.Batch{Len: len(rows)}
	for i := range fields {
		bld := vec.NewBuilder(vec.Bytes, len(rows))
		for _, r := range rows {
			bld.AppendString(r[i])
		}
		b.Cols = append(b.Cols, bld.Finish())
	}
	return batchRows(tag, fields, b)
}

// batchRows is an answer that is there already.
func batchRows(tag string, fields []Field, b *vec.Batch) *Rows {
	return &Rows{Fields: fields, tag: tag, pull: func() (*vec.Batch, error) {
		out := b
		b = nil
		if out != nil && out.Len == 0 {
			out = nil
		}
		return out, nil
	}}
}

// Next returns the next batch, nil at the end. The batch is valid until the next call.
func (r *Rows) Next() (*vec.Batch, error) {
	if r.pull == nil || r.closed {
		return nil, nil
	}
	b, err := r.pull()
	if b != nil {
		r.count += int64(b.Len)
	}
	return b, err
}

// Tag is the completion tag; it counts the rows given so far.
func (r *Rows) Tag() string { return r.TagOf(r.count) }

// TagOf is the completion tag of that many rows: a portal that is read in pieces counts each piece by itself.
func (r *Rows) TagOf(rows int64) string {
	if r.counts {
		return fmt.Sprintf("%s %d", r.tag, rows)
	}
	return r.tag
}

// Suspend and Resume stop and start the clock of statement_timeout while a portal waits for its next use.
func (r *Rows) Suspend() {
	if r.pause != nil {
		r.pause()
	}
}

// Resume undoes Suspend.
func (r *Rows) Resume() {
	if r.resume != nil {
		r.resume()
	}
}

// Close frees what the answer holds. It may be called more than once.
func (r *Rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	if r.stop != nil {
		r.stop()
	}
	if r.pause != nil {
		r.pause()
	}
}

// notYet is the answer to a statement that is understood but not built.
func notYet(st syntax.Stmt) error {
	e := pgerr.New(pgerr.FeatureNotSupported, "%s is not supported yet", st.Tag())
	if hint := instead[st.Tag()]; hint != "" {
		e = e.WithHint("%s", hint)
	}
	return e
}

// instead says what scripts that send a statement do without it.
var instead = map[string]string{
	"CREATE ROLE": leaveOut, "ALTER ROLE": leaveOut, "GRANT ROLE": leaveOut, "REVOKE ROLE": leaveOut, "REASSIGN OWNED": leaveOut, "DROP OWNED": leaveOut,
	"PREPARE TRANSACTION": commitAlone, "COMMIT PREPARED": commitAlone, "ROLLBACK PREPARED": commitAlone,
}

const (
	leaveOut    = "Leave the statement out: whoever may connect to a database owns all that is in it and may do everything there."
	commitAlone = "A transaction ends with COMMIT. Let other systems follow the events that it appends."
)
