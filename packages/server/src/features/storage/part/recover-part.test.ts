import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPart } from '../../../../test/support/part-fixture.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { headerLength } from '../block/member-header.ts';
import { emptySummary } from './part-summary.ts';
import { recoverPart, summarizePart } from './recover-part.ts';
import { partFileOfTail } from './torn-tail.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
let path: string;
let parts = 0;
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

const tornFiles = async (): Promise<string[]> => (await readdir(dirname(path))).filter((file) => file.endsWith('.torn')).sort();
const tornOf = async (): Promise<Buffer> => {
  const [file] = await tornFiles();
  return file === undefined ? Buffer.alloc(0) : readFile(join(dirname(path), file));
};
const flip = (at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 4;
  return changed;
};

/** Recovers a part of its own twice, as a writer does that is killed again before it seals, and expects the same both times. */
async function recover(content: Buffer) {
  parts += 1;
  path = join(folder.path, `${parts}`, `${name}.csv.gz`);
  await mkdir(dirname(path));
  return recoverAgain(content);
}

async function recoverAgain(content: Buffer) {
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
  expect(await readdir(dirname(path))).toEqual([`${name}.csv.gz`]);
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

test('a last block that is whole but bad stays: its bad member is damage, its good ones are kept', async () => {
  for (const at of [offsetOf(5) + headerLength + 1, bytes.length - 1]) {
    const { length, summary } = await recover(flip(at));
    expect(length).toBe(bytes.length);
    expect(summary).toMatchObject({ goodRows: 8, damagedRows: 3, unknownDamage: false });
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
  expect(length).toBe(lastBlock);
  expect(summary).toMatchObject({ goodRows: 2, damagedRows: 3, unknownDamage: false });
});

test('a bad member of a torn block is no damage: nobody was promised it', async () => {
  const { length, summary } = await recover(flip(offsetOf(3) + headerLength + 1).subarray(0, -1));
  expect(length).toBe(lastBlock);
  expect(summary).toMatchObject({ goodRows: 5, damagedRows: 0, unknownDamage: false });
});

test('a destroyed header before a torn block may have ended a block: its rows are damage, members before it are kept', async () => {
  const { length, summary, tornBytes } = await recover(flip(offsetOf(2) + 40).subarray(0, -1));
  expect({ length, tornBytes }).toEqual({ length: offsetOf(2), tornBytes: bytes.length - 1 - offsetOf(2) });
  expect(summary).toMatchObject({ goodRows: 3, damagedRows: 2, unknownDamage: false });
});

test('a member that is missing before a torn block counts as what its neighbours tell', async () => {
  const content = Buffer.concat([bytes.subarray(0, offsetOf(2)), bytes.subarray(offsetOf(3), -1)]);
  const { length, summary } = await recover(content);
  expect(length).toBe(offsetOf(2));
  expect(summary).toMatchObject({ goodRows: 3, damagedRows: 2, unknownDamage: false });
});

test('a last header that is destroyed: its member may have been acknowledged, damage of unknown size; those before it are kept', async () => {
  for (const at of [0, 12, 50]) {
    const { length, summary } = await recover(flip(offsetOf(5) + at));
    expect(length).toBe(offsetOf(5));
    expect(summary).toMatchObject({ goodRows: 8, damagedRows: 0, unknownDamage: true });
  }
});

test('few bytes that are no beginning of a header are no tear', async () => {
  // The second is what is left of a header from which bytes were removed.
  for (const rest of [Buffer.from('rest'), Buffer.concat([bytes.subarray(0, 8), Buffer.from([0, 0, 0, 3])])]) {
    const { length, summary } = await recover(Buffer.concat([bytes, rest]));
    expect(length).toBe(bytes.length);
    expect(summary).toMatchObject({ goodRows: 11, unknownDamage: true });
  }
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
  const content = flip(offsetOf(5) + 50);
  const first = await recover(content);
  await writeFile(`${path}.torn.tmp`, 'half');
  expect(await recoverAgain(content)).toEqual(first);
  expect(await tornFiles()).toHaveLength(1);
});

test('a part that is cut after its recovery is damaged, not torn, and what was lost before stays counted', async () => {
  await recover(flip(offsetOf(5) + 50));
  for (const end of [offsetOf(4), offsetOf(4) + headerLength + 3]) {
    await truncate(path, end);
    const { length, summary, tornBytes } = await recoverPart(path, nonce);
    expect({ length, tornBytes }).toEqual({ length: offsetOf(5), tornBytes: 0 });
    expect(summary.goodRows).toBe(6);
    expect(summary.unknownDamage).toBe(true);
    await writeFile(path, bytes.subarray(0, offsetOf(5)));
  }
  expect(await tornFiles()).toHaveLength(1);
});

test('a second cut keeps the tail of the first one, and its counts', async () => {
  const first = flip(offsetOf(5) + 50);
  await recover(first);
  await writeFile(path, Buffer.concat([first.subarray(0, offsetOf(5)), Buffer.from('other bytes')]));
  const { length, summary } = await recoverPart(path, nonce);
  expect(length).toBe(offsetOf(5));
  expect(summary).toMatchObject({ goodRows: 8, unknownDamage: true });
  const tails = await Promise.all((await tornFiles()).map((file) => readFile(join(dirname(path), file), 'latin1')));
  expect(new Set(tails)).toEqual(new Set([first.toString('latin1', offsetOf(5)), 'other bytes']));
  expect(new Set((await tornFiles()).map(partFileOfTail))).toEqual(new Set([basename(path)]));
});

test('a part that was put back whole after a cut is kept, and the tail of the cut counts no more', async () => {
  await recover(flip(offsetOf(5) + 50));
  await writeFile(path, bytes);
  expect(await recoverPart(path, nonce)).toMatchObject({ length: bytes.length, summary: { goodRows: 11, unknownDamage: false } });
});

test('a tail that cannot be read stops the recovery, or its damage would be forgotten', async () => {
  await writeFile(path, bytes);
  const tail = `${path}.${bytes.length}-00000000.torn`;
  await symlink(tail, tail);
  await expect(recoverPart(path, nonce)).rejects.toThrow('ELOOP');
});

test('whatever was flipped and cut, recovery ends, again to the same end, and invents no row', async () => {
  const position = fc.integer({ min: 0, max: bytes.length - 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(position, { maxLength: 3 }), fc.integer({ min: 0, max: bytes.length }), async (flips, cut) => {
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
