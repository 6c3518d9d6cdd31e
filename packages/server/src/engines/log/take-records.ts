import type { LogBatch, OffsetRange, StoredRecord } from './log-engine.ts';
import { decodeRecords, type EncodedRecords } from './record-codec.ts';

interface Taking {
  readonly rows: readonly EncodedRecords[];
  readonly unreadable: readonly OffsetRange[];
  /** Behind the last row, and behind what follows it and is no record. */
  readonly nextOffset: number;
  readonly endOffset: number;
}

interface TakeLimits {
  /** Records before it are left out: a row may begin earlier. */
  readonly offset: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** A batch of the rows' records, cut where a limit would be exceeded. Rows that are no records are unreadable. */
export function takeRecords(
  { rows, unreadable, nextOffset, endOffset }: Taking,
  { offset: from, maxRecords, maxBytes }: TakeLimits,
): LogBatch {
  const records: StoredRecord[] = [];
  const damaged: OffsetRange[] = [...unreadable];
  let bytes = 0;
  let cutAt: number | undefined;
  const visit = (record: StoredRecord, payload: number): boolean => {
    if (record.offset < from) return true;
    if (records.length > 0 && (records.length >= maxRecords || bytes + payload > maxBytes)) {
      cutAt = record.offset;
      return false;
    }
    records.push(record);
    bytes += payload;
    return true;
  };
  for (const row of rows) {
    try {
      decodeRecords(row, visit);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      damaged.push({ begin: Math.max(from, (records.at(-1)?.offset ?? row.baseOffset - 1) + 1), end: row.baseOffset + row.count });
    }
    if (cutAt !== undefined) break;
  }
  const next = cutAt ?? nextOffset;
  return { records, nextOffset: next, endOffset, unreadable: damaged.filter(({ begin }) => begin < next) };
}
