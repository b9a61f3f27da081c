package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"
)

// event is what an application says; everything else is the server's to add.
type event struct {
	id, entity, kind, payload, metadata string
	version                             int64
	at                                  time.Time
}

// writer is how one system takes an event.
type writer struct {
	prepare   []string // before everything
	watch     []string // what makes an insert tell who listens to events, where it does not do so by itself
	insert    string
	arguments func(event) []any
}

func dialect(name string) *writer {
	switch name {
	case "allsource":
		return &writer{
			insert: `insert into events (id, entity_id, event_type, timestamp, payload, metadata) values ($1, $2, $3, $4, $5, $6)`,
			arguments: func(e event) []any {
				return []any{e.id, e.entity, e.kind, e.at, e.payload, e.metadata}
			},
		}
	case "postgres":
		return &writer{
			prepare: []string{
				`set client_min_messages = warning`,
				`create table if not exists events (
					position    bigserial   primary key,
					id          uuid        not null,
					entity_id   text        not null,
					event_type  text        not null,
					version     bigint      not null,
					timestamp   timestamptz not null,
					recorded_at timestamptz not null default clock_timestamp(),
					payload     jsonb       not null,
					metadata    jsonb       not null,
					unique (entity_id, version),
					unique (entity_id, id)
				)`,
			},
			watch: []string{
				`create or replace function tell() returns trigger language plpgsql as $$ begin perform pg_notify('events', ''); return null; end $$`,
				`create or replace trigger tell after insert on events for each statement execute function tell()`,
			},
			insert: `insert into events (id, entity_id, event_type, version, timestamp, payload, metadata) values ($1, $2, $3, $4, $5, $6, $7)`,
			arguments: func(e event) []any {
				return []any{e.id, e.entity, e.kind, e.version, e.at, e.payload, e.metadata}
			},
		}
	}
	return nil
}

var kinds = []string{"order.created", "order.paid", "order.shipped", "order.cancelled"}

func newEvent(rnd *rand.Rand, entity string, version int64) event {
	return event{
		id:      newID(rnd),
		entity:  entity,
		kind:    kinds[rnd.IntN(len(kinds))],
		version: version,
		at:      time.Now().Round(time.Microsecond),
		payload: fmt.Sprintf(`{"session":"%016x","country":"DE","amount":%d.%02d,"qty":%d,"sku":"SKU-%05d","path":"/garden/%03x","latency_ms":%d,"user":{"vip":%t,"tier":"gold"}}`,
			rnd.Uint64(), rnd.IntN(1000), rnd.IntN(100), 1+rnd.IntN(5), rnd.IntN(5000), rnd.IntN(0x1000), rnd.IntN(300), rnd.IntN(20) == 0),
		metadata: `{"source":"bench"}`,
	}
}

// newID makes a random uuid.
func newID(rnd *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
