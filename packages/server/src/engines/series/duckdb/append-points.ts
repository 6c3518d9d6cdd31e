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
import type { SeriesBatch, SeriesPoint } from '../series-store.ts';

/** What a chunk of DuckDB holds. */
const chunkRows = 2048;

/**
 * Adds points to the table `events`, by chunks of columns: five times as fast as statements with arrays. One chunk is filled again and
 * again, since a text costs more than the other columns together and the topic id is the same in every row.
 */
export class PointAppender {
  #chunk: DuckDBDataChunk | undefined;
  #topicId = '';

  /** In the transaction of the connection. One call at a time. */
  async append(connection: DuckDBConnection, { partition: { topicId, partition }, points }: SeriesBatch): Promise<void> {
    const chunk = this.#chunkOf(topicId);
    const appender = await connection.createAppender('events');
    try {
      for (let from = 0; from < points.length; from += chunkRows) {
        fill(chunk, points.slice(from, from + chunkRows), partition);
        appender.appendDataChunk(chunk);
      }
    } finally {
      appender.closeSync();
    }
  }

  #chunkOf(topicId: string): DuckDBDataChunk {
    if (this.#chunk && this.#topicId === topicId) return this.#chunk;
    const chunk = DuckDBDataChunk.create([TIMESTAMP, DOUBLE, VARCHAR, INTEGER, BIGINT], chunkRows);
    chunk.setColumnValues(2, Array<string>(chunkRows).fill(topicId));
    this.#chunk = chunk;
    this.#topicId = topicId;
    return chunk;
  }
}

/** All columns but that of the topic id, which stays as it is. */
function fill(chunk: DuckDBDataChunk, points: readonly SeriesPoint[], partition: number): void {
  chunk.rowCount = points.length;
  const times = chunk.getColumnVector(0);
  const amounts = chunk.getColumnVector(1);
  const partitions = chunk.getColumnVector(3);
  const offsets = chunk.getColumnVector(4);
  for (const [row, { timeMs, amount, offset }] of points.entries()) {
    times.setItem(row, new DuckDBTimestampValue(microseconds(timeMs)));
    amounts.setItem(row, amount);
    partitions.setItem(row, partition);
    offsets.setItem(row, BigInt(offset));
  }
  for (const vector of [times, amounts, partitions, offsets]) vector.flush();
}

export function microseconds(timeMs: number): bigint {
  return BigInt(timeMs) * 1000n;
}
