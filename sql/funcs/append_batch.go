package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// batchFields are the members that an event of append_batch may have. The last may be a number or a word.
var batchFields = []datum.Field{
	{Name: "entity_id", Type: datum.T(datum.Text)}, {Name: "event_type", Type: datum.T(datum.Text)},
	{Name: "payload", Type: datum.T(datum.JSONB)}, {Name: "id", Type: datum.T(datum.UUID)},
	{Name: "timestamp", Type: datum.T(datum.TimestampTZ)}, {Name: "metadata", Type: datum.T(datum.JSONB)},
	{Name: "expected_version", Type: datum.T(datum.Text)},
}

// BatchEvents is the set-returning function behind append_batch: a row for each object of a jsonb array. It is not among the
// functions that queries can call.
func BatchEvents() *Func {
	return &Func{Name: "append_batch", Args: []datum.OID{datum.JSONB}, Ret: datum.Record, RetSet: true, Strict: true, Volatile: Stable,
		Doc: "the events of an array", Out: batchFields, SetBody: batchEvents}
}

func batchEvents(c *Ctx, args []*vec.Column, i int) (*vec.Column, error) {
	doc := jsonb.Value(args[0].Bytes(i))
	if doc.Kind() != jsonb.Array {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "append_batch() takes an array of events").
			WithHint(`For example: [{"entity_id": "order-1", "event_type": "order.paid", "payload": {"by": "card"}, "expected_version": 1}]`)
	}
	kinds := make([]vec.Kind, len(batchFields))
	for k, f := range batchFields {
		kinds[k] = datum.KindOf(f.Type.OID)
	}
	b := vec.NewStructBuilder(kinds, jsonb.Len(doc))
	var err error
	jsonb.EachElem(doc, func(k int, v jsonb.Value) bool {
		if err = batchEvent(c, b, v); err != nil {
			e := *pgerr.From(jsonError(err))
			err = e.WithDetail("It is event %d of the array.", k+1)
		}
		return err == nil
	})
	return b.Finish(), err
}

// batchEvent appends the row of one object.
func batchEvent(c *Ctx, b *vec.Builder, v jsonb.Value) error {
	if v.Kind() != jsonb.Object {
		return pgerr.New(pgerr.InvalidParameterValue, "an event of append_batch() must be an object")
	}
	known := 0
	for k, f := range batchFields {
		m, ok := jsonb.Get(v, f.Name)
		if ok {
			known++
		}
		if !ok || m.Kind() == jsonb.Null && f.Name != "payload" {
			b.Field(k).AppendNull()
			continue
		}
		if f.Type.OID == datum.JSONB {
			b.Field(k).AppendBytes(m)
			continue
		}
		if kind := m.Kind(); kind != jsonb.String && !(f.Name == "expected_version" && kind == jsonb.Numeric) {
			return pgerr.New(pgerr.InvalidParameterValue, "%q of an event must be a string", f.Name)
		}
		text, _ := jsonb.AppendAsText(nil, m)
		if err := datum.ParseText(f.Type, text, b.Field(k), c.Env); err != nil {
			return err
		}
	}
	b.AppendStruct()
	if known < jsonb.Len(v) {
		return unknownMember(v)
	}
	return nil
}

// unknownMember names a member that events do not have: it is rather a mistake than nothing.
func unknownMember(v jsonb.Value) error {
	var err error
	jsonb.EachField(v, func(key []byte, _ jsonb.Value) bool {
		for _, f := range batchFields {
			if f.Name == string(key) {
				return true
			}
		}
		err = pgerr.New(pgerr.InvalidParameterValue, "an event has no member %q", key).
			WithHint("It has entity_id, event_type, payload, id, timestamp, metadata and expected_version.")
		return false
	})
	return err
}
