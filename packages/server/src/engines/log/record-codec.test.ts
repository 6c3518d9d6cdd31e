import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogRecord, StoredRecord } from './log-engine.ts';
import { decodeRecords, encodedBytes, encodeRecords, payloadBytes } from './record-codec.ts';

const decode = (bytes: Uint8Array, count: number): StoredRecord[] => {
  const records: StoredRecord[] = [];
  decodeRecords({ bytes, count, baseOffset: 1000, timestampMs: 5 }, (record) => records.push(record) > 0);
  return records;
};

const bytes = fc.uint8Array({ maxLength: 300 });
const record: fc.Arbitrary<LogRecord> = fc.record(
  {
    key: bytes,
    value: fc.option(bytes),
    headers: fc.array(fc.record({ name: fc.string({ unit: 'grapheme', maxLength: 5 }), value: bytes }), { maxLength: 3 }),
  },
  { requiredKeys: ['value'] },
);

test('gives back what was encoded', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 200 }), (records) => {
      const decoded = decode(encodeRecords(records), records.length);
      expect(decoded).toEqual(
        records.map(({ key, value, headers }, index) => ({
          offset: 1000 + index,
          timestampMs: 5,
          key: key === undefined ? null : Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          headers: (headers ?? []).map((header) => ({ name: header.name, value: Buffer.from(header.value) })),
        })),
      );
    }),
  );
});

test('is the form of Kafka', () => {
  const encoded = encodeRecords([
    { value: Buffer.from('v') },
    { key: Buffer.from('k'), value: null, headers: [{ name: 'h', value: Buffer.from('x') }] },
  ]);
  // length, attributes, timestamp delta, offset delta, key, value, headers
  expect([...encoded]).toEqual([14, 0, 0, 0, 1, 2, 118, 0, 22, 0, 0, 2, 2, 107, 1, 2, 2, 104, 2, 120]);
});

test('long values have long lengths', () => {
  for (const length of [63, 64, 8191, 8192, 1_048_575, 1_048_576]) {
    const value = Buffer.alloc(length, 7);
    expect(decode(encodeRecords([{ value }]), 1)[0]?.value?.equals(value)).toBe(true);
  }
});

test('reads deltas of time with more than 32 bits', () => {
  const weekMs = 7 * 24 * 3600 * 1000 * 1000;
  let zigzag = BigInt(weekMs) * 2n;
  const varint: number[] = [];
  for (; zigzag > 127n; zigzag >>= 7n) varint.push(Number(zigzag & 127n) | 128);
  const body = [0, ...varint, Number(zigzag), 0, 1, 1, 0];
  expect(decode(Uint8Array.from([body.length * 2, ...body]), 1)[0]?.timestampMs).toBe(5 + weekMs);
});

test('stops where the visitor has enough', () => {
  const seen: number[] = [];
  const encoded = encodeRecords(Array.from({ length: 10 }, () => ({ value: Buffer.from('v') })));
  decodeRecords({ bytes: encoded, count: 10, baseOffset: 0, timestampMs: 0 }, ({ offset }, payload) => {
    seen.push(offset, payload);
    return offset < 1;
  });
  expect(seen).toEqual([0, 1, 1, 1]);
});

test('damaged bytes are refused or decoded, never read beyond', () => {
  const encoded = encodeRecords([{ key: Buffer.from('key'), value: Buffer.from('value') }]);
  for (let length = 0; length < encoded.length; length += 1) expect(() => decode(encoded.subarray(0, length), 1)).toThrow(RangeError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (garbage) => {
      try {
        decode(garbage, 3);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});

test('knows how large a record is at most before it is encoded', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 50 }), (records) => {
      const most = records.reduce((sum, each) => sum + encodedBytes(each), 0);
      expect(encodeRecords(records).length).toBeLessThanOrEqual(most);
    }),
  );
});

test('counts the bytes that are the caller’s own', () => {
  expect(payloadBytes({ value: null })).toBe(0);
  expect(payloadBytes({ key: Buffer.alloc(2), value: Buffer.alloc(3), headers: [{ name: 'four', value: Buffer.alloc(5) }] })).toBe(14);
});
