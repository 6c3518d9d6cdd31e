import type { RepeatsPage } from './series-store.ts';

const pageBytes = 1024 * 1024;
const pageChunks = 1000;

/**
 * The SQL of a page of repeats, for a route, topic id, partition and the offset behind which it begins ($1 to $4), as rows of
 * (to_offset, chunk): of the next chunks, those that begin within the first megabyte.
 */
export function repeatsPageSql(table: string): string {
  return `WITH behind AS (
      SELECT to_offset, chunk FROM ${table} WHERE route = $1 AND topic_id = $2 AND partition = $3 AND to_offset > $4
      ORDER BY to_offset LIMIT ${pageChunks}),
    sized AS (SELECT *, sum(octet_length(chunk)) OVER (ORDER BY to_offset) - octet_length(chunk) AS before FROM behind)
    SELECT to_offset, chunk FROM sized WHERE before < ${pageBytes} ORDER BY to_offset`;
}

/** A page that is not empty may have another one behind it. */
export function repeatsPage(rows: readonly (readonly [to: unknown, bytes: Uint8Array])[]): RepeatsPage {
  return { chunks: rows.map(([to, bytes]) => ({ to: Number(to), bytes })), more: rows.length > 0 };
}
