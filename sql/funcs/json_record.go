package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// jsonRecordFuncs make rows of objects. The row's type is that of the first argument; the forms named to_record have none,
// the binder gives them a null of the type that the statement's column definition list says.
func jsonRecordFuncs() []Func {
	var out []Func
	for _, r := range []struct {
		oid    datum.OID
		name   string
		doc    datum.OID
		set    bool
		hidden bool
	}{
		{3960, "json_populate_record", datum.JSON, false, false}, {3961, "json_populate_recordset", datum.JSON, true, false},
		{3209, "jsonb_populate_record", datum.JSONB, false, false}, {3475, "jsonb_populate_recordset", datum.JSONB, true, false},
		{3204, "json_to_record", datum.JSON, false, true}, {3205, "json_to_recordset", datum.JSON, true, true},
		{3490, "jsonb_to_record", datum.JSONB, false, true}, {3491, "jsonb_to_recordset", datum.JSONB, true, true},
	} {
		p := populator{name: r.name, binary: r.doc == datum.JSONB}
		f := Func{OID: r.oid, Name: r.name, Args: []datum.OID{datum.AnyElement, r.doc}, Ret: datum.AnyElement, RetSet: r.set, Volatile: Stable,
			Doc: "a row of the members of an object, those that are missing taken from the first argument"}
		if r.set {
			f.Doc = "a row for each object of an array, members that are missing taken from the first argument"
			f.SetTyped = p.set
		} else {
			f.BodyTyped = p.row
		}
		if r.doc == datum.JSON && !r.hidden {
			f.Args, f.Defaults = append(f.Args, datum.Bool), 1
		}
		if r.hidden {
			f.Args, f.Ret, f.Strict = []datum.OID{r.doc}, datum.Record, !r.set
			f.Doc = "a row of the members of an object, as the column definition list says"
			if r.set {
				f.Doc = "a row for each object of an array, as the column definition list says"
			}
		}
		out = append(out, f)
	}
	return out
}

// PopulateAs gives, for a function that makes rows as the statement's column definition list says, the function to call with
// a null of that row type before the argument; nil for other functions.
func (f *Func) PopulateAs() *Func {
	names := map[datum.OID]datum.OID{3204: 3960, 3205: 3961, 3490: 3209, 3491: 3475}
	if oid, ok := names[f.OID]; ok {
		return LookupFuncOID(oid)
	}
	return nil
}

// populator makes rows of JSON documents for one function.
type populator struct {
	name   string
	binary bool // jsonb
}

// document is a JSON value as text or as jsonb.
type document struct {
	raw    []byte
	binary bool
}

func (d document) kind() jsonb.Kind {
	if d.binary {
		return jsonb.Value(d.raw).Kind()
	}
	switch first(d.raw) {
	case '{':
		return jsonb.Object
	case '[':
		return jsonb.Array
	case '"':
		return jsonb.String
	case 'n':
		return jsonb.Null
	case 't', 'f':
		return jsonb.True
	}
	return jsonb.Numeric
}

func (d document) member(key string) (document, bool, error) {
	if d.binary {
		v, ok := jsonb.Get(d.raw, key)
		return document{v, true}, ok, nil
	}
	v, ok, err := jsonMember(d.raw, []byte(key))
	return document{v, false}, ok, err
}

func (d document) elements() ([]document, error) {
	var out []document
	if d.binary {
		jsonb.EachElem(d.raw, func(_ int, v jsonb.Value) bool {
			out = append(out, document{v, true})
			return true
		})
		return out, nil
	}
	list, err := elements(d.raw)
	for _, e := range list {
		out = append(out, document{e, false})
	}
	return out, err
}

// text is the value as ->> gives it, or as JSON.
func (d document) text(asJSON bool) ([]byte, error) {
	switch {
	case d.binary && asJSON:
		return jsonb.AppendText(nil, d.raw), nil
	case d.binary:
		out, _ := jsonb.AppendAsText(nil, d.raw)
		return out, nil
	case asJSON:
		return trimJSON(d.raw), nil
	}
	out, _, err := unquoted(trimJSON(d.raw))
	return out, err
}

func (p populator) row(c *Ctx, types []datum.Type, a []*vec.Column, n int) (*vec.Column, error) {
	t, err := p.rowType(types, a)
	if err != nil {
		return nil, err
	}
	b := datum.NewBuilder(t, n)
	for i := range n {
		if a[1].Null(i) {
			b.AppendFrom(withNulls(a[0], t), i)
			continue
		}
		if err := p.record(c, b, t, document{a[1].Bytes(i), p.binary}, a[0], i); err != nil {
			return nil, jsonError(err)
		}
	}
	return b.Finish(), nil
}

func withNulls(c *vec.Column, t datum.Type) *vec.Column {
	if c.Kind == vec.Struct {
		return c
	}
	return vec.NullColumn(datum.KindOf(t.OID), c.Len)
}

func (p populator) set(c *Ctx, types []datum.Type, a []*vec.Column, i int) (*vec.Column, error) {
	t, err := p.rowType(types, a)
	if err != nil {
		return nil, err
	}
	b := datum.NewBuilder(t, 8)
	if a[1].Null(i) {
		return b.Finish(), nil
	}
	doc := document{a[1].Bytes(i), p.binary}
	switch doc.kind() {
	case jsonb.Array:
	case jsonb.Object:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on an object", p.name)
	default:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on a scalar", p.name)
	}
	list, err := doc.elements()
	if err != nil {
		return nil, jsonError(err)
	}
	for _, e := range list {
		if e.kind() != jsonb.Object {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "argument of %s must be an array of objects", p.name)
		}
		if err := p.record(c, b, t, e, a[0], i); err != nil {
			return nil, jsonError(err)
		}
	}
	return b.Finish(), nil
}

// rowType is the type of the rows: that of the first argument.
func (p populator) rowType(types []datum.Type, a []*vec.Column) (datum.Type, error) {
	if len(types) > 1 && types[0].OID != datum.Record {
		return datum.Type{}, pgerr.New(pgerr.DatatypeMismatch, "first argument of %s must be a row type", p.name)
	}
	if len(types) == 1 || datum.RecordFields(types[0]) == nil {
		return datum.Type{}, pgerr.New(pgerr.FeatureNotSupported, "could not determine row type for result of %s", p.name).
			WithHint("Provide a non-null record argument, or call the function in the FROM clause using a column definition list.")
	}
	return types[0], nil
}

// record appends a row of type t made of an object; what is missing comes from row i of base.
func (p populator) record(c *Ctx, b *vec.Builder, t datum.Type, doc document, base *vec.Column, i int) error {
	switch doc.kind() {
	case jsonb.Object:
	case jsonb.Array:
		return pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on an array", p.name)
	default:
		return pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on a scalar", p.name)
	}
	fields := datum.RecordFields(t)
	cols := make([]*vec.Column, len(fields))
	for k, f := range fields {
		v, ok, err := doc.member(f.Name)
		if err != nil {
			return err
		}
		fb := datum.NewBuilder(f.Type, 1)
		switch {
		case ok:
			err = p.value(c, fb, f.Type, v)
		case base != nil && base.Kind == vec.Struct && !base.Null(i):
			from, row := structAt(base, i)
			fb.AppendFrom(from[k], row)
		default:
			fb.AppendNull()
		}
		if err != nil {
			return err
		}
		cols[k] = fb.Finish()
	}
	b.AppendFrom(&vec.Column{Kind: vec.Struct, Len: 1, Fields: cols}, 0)
	return nil
}

// value appends a JSON value as one of type t: arrays and objects for arrays and rows, else what the text means.
func (p populator) value(c *Ctx, b *vec.Builder, t datum.Type, doc document) error {
	kind := doc.kind()
	isArray := datum.Lookup(t.OID) != nil && datum.Lookup(t.OID).IsArray()
	switch {
	case kind == jsonb.Null:
		b.AppendNull()
		return nil
	case isArray && kind != jsonb.String:
		return p.array(c, b, t, doc)
	case t.OID == datum.Record && kind != jsonb.String:
		return p.record(c, b, t, doc, nil, 0)
	}
	text, err := doc.text(t.OID == datum.JSON || t.OID == datum.JSONB)
	if err != nil {
		return err
	}
	return datum.ParseText(t, text, b, c.Env)
}

// array appends an array of a JSON array, whose levels are its dimensions.
func (p populator) array(c *Ctx, b *vec.Builder, t datum.Type, doc document) error {
	elem := datum.Type{OID: datum.ElemOf(t.OID), Mod: t.Mod}
	r := &arrayPopulator{populator: p, ctx: c, elem: elem, out: datum.NewBuilder(elem, 8)}
	if err := r.level(doc, 1); err != nil {
		return err
	}
	dims := make([]vec.Dim, len(r.lens))
	for k, n := range r.lens {
		dims[k] = vec.Dim{Len: n, Lower: 1}
	}
	datum.AppendArray(b, r.out.Finish(), dims)
	return nil
}

type arrayPopulator struct {
	populator
	ctx   *Ctx
	elem  datum.Type
	out   *vec.Builder
	lens  []int32
	depth int // of the scalars, 0 while none was seen
}

func (r *arrayPopulator) level(doc document, depth int) error {
	if doc.kind() != jsonb.Array {
		return pgerr.New(pgerr.InvalidTextRepresentation, "expected JSON array")
	}
	if depth > datum.MaxDims {
		return datum.TooManyDims(depth)
	}
	list, err := doc.elements()
	if err != nil {
		return err
	}
	switch {
	case len(r.lens) < depth:
		r.lens = append(r.lens, int32(len(list)))
	case int(r.lens[depth-1]) != len(list):
		return pgerr.New(pgerr.InvalidTextRepresentation, "malformed JSON array").
			WithDetail("Multidimensional arrays must have sub-arrays with matching dimensions.")
	}
	for _, e := range list {
		nested := e.kind() == jsonb.Array && r.depth != depth && r.elem.OID != datum.JSON && r.elem.OID != datum.JSONB
		switch {
		case nested:
			err = r.level(e, depth+1)
		case r.depth > 0 && r.depth != depth || len(r.lens) > depth:
			err = pgerr.New(pgerr.InvalidTextRepresentation, "expected JSON array")
		default:
			r.depth = depth
			err = r.value(r.ctx, r.out, r.elem, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
