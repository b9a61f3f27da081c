package funcs

import (
	"github.com/allsource-db/allsource/sql/datum"
	"github.com/allsource-db/allsource/sql/pgerr"
	"github.com/allsource-db/allsource/vec"
	"github.com/allsource-db/allsource/vec/jsonb"
)

// Entities reads single entities of the log; the engine implements it.
type Entities interface {
	// State is the state of an entity as of a moment, nil if it had no event.
	State(entity string, at Moment) (jsonb.Value, error)
	// States calls do for each of the versions, which ascend, with the entity's state after it, nil where it has none such.
	States(entity string, versions []int64, do func(i int, state jsonb.Value) error) error
	// Diff lists what differs in the state of an entity between two moments.
	Diff(entity string, since, until Moment) ([]EntityChange, error)
}

// Moment is a value in one of the forms that AS OF SYSTEM TIME takes: row Row of Col. The zero Moment is that of the statement.
type Moment struct {
	Type datum.Type
	Col  *vec.Column
	Row  int
}

// EntityChange is a difference, and the event that made it what it is. A nil value is one that is not there.
type EntityChange struct {
	jsonb.Change
	Position, Version, RecordedAt int64
	EventType                     []byte
}

// entityFuncs are about single entities.
func entityFuncs() []Func {
	text, jsonB, bigint, stamp := datum.T(datum.Text), datum.T(datum.JSONB), datum.T(datum.Int8), datum.T(datum.TimestampTZ)
	return []Func{
		{OID: ownOIDs + 410, Name: "entity_state", Args: []datum.OID{datum.Text, datum.Any}, Defaults: 1, ArgNames: []string{"entity_id", "at"},
			Ret: datum.JSONB, Strict: true, Volatile: Stable, Moment: true,
			Doc:       "the state of an entity, as of a moment: the fold of its payloads with ||; null if it had no event",
			BodyTyped: entityState},
		{OID: ownOIDs + 411, Name: "entity_state_after", Args: []datum.OID{datum.Text, datum.Int8}, ArgNames: []string{"entity_id", "version"},
			Ret: datum.JSONB, Strict: true, Volatile: Stable,
			Doc:  "the state of an entity after its event of the version; null if it has none",
			Body: entityStateAfter},
		{OID: ownOIDs + 412, Name: "entity_history", Args: []datum.OID{datum.Text}, ArgNames: []string{"entity_id"},
			Ret: datum.Record, RetSet: true, Strict: true, Volatile: Stable,
			Doc: "the events of an entity, each with the state after it",
			Out: []datum.Field{{Name: "version", Type: bigint}, {Name: "position", Type: bigint}, {Name: "event_type", Type: text},
				{Name: "timestamp", Type: stamp}, {Name: "recorded_at", Type: stamp}, {Name: "payload", Type: jsonB}, {Name: "state", Type: jsonB}},
			Query: `SELECT version, position, event_type, "timestamp", recorded_at, payload, entity_state_after(entity_id, version) AS state
				FROM public.events WHERE entity_id = $1 ORDER BY version`},
		{OID: ownOIDs + 413, Name: "entity_diff", Args: []datum.OID{datum.Text, datum.Any, datum.Any}, Defaults: 1, ArgNames: []string{"entity_id", "since", "until"},
			Ret: datum.Record, RetSet: true, Strict: true, Volatile: Stable, Moment: true,
			Doc: "what changed in the state of an entity between two moments, and by which events",
			Out: []datum.Field{{Name: "path", Type: datum.T(datum.ArrayOf(datum.Text))}, {Name: "old", Type: jsonB}, {Name: "new", Type: jsonB},
				{Name: "version", Type: bigint}, {Name: "position", Type: bigint}, {Name: "event_type", Type: text}, {Name: "recorded_at", Type: stamp}},
			SetTyped: entityDiff},
	}
}

func entities(c *Ctx) (Entities, error) {
	if c.Entities == nil {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "entities cannot be read here")
	}
	return c.Entities, nil
}

// momentOf is argument k of a call, if it is there.
func momentOf(types []datum.Type, args []*vec.Column, k, row int) Moment {
	if k >= len(args) {
		return Moment{}
	}
	return Moment{types[k], args[k], row}
}

func appendDocument(b *vec.Builder, v jsonb.Value) {
	if v == nil {
		b.AppendNull()
	} else {
		b.AppendBytes(v)
	}
}

func entityState(c *Ctx, types []datum.Type, args []*vec.Column, n int) (*vec.Column, error) {
	log, err := entities(c)
	if err != nil {
		return nil, err
	}
	b := vec.NewBuilder(vec.Bytes, n)
	for i := range n {
		var v jsonb.Value
		if !anyNull(args, i) {
			if v, err = log.State(string(args[0].Bytes(i)), momentOf(types, args, 1, i)); err != nil {
				return nil, err
			}
		}
		appendDocument(b, v)
	}
	return b.Finish(), nil
}

// entityStateAfter asks for rows of the same entity whose versions rise, as those of a scan do, in one go.
func entityStateAfter(c *Ctx, args []*vec.Column, n int) (*vec.Column, error) {
	log, err := entities(c)
	if err != nil {
		return nil, err
	}
	b := vec.NewBuilder(vec.Bytes, n)
	for i := 0; i < n; {
		if anyNull(args, i) {
			b.AppendNull()
			i++
			continue
		}
		entity := string(args[0].Bytes(i))
		versions := []int64{args[1].Int(i)}
		for i++; i < n && !anyNull(args, i) && args[1].Int(i) >= versions[len(versions)-1] && string(args[0].Bytes(i)) == entity; i++ {
			versions = append(versions, args[1].Int(i))
		}
		err := log.States(entity, versions, func(_ int, v jsonb.Value) error {
			appendDocument(b, v)
			return c.Context.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	return b.Finish(), nil
}

func entityDiff(c *Ctx, types []datum.Type, args []*vec.Column, i int) (*vec.Column, error) {
	log, err := entities(c)
	if err != nil {
		return nil, err
	}
	list, err := log.Diff(string(args[0].Bytes(i)), momentOf(types, args, 1, i), momentOf(types, args, 2, i))
	if err != nil {
		return nil, err
	}
	out := &vec.Column{Kind: vec.Struct, Len: len(list)}
	path := vec.NewListBuilder(vec.Bytes, len(list))
	before, now, kind := vec.NewBuilder(vec.Bytes, len(list)), vec.NewBuilder(vec.Bytes, len(list)), vec.NewBuilder(vec.Bytes, len(list))
	version, position, at := vec.NewBuilder(vec.Int64, len(list)), vec.NewBuilder(vec.Int64, len(list)), vec.NewBuilder(vec.Int64, len(list))
	for _, d := range list {
		for _, key := range d.Path {
			path.Elem().AppendString(key)
		}
		path.AppendList()
		appendDocument(before, d.Old)
		appendDocument(now, d.New)
		version.AppendInt(d.Version)
		position.AppendInt(d.Position)
		kind.AppendBytes(d.EventType)
		at.AppendInt(d.RecordedAt)
	}
	for _, b := range []*vec.Builder{path, before, now, version, position, kind, at} {
		out.Fields = append(out.Fields, b.Finish())
	}
	return out, nil
}
