// Answers questions about a log that duckdb.mjs or clickhouse.mjs loaded before, or fills a new DuckDB store: one JSON string of SQL a line comes in, one
// JSON object a line goes out, {"seconds", "rows"} or {"error"}. The clock runs here, around the query and the fetching of
// its rows, so that neither the process's start nor the pipe is in the figure.
//   node ask.mjs duckdb|clickhouse FOLDER
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [system, folder] = process.argv.slice(2);

const openers = {
  async duckdb() {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const file = join(folder, 'peer.duckdb');
    const db = await DuckDBInstance.create(file, {
      threads: String(availableParallelism()),
      access_mode: existsSync(file) ? 'READ_ONLY' : 'READ_WRITE',
    });
    const connection = await db.connect();
    return async (sql) => (await connection.runAndReadAll(sql)).getRowsJson();
  },
  async clickhouse() {
    const { Session } = await import('chdb');
    const session = new Session(join(folder, 'clickhouse'));
    session.query('use peer');
    const rowsOf = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    return async (sql) => rowsOf(String(session.query(sql, 'JSONCompactEachRow')));
  },
};

if (!openers[system] || !folder) {
  console.error('usage: node ask.mjs duckdb|clickhouse FOLDER');
  process.exit(2);
}
const ask = await openers[system]();
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const sql = JSON.parse(line);
    const began = performance.now();
    const rows = await ask(sql);
    answer = { seconds: (performance.now() - began) / 1000, rows };
  } catch (e) {
    answer = { error: String(e.message ?? e) };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
