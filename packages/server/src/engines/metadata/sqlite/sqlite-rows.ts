import type { SQLOutputValue } from 'node:sqlite';
import type { MetadataEntry, WatchEvent } from '../metadata-store.ts';

type Row = Record<string, SQLOutputValue>;

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`the column ${column} holds no text`);
  return value;
}

export function integerOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw new TypeError(`the column ${column} holds no integer`);
  return value;
}

export function entryOf(row: Row): MetadataEntry {
  return {
    key: textOf(row, 'key'),
    value: textOf(row, 'value'),
    createRevision: integerOf(row, 'create_revision'),
    modRevision: integerOf(row, 'mod_revision'),
    ...(row['lease_id'] === null ? {} : { leaseId: textOf(row, 'lease_id') }),
  };
}

/** A row of `events`; without a value it is a deletion. */
export function eventOf(row: Row): WatchEvent {
  if (row['value'] === null) return { type: 'delete', key: textOf(row, 'key'), modRevision: integerOf(row, 'revision') };
  return { type: 'put', entry: entryOf({ ...row, mod_revision: integerOf(row, 'revision') }) };
}
