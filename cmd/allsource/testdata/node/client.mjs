// What an application does with node-postgres, checked step by step. Usage: node client.mjs URL
import assert from 'node:assert/strict';
import pg from 'pg';
import { from, to } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';

const client = new pg.Client({ connectionString: process.argv[2], statement_timeout: 60000 });
await client.connect();

let r = await client.query('INSERT INTO events (entity_id, event_type, payload) VALUES ($1, $2, $3) RETURNING position, version, payload',
  ['node-1', 'made', { a: 1, list: [1, 2], text: 'ü' }]);
assert.equal(r.rows[0].version, '1');
assert.deepEqual(r.rows[0].payload, { a: 1, list: [1, 2], text: 'ü' });

r = await client.query({ name: 'by-entity', text: 'SELECT event_type, payload->>$2 AS a FROM events WHERE entity_id = $1', values: ['node-1', 'a'] });
assert.deepEqual(r.rows, [{ event_type: 'made', a: '1' }]);
r = await client.query({ name: 'by-entity', values: ['nobody', 'a'] });
assert.equal(r.rowCount, 0);

await assert.rejects(client.query("SELECT * FROM append('node-1', 'again', '{}', expected_version => 0)"), (e) => e.code === '40001');
await assert.rejects(client.query('SELECT nothing FROM events'), (e) => e.code === '42703' && e.position === '8');
await assert.rejects(client.query('UPDATE events SET payload = $1', ['{}']), (e) => e.code === '0A000' || e.code === '42501');

await client.query('BEGIN');
await client.query("INSERT INTO events (entity_id, event_type) VALUES ('node-2', 'never')");
await client.query('ROLLBACK');
await client.query('BEGIN');
await client.query("INSERT INTO events (entity_id, event_type) VALUES ('node-3', 'one'), ('node-3', 'two')");
await client.query('COMMIT');
r = await client.query("SELECT entity_id, count(*)::int AS n, max(version)::int AS v FROM events WHERE entity_id IN ('node-2', 'node-3') GROUP BY 1");
assert.deepEqual(r.rows, [{ entity_id: 'node-3', n: 2, v: 2 }]);

const listener = new pg.Client({ connectionString: process.argv[2] });
await listener.connect();
await listener.query('LISTEN "events/node-4"');
const told = new Promise((resolve) => listener.once('notification', resolve));
await client.query("INSERT INTO events (entity_id, event_type) VALUES ('node-4', 'one'), ('node-4', 'two')");
const n = await told;
assert.equal(n.channel, 'events/node-4');
assert.equal(JSON.parse(n.payload).count, 2);
await listener.end();

const lines = Array.from({ length: 1000 }, (_, i) => JSON.stringify({ entity_id: 'copy-' + (i % 10), event_type: 'copied', payload: { i } }) + '\n');
await pipeline(Readable.from(lines), client.query(from('COPY events FROM STDIN (FORMAT ndjson)')));
let out = '';
await pipeline(client.query(to("COPY (SELECT entity_id, count(*) FROM events WHERE event_type = 'copied' GROUP BY 1 ORDER BY 1 LIMIT 2) TO STDOUT (FORMAT csv, HEADER)")),
  new Writable({ write(chunk, _, done) { out += chunk; done(); } }));
assert.equal(out, 'entity_id,count\ncopy-0,100\ncopy-1,100\n');

r = await client.query("SELECT now() AS t, 1.50::numeric AS n, 2::int8 AS b, true AS ok, NULL AS nothing, ARRAY['a','b'] AS list");
assert.ok(r.rows[0].t instanceof Date);
assert.equal(r.rows[0].n, '1.50');
assert.equal(r.rows[0].b, '2');
assert.equal(r.rows[0].ok, true);
assert.equal(r.rows[0].nothing, null);
assert.deepEqual(r.rows[0].list, ['a', 'b']);

await client.end();
console.log('all steps passed');
