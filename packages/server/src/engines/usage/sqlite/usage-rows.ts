import type { SQLOutputValue } from 'node:sqlite';
import type { PacketRun, SessionHour, StoredRange, UsageFigures, UsageSum } from '../usage-store.ts';

export type Row = Record<string, SQLOutputValue>;

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`the column ${column} holds no text`);
  return value;
}

export function integerOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`the column ${column} holds no integer`);
  return value;
}

const keyOf = (row: Row) => ({ hourMs: integerOf(row, 'hour'), channel: textOf(row, 'channel') });

const figuresOf = (row: Row): UsageFigures => ({
  packets: integerOf(row, 'packets'),
  bytes: integerOf(row, 'bytes'),
  mediaMs: integerOf(row, 'media_ms'),
  dropped: integerOf(row, 'dropped'),
});

export const sumOf = (row: Row): UsageSum => ({ ...keyOf(row), ...figuresOf(row) });

export const sessionHourOf = (row: Row): SessionHour => ({
  user: textOf(row, 'user'),
  ...keyOf(row),
  sessionId: textOf(row, 'session'),
  flush: integerOf(row, 'flush'),
  ...figuresOf(row),
  startMs: integerOf(row, 'start_ms'),
  endMs: integerOf(row, 'end_ms'),
});

export const rangeOf = (row: Row): StoredRange => ({
  user: textOf(row, 'user'),
  ...keyOf(row),
  sessionId: textOf(row, 'session'),
  flush: integerOf(row, 'flush'),
  epoch: integerOf(row, 'epoch'),
  from: integerOf(row, 'first'),
  to: integerOf(row, 'last'),
  ...figuresOf(row),
});

export const runOf = (row: Row): PacketRun => ({
  user: textOf(row, 'user'),
  atMs: integerOf(row, 'at'),
  channel: textOf(row, 'channel'),
  sessionId: textOf(row, 'session'),
  epoch: integerOf(row, 'epoch'),
  from: integerOf(row, 'first'),
  to: integerOf(row, 'last'),
  packets: integerOf(row, 'packets'),
  bytes: integerOf(row, 'bytes'),
});
