package syntax

import "testing"

func BenchmarkParse(b *testing.B) {
	for name, sql := range map[string]string{
		"point": `SELECT * FROM events WHERE entity_id = $1 AND version = $2`,
		"analytic": `WITH d AS (SELECT date_trunc('day', timestamp) AS day, entity_id, (payload->>'amount')::numeric AS amount
			FROM events AS OF SYSTEM TIME $1 WHERE event_type = 'paid' AND timestamp BETWEEN $2 AND $3)
			SELECT day, count(*), count(DISTINCT entity_id), sum(amount) FILTER (WHERE amount > 0),
			sum(sum(amount)) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW)
			FROM d GROUP BY 1 HAVING count(*) > 10 ORDER BY 1 DESC NULLS LAST LIMIT 100`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(sql); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
