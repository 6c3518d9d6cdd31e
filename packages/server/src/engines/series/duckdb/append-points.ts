import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBTimestampValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api';
import type { SeriesBatch } from '../series-store.ts';

/** What a chunk of DuckDB holds. */
const chunkRows = 2048;

/** Adds the points of the batch to the table in the transaction of the connection. Five times as fast as statements with arrays. */
export async function appendPoints(connection: DuckDBConnection, table: string, { partition, points }: SeriesBatch): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    for (let from = 0; from < points.length; from += chunkRows) {
      const some = points.slice(from, from + chunkRows);
      const chunk = DuckDBDataChunk.create([TIMESTAMP, DOUBLE, VARCHAR, INTEGER, BIGINT]);
      chunk.setColumns([
        some.map(({ timeMs }) => new DuckDBTimestampValue(microseconds(timeMs))),
        some.map(({ amount }) => amount),
        some.map(() => partition.topicId),
        some.map(() => partition.partition),
        some.map(({ offset }) => BigInt(offset)),
      ]);
      appender.appendDataChunk(chunk);
    }
  } finally {
    appender.closeSync();
  }
}

export function microseconds(timeMs: number): bigint {
  return BigInt(timeMs) * 1000n;
}
