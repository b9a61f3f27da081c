package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// jset is a set-returning function on jsonb with one column.
func jset(oid datum.OID, name string, ret datum.OID, doc string, f func(name string, v jsonb.Value, b *vec.Builder) error) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.JSONB}, Ret: ret, RetSet: true, Strict: true, Volatile: Immutable, Doc: doc,
		SetBody: func(_ *Ctx, args []*vec.Column, i int) (*vec.Column, error) {
			b := vec.NewBuilder(vec.Bytes, 8)
			if err := f(name, args[0].Bytes(i), b); err != nil {
				return nil, err
			}
			return b.Finish(), nil
		}}
}

func objectKeys(name string, v jsonb.Value, b *vec.Builder) error {
	if err := wantObject(name, v); err != nil {
		return err
	}
	jsonb.EachField(v, func(key []byte, _ jsonb.Value) bool {
		b.AppendBytes(key)
		return true
	})
	return nil
}

// wantObject refuses what is no object, in PostgreSQL's words.
func wantObject(name string, v jsonb.Value) error {
	switch v.Kind() {
	case jsonb.Object:
		return nil
	case jsonb.Array:
		if name == "jsonb_object_keys" {
			return pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on an array", name)
		}
	default:
		if name == "jsonb_object_keys" {
			return pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on a scalar", name)
		}
	}
	return pgerr.New(pgerr.InvalidParameterValue, "cannot call %s on a non-object", name)
}

func arrayElements(text bool) func(name string, v jsonb.Value, b *vec.Builder) error {
	return func(_ string, v jsonb.Value, b *vec.Builder) error {
		switch v.Kind() {
		case jsonb.Array:
		case jsonb.Object:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot extract elements from an object")
		default:
			return pgerr.New(pgerr.InvalidParameterValue, "cannot extract elements from a scalar")
		}
		jsonb.EachElem(v, func(_ int, val jsonb.Value) bool {
			appendJSONValue(b, val, text)
			return true
		})
		return nil
	}
}

// appendJSONValue appends a document, or its text (JSON null is then null).
func appendJSONValue(b *vec.Builder, v jsonb.Value, text bool) {
	if !text {
		b.AppendBytes(v)
		return
	}
	if out, ok := jsonb.AppendAsText(nil, v); ok {
		b.AppendBytes(out)
	} else {
		b.AppendNull()
	}
}

// jeach is jsonb_each and its text form: one row per member.
func jeach(oid datum.OID, name string, value datum.OID, doc string, text bool) Func {
	return Func{OID: oid, Name: name, Args: []datum.OID{datum.JSONB}, Ret: datum.Record, RetSet: true, Strict: true, Volatile: Immutable, Doc: doc,
		Out: []datum.Field{{Name: "key", Type: datum.T(datum.Text)}, {Name: "value", Type: datum.T(value)}},
		SetBody: func(_ *Ctx, args []*vec.Column, i int) (*vec.Column, error) {
			v := jsonb.Value(args[0].Bytes(i))
			if err := wantObject(name, v); err != nil {
				return nil, err
			}
			b := vec.NewStructBuilder([]vec.Kind{vec.Bytes, vec.Bytes}, 8)
			jsonb.EachField(v, func(key []byte, val jsonb.Value) bool {
				b.Field(0).AppendBytes(key)
				appendJSONValue(b.Field(1), val, text)
				b.AppendStruct()
				return true
			})
			return b.Finish(), nil
		}}
}

func jsonKeys(_ *Ctx, args []*vec.Column, i int) (*vec.Column, error) {
	doc := args[0].Bytes(i)
	if first(doc) != '{' {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot call json_object_keys on a non-object")
	}
	b := vec.NewBuilder(vec.Bytes, 8)
	if err := eachMember(doc, func(key, _ []byte) { b.AppendBytes(key) }); err != nil {
		return nil, jsonError(err)
	}
	return b.Finish(), nil
}

func jsonElements(text bool) SetBody {
	return func(_ *Ctx, args []*vec.Column, i int) (*vec.Column, error) {
		doc := args[0].Bytes(i)
		if first(doc) != '[' {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot call json_array_elements on a non-array")
		}
		list, err := elements(doc)
		if err != nil {
			return nil, jsonError(err)
		}
		b := vec.NewBuilder(vec.Bytes, len(list))
		for _, raw := range list {
			ok := true
			if text {
				if raw, ok, err = unquoted(raw); err != nil {
					return nil, jsonError(err)
				}
			}
			if ok {
				b.AppendBytes(raw)
			} else {
				b.AppendNull()
			}
		}
		return b.Finish(), nil
	}
}
