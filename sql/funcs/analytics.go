package funcs

import "github.com/allsource-db/allsource/sql/datum"

// analyticsFuncs are common questions about events. Each is a query, so that it can be read, and planned as one. An argument that is
// null when it is left out may be null; null for any other has no rows as answer. The events of an entity come in the order of (timestamp, position), and the bounds of time are those of timestamp: since <= timestamp < until.
func analyticsFuncs() []Func {
	const text, texts, interval, integer, bigint = datum.Text, datum.OID(1009), datum.Interval, datum.Int4, datum.Int8
	const stamp, float = datum.TimestampTZ, datum.Float8
	arg := func(name string, t datum.OID) datum.Field { return datum.Field{Name: name, Type: datum.T(t)} }
	opt := func(name string, t datum.OID, without string) param { return param{arg(name, t), without, true} }
	must := func(name string, t datum.OID) param { return param{Field: arg(name, t)} }
	since, until := opt("since", stamp, "-infinity"), opt("until", stamp, "infinity")
	return []Func{
		queryFunc(500, "funnel", "entities that go through steps in order, within a time from the first", funnelQuery,
			[]param{must("steps", texts), opt("within", interval, "NULL"), since, until},
			arg("step", bigint), arg("event_type", text), arg("entities", bigint), arg("conversion", float), arg("step_conversion", float),
			arg("median_time", interval)),
		queryFunc(501, "retention", "entities that come back in the periods after their first event, by the period of that", retentionQuery,
			[]param{must("cohort_event", text), must("return_event", text), opt("period", text, "week"), opt("periods", integer, "8"), since, until},
			arg("cohort", stamp), arg("size", bigint), arg("period", integer), arg("returned", bigint), arg("rate", float)),
		queryFunc(502, "journeys", "sequences of event types that entities go through, the most frequent first", journeysQuery,
			[]param{opt("start", text, "NULL"), opt("depth", integer, "5"), since, until},
			arg("path", texts), arg("entities", bigint), arg("share", float)),
		queryFunc(503, "sessions", "runs of events of an entity without a longer gap between two", sessionsQuery,
			[]param{opt("gap", interval, "30 minutes"), opt("prefix", text, ""), since, until},
			arg("entity_id", text), arg("session", bigint), arg("started", stamp), arg("ended", stamp), arg("events", bigint),
			arg("first_type", text), arg("last_type", text)),
		queryFunc(504, "event_counts", "number of events in each bucket of time, those without events too", eventCountsQuery,
			[]param{opt("bucket", interval, "1 day"), opt("event_type", text, "NULL"), since, until},
			arg("bucket", stamp), arg("events", bigint)),
		queryFunc(505, "correlation", "how often an event is followed by another of the same entity, within a time", correlationQuery,
			[]param{must("a", text), must("b", text), opt("within", interval, "NULL"), since, until},
			arg("occurrences", bigint), arg("followed", bigint), arg("rate", float), arg("median_delay", interval), arg("lift", float)),
		queryFunc(506, "attribution", "to which events before it an event is due", attributionQuery,
			[]param{must("target", text), must("touchpoints", texts), opt("lookback", interval, "NULL"), opt("model", text, "last"), since, until},
			arg("touchpoint", text), arg("credit", float)),
		queryFunc(507, "anomalies", "how far from the usual the number of events is in each bucket of time", anomaliesQuery,
			[]param{opt("bucket", interval, "1 hour"), opt("event_type", text, "NULL"), since, until},
			arg("bucket", stamp), arg("events", bigint), arg("score", float)),
	}
}

// param is an argument of a function that is a query, with what it is when it is left out.
type param struct {
	datum.Field
	without  string
	optional bool
}

func queryFunc(oid datum.OID, name, doc, query string, params []param, out ...datum.Field) Func {
	f := Func{OID: ownOIDs + oid, Name: name, Doc: doc, Ret: datum.Record, RetSet: true, Volatile: Stable, Query: query, Out: out}
	for _, p := range params {
		f.Args, f.ArgNames = append(f.Args, p.Type.OID), append(f.ArgNames, p.Name)
		if p.optional {
			f.Defaults++
			f.DefaultArgs = append(f.DefaultArgs, p.without)
		}
	}
	return f
}

// An attempt goes on with the first event of the next step; of attempts that reach the same event the one that began last has
// the most time left, and is kept. So of each step stand, by entity, events with ever later beginnings.
const funnelQuery = `
WITH RECURSIVE marks AS (
  SELECT entity_id, event_type, "timestamp" AS at, position
  FROM public.events WHERE event_type = ANY ($1) AND "timestamp" >= $3 AND "timestamp" < $4
), reached (step, entity_id, began, before, at, position) AS (
  SELECT 1::bigint, entity_id, at, NULL::timestamptz, at, position FROM marks WHERE event_type = $1[array_lower($1, 1)]
  UNION ALL
  SELECT step, entity_id, began, before, at, position
  FROM (
    SELECT step, entity_id, began, before, at, position,
      lag(began) OVER (PARTITION BY entity_id ORDER BY at, position) AS began_before
    FROM (
      SELECT entity_id, event_type, at, position, max(step) OVER past + 1 AS step, max(began) OVER past AS began,
        max(CASE WHEN step > 0 THEN at END) OVER past AS before
      FROM (
        SELECT step, entity_id, NULL AS event_type, began, at, position FROM reached
        UNION ALL
        SELECT 0, entity_id, event_type, NULL, at, position FROM marks) AS rows
      WINDOW past AS (PARTITION BY entity_id ORDER BY at, position, step ROWS UNBOUNDED PRECEDING)) AS marks
    WHERE step > 1 AND event_type IS NOT NULL AND ($2 IS NULL OR at <= began + $2) AND event_type = $1[array_lower($1, 1) + step - 1]) AS attempts
  WHERE began_before IS DISTINCT FROM began
), first AS (
  SELECT DISTINCT ON (step, entity_id) step, entity_id, at - before AS took FROM reached ORDER BY step, entity_id, at, position
)
SELECT step, event_type, entities, entities / nullif(first_value(entities) OVER (ORDER BY step), 0)::float8,
  entities / nullif(lag(entities) OVER (ORDER BY step), 0)::float8, median_time
FROM (
  SELECT s.step, s.event_type, count(f.entity_id) AS entities, percentile_cont(0.5) WITHIN GROUP (ORDER BY f.took) AS median_time
  FROM unnest($1) WITH ORDINALITY AS s (event_type, step) LEFT JOIN first AS f ON f.step = s.step
  GROUP BY s.step, s.event_type) AS steps
ORDER BY step`

// A day begins later than at midnight where clocks are put forward then: the time some days after such a beginning is cut again.
const retentionQuery = `
WITH first AS (
  SELECT DISTINCT ON (entity_id) entity_id, date_trunc($3, "timestamp") AS cohort, "timestamp" AS at, position
  FROM public.events WHERE event_type = $1 AND "timestamp" >= $5 AND "timestamp" < $6
  ORDER BY entity_id, "timestamp", position
), cohorts AS (
  SELECT cohort, count(*) AS size FROM first GROUP BY cohort
), returned AS (
  SELECT f.cohort, date_trunc($3, e."timestamp") AS began, count(DISTINCT e.entity_id) AS entities
  FROM first AS f JOIN public.events AS e ON e.entity_id = f.entity_id
  WHERE e.event_type = $2 AND e."timestamp" < $6 AND (e."timestamp", e.position) > (f.at, f.position)
  GROUP BY 1, 2
), periods AS (
  SELECT c.cohort, c.size, n AS period, date_trunc($3, c.cohort + n * ('1 ' || $3)::interval) AS began
  FROM cohorts AS c CROSS JOIN generate_series(0, $4) AS n
)
SELECT p.cohort, p.size, p.period, coalesce(r.entities, 0), coalesce(r.entities, 0) / p.size::float8
FROM periods AS p LEFT JOIN returned AS r ON r.cohort = p.cohort AND r.began = p.began
WHERE p.began <= (SELECT max("timestamp") FROM public.events WHERE "timestamp" >= $5 AND "timestamp" < $6)
ORDER BY p.cohort, p.period`

// Where a start is named, only entities that have it are looked at, from there on.
const journeysQuery = `
WITH begun AS (
  SELECT e.entity_id, e.event_type, e."timestamp" AS at, e.position
  FROM public.events AS e JOIN (
    SELECT DISTINCT ON (entity_id) entity_id, "timestamp" AS at, position
    FROM public.events WHERE event_type = $1 AND "timestamp" >= $3 AND "timestamp" < $4
    ORDER BY entity_id, "timestamp", position) AS f ON f.entity_id = e.entity_id
  WHERE (e."timestamp", e.position) >= (f.at, f.position) AND e."timestamp" < $4
  UNION ALL
  SELECT entity_id, event_type, "timestamp", position FROM public.events WHERE $1 IS NULL AND "timestamp" >= $3 AND "timestamp" < $4
)
SELECT path, entities, entities / sum(entities) OVER ()::float8
FROM (
  SELECT path, count(*) AS entities
  FROM (
    SELECT array_agg(event_type ORDER BY nth) AS path
    FROM (SELECT entity_id, event_type, row_number() OVER (PARTITION BY entity_id ORDER BY at, position) AS nth FROM begun) AS events
    WHERE nth <= $2 GROUP BY entity_id) AS paths
  GROUP BY path) AS paths
ORDER BY entities DESC, path`

// Of a session only the rows that open and close it are kept, so each knows the other as its neighbour.
const sessionsQuery = `
SELECT entity_id, session, started, at, events, first_type, event_type
FROM (
  SELECT entity_id, event_type, at, closes, count(*) FILTER (WHERE opens) OVER own AS session,
    CASE WHEN opens THEN at ELSE lag(at) OVER own END AS started, CASE WHEN opens THEN 1 ELSE nth - lag(nth) OVER own + 1 END AS events,
    CASE WHEN opens THEN event_type ELSE lag(event_type) OVER own END AS first_type
  FROM (
    SELECT entity_id, event_type, "timestamp" AS at, position, row_number() OVER own AS nth,
      coalesce("timestamp" > lag("timestamp") OVER own + $1, true) AS opens,
      coalesce(lead("timestamp") OVER own > "timestamp" + $1, true) AS closes
    FROM public.events WHERE starts_with(entity_id, $2) AND "timestamp" >= $3 AND "timestamp" < $4
    WINDOW own AS (PARTITION BY entity_id ORDER BY "timestamp", position)) AS events
  WHERE opens OR closes
  WINDOW own AS (PARTITION BY entity_id ORDER BY at, position)) AS edges
WHERE closes
ORDER BY entity_id, session`

// Buckets are counted off without a time zone: steps of days in a zone would leave them where clocks are changed.
const eventCountsQuery = `
WITH counted AS (
  SELECT time_bucket($1, "timestamp" AT TIME ZONE 'UTC') AS bucket, count(*) AS events
  FROM public.events WHERE ($2 IS NULL OR event_type = $2) AND "timestamp" >= $3 AND "timestamp" < $4
  GROUP BY 1
), buckets AS (
  SELECT bucket FROM (
    SELECT CASE WHEN isfinite($3) THEN time_bucket($1, $3 AT TIME ZONE 'UTC') ELSE min(bucket) END AS first,
      CASE WHEN isfinite($4) THEN time_bucket($1, ($4 - interval '1 microsecond') AT TIME ZONE 'UTC') ELSE max(bucket) END AS last
    FROM counted) AS ends, generate_series(first, last, $1) AS bucket
)
SELECT b.bucket AT TIME ZONE 'UTC', coalesce(c.events, 0)
FROM buckets AS b LEFT JOIN counted AS c ON c.bucket = b.bucket
ORDER BY 1`

// The lift compares with all events: how often one is followed so, whatever its type.
const correlationQuery = `
SELECT occurrences, followed, followed / nullif(occurrences, 0)::float8, median_delay,
  (followed / nullif(occurrences, 0)::float8) / (nullif(all_followed, 0) / all_events::float8)
FROM (
  SELECT count(*) AS all_events, count(*) FILTER (WHERE near) AS all_followed, count(*) FILTER (WHERE event_type = $1) AS occurrences,
    count(*) FILTER (WHERE event_type = $1 AND near) AS followed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY delay) FILTER (WHERE event_type = $1 AND near) AS median_delay
  FROM (
    SELECT event_type, next - at AS delay, next IS NOT NULL AND ($3 IS NULL OR next <= at + $3) AS near
    FROM (
      SELECT event_type, "timestamp" AS at, min(CASE WHEN event_type = $2 THEN "timestamp" END) OVER (
        PARTITION BY entity_id ORDER BY "timestamp" DESC, position DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next
      FROM public.events WHERE "timestamp" >= $4 AND "timestamp" < $5) AS events) AS events) AS totals`

// Touches are numbered by entity. A target credits those from one number to another in equal parts: it adds a part at the first and
// takes it away behind the last, and the credit of a touch is the sum so far. Sums are numeric, so that nothing is left over.
const attributionQuery = `
WITH marks AS (
  SELECT entity_id, event_type, event_type = $1 AND "timestamp" >= $5 AS target, event_type = ANY ($2) AS touch,
    count(*) FILTER (WHERE event_type = ANY ($2)) OVER (PARTITION BY entity_id ORDER BY "timestamp", position
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
    CASE WHEN $3 IS NULL THEN 0 ELSE count(*) FILTER (WHERE event_type = ANY ($2)) OVER (PARTITION BY entity_id ORDER BY "timestamp") -
      count(*) FILTER (WHERE event_type = ANY ($2)) OVER (PARTITION BY entity_id ORDER BY "timestamp" RANGE BETWEEN coalesce($3, '0') PRECEDING AND CURRENT ROW)
    END AS past
  FROM public.events WHERE (event_type = $1 OR event_type = ANY ($2)) AND "timestamp" < $6
), parts AS (
  SELECT entity_id, past + CASE WHEN attribution_share($4, 1, before - past) > 0 THEN 1 ELSE before - past END AS first,
    past + CASE WHEN attribution_share($4, before - past, before - past) > 0 THEN before - past ELSE 1 END AS last
  FROM marks WHERE target AND before > past
), credits AS (
  SELECT touchpoint, sum(part) OVER (PARTITION BY entity_id ORDER BY nth) AS credit
  FROM (
    SELECT entity_id, before + 1 AS nth, event_type AS touchpoint, 0::numeric AS part FROM marks WHERE touch
    UNION ALL
    SELECT entity_id, first, NULL, 1 / (last - first + 1)::numeric FROM parts
    UNION ALL
    SELECT entity_id, last + 1, NULL, -1 / (last - first + 1)::numeric FROM parts) AS steps
)
SELECT touchpoint, sum(credit)::float8 FROM (
  SELECT touchpoint, credit FROM credits WHERE touchpoint IS NOT NULL
  UNION ALL
  SELECT touchpoint, 0 FROM unnest($2) AS touchpoint WHERE touchpoint IS NOT NULL
  UNION ALL
  SELECT NULL, 1 FROM marks WHERE target AND before <= past) AS credits
GROUP BY touchpoint
ORDER BY sum(credit) DESC, touchpoint`

const anomaliesQuery = `
WITH counted AS (
  SELECT bucket, events FROM event_counts($1, $2, $3, $4)
), middle AS (
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY events) AS median FROM counted
), spread AS (
  SELECT median, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(events - median)) AS mad, avg(abs(events - median)) AS mean
  FROM counted, middle GROUP BY median
)
SELECT bucket, events, CASE WHEN mad > 0 THEN (events - median) / (1.482602218505602 * mad)
  WHEN mean > 0 THEN (events - median) / (1.2533141373155 * mean) ELSE 0 END
FROM counted, spread
ORDER BY bucket`
