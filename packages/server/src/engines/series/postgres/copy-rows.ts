import type { SeriesBatch } from '../series-store.ts';

/** Milliseconds from 1970 to 2000, where PostgreSQL begins to count microseconds. */
const postgresEpochMs = 946_684_800_000;
/** Signature, flags and the length of the extension, of the binary format of COPY. */
const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const columns = 5;
const trailerBytes = 2;

/**
 * The points as rows (time, amount, topic id, partition, offset) in the binary format of COPY (PostgreSQL manual, COPY, "Binary Format"):
 * each value behind its length. All rows of a batch are of one length, and differ in three values.
 */
export function copyRows({ partition, points }: Pick<SeriesBatch, 'partition' | 'points'>): Buffer {
  const topicId = Buffer.from(partition.topicId);
  const offsetAt = 42 + topicId.length;
  const row = Buffer.alloc(offsetAt + 8);
  row.writeInt16BE(columns, 0);
  row.writeInt32BE(8, 2);
  row.writeInt32BE(8, 14);
  row.writeInt32BE(topicId.length, 26);
  topicId.copy(row, 30);
  row.writeInt32BE(4, offsetAt - 12);
  row.writeInt32BE(partition.partition, offsetAt - 8);
  row.writeInt32BE(8, offsetAt - 4);
  const rows = Buffer.allocUnsafe(header.length + points.length * row.length + trailerBytes);
  let at = header.copy(rows, 0);
  for (const { timeMs, amount, offset } of points) {
    row.copy(rows, at);
    rows.writeBigInt64BE(BigInt(timeMs - postgresEpochMs) * 1000n, at + 6);
    rows.writeDoubleBE(amount, at + 18);
    rows.writeBigInt64BE(BigInt(offset), at + offsetAt);
    at += row.length;
  }
  rows.writeInt16BE(-1, at);
  return rows;
}
