import { DuckDBInstance } from '@duckdb/node-api';
import { Client } from 'pg';
import type { PlacedEvent } from './placed-event.ts';

/** Rows of the table `events` of a series in PostgreSQL, as any client sees them. */
export async function postgresEvents(url: string): Promise<PlacedEvent[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const columns = '(extract(epoch FROM time) * 1000)::float8, amount, kafka_partition, kafka_offset::float8';
    const { rows } = await client.query({ text: `SELECT ${columns} FROM events`, rowMode: 'array' });
    return rows.map(toEvent);
  } finally {
    await client.end();
  }
}

/** Points of the measurement `event` in InfluxDB 1.x. Within a millisecond the nanoseconds are the offset's last six digits, tag `g` the others. */
export async function influxEvents(url: string, database: string): Promise<PlacedEvent[]> {
  const query = new URLSearchParams({ db: database, epoch: 'ns', q: 'SELECT value, p, g FROM event' });
  const answer = await fetch(`${url}/query?${query}`, { headers: { Accept: 'application/csv' } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`InfluxDB answered ${answer.status}: ${text.slice(0, 500)}`);
  const [head = '', ...lines] = text.trim().split('\n');
  const names = head.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    const field = (name: string): string => fields[names.indexOf(name)] ?? '';
    const time = field('time');
    const offset = Number(field('g')) * 1e6 + Number(time.slice(-6));
    return { time: Number(time.slice(0, -6)), amount: Number(field('value')), partition: Number(field('p')), offset };
  });
}

/** Rows of a series in a DuckDB file that no process has open. */
export async function duckdbEvents(file: string): Promise<PlacedEvent[]> {
  const database = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await database.connect();
  try {
    const reader = await connection.runAndReadAll('SELECT epoch_ms(time), amount, kafka_partition, kafka_offset FROM events');
    return reader.getRows().map(toEvent);
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

const toEvent = ([time, amount, partition, offset]: readonly unknown[]): PlacedEvent => ({
  time: Number(time),
  amount: Number(amount),
  partition: Number(partition),
  offset: Number(offset),
});
