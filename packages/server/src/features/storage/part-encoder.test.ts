import { randomBytes } from 'node:crypto';
import { crc32, gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { unpackByCommand } from '../../../test/support/unpack.ts';
import { giveBack } from '../../kernel/lifecycle/give-back.ts';
import { codecNames } from './block/block-codec.ts';
import { Compressor } from './block/compressor.ts';
import { createCodec } from './block/create-codec.ts';
import { decodeMemberHeader, type MemberHeader, memberFlag } from './block/member-header.ts';
import { type BlockRow, type EncodedBlock, maxBlockRawBytes, nextBlockRows, PartEncoder } from './part-encoder.ts';
import { partNameText, partNonce } from './part-name.ts';

const compressor = new Compressor(1);
afterAll(() => compressor[Symbol.asyncDispose]());

const partName = partNameText({ nodeId: 'node', epoch: '0011223344556677', number: 3 });
const row = (bytes: Buffer | string, more: Partial<BlockRow> = {}): BlockRow => ({
  bytes: Buffer.from(bytes),
  invalidUtf8: false,
  nul: false,
  receivedAt: 1000,
  ...more,
});
const bytesOf = (block: EncodedBlock): Buffer => Buffer.concat(block.buffers);

function headersOf(bytes: Buffer, name = partName): MemberHeader[] {
  const headers: MemberHeader[] = [];
  for (let offset = 0; offset < bytes.length; offset += headers.at(-1)?.memberLength ?? 0) {
    const { header } = decodeMemberHeader(bytes.subarray(offset), partNonce(name)) ?? {};
    if (!header) throw new Error(`no header at ${offset}`);
    headers.push(header);
  }
  return headers;
}

const rowArbitrary = fc.record({
  bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  invalidUtf8: fc.boolean(),
  nul: fc.boolean(),
  receivedAt: fc.integer({ min: 0, max: 2 ** 45 }),
});

test('what was copied need not stay: rows may be given back while they are compressed', async () => {
  const rows = [row('x'.repeat(300_000)), row('y'.repeat(40_000), { receivedAt: 2000 })];
  const encoding = new PartEncoder(partName, { codec: createCodec('gzip'), compressor }).encode(rows);
  for (const { bytes } of rows) giveBack(bytes);
  const block = await encoding;
  expect(gunzipSync(bytesOf(block)).toString()).toBe('x'.repeat(300_000) + 'y'.repeat(40_000));
  expect(block).toMatchObject({ rows: 2, rawLength: 340_000, firstAt: 1000, lastAt: 2000 });
});

describe.each(codecNames)('%s', (name) => {
  const codec = createCodec(name);
  const unpack = codec.container === 'zstd' ? zstdDecompressSync : gunzipSync;

  test('the blocks of a part together are a file of exactly the rows, with figures in the headers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(rowArbitrary, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }), async (blocks) => {
        const encoder = new PartEncoder(partName, { codec, compressor });
        const encoded: EncodedBlock[] = [];
        for (const block of blocks) encoded.push(await encoder.encode(block));
        const file = Buffer.concat(encoded.map(bytesOf));
        expect(unpack(file).equals(Buffer.concat(blocks.flat().map(({ bytes }) => bytes)))).toBe(true);
        let rowsBefore = 0;
        for (const [index, header] of headersOf(file).entries()) {
          const rows = blocks[index] ?? [];
          expect(header).toMatchObject({
            sequence: index,
            rowsBefore,
            rows: rows.length,
            rawLength: rows.reduce((sum, { bytes }) => sum + bytes.length, 0),
            firstAt: Math.min(...rows.map(({ receivedAt }) => receivedAt)),
            lastAt: Math.max(...rows.map(({ receivedAt }) => receivedAt)),
            flags:
              memberFlag.end |
              (rows.some(({ invalidUtf8 }) => invalidUtf8) ? memberFlag.invalidUtf8 : 0) |
              (rows.some(({ nul }) => nul) ? memberFlag.nul : 0),
          });
          expect(encoded[index]).toMatchObject({
            length: header.memberLength,
            checksum: crc32(bytesOf(encoded[index]!)),
            rows: header.rows,
            rawLength: header.rawLength,
            firstAt: header.firstAt,
            lastAt: header.lastAt,
          });
          rowsBefore += rows.length;
        }
      }),
    );
  });

  test('the command of its format reads a part of several members', async () => {
    const encoder = new PartEncoder(partName, { codec, compressor });
    const rows = Array.from({ length: 700 }, (_, index) => row(`"${index}","${randomBytes(400).toString('hex')}"\n`));
    const blocks = [await encoder.encode(rows), await encoder.encode(rows.slice(0, 3)), await encoder.encode(rows)];
    const input = Buffer.concat(blocks.map(bytesOf));
    const output = unpackByCommand(codec.container, input);
    expect(output.equals(Buffer.concat([...rows, ...rows.slice(0, 3), ...rows].map(({ bytes }) => bytes)))).toBe(true);
  });

  test('a block is cut into members behind 256 kB at row boundaries; only the last one ends it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 12 }), async (lengths) => {
        const kept = lengths.slice(
          0,
          nextBlockRows(lengths, (length) => length),
        );
        const rows = kept.map((length, index) => row(Buffer.alloc(length, `${index};`), { receivedAt: index + 1, nul: index === 0 }));
        const block = await new PartEncoder(partName, { codec, compressor }).encode(rows);
        const headers = headersOf(bytesOf(block));
        let at = 0;
        for (const [index, header] of headers.entries()) {
          const own = rows.slice(at, at + header.rows);
          const raw = own.reduce((sum, { bytes }) => sum + bytes.length, 0);
          expect(header).toMatchObject({ sequence: index, rowsBefore: at, rawLength: raw, firstAt: at + 1, lastAt: at + own.length });
          expect(header.flags).toBe((index === headers.length - 1 ? memberFlag.end : 0) | (at === 0 ? memberFlag.nul : 0));
          // Cut as soon as 256 kB are reached, not before.
          expect(raw - (own.at(-1)?.bytes.length ?? 0)).toBeLessThan(256 * 1024);
          if (index < headers.length - 1) expect(raw).toBeGreaterThanOrEqual(256 * 1024);
          at += header.rows;
        }
        expect(at).toBe(rows.length);
        expect(unpack(bytesOf(block)).equals(Buffer.concat(rows.map(({ bytes }) => bytes)))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('a row over 1 MB is one member of its own block', async () => {
    const long = row(randomBytes(2 * 1024 * 1024));
    const block = await new PartEncoder(partName, { codec, compressor }).encode([long]);
    const [header, ...others] = headersOf(bytesOf(block));
    expect(others).toEqual([]);
    expect(header).toMatchObject({ rows: 1, rawLength: long.bytes.length, flags: memberFlag.end });
    expect(unpack(bytesOf(block)).equals(long.bytes)).toBe(true);
  });
});

test('a block takes rows up to 1 MB, or one row however large', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: maxBlockRawBytes * 2 }), { minLength: 1 }), (lengths) => {
      const count = nextBlockRows(lengths, (length) => length);
      const sum = lengths.slice(0, count).reduce((total, length) => total + length, 0);
      expect(count).toBeGreaterThanOrEqual(1);
      if (count > 1) expect(sum).toBeLessThanOrEqual(maxBlockRawBytes);
      const next = lengths[count];
      if (next !== undefined) expect(sum + next).toBeGreaterThan(maxBlockRawBytes);
    }),
  );
  expect(nextBlockRows([maxBlockRawBytes, 1], (length) => length)).toBe(1);
  expect(nextBlockRows([maxBlockRawBytes - 1, 1, 1], (length) => length)).toBe(2);
});

test('no two parts share a nonce, whichever piece of the name differs', async () => {
  const base = { nodeId: 'node', epoch: '0011223344556677', number: 3 };
  const names = [base, { ...base, nodeId: 'other' }, { ...base, epoch: '0011223344556678' }, { ...base, number: 4 }].map(partNameText);
  expect(new Set(names.map((name) => partNonce(name).toString('hex'))).size).toBe(names.length);
  const [bytes] = (await new PartEncoder(names[1]!, { codec: createCodec('gzip'), compressor }).encode([row('"a"\n')])).buffers;
  expect(headersOf(bytes!.subarray(0, 76), names[1])).toHaveLength(1);
  expect(decodeMemberHeader(bytes!, partNonce(names[0]!))).toBeUndefined();
});
