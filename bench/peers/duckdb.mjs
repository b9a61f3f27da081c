// Loads a log into DuckDB: one table, the payload kept as JSON, and a checkpoint, so that everything is in the one file.
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { argumentsOrExit, quoted, report } from './report.mjs';

const { file, folder } = argumentsOrExit();
const path = join(folder, 'peer.duckdb');
const db = await DuckDBInstance.create(path, { threads: String(availableParallelism()) });
const connection = await db.connect();

const one = async (sql) => (await connection.runAndReadAll(sql)).getRows()[0][0];
const version = await one('select version()');

const began = performance.now();
await connection.run(`
  create table events as
  select row_number() over () as position, entity_id, event_type, "timestamp", payload
  from read_json(${quoted(file)}, format = 'newline_delimited', columns = {
    entity_id: 'varchar', event_type: 'varchar', "timestamp": 'timestamp', payload: 'json'
  })`);
await connection.run('checkpoint');
const seconds = (performance.now() - began) / 1000;

report('duckdb', version, Number(await one('select count(*) from events')), seconds, statSync(path).size);
connection.closeSync();
db.closeSync();
