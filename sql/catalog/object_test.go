package catalog

import (
	"reflect"
	"testing"

	"github.com/allsource-db/allsource/sql/datum"
)

func someObjects() []Object {
	missing := "7"
	head := func(id datum.OID, name string) Header {
		return Header{ID: id, Schema: 16500, Name: name, Comment: "about " + name}
	}
	int4 := TypeRef{OID: datum.Int4, Mod: -1}
	table := TableObject{
		Header: head(16501, "t"), RowType: 16502, Array: 16503, Persistence: Unlogged, NextColumn: 4, Options: []string{"fillfactor=70"},
		Columns: []TableColumn{
			{Physical: 1, Name: "id", Type: int4, NotNull: true, Identity: "a", DefaultID: 16504},
			{Physical: 2, Name: "gone", Type: int4, Dropped: true},
			{Physical: 3, Name: "n", Type: TypeRef{OID: 16520, Mod: -1}, Default: Expression{Text: "nextval('16510'::regclass)", Uses: []datum.OID{16510}}, Missing: &missing},
		},
		Constraints: []Constraint{
			{ID: 16505, Name: "t_pkey", Kind: PrimaryKey, Columns: []int16{1}, Index: 16506},
			{ID: 16507, Name: "t_n_check", Kind: Check, Columns: []int16{3}, Check: Expression{Text: "n > 0"}},
			{ID: 16508, Name: "t_n_fkey", Kind: ForeignKey, Columns: []int16{3}, RefTable: 16501, RefColumns: []int16{1}, OnDelete: "c", OnUpdate: "a", Index: 16506},
		},
		Indexes: []TableIndex{
			{ID: 16506, Name: "t_pkey", Unique: true, Keys: []IndexKey{{Column: 1, Type: int4}}, Constraint: 16505},
			{ID: 16509, Name: "t_expr_idx", Keys: []IndexKey{{Expr: Expression{Text: "n + 1"}, Type: int4, Desc: true, NullsFirst: true}}, Where: Expression{Text: "n > 1"}},
		},
		Periods: []Period{{Name: "valid", Start: 1, End: 3}},
	}
	materialized := MaterializedObject{TableObject: table, Query: Expression{Text: "SELECT 1"}, Reads: []Reading{{Relation: 16501, Columns: []int16{1}}}, Populated: true}
	materialized.Header, materialized.Constraints, materialized.Indexes = head(16530, "mv"), nil, nil
	return []Object{
		&SchemaObject{Header{ID: 16500, Name: "app"}},
		&ExtensionObject{Header{ID: 16560, Name: "pgcrypto"}, "1.3"},
		&table,
		&SequenceObject{Header: head(16510, "t_n_seq"), Type: datum.Int8, Start: 1, Increment: 1, Min: 1, Max: 1<<63 - 1, Cache: 1, Owner: 16501, Column: 3},
		&DomainObject{Header: head(16520, "positive"), Array: 16521, Base: TypeRef{OID: datum.Numeric, Mod: 655366}, NotNull: true,
			Checks: []DomainCheck{{ID: 16522, Name: "positive_check", Check: Expression{Text: "VALUE > 0"}}}},
		&EnumObject{Header: head(16523, "mood"), Array: 16524, Labels: []EnumLabel{{ID: 16525, Number: 1 << 32, Label: "sad"}}},
		&CompositeObject{Header: head(16526, "pair"), Array: 16527, Relation: 16528, Fields: []CompositeField{{Name: "a", Type: int4}}},
		&FunctionObject{Header: head(16529, "f"), Args: []FunctionParam{{Name: "x", Mode: "i", Type: int4, Default: Expression{Text: "1"}}},
			Returns: int4, Language: "sql", Body: "SELECT x", Path: []string{"app"}, Volatility: "i", Strict: true},
		&materialized,
		&ViewObject{Header: head(16540, "v"), Columns: []ViewColumn{{Name: "id", Type: int4}}, Query: Expression{Text: "SELECT id FROM app.t", Uses: []datum.OID{16529}},
			Reads: []Reading{{Relation: 16501, Columns: []int16{1}}}, Check: "local"},
	}
}

func TestEncodeObjects(t *testing.T) {
	for _, o := range someObjects() {
		b, err := Encode(o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(o.Head().ID, b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(o, back) {
			t.Errorf("%s\nwas %#v\nis  %#v", b, o, back)
		}
	}
	for _, bad := range []string{``, `{}`, `{"kind":"tablet","object":{}}`, `{"kind":"schema","object":{"name":"a","colour":"red"}}`,
		`{"kind":"table","object":{"columns":[{"name":"a","type":{"oid":23,"mod":-1},"wide":true}]}}`} {
		if o, err := Decode(1, []byte(bad)); err == nil {
			t.Errorf("%s was read as %#v", bad, o)
		}
	}
}

func TestWith(t *testing.T) {
	base := New("db")
	c := base.With(someObjects()...)
	r := c.Lookup([]string{"app"}, "", "t")
	if r == nil || r.Table == nil || len(r.Columns) != 2 || r.Columns[1].Attr != 3 || r.Columns[1].Type != (datum.Type{OID: datum.Numeric, Mod: 655366}) || r.Columns[1].Domain.Name != "positive" {
		t.Fatalf("the table is %+v", r)
	}
	if !r.Indexes[0].Primary || r.Indexes[0].Columns[0] != 0 || r.Indexes[1].Columns[0] != -1 {
		t.Errorf("its indexes are %+v", r.Indexes)
	}
	for name, kind := range map[string]Kind{"v": View, "mv": Materialized, "t_n_seq": Sequence, "pair": Composite} {
		if r := c.Lookup(nil, "app", name); r == nil || r.Kind != kind {
			t.Errorf("%s is %+v", name, r)
		}
	}
	if base.Lookup(nil, "app", "t") != nil || base.HasSchema("app") || !c.HasSchema("app") {
		t.Error("the catalog that With began with has changed")
	}
	if d := c.With(c.Objects()[:1]...); d.Lookup(nil, "app", "t") != nil || !d.HasSchema("app") || d.Lookup(nil, "", "pg_class") == nil {
		t.Error("With does not replace the objects")
	}
}
