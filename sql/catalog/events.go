package catalog

import "github.com/allsource-db/allsource/sql/datum"

// The columns of events, in order.
const (
	EventPosition = iota
	EventID
	EventEntity
	EventType
	EventVersion
	EventTimestamp
	EventRecordedAt
	EventPayload
	EventMetadata
)

// EventsOID is the OID of events in every database.
const EventsOID datum.OID = 16384

// Events is the log of a database.
var Events = &Relation{
	OID: EventsOID, Schema: public, Name: "events", Kind: Table,
	Doc: "the log: one row per event, appended and never changed",
	Columns: []Column{
		EventPosition:   {Name: "position", Type: datum.T(datum.Int8), NotNull: true, Doc: "place in the log, rising, never used again"},
		EventID:         {Name: "id", Type: datum.T(datum.UUID), NotNull: true, Doc: "the producer's or ours; with entity_id the key that makes an append idempotent"},
		EventEntity:     {Name: "entity_id", Type: datum.T(datum.Text), NotNull: true, Doc: "what the event is about"},
		EventType:       {Name: "event_type", Type: datum.T(datum.Text), NotNull: true},
		EventVersion:    {Name: "version", Type: datum.T(datum.Int8), NotNull: true, Doc: "1, 2, 3… per entity, without gaps"},
		EventTimestamp:  {Name: "timestamp", Type: datum.T(datum.TimestampTZ), NotNull: true, Doc: "when it happened, said by the producer; else recorded_at"},
		EventRecordedAt: {Name: "recorded_at", Type: datum.T(datum.TimestampTZ), NotNull: true, Doc: "when the log accepted it: what AS OF SYSTEM TIME compares"},
		EventPayload:    {Name: "payload", Type: datum.T(datum.JSONB), NotNull: true, Doc: "what happened"},
		EventMetadata:   {Name: "metadata", Type: datum.T(datum.JSONB), NotNull: true, Doc: "who, why, from where"},
	},
	Indexes: []Index{
		{OID: 16385, Constraint: 16386, Name: "events_pkey", Columns: []int{EventPosition}, Unique: true, Primary: true},
		{OID: 16387, Constraint: 16388, Name: "events_entity_id_version_key", Columns: []int{EventEntity, EventVersion}, Unique: true},
		{OID: 16389, Constraint: 16390, Name: "events_entity_id_id_key", Columns: []int{EventEntity, EventID}, Unique: true},
	},
}

// EntitiesView is one row per entity.
var EntitiesView = &Relation{
	OID: 16391, Schema: public, Name: "entities", Kind: View,
	Doc: "the entities of the log with their states: one row per entity",
	Columns: []Column{
		{Name: "entity_id", Type: datum.T(datum.Text)},
		{Name: "version", Type: datum.T(datum.Int8), Doc: "that of its last event, which is how many it has"},
		{Name: "state", Type: datum.T(datum.JSONB), Doc: "the fold of its payloads with ||: of each key the last value"},
		{Name: "created_at", Type: datum.T(datum.TimestampTZ), Doc: "when its first event was recorded"},
		{Name: "updated_at", Type: datum.T(datum.TimestampTZ), Doc: "when its last event was recorded"},
		{Name: "last_event_type", Type: datum.T(datum.Text)},
		{Name: "last_timestamp", Type: datum.T(datum.TimestampTZ), Doc: "when its last event happened, as its producer says"},
		{Name: "last_position", Type: datum.T(datum.Int8)},
	},
	Definition: ` SELECT entity_id,
    max(version) AS version,
    jsonb_merge_agg(payload ORDER BY version) AS state,
    min(recorded_at) AS created_at,
    max(recorded_at) AS updated_at,
    last(event_type ORDER BY version) AS last_event_type,
    last("timestamp" ORDER BY version) AS last_timestamp,
    max("position") AS last_position
   FROM public.events
  GROUP BY entity_id;`,
}

// EventTypes is one row per event type.
var EventTypes = &Relation{
	OID: 16392, Schema: public, Name: "events_by_type", Kind: View,
	Doc: "the event types of the log: how many events and entities have them, and since when",
	Columns: []Column{
		{Name: "event_type", Type: datum.T(datum.Text)},
		{Name: "events", Type: datum.T(datum.Int8)},
		{Name: "entities", Type: datum.T(datum.Int8)},
		{Name: "first_recorded_at", Type: datum.T(datum.TimestampTZ)},
		{Name: "last_recorded_at", Type: datum.T(datum.TimestampTZ)},
		{Name: "first_timestamp", Type: datum.T(datum.TimestampTZ), Doc: "the earliest, as producers say"},
		{Name: "last_timestamp", Type: datum.T(datum.TimestampTZ), Doc: "the latest, as producers say"},
	},
	Definition: ` SELECT event_type,
    count(*) AS events,
    count(DISTINCT entity_id) AS entities,
    min(recorded_at) AS first_recorded_at,
    max(recorded_at) AS last_recorded_at,
    min("timestamp") AS first_timestamp,
    max("timestamp") AS last_timestamp
   FROM public.events
  GROUP BY event_type;`,
}

// logViews are relations about the log that the server makes.
var logViews = []builtin{
	{16393, "event_paths", followed(eventPathRows), `event_type text, path _text, column_name text, data_type text, kinds _text, events int8, frequency float8`},
}

var builtinSchemas = []Schema{
	{OID: 11, Name: pgCatalog, Doc: "system catalog schema"},
	{OID: 2200, Name: public, Doc: "standard public schema"},
	{OID: 2201, Name: byType, Doc: "a view for every event type"},
	{OID: 13700, Name: infoSchema, Doc: "the catalog as the SQL standard names it"},
}
