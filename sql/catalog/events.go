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

var builtinSchemas = []Schema{
	{OID: 11, Name: pgCatalog, Doc: "system catalog schema"},
	{OID: 2200, Name: public, Doc: "standard public schema"},
	{OID: 13700, Name: infoSchema, Doc: "the catalog as the SQL standard names it"},
}
