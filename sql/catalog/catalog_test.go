package catalog

import (
	"context"
	"sort"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
)

type testServer struct{}

func (testServer) Databases(context.Context) ([]Database, error) {
	return []Database{{OID: 5, Name: "allsource", Owner: superuser}}, nil
}

func (testServer) Roles(context.Context) ([]Role, error) {
	return []Role{{OID: superuser, Name: "allsource", Super: true, Login: true, MemberOf: []datum.OID{11}}}, nil
}

func (testServer) Settings(context.Context) ([]Setting, error) {
	return []Setting{{Name: "work_mem", Value: "4MB", Context: "user", Type: "string"}}, nil
}

func (testServer) Prepared() []PreparedStatement {
	return []PreparedStatement{{Name: "p", Text: "PREPARE p AS SELECT 1", Types: []datum.OID{datum.Int4}, SQL: true}}
}
func (testServer) Cursors() []OpenCursor {
	return []OpenCursor{{Name: "c", Text: "DECLARE c CURSOR FOR SELECT 1"}}
}
func (testServer) Sessions(context.Context) ([]Session, error) {
	return []Session{{PID: 1, Database: "allsource", User: "allsource", Started: 7}}, nil
}

func (testServer) Shown(_ *Relation, text string) (string, error) { return text, nil }

func (testServer) Locks() []Lock {
	return []Lock{{Type: "relation", Mode: "AccessShareLock", Relation: 16384, PID: 7, Granted: true}, {Type: "advisory", Mode: "ExclusiveLock", Object: 5, PID: 8}}
}
func (testServer) ShownIndex(_ *Relation, ix *TableIndex) (string, error) { return ix.Name, nil }
func (testServer) ShownCheck(_ *DomainObject, k *DomainCheck) string      { return k.Check.Text }

func (testServer) SequenceState(datum.OID) (int64, bool, error) { return 7, true, nil }

// TestRowsOfEverything makes the rows of every built-in relation and checks their shape.
func TestRowsOfEverything(t *testing.T) {
	c := New("allsource")
	for _, r := range c.Relations() {
		if r.Stored() {
			continue
		}
		b, err := r.Rows(context.Background(), &Context{Catalog: c, Server: testServer{}})
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		if len(b.Cols) != len(r.Columns) {
			t.Fatalf("%s: %d columns, declared %d", r.Name, len(b.Cols), len(r.Columns))
		}
		for i, col := range b.Cols {
			def := r.Columns[i]
			if col.Kind != datum.KindOf(def.Type.OID) || col.Len != b.Len {
				t.Errorf("%s.%s: kind %d and %d rows, want kind %d and %d", r.Name, def.Name, col.Kind, col.Len, datum.KindOf(def.Type.OID), b.Len)
			}
			for k := range col.Len {
				if def.NotNull && col.Null(k) {
					t.Errorf("%s.%s: row %d is null", r.Name, def.Name, k)
					break
				}
			}
		}
	}
}

// TestTables checks what is promised of the declarations: OIDs that are nobody else's, names in order, known types.
func TestTables(t *testing.T) {
	seen := map[datum.OID]string{}
	for _, r := range New("allsource").Relations() {
		if other, ok := seen[r.OID]; ok {
			t.Errorf("%s and %s have the OID %d", other, r.Name, r.OID)
		}
		seen[r.OID] = r.Name
		for _, col := range r.Columns {
			if datum.Lookup(col.Type.OID) == nil {
				t.Errorf("%s.%s has no type", r.Name, col.Name)
			}
		}
	}
	for _, list := range [][]builtin{pgTables, pgViews, infoViews} {
		if !sort.SliceIsSorted(list, func(i, j int) bool { return list[i].name < list[j].name }) {
			t.Errorf("the list that begins with %s is not in order", list[0].name)
		}
	}
}

func TestLookup(t *testing.T) {
	c := New("allsource")
	for _, x := range []struct {
		path         []string
		schema, name string
		want         datum.OID
	}{
		{[]string{"public"}, "", "events", EventsOID},
		{nil, "", "events", 0},
		{nil, "public", "events", EventsOID},
		{nil, "", "pg_class", classOID},
		{nil, "public", "pg_class", 0},
		{[]string{"$user", "public"}, "", "nope", 0},
	} {
		r := c.Lookup(x.path, x.schema, x.name)
		if r == nil && x.want != 0 || r != nil && r.OID != x.want {
			t.Errorf("Lookup(%v, %q, %q) = %v, want %d", x.path, x.schema, x.name, r, x.want)
		}
	}
	if def, ok := c.IndexDefinition(16387, 0); !ok || def != "CREATE UNIQUE INDEX events_entity_id_version_key ON public.events USING btree (entity_id, version)" {
		t.Errorf("IndexDefinition: %q", def)
	}
	if def, _ := c.ConstraintDefinition(16386); def != "PRIMARY KEY (position)" {
		t.Errorf("ConstraintDefinition: %q", def)
	}
}
