import { DatabaseError, type PoolClient } from 'pg';
import { quoteName, quoteText } from '../../../kernel/codec/sql-text.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { postgresError } from './postgres-error.ts';
import { seriesTables } from './series-tables.ts';

export type TimescaleMode = 'auto' | 'on' | 'off';

interface EnsureOptions {
  readonly table: string;
  readonly timescale: TimescaleMode;
  readonly log: Logger;
}

/** Whoever prepares tables of a series in this database waits for the others: `IF NOT EXISTS` alone fails in a race. */
const lock = 'SELECT pg_advisory_xact_lock(7365726965)';

/** Creates the tables in one transaction. A table `events` of (time, amount) that is there gets the columns that it lacks. */
export async function ensureTables(client: PoolClient, { table, timescale, log }: EnsureOptions): Promise<void> {
  const { events, progress, repeats } = seriesTables(table);
  await client.query('BEGIN');
  try {
    await client.query(lock);
    await client.query(`CREATE TABLE IF NOT EXISTS ${events} (time TIMESTAMPTZ NOT NULL, amount DOUBLE PRECISION)`);
    for (const column of ['kafka_topic_id TEXT', 'kafka_partition INT', 'kafka_offset BIGINT']) {
      await client.query(`ALTER TABLE ${events} ADD COLUMN IF NOT EXISTS ${column}`);
    }
    await client.query(`CREATE TABLE IF NOT EXISTS ${progress} (
      route TEXT, topic_id TEXT, partition INT, next BIGINT NOT NULL, PRIMARY KEY (route, topic_id, partition))`);
    await client.query(`CREATE TABLE IF NOT EXISTS ${repeats} (
      route TEXT, topic_id TEXT, partition INT, to_offset BIGINT, chunk BYTEA NOT NULL, PRIMARY KEY (route, topic_id, partition, to_offset))`);
    const isHypertable = timescale !== 'off' && (await makeHypertable(client, { table, timescale, log }));
    // A hypertable has one. An index of ranges costs less, but every late event widens its range until each holds all times.
    if (!isHypertable) await client.query(`CREATE INDEX IF NOT EXISTS ${quoteName(`${table}_time`)} ON ${events} (time)`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** False where the series goes into a plain table: without the extension, and with `auto` where it cannot be used. */
async function makeHypertable(client: PoolClient, { table, timescale, log }: EnsureOptions): Promise<boolean> {
  const found = await client.query(`SELECT installed_version FROM pg_available_extensions WHERE name = 'timescaledb'
    UNION ALL SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'`);
  if (found.rowCount === 0) {
    if (timescale === 'auto') return false;
    throw new AppError('seriesMismatch', 'The server has no extension timescaledb: install it, or set timescale to auto or off.');
  }
  await client.query('SAVEPOINT hypertable');
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS timescaledb');
    // A table that has rows already would be rewritten under a lock: only where somebody asked for it.
    const migrate = timescale === 'on' ? ', migrate_data => true' : '';
    const name = quoteText(seriesTables(table).events);
    await client.query(`SELECT create_hypertable(${name}, 'time', if_not_exists => true${migrate})`);
    return true;
  } catch (error) {
    if (timescale === 'on' || !(error instanceof DatabaseError)) throw postgresError(error, 'The table cannot be made a hypertable');
    await client.query('ROLLBACK TO SAVEPOINT hypertable');
    log.warn({ table, error: error.message }, 'the series goes into a plain table');
    return false;
  }
}
