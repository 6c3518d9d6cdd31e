import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPart } from '../../../../test/support/part-fixture.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { headerLength } from '../block/member-header.ts';
import { emptySummary } from './part-summary.ts';
import { recoverPart, summarizePart } from './recover-part.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
let path: string;
beforeEach(async () => {
  folder = await openTempFolder();
  path = join(folder.path, 'node-0011223344556677-1.csv.gz');
});
afterEach(() => folder[Symbol.asyncDispose]());

const name = 'node-0011223344556677-1';
/** Blocks of one, two and three members; 2, 3 and 6 rows. */
const part = buildPart(name, [
  [['"a"\n', '"b"\n']],
  [['"c"\n'], ['"d"\n', '"e"\n']],
  [['"f"\n'], ['"g"\n', '"h"\n'], ['"i"\n', '"j"\n', '"k"\n']],
]);
const { nonce, bytes, members } = part;
const offsetOf = (sequence: number): number => members[sequence]?.offset ?? bytes.length;
const lastBlock = offsetOf(3);

const tornOf = (): Promise<Buffer> => readFile(`${path}.torn`).catch(() => Buffer.alloc(0));
const flip = (at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 4;
  return changed;
};

/** Recovers twice, as a writer does that is killed again before it seals, and expects the same both times. */
async function recover(content: Buffer) {
  await writeFile(path, content);
  const first = await recoverPart(path, nonce);
  expect(await readFile(path)).toEqual(content.subarray(0, first.length));
  expect(await tornOf()).toEqual(content.subarray(first.length));
  expect(first.tornBytes).toBe(content.length - first.length);
  expect(await recoverPart(path, nonce)).toEqual({ ...first, tornBytes: 0 });
  expect(await tornOf()).toEqual(content.subarray(first.length));
  return first;
}

test('a whole part is kept as it is', async () => {
  const { length, summary, tornBytes } = await recover(bytes);
  expect({ length, tornBytes }).toEqual({ length: bytes.length, tornBytes: 0 });
  expect(summary).toMatchObject({
    goodRows: 11,
    damagedRows: 0,
    unknownDamage: false,
    goodMembers: 6,
    goodBytes: bytes.length,
    firstAt: 1000,
    lastAt: 2005,
  });
  expect(await readdir(folder.path)).toEqual([`${name}.csv.gz`]);
});

test('a write that is torn at any byte of the last block is cut off whole and kept beside the part', async () => {
  for (let end = lastBlock + 1; end < bytes.length; end += 1) {
    const { length, summary } = await recover(bytes.subarray(0, end));
    expect(length, `torn at ${end}`).toBe(lastBlock);
    expect(summary, `torn at ${end}`).toMatchObject({ goodRows: 5, damagedRows: 0, unknownDamage: false });
  }
});

test('a torn write whose missing pages are zero is no damage', async () => {
  for (const kept of [0, 40, headerLength + 3]) {
    const content = Buffer.concat([bytes.subarray(0, lastBlock + kept), Buffer.alloc(100_000)]);
    expect((await recover(content)).summary, `${kept} bytes and zeros`).toMatchObject({
      goodRows: 5,
      damagedRows: 0,
      unknownDamage: false,
    });
  }
});

test('a last block that is whole but bad is cut off, and its rows are damaged', async () => {
  for (const at of [offsetOf(5) + headerLength + 1, bytes.length - 1]) {
    const { length, summary } = await recover(flip(at));
    expect(length).toBe(lastBlock);
    expect(summary).toMatchObject({ goodRows: 5, damagedRows: 6, unknownDamage: false });
  }
});

test('a bad member before the good end of the last block is damage inside the part', async () => {
  const { length, summary } = await recover(flip(offsetOf(4) + headerLength + 1));
  expect(length).toBe(bytes.length);
  expect(summary).toMatchObject({ goodRows: 9, damagedRows: 2, unknownDamage: false });
});

test('a whole bad block before a torn one: the first is damage, the second is not', async () => {
  const content = flip(offsetOf(1) + headerLength + 1).subarray(0, bytes.length - 1);
  content[offsetOf(2) + headerLength + 1]! ^= 1;
  const { length, summary } = await recover(content);
  expect(length).toBe(offsetOf(1));
  expect(summary).toMatchObject({ goodRows: 2, damagedRows: 3, unknownDamage: false });
});

test('a last block whose header is destroyed may have been acknowledged: damage of unknown size', async () => {
  const single = buildPart(name, [[['"a"\n']], [['"b"\n']]]);
  const content = Buffer.from(single.bytes);
  content[single.members[1]!.offset + 50]! ^= 1;
  const { length, summary } = await recover(content);
  expect(length).toBe(single.members[1]!.offset);
  expect(summary).toMatchObject({ goodRows: 1, damagedRows: 0, unknownDamage: true });
});

test('a destroyed header before a good block costs the rows that the next header proves', async () => {
  const { length, summary } = await recover(flip(offsetOf(0) + 30));
  expect(length).toBe(bytes.length);
  expect(summary).toMatchObject({ goodRows: 9, damagedRows: 2, unknownDamage: false });
});

test('an empty file stays one, and garbage is kept beside it', async () => {
  expect(await recover(Buffer.alloc(0))).toEqual({ length: 0, summary: emptySummary, tornBytes: 0 });
  const garbage = Buffer.from('no part of ours, and longer than any header could be: '.repeat(3));
  expect(await recover(garbage)).toMatchObject({ length: 0, summary: { goodRows: 0, damagedRows: 0, unknownDamage: true } });
  expect((await stat(path)).size).toBe(0);
});

test('a tail of many chunks is kept byte for byte', async () => {
  const tail = Buffer.alloc(700_000, 'no header');
  expect((await recover(Buffer.concat([bytes, tail]))).length).toBe(bytes.length);
});

test('a recovery that died before the cut is done again to the same end', async () => {
  const content = flip(bytes.length - 1);
  await writeFile(`${path}.torn`, content.subarray(lastBlock));
  await writeFile(`${path}.torn.tmp`, 'half');
  expect((await recover(content)).summary).toMatchObject({ goodRows: 5, damagedRows: 6 });
});

test('a tail that cannot be read stops the recovery, or its damage would be forgotten', async () => {
  await writeFile(path, bytes);
  await symlink(`${path}.torn`, `${path}.torn`);
  await expect(recoverPart(path, nonce)).rejects.toThrow('ELOOP');
});

test('whatever was flipped and cut, recovery ends, again to the same end, and invents no row', async () => {
  const position = fc.integer({ min: 0, max: bytes.length - 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(position, { maxLength: 3 }), fc.integer({ min: 0, max: bytes.length }), async (flips, cut) => {
      await using own = await openTempFolder();
      path = join(own.path, 'part');
      const content = Buffer.from(bytes);
      for (const at of flips) content[at]! ^= 0x20;
      const { length, summary } = await recover(content.subarray(0, cut));
      expect(summary.goodRows + summary.damagedRows).toBeLessThanOrEqual(part.rows);
      // What is kept is what an upload will find below the sealed length.
      const kept = await summarizePart(path, { nonce, length });
      expect(kept).toMatchObject({ goodRows: summary.goodRows, goodBytes: summary.goodBytes, goodMembers: summary.goodMembers });
    }),
    { numRuns: 60 },
  );
});
