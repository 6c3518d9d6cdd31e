import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c, createRecordsBatch, Reader, readRecordsBatches } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { takeRecords } from '../take-records.ts';
import { type AbortedTransaction, decodeBatches, encodeBatch } from './record-batch.ts';

const mark = { producerId: 77n, producerEpoch: 3, sequence: 12 };
const bytes = (text: string): Buffer => Buffer.from(text);

/** Batches as a broker gives them back: each with its offset, and its checksum renewed. */
const stored = (batch: Buffer, { offset = 0, change = () => {} }: { offset?: number; change?: (copy: Buffer) => void } = {}): Buffer => {
  const copy = Buffer.from(batch);
  copy.writeBigInt64BE(BigInt(offset), 0);
  change(copy);
  copy.writeUInt32BE(crc32c(copy.subarray(21)), 17);
  return copy;
};
const read = (batches: readonly Buffer[], aborted: readonly AbortedTransaction[] = []) => {
  const { rows, unreadable, nextOffset } = decodeBatches(Buffer.concat(batches), aborted);
  const limits = { offset: 0, maxRecords: 1000, maxBytes: 1_000_000 };
  const { records } = takeRecords({ rows, unreadable, nextOffset: nextOffset ?? 0, endOffset: 0 }, limits);
  return { records: records.map(({ offset, value }) => `${offset} ${value}`), unreadable, nextOffset };
};
/** What one producer wrote in a transaction, and the marks of its end. */
const transactional = (copy: Buffer): unknown => copy.writeInt16BE(0b10000, 21);
const control = (copy: Buffer): unknown => copy.writeInt16BE(0b110000, 21);

test('a batch is what the client and the brokers read', () => {
  const records = [{ value: bytes('a') }, { key: bytes('k'), value: null, headers: [{ name: 'h', value: bytes('x') }] }];
  const [batch] = readRecordsBatches(Reader.from(encodeBatch(records, mark, 1_700_000_000_000)));
  expect(batch).toMatchObject({
    magic: 2,
    attributes: 0,
    lastOffsetDelta: 1,
    firstTimestamp: 1_700_000_000_000n,
    maxTimestamp: 1_700_000_000_000n,
    producerId: 77n,
    producerEpoch: 3,
    firstSequence: 12,
    records: [
      { offsetDelta: 0, key: null, value: bytes('a'), headers: [] },
      { offsetDelta: 1, key: bytes('k'), value: null, headers: [[bytes('h'), bytes('x')]] },
    ],
  });
  expect(encodeBatch(records, mark, 0).readUInt32BE(17)).toBe(crc32c(encodeBatch(records, mark, 0).subarray(21)));
});

test('batches of other producers are read, compressed or not', () => {
  const plain = createRecordsBatch([{ topic: 't', value: bytes('a'), key: bytes('k'), timestamp: 5n, headers: new Map() }]).buffer;
  const compressed = (kind: number, compress: (raw: Buffer) => Buffer) => {
    const raw = encodeBatch([{ value: bytes('b') }, { value: bytes('c') }], mark, 7);
    const whole = Buffer.concat([raw.subarray(0, 61), compress(raw.subarray(61))]);
    whole.writeInt32BE(whole.length - 12, 8);
    whole.writeInt16BE(kind, 21);
    return whole;
  };
  const batches = [stored(plain), stored(compressed(1, gzipSync), { offset: 1 }), stored(compressed(4, zstdCompressSync), { offset: 3 })];
  expect(read(batches)).toEqual({ records: ['0 a', '1 b', '2 c', '3 b', '4 c'], unreadable: [], nextOffset: 5 });
});

test('a batch that the broker stamped has one time', () => {
  const batch = stored(encodeBatch([{ value: bytes('a') }], mark, 5), {
    change: (copy) => {
      copy.writeInt16BE(0b1000, 21);
      copy.writeBigInt64BE(99n, 35);
    },
  });
  expect(decodeBatches(batch, []).rows[0]).toMatchObject({ timestampMs: 99, ignoreTimeDeltas: true });
});

test('a batch that is cut off waits for the next fetch', () => {
  const batch = stored(encodeBatch([{ value: bytes('a') }], mark, 5));
  const next = stored(encodeBatch([{ value: bytes('b') }], mark, 5), { offset: 1 });
  for (let length = 0; length < next.length; length += 1) {
    expect(read([batch, next.subarray(0, length)])).toEqual({ records: ['0 a'], unreadable: [], nextOffset: 1 });
  }
  expect(read([])).toEqual({ records: [], unreadable: [], nextOffset: undefined });
});

test('damage costs its batch, and is told', () => {
  const batches = [0, 2, 4].map((offset) => stored(encodeBatch([{ value: bytes('a') }, { value: bytes('b') }], mark, 5), { offset }));
  batches[1]?.writeUInt8(255, 65);
  expect(read(batches)).toEqual({ records: ['0 a', '1 b', '4 a', '5 b'], unreadable: [{ begin: 2, end: 4 }], nextOffset: 6 });
  const unknown = stored(encodeBatch([{ value: bytes('a') }], mark, 5), { change: (copy) => copy.writeInt16BE(7, 21) });
  expect(read([unknown])).toEqual({ records: [], unreadable: [{ begin: 0, end: 1 }], nextOffset: 1 });
});

test('what a transaction wrote that was given up is left out, and so are the marks', () => {
  const batch = (value: string, producerId: bigint, at: { offset: number; change?: (copy: Buffer) => unknown }) => {
    const { offset, change = () => {} } = at;
    return stored(encodeBatch([{ value: bytes(value) }], { ...mark, producerId }, 5), { offset, change: (copy) => void change(copy) });
  };
  const batches = [
    batch('given up', 1n, { offset: 0, change: transactional }),
    batch('beside it', 2n, { offset: 1, change: transactional }),
    batch('plain', 1n, { offset: 2 }),
    batch('mark', 1n, { offset: 3, change: control }),
    batch('next', 1n, { offset: 4, change: transactional }),
    batch('mark', 1n, { offset: 5, change: control }),
  ];
  expect(read(batches, [{ producerId: 1n, firstOffset: 0n }])).toEqual({
    records: ['1 beside it', '2 plain', '4 next'],
    unreadable: [],
    nextOffset: 6,
  });
});
