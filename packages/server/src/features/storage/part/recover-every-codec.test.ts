import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPart, codecsUnderTest } from '../../../../test/support/part-fixture.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { headerLength } from '../block/member-header.ts';
import { inspectPart } from './inspect-part.ts';
import { recoverPart, summarizePart } from './recover-part.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
beforeAll(async () => {
  folder = await openTempFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const name = 'node-0011223344556677-1';
let files = 0;

describe.each(codecsUnderTest)('%s', (_name, codec) => {
  /** Blocks of one, two and three members; 2, 3 and 6 rows. */
  const part = buildPart(
    name,
    [[['"a"\n', '"b"\n']], [['"c"\n'], ['"d"\n', '"e"\n']], [['"f"\n'], ['"g"\n', '"h"\n'], ['"i"\n', '"j"\n', '"k"\n']]],
    { codec },
  );
  const { nonce, bytes } = part;
  const blocks = [0, 1, 3, 6].map((first) => part.members[first]?.offset ?? bytes.length);
  const rowsOfBlocks = [0, 2, 5, 11];

  /** What inspection and recovery say of the bytes; they must say the same, and so must a second recovery. */
  async function recover(content: Buffer) {
    const path = join(folder.path, `${files++}`);
    await writeFile(path, content);
    const inspected = await inspectPart(path, nonce);
    const recovered = await recoverPart(path, nonce);
    const { length, summary } = recovered;
    expect(await readFile(path)).toEqual(content.subarray(0, length));
    expect(await recoverPart(path, nonce)).toMatchObject({ length, summary });
    expect(inspected.goodRows).toBe(summary.goodRows);
    expect(inspected.damage.reduce((sum, { rows = 0 }) => sum + rows, 0)).toBe(summary.damagedRows);
    expect(inspected.damage.some(({ rows }) => rows === undefined)).toBe(summary.unknownDamage);
    expect(await summarizePart(path, { nonce, length })).toMatchObject({ goodRows: summary.goodRows, goodBytes: summary.goodBytes });
    return recovered;
  }

  test('a torn write costs its own block, and is no damage', async () => {
    const places = [0, 1, 4, 5, 11, 40, headerLength - 1, headerLength, headerLength + 2];
    for (const cut of [...part.members.flatMap(({ offset }) => places.map((place) => offset + place)), bytes.length - 1, bytes.length]) {
      const whole = blocks.findLastIndex((end) => end <= cut);
      const { length, summary, tornBytes } = await recover(bytes.subarray(0, cut));
      expect({ length, tornBytes }, `cut at ${cut}`).toEqual({ length: blocks[whole], tornBytes: cut - (blocks[whole] ?? 0) });
      expect(summary, `cut at ${cut}`).toMatchObject({ goodRows: rowsOfBlocks[whole], damagedRows: 0, unknownDamage: false });
    }
  });

  test('a flipped bit before the last block costs the rows of its member', async () => {
    for (const { offset, header, rows } of part.members.slice(0, 3)) {
      for (const place of [0, 5, 10, 13, 20, 33, 75, headerLength, header.memberLength - 1]) {
        const content = Buffer.from(bytes);
        content[offset + place]! ^= 4;
        const { length, summary } = await recover(content);
        expect(length).toBe(bytes.length);
        const expected = { goodRows: part.rows - rows.length, damagedRows: rows.length, unknownDamage: false };
        expect(summary, `byte ${place} of the member at ${offset}`).toMatchObject(expected);
      }
    }
  });

  test('whatever was flipped and cut: no row is invented', async () => {
    const flips = fc.array(fc.nat(bytes.length - 1), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(flips, fc.nat(bytes.length), async (places, cut) => {
        const content = Buffer.from(bytes);
        for (const at of places) content[at]! ^= 0x20;
        const { summary } = await recover(content.subarray(0, cut));
        expect(summary.goodRows + summary.damagedRows).toBeLessThanOrEqual(part.rows);
      }),
      { numRuns: 20 },
    );
  });
});
