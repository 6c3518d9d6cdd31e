import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPart } from '../../../../test/support/part-fixture.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { inspectPart, inspectSealedPart } from './inspect-part.ts';
import { recoverPart, summarizePart } from './recover-part.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
beforeEach(async () => {
  folder = await openTempFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const name = 'node-0011223344556677-1';
const { nonce, bytes, members } = buildPart(name, [
  [['"a"\n', '"b"\n']],
  [['"c"\n'], ['"d"\n', '"e"\n']],
  [['"f"\n'], ['"g"\n', '"h"\n'], ['"i"\n', '"j"\n', '"k"\n']],
]);
const offsetOf = (sequence: number): number => members[sequence]?.offset ?? bytes.length;

async function inspect(content: Buffer, file = 'part.csv.gz') {
  const path = join(folder.path, file);
  await writeFile(path, content);
  const found = await inspectPart(path, nonce);
  expect(await readFile(path)).toEqual(content);
  return { path, ...found };
}

const flip = (at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 4;
  return changed;
};

test('a whole part has neither damage nor a tail', async () => {
  expect(await inspect(bytes)).toMatchObject({ damage: [], goodRows: 11, torn: undefined });
});

test('a torn tail is named by its place, and is no damage', async () => {
  const cut = bytes.subarray(0, offsetOf(4) + 10);
  expect(await inspect(cut)).toMatchObject({
    damage: [],
    goodRows: 5,
    torn: { offset: offsetOf(3), length: cut.length - offsetOf(3) },
  });
});

test('a bad member is named with its rows; one without a header with what its neighbours tell', async () => {
  const badPayload = await inspect(flip(offsetOf(1) + 80));
  expect(badPayload).toMatchObject({ damage: [{ offset: offsetOf(1), length: offsetOf(2) - offsetOf(1), rows: 1 }], goodRows: 10 });
  expect(badPayload.torn).toBeUndefined();
  const badHeader = await inspect(flip(offsetOf(2) + 40));
  expect(badHeader.damage).toEqual([{ offset: offsetOf(2), length: offsetOf(3) - offsetOf(2), rows: 2 }]);
});

test('a whole last block that is bad is damage, not a tear', async () => {
  const found = await inspect(flip(offsetOf(5) + 80));
  expect(found).toMatchObject({ damage: [{ offset: offsetOf(5), rows: 3 }], goodRows: 8, torn: undefined });
});

test('what a recovery found to be lost is named afterwards too, by its place in the part', async () => {
  const found = await inspect(flip(offsetOf(5) + 50));
  const damage = [{ offset: offsetOf(5), length: bytes.length - offsetOf(5), rows: undefined }];
  expect(found).toMatchObject({ damage, goodRows: 8, torn: undefined });
  await recoverPart(found.path, nonce);
  expect(await inspectPart(found.path, nonce)).toEqual({ damage, goodRows: 8, torn: undefined });
  expect(await inspectSealedPart(found.path, { nonce, length: offsetOf(5) })).toEqual({ damage, goodRows: 8 });
});

const hurt = fc.record({ cut: fc.nat(bytes.length), flips: fc.array(fc.nat(bytes.length - 1), { maxLength: 3 }) });

test('inspection finds what recovery finds, whatever happened to the bytes', async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(hurt, async ({ cut, flips }) => {
      const content = Buffer.from(bytes.subarray(0, cut));
      for (const at of flips) if (at < cut) content[at]! ^= 1 << (at % 8);
      const found = await inspect(content, `${round++}.csv.gz`);
      const recovered = await recoverPart(found.path, nonce);
      expect(found.goodRows).toBe(recovered.summary.goodRows);
      expect(found.damage.reduce((sum, { rows = 0 }) => sum + rows, 0)).toBe(recovered.summary.damagedRows);
      expect(found.damage.some(({ rows }) => rows === undefined)).toBe(recovered.summary.unknownDamage);
      const covered = (found.torn?.length ?? 0) + found.damage.filter(({ offset }) => offset >= recovered.length).reduce(sumLengths, 0);
      expect(covered).toBe(recovered.tornBytes);
      const again = await inspectPart(found.path, nonce);
      expect(again.goodRows).toBe(found.goodRows);
      expect(again.damage).toEqual(found.damage);
      expect(again.torn).toBeUndefined();
    }),
    { numRuns: 150 },
  );
});

test('below a sealed length everything that is bad or missing is damage', async () => {
  const path = join(folder.path, 'sealed.csv.gz');
  await fc.assert(
    fc.asyncProperty(hurt, async ({ cut, flips }) => {
      const content = Buffer.from(bytes.subarray(0, cut));
      for (const at of flips) if (at < cut) content[at]! ^= 1 << (at % 8);
      await writeFile(path, content);
      const found = await inspectSealedPart(path, { nonce, length: bytes.length });
      const summary = await summarizePart(path, { nonce, length: bytes.length });
      expect(found.goodRows).toBe(summary.goodRows);
      expect(found.damage.length > 0).toBe(!content.equals(bytes));
    }),
    { numRuns: 100 },
  );
});

const sumLengths = (sum: number, { length }: { readonly length: number }): number => sum + length;
