import { finished } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { LogPartition, RefusedPoint, SeriesBatch, WriteOutcome } from '../series-store.ts';
import { storeByHalves } from '../store-by-halves.ts';
import { copyRows } from './copy-rows.ts';
import { rowRefusal } from './postgres-error.ts';
import type { SeriesTables } from './series-tables.ts';

const isKey = 'route = $1 AND topic_id = $2 AND partition = $3';

/**
 * Stores the batch in one transaction of the connection, which is left open after an error of the connection only. Where the table refuses
 * rows nothing is stored, and all of them are named.
 * Another writer of the partition waits at the update of the progress for the end of this transaction, and then finds it moved.
 */
export async function storeBatch(client: PoolClient, tables: SeriesTables, batch: SeriesBatch): Promise<WriteOutcome> {
  try {
    return await inTransaction(client, async () => storeAll(client, { tables, batch, store: () => copyAll(client, tables, batch) }));
  } catch (error) {
    if (rowRefusal(error) === undefined) throw error;
    return inTransaction(client, async () => storeAll(client, { tables, batch, store: () => copyGood(client, tables, batch) }));
  }
}

/** The progress of the partition; undefined where it was never entered. */
export async function nextOf(client: PoolClient, tables: SeriesTables, partition: LogPartition): Promise<number | undefined> {
  const found = await client.query(`SELECT next FROM ${tables.progress} WHERE ${isKey}`, keyOf(partition));
  const next: unknown = found.rows[0]?.next;
  return next === undefined ? undefined : Number(next);
}

export function keyOf({ route, topicId, partition }: LogPartition): [string, string, number] {
  return [route, topicId, partition];
}

interface Storing {
  readonly tables: SeriesTables;
  readonly batch: SeriesBatch;
  /** Stores the points. */
  readonly store: () => Promise<readonly RefusedPoint[]>;
}

async function storeAll(client: PoolClient, { tables, batch, store }: Storing): Promise<WriteOutcome> {
  const { partition, from, to, points, repeats } = batch;
  const key = keyOf(partition);
  const moved = await client.query(`UPDATE ${tables.progress} SET next = $4 WHERE ${isKey} AND next = $5`, [...key, to, from]);
  if (moved.rowCount === 0) return { outcome: 'fenced', next: (await nextOf(client, tables, partition)) ?? 0 };
  const refused = points.length > 0 ? await store() : [];
  if (refused.length > 0) return { outcome: 'refused', refused };
  if (repeats !== undefined && repeats.forgetThrough > 0) {
    await client.query(`DELETE FROM ${tables.repeats} WHERE ${isKey} AND to_offset <= $4`, [...key, repeats.forgetThrough]);
  }
  if (repeats !== undefined && repeats.chunk.length > 0) {
    await client.query(`INSERT INTO ${tables.repeats} VALUES ($1, $2, $3, $4, $5)`, [...key, to, Buffer.from(repeats.chunk)]);
  }
  return { outcome: 'stored', refused };
}

async function copyAll(client: PoolClient, tables: SeriesTables, batch: Pick<SeriesBatch, 'partition' | 'points'>): Promise<[]> {
  const columns = 'time, amount, kafka_topic_id, kafka_partition, kafka_offset';
  const copying = client.query(copyFrom(`COPY ${tables.events} (${columns}) FROM STDIN (FORMAT binary)`));
  copying.end(copyRows(batch));
  await finished(copying);
  return [];
}

/** Leaves out the rows that the table refuses, by a constraint or trigger that somebody has put on it. */
function copyGood(client: PoolClient, tables: SeriesTables, { partition, points }: SeriesBatch): Promise<readonly RefusedPoint[]> {
  return storeByHalves(points.length, async (from, to) => {
    await client.query('SAVEPOINT rows');
    try {
      await copyAll(client, tables, { partition, points: points.slice(from, to) });
      await client.query('RELEASE SAVEPOINT rows');
      return undefined;
    } catch (error) {
      const text = rowRefusal(error);
      if (text === undefined) throw error;
      await client.query('ROLLBACK TO SAVEPOINT rows');
      return { reason: 'rejected', text };
    }
  });
}

async function inTransaction(client: PoolClient, work: () => Promise<WriteOutcome>): Promise<WriteOutcome> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query(result.outcome === 'stored' ? 'COMMIT' : 'ROLLBACK');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
