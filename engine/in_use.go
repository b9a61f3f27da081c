package engine

import (
	"slices"

	"github.com/allsource-db/allsource/sql/catalog"
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/ddl"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/sql/syntax"
)

// idle refuses a statement about a table that the session is not done with: a cursor reads it, or rows of it wait for checks.
func (s *Session) idle(id datum.OID, name, statement string) error {
	why := ""
	for _, c := range s.cursors {
		if !c.kept && slices.ContainsFunc(c.reads, func(t tableLock) bool { return t.oid == id }) {
			why = "it is being used by active queries in this session"
		}
	}
	if why == "" && slices.ContainsFunc(s.tx.work.atCommit.list, func(c check) bool { return c.table == id }) {
		why = "it has pending trigger events"
	}
	if why == "" {
		return nil
	}
	return pgerr.New(pgerr.ObjectInUse, "cannot %s %q because %s", statement, name, why)
}

// changesIdle refuses a definition that alters or drops a table which the session is not done with.
func (s *Session) changesIdle(ch *ddl.Change, st syntax.Stmt) error {
	named := (*syntax.TableName)(nil)
	switch st := st.(type) {
	case *syntax.AlterTable:
		named = st.Table
	case *syntax.CreateIndex:
		named = st.Table
	}
	c := s.catalog()
	if named != nil {
		r := c.Lookup(s.searchPath(), named.Name.Qualifier(), named.Name.Last())
		if r != nil && catalog.TableOf(r.Object) != nil {
			if err := s.idle(r.OID, r.Name, st.Tag()); err != nil {
				return err
			}
		}
	}
	for _, id := range ch.Dropped {
		if r := c.ByOID(id); r != nil {
			if err := s.idle(id, r.Name, "DROP TABLE"); err != nil {
				return err
			}
		}
	}
	return nil
}
