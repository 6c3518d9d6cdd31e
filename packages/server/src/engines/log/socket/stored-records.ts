import type { LogRecord, StoredRecord } from '../log-engine.ts';
import { decodeRecords, encodedBytes, encodeRecords } from '../record-codec.ts';

/** Of offset and timestamp, as doubles before the records. */
const placeBytes = 16;

/** At least the bytes that the record takes among others. */
export function storedBytes(record: StoredRecord): number {
  return placeBytes + encodedBytes(plain(record));
}

/** Offset and timestamp of each record, then all records. */
export function encodeStored(records: readonly StoredRecord[]): Buffer {
  const bytes = encodeRecords(records.map(plain), placeBytes * records.length);
  records.forEach(({ offset, timestampMs }, index) => {
    bytes.writeDoubleLE(offset, placeBytes * index);
    bytes.writeDoubleLE(timestampMs, placeBytes * index + 8);
  });
  return bytes;
}

/** RangeError where the bytes are not so many records. */
export function decodeStored(bytes: Buffer, count: number): StoredRecord[] {
  let at = 0;
  return decodePlain(bytes.subarray(placeBytes * count), count).map((record) => {
    const placed = { ...record, offset: bytes.readDoubleLE(at), timestampMs: bytes.readDoubleLE(at + 8) };
    at += placeBytes;
    return placed;
  });
}

/** Records as they were encoded, without place and time; RangeError where the bytes are not so many. */
export function decodePlain(bytes: Buffer, count: number): StoredRecord[] {
  const records: StoredRecord[] = [];
  decodeRecords({ bytes, count, baseOffset: 0, timestampMs: 0 }, (record) => records.push(record) > 0);
  return records;
}

export function plain({ key, value, headers }: StoredRecord): LogRecord {
  return key === null ? { value, headers } : { key, value, headers };
}
