package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/allsource-db/allsource/sql/datum"
)

// Object is what a user made: a schema, a table, a type… As bytes it is a JSON object whose names are the format; what is
// not known is an error, so that an older program does not drop what a newer one wrote. An object is not changed after it
// was given to With: a changed one is a copy.
type Object interface {
	Head() *Header
	kind() string
}

// Header is what all objects have. Its ID is not part of the encoding: storage keeps it beside.
type Header struct {
	ID      datum.OID `json:"-"`
	Schema  datum.OID `json:"schema,omitempty"` // 0: a schema itself
	Name    string    `json:"name"`
	Comment string    `json:"comment,omitempty"`
}

// Head implements Object.
func (h *Header) Head() *Header { return h }

// TypeRef is a type by its OID: a built-in one, or the ID of an object.
type TypeRef struct {
	OID datum.OID `json:"oid"`
	Mod int32     `json:"mod"`
}

// Expression is SQL text that means the same whatever the search path: objects are named with their schemas, and by their
// OIDs inside constants of the reg types. The empty text is none.
type Expression struct {
	Text string      `json:"text,omitempty"`
	Uses []datum.OID `json:"uses,omitempty"` // objects that it cannot do without
}

// SchemaObject is a namespace.
type SchemaObject struct{ Header }

// ViewObject is a query with a name. The query is an Expression over tables.
type ViewObject struct {
	Header
	Columns []ViewColumn `json:"columns"`
	Query   Expression   `json:"query"`
	Reads   []Reading    `json:"reads,omitempty"` // the columns that the query names
	Check   string       `json:"check,omitempty"` // "local", "cascaded"
}

// ViewColumn is a column of a view, as it was when the view was made.
type ViewColumn struct {
	Name    string     `json:"name"`
	Type    TypeRef    `json:"type"`
	Default Expression `json:"default,omitzero"`
	Comment string     `json:"comment,omitempty"`
}

// Reading is what a query reads of a relation: attribute numbers, in order. Keys are the primary keys without which it could not group as it does.
type Reading struct {
	Relation datum.OID   `json:"relation"`
	Columns  []int16     `json:"columns,omitempty"`
	Keys     []datum.OID `json:"keys,omitempty"`
}

// SequenceObject is a generator of numbers. Its state is storage's.
type SequenceObject struct {
	Header
	Type      datum.OID `json:"type"`
	Start     int64     `json:"start"`
	Increment int64     `json:"increment"`
	Min       int64     `json:"min"`
	Max       int64     `json:"max"`
	Cache     int64     `json:"cache"`
	Cycle     bool      `json:"cycle,omitempty"`
	Owner     datum.OID `json:"owner,omitempty"`  // the table whose column it serves
	Column    int16     `json:"column,omitempty"` // that column
	Identity  bool      `json:"identity,omitempty"`
	Temporary bool      `json:"temporary,omitempty"`
	Unlogged  bool      `json:"unlogged,omitempty"`
}

// EnumObject is a type of labels in an order. Each label has a number for ever, and the numbers are in the labels' order.
type EnumObject struct {
	Header
	Array  datum.OID   `json:"array"` // OID of the array type
	Labels []EnumLabel `json:"labels"`
}

// EnumLabel is one label. Values are stored as the number.
type EnumLabel struct {
	ID     datum.OID `json:"id"`
	Number int64     `json:"number"`
	Label  string    `json:"label"`
	Sort   float64   `json:"sort"` // pg_enum.enumsortorder
}

// DomainObject is a type with conditions.
type DomainObject struct {
	Header
	Array   datum.OID     `json:"array"`
	Base    TypeRef       `json:"base"`
	NotNull bool          `json:"notnull,omitempty"`
	Default Expression    `json:"default,omitzero"`
	Checks  []DomainCheck `json:"checks,omitempty"`
	// NullName is the name of NOT NULL; empty: that which NotNullName makes.
	NullName string `json:"nullname,omitempty"`
}

// NotNullName is the name of the constraint that a domain has where it is NOT NULL.
func (d *DomainObject) NotNullName() string {
	if d.NullName != "" {
		return d.NullName
	}
	return d.Name + "_not_null"
}

// DomainCheck is a condition on VALUE.
type DomainCheck struct {
	ID       datum.OID  `json:"id"`
	Name     string     `json:"name"`
	Check    Expression `json:"check"`
	NotValid bool       `json:"notvalid,omitempty"`
	Comment  string     `json:"comment,omitempty"`
}

// CompositeObject is a type of rows.
type CompositeObject struct {
	Header
	Array    datum.OID        `json:"array"`
	Relation datum.OID        `json:"relation"` // what pg_class calls it
	Fields   []CompositeField `json:"fields"`
}

// CompositeField is a field of a composite type.
type CompositeField struct {
	Name    string  `json:"name"`
	Type    TypeRef `json:"type"`
	Dropped bool    `json:"dropped,omitempty"`
}

// FunctionObject is a function or procedure in SQL.
type FunctionObject struct {
	Header
	Procedure  bool            `json:"procedure,omitempty"`
	Args       []FunctionParam `json:"args"`
	Returns    TypeRef         `json:"returns"`
	Set        bool            `json:"set,omitempty"` // RETURNS SETOF or TABLE
	Language   string          `json:"language"`
	Body       string          `json:"body"`
	Form       string          `json:"form,omitempty"`  // "return", "atomic": the body is SQL in the statement; else a string
	Path       []string        `json:"path,omitempty"`  // search path of a body in the statement; of a string it is that of the call
	Reads      []Reading       `json:"reads,omitempty"` // relations that a body in the statement names
	Uses       []datum.OID     `json:"uses,omitempty"`  // what else it cannot do without
	Volatility string          `json:"volatility"`      // "i", "s", "v"
	Strict     bool            `json:"strict,omitempty"`
	Definer    bool            `json:"definer,omitempty"`
	Cost       float64         `json:"cost,omitempty"`
	Rows       float64         `json:"rows,omitempty"`
	Config     []string        `json:"config,omitempty"` // parameters that it runs under, as "name=value"
}

// FunctionParam is a parameter; Mode is "i", "o", "b", "v" or "t" as in pg_proc.
type FunctionParam struct {
	Name    string     `json:"name,omitempty"`
	Mode    string     `json:"mode"`
	Type    TypeRef    `json:"type"`
	Default Expression `json:"default,omitzero"`
}

// Input reports whether the body of a function sees a value of the parameter.
func (p *FunctionParam) Input() bool { return p.Mode == "i" || p.Mode == "b" || p.Mode == "v" }

// Inputs are the parameters whose values the body sees.
func (f *FunctionObject) Inputs() (out []*FunctionParam) {
	for i := range f.Args {
		if f.Args[i].Input() {
			out = append(out, &f.Args[i])
		}
	}
	return out
}

// Configure sets a parameter that the function runs under, or with nil leaves it to the caller; "" stands for all of them.
func (f *FunctionObject) Configure(name string, value *string) {
	i := slices.IndexFunc(f.Config, func(c string) bool { return strings.HasPrefix(c, name+"=") })
	switch {
	case name == "":
		f.Config = nil
	case value == nil:
		f.Config = slices.DeleteFunc(f.Config, func(c string) bool { return strings.HasPrefix(c, name+"=") })
	case i >= 0:
		f.Config[i] = name + "=" + *value
	default:
		f.Config = append(f.Config, name+"="+*value)
	}
}

// Kind is pg_proc's prokind.
func (f *FunctionObject) Kind() string {
	if f.Procedure {
		return "p"
	}
	return "f"
}

// ExtensionObject says that CREATE EXTENSION was given for something that the server has anyway.
type ExtensionObject struct {
	Header
	Version string `json:"version"`
}

func (*SchemaObject) kind() string       { return "schema" }
func (*ExtensionObject) kind() string    { return "extension" }
func (*TableObject) kind() string        { return "table" }
func (*ViewObject) kind() string         { return "view" }
func (*MaterializedObject) kind() string { return "materialized" }
func (*SequenceObject) kind() string     { return "sequence" }
func (*EnumObject) kind() string         { return "enum" }
func (*DomainObject) kind() string       { return "domain" }
func (*CompositeObject) kind() string    { return "composite" }
func (*FunctionObject) kind() string     { return "function" }

// newObject makes an empty object of a kind, nil if there is no such kind.
func newObject(kind string) Object {
	for _, o := range []Object{&SchemaObject{}, &TableObject{}, &ViewObject{}, &MaterializedObject{}, &SequenceObject{}, &EnumObject{},
		&DomainObject{}, &CompositeObject{}, &FunctionObject{}, &ExtensionObject{}} {
		if o.kind() == kind {
			return o
		}
	}
	return nil
}

// envelope says what kind of object is inside.
type envelope struct {
	Kind   string          `json:"kind"`
	Object json.RawMessage `json:"object"`
}

// Encode gives the bytes of an object. Equal objects have equal bytes.
func Encode(o Object) ([]byte, error) {
	inner, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{Kind: o.kind(), Object: inner})
}

// Decode reads an object.
func Decode(id datum.OID, b []byte) (Object, error) {
	var e envelope
	if err := strict(b, &e); err != nil {
		return nil, fmt.Errorf("catalog object %d: %w", id, err)
	}
	o := newObject(e.Kind)
	if o == nil {
		return nil, fmt.Errorf("catalog object %d is of the unknown kind %q", id, e.Kind)
	}
	if err := strict(e.Object, o); err != nil {
		return nil, fmt.Errorf("catalog object %d, a %s: %w", id, e.Kind, err)
	}
	o.Head().ID = id
	return o, nil
}

// strict reads JSON in which nothing may stand that is not known.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// Clone copies an object deeply.
func Clone[O Object](o O) (O, error) {
	var none O
	b, err := Encode(o)
	if err != nil {
		return none, err
	}
	c, err := Decode(o.Head().ID, b)
	if err != nil {
		return none, err
	}
	return c.(O), nil
}
