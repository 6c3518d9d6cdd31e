import type { types } from 'cassandra-driver';
import type { LegacyCount, PacketRun, SessionHour, StoredRange, UsageFigures, UsageSum } from '../usage-store.ts';

const numberOf = (row: types.Row, column: string): number => Number(row[column] ?? 0);
const textOf = (row: types.Row, column: string): string => String(row[column]);

export function timeOf(row: types.Row, column: string): number {
  const value: unknown = row[column];
  if (!(value instanceof Date)) throw new TypeError(`the column ${column} holds no time`);
  return value.getTime();
}

const keyOf = (row: types.Row) => ({ hourMs: timeOf(row, 'hour'), channel: textOf(row, 'channel_id') });

const figuresOf = (row: types.Row): UsageFigures => ({
  packets: numberOf(row, 'packets'),
  bytes: numberOf(row, 'bytes'),
  mediaMs: numberOf(row, 'media_ms'),
  dropped: numberOf(row, 'dropped'),
});

const sessionKeyOf = (row: types.Row) => ({
  user: textOf(row, 'user_id'),
  ...keyOf(row),
  sessionId: textOf(row, 'session_id'),
  flush: numberOf(row, 'flush'),
});

export const sumOf = (row: types.Row): UsageSum => ({ ...keyOf(row), ...figuresOf(row) });

export const sessionHourOf = (row: types.Row): SessionHour => ({
  ...sessionKeyOf(row),
  ...figuresOf(row),
  startMs: timeOf(row, 'start_time'),
  endMs: timeOf(row, 'end_time'),
});

export const rangeOf = (row: types.Row): StoredRange => ({
  ...sessionKeyOf(row),
  epoch: numberOf(row, 'epoch'),
  from: numberOf(row, 'first_sequence'),
  to: numberOf(row, 'last_sequence'),
  ...figuresOf(row),
});

export const userHourOf = (row: types.Row) => ({ user: textOf(row, 'user_id'), hourMs: timeOf(row, 'hour') });

export const runOf = (row: types.Row): PacketRun => ({
  user: textOf(row, 'user_id'),
  atMs: timeOf(row, 'at'),
  channel: textOf(row, 'channel_id'),
  sessionId: textOf(row, 'session_id'),
  epoch: numberOf(row, 'epoch'),
  from: numberOf(row, 'first_sequence'),
  to: numberOf(row, 'last_sequence'),
  packets: numberOf(row, 'packets'),
  bytes: numberOf(row, 'bytes'),
});

export function legacyRunOf(row: types.Row, user: string): PacketRun {
  const sequence = numberOf(row, 'sequence_number');
  const place = { user, atMs: timeOf(row, 'timestamp'), channel: textOf(row, 'channel_id') };
  return { ...place, sessionId: '', epoch: 0, from: sequence, to: sequence, packets: 1, bytes: 0 };
}

export const legacyCountOf = (row: types.Row): LegacyCount => ({ ...keyOf(row), packets: numberOf(row, 'pkt_count') });
