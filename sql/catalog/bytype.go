package catalog

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/allsource-db/allsource/sql/datum"
)

// byType is the schema with a view for every event type.
const byType = "by_type"

// firstTypeView is the OID of the first event type's view; the others follow in the order in which the types came.
const firstTypeView datum.OID = 1 << 20

// EventShape is an event type with the paths of its payloads. Seq is its place in the order in which types came.
type EventShape struct {
	Type  string
	Seq   int
	Rows  int64
	Paths []EventPath
}

// EventPath is a path of the payloads of a type: how many events have a value there, and of what kinds.
type EventPath struct {
	Path  []string
	Rows  int64
	Kinds JSONKinds
}

// JSONKinds is a set of kinds of JSON values.
type JSONKinds uint8

// The kinds. JSONInteger is a number without digits after the point that fits a bigint.
const (
	JSONNull JSONKinds = 1 << iota
	JSONBoolean
	JSONInteger
	JSONDecimal
	JSONString
	JSONArray
	JSONObject
)

var jsonKindNames = []string{"null", "boolean", "integer", "decimal", "string", "array", "object"}

// names lists the kinds of the set.
func (k JSONKinds) names() []string {
	var out []string
	for i, name := range jsonKindNames {
		if k>>i&1 != 0 {
			out = append(out, name)
		}
	}
	return out
}

// column is the type of a column for values of the kinds: the narrowest that has them all. Text takes scalars of several
// kinds, jsonb everything.
func (k JSONKinds) column() datum.OID {
	switch k &^= JSONNull; {
	case k == JSONBoolean:
		return datum.Bool
	case k == JSONInteger:
		return datum.Int8
	case k != 0 && k&^(JSONInteger|JSONDecimal) == 0:
		return datum.Numeric
	case k&(JSONArray|JSONObject) != 0:
		return datum.JSONB
	}
	return datum.Text
}

// typeColumns are the columns of events that the view of a type begins with.
var typeColumns = []int{EventPosition, EventID, EventEntity, EventVersion, EventTimestamp, EventRecordedAt}

// pathColumn is the column of a path in the view of its type.
type pathColumn struct {
	EventPath
	name string
	typ  datum.OID
}

// columns gives the paths their names: the keys with _ between them, or with . where that is taken, after payload_ where a column
// of events has the name. Shorter paths choose first.
func (s *EventShape) columns() []pathColumn {
	taken := map[string]bool{"metadata": true}
	for _, c := range typeColumns {
		taken[Events.Columns[c].Name] = true
	}
	out := make([]pathColumn, 0, len(s.Paths))
	var order []int
	for _, p := range s.Paths {
		if len(p.Path) > 0 { // else a payload that is no object
			order = append(order, len(out))
			out = append(out, pathColumn{EventPath: p, typ: p.Kinds.column()})
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(out[a].Path) - len(out[b].Path) })
	for _, i := range order {
		path := out[i].Path
		name := strings.Join(path, "_")
		if taken[name] && len(path) > 1 {
			name = strings.Join(path, ".")
		}
		for taken[name] || name == "" {
			name = "payload_" + name
		}
		taken[name] = true
		out[i].name = name
	}
	return out
}

// view is the view of the type.
func (s *EventShape) view() *Relation {
	r := &Relation{OID: firstTypeView + datum.OID(s.Seq), Schema: byType, Name: s.Type, Kind: View, Changing: true,
		Doc: "events of type " + s.Type + ", with a column for every path of their payloads"}
	var b strings.Builder
	b.WriteString(" SELECT ")
	for _, c := range typeColumns {
		r.Columns = append(r.Columns, Column{Name: Events.Columns[c].Name, Type: Events.Columns[c].Type, Doc: Events.Columns[c].Doc})
		b.WriteString(ident(Events.Columns[c].Name) + ",\n    ")
	}
	for _, c := range s.columns() {
		r.Columns = append(r.Columns, Column{Name: c.name, Type: datum.T(c.typ), Doc: c.doc()})
		b.WriteString(c.sql() + " AS " + ident(c.name) + ",\n    ")
	}
	r.Columns = append(r.Columns, Column{Name: "metadata", Type: datum.T(datum.JSONB), Doc: Events.Columns[EventMetadata].Doc})
	b.WriteString("metadata\n   FROM public.events\n  WHERE event_type = " + quoteLiteral(s.Type) + ";")
	r.Definition = b.String()
	return r
}

// sql reads the path.
func (c *pathColumn) sql() string {
	var b strings.Builder
	b.WriteString("payload")
	for i, key := range c.Path {
		arrow := " -> "
		if i == len(c.Path)-1 && c.typ != datum.JSONB {
			arrow = " ->> "
		}
		b.WriteString(arrow + quoteLiteral(key))
	}
	if c.typ == datum.Text || c.typ == datum.JSONB {
		return "(" + b.String() + ")"
	}
	return "(" + b.String() + ")::" + datum.FormatType(datum.T(c.typ))
}

func (c *pathColumn) doc() string {
	return "payload: " + strings.Join(c.Path, ", ") + " (" + strings.Join(c.Kinds.names(), ", ") + ")"
}

// ident is a name in double quotes.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteLiteral(s string) string {
	if strings.Contains(s, `\`) {
		return "E'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// TypeSource tells what the event types of a log look like, by name, in the events before a position.
type TypeSource interface {
	// Shapes gives the types without rows, and a number that is the same where they are.
	Shapes(end int64) ([]EventShape, int64)
	// Counted gives the types with rows.
	Counted(end int64) []EventShape
}

// NewTyped is New of a catalog that also has a view for each event type. They are asked for whenever somebody names one or lists
// relations.
func NewTyped(database string, types TypeSource) *Catalog {
	c := New(database)
	c.types, c.end, c.typed = types, math.MaxInt64, &typed{}
	return c
}

// AsOf is the catalog with the views of event types as they were in the events before a position.
func (c *Catalog) AsOf(end int64) *Catalog {
	return &Catalog{database: c.database, relations: c.relations, byOID: c.byOID, byName: c.byName, schemas: c.schemas,
		own: c.own, built: c.built, types: c.types, typed: c.typed, end: end}
}

// typeView finds the view of an event type.
func (c *Catalog) typeView(name string) *Relation {
	shapes, _ := c.types.Shapes(c.end)
	i, ok := slices.BinarySearchFunc(shapes, name, func(s EventShape, name string) int { return strings.Compare(s.Type, name) })
	if !ok {
		return nil
	}
	return shapes[i].view()
}

// whole is the catalog with the views of event types in it.
func (c *Catalog) whole() *Catalog {
	if c.types == nil {
		return c
	}
	shapes, version := c.types.Shapes(c.end)
	c.typed.mu.Lock()
	defer c.typed.mu.Unlock()
	for i, made := range c.typed.made {
		if made.version == version {
			copy(c.typed.made[1:i+1], c.typed.made[:i])
			c.typed.made[0] = made
			return made.catalog
		}
	}
	views := make([]*Relation, len(shapes))
	for i := range shapes {
		views[i] = shapes[i].view()
	}
	made := madeCatalog{c.with(views), version}
	c.typed.made = append([]madeCatalog{made}, c.typed.made[:min(len(c.typed.made), maxMadeCatalogs-1)]...)
	return made.catalog
}

// typed are the catalogs that lazy ones made, the one used last in front.
type typed struct {
	mu   sync.Mutex
	made []madeCatalog
}

type madeCatalog struct {
	catalog *Catalog
	version int64
}

// maxMadeCatalogs is how many moments the catalog is kept of, since sessions and statements may ask about several in turn.
const maxMadeCatalogs = 4

// eventPathRows lists the paths of the payloads of each event type.
func eventPathRows(_ context.Context, c *Context, t *rows) error {
	if c.Counted == nil {
		return nil
	}
	for _, s := range c.Counted() {
		for _, p := range s.columns() {
			t.add(row{"event_type": s.Type, "path": p.Path, "column_name": p.name, "data_type": datum.FormatType(datum.T(p.typ)),
				"kinds": p.Kinds.names(), "events": p.Rows, "frequency": float64(p.Rows) / float64(s.Rows)})
		}
	}
	return nil
}
