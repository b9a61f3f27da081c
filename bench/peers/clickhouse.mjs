// Loads a log into ClickHouse (embedded, chdb): a MergeTree in time order with the payload in a JSON column. The size is
// that of the active parts. Text in a payload that looks like a time stays text, as in the other systems. The table has to live in an Atomic database, which is not the default one here.
import { join } from 'node:path';
import { Session } from 'chdb';
import { argumentsOrExit, quoted, report } from './report.mjs';

const { file, folder } = argumentsOrExit();
const session = new Session(join(folder, 'clickhouse'));
const ask = (sql) => String(session.query(sql, 'TSV')).trim();

session.query('create database peer engine = Atomic');
session.query('use peer');
session.query(`
  create table events (
    entity_id  String,
    event_type LowCardinality(String),
    timestamp  DateTime64(6, 'UTC'),
    payload    JSON
  ) engine = MergeTree order by timestamp`);

const structure = `entity_id String, event_type String, timestamp DateTime64(6, 'UTC'), payload JSON`;
const began = performance.now();
session.query(`
  insert into events
  select * from file(${quoted(file)}, JSONEachRow, ${quoted(structure)})
  settings date_time_input_format = 'best_effort', input_format_try_infer_datetimes = 0, input_format_try_infer_dates = 0`);
const seconds = (performance.now() - began) / 1000;

const bytes = Number(ask(`select sum(bytes_on_disk) from system.parts where database = 'peer' and active`));
report('clickhouse', ask('select version()'), Number(ask('select count() from events')), seconds, bytes);
session.cleanup?.();
