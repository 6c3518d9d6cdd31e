import type { LogRecord, StoredRecord } from '../log-engine.ts';
import { decodeRecords, encodeRecords } from '../record-codec.ts';
import { Segment, type SegmentRow } from './segment.ts';

/** Per partition: key (as latin1 text) to the offset of its last record. */
type LatestOffsets = readonly ReadonlyMap<string, number>[];

interface Compaction {
  readonly latest: LatestOffsets;
  readonly partitions: number;
}

/** Of the sealed segments, oldest first. Keys of the active one come into it when it is sealed. */
export function latestOffsets(sealed: readonly { readonly path: string }[], partitions: number): LatestOffsets {
  const latest = Array.from({ length: partitions }, () => new Map<string, number>());
  for (const { path } of sealed) {
    using segment = Segment.openSealed(path, { readOnly: true });
    latest.forEach((offsets, partition) => {
      for (const { key, offset } of recordsOf(segment, partition)) if (key !== null) offsets.set(key.toString('latin1'), offset);
    });
  }
  return latest;
}

/** The rows of the segment without records that a later one of the same key replaces; records without a key stay. */
export function compactedRows(segment: Segment, { latest, partitions }: Compaction): readonly SegmentRow[] | 'unchanged' {
  const rows: SegmentRow[] = [];
  let dropped = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const offsets = latest[partition];
    let run: StoredRecord[] = [];
    for (const record of recordsOf(segment, partition)) {
      const isLatest = record.key === null || offsets?.get(record.key.toString('latin1')) === record.offset;
      const last = run.at(-1);
      if (last !== undefined && (!isLatest || record.offset !== last.offset + 1 || record.timestampMs !== last.timestampMs)) {
        rows.push(rowOf(partition, run));
        run = [];
      }
      if (isLatest) run.push(record);
      else dropped += 1;
    }
    if (run.length > 0) rows.push(rowOf(partition, run));
  }
  return dropped === 0 ? 'unchanged' : rows;
}

function recordsOf(segment: Segment, partition: number): StoredRecord[] {
  const records: StoredRecord[] = [];
  const { rows, unreadable } = segment.read({ partition, offset: 0, maxRecords: Infinity, maxBytes: Infinity });
  if (unreadable.length > 0) throw new Error(`the segment ${segment.path} is damaged: it is not compacted`);
  for (const row of rows) decodeRecords(row, (record) => records.push(record) > 0);
  return records;
}

function rowOf(partition: number, run: readonly StoredRecord[]): SegmentRow {
  const records = run.map(({ key, value, headers }): LogRecord => ({ ...(key === null ? {} : { key }), value, headers }));
  const first = run[0];
  return {
    partition,
    baseOffset: first?.offset ?? 0,
    count: run.length,
    timestampMs: first?.timestampMs ?? 0,
    bytes: encodeRecords(records),
  };
}
