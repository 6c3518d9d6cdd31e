import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltMember, type BuiltPart, buildPart, codecsUnderTest, rawZstdCodec } from '../../../../test/support/part-fixture.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { createCodec } from '../block/create-codec.ts';
import { encodeMemberHeader, headerLength, nonceOffset } from '../block/member-header.ts';
import { partNonce } from '../part-name.ts';
import { partStart, type WalkStep, walkPart } from './part-walk.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
beforeAll(async () => {
  folder = await openTempFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const name = 'node-0011223344556677-1';
const [foreign, foreignZstd] = [createCodec('none'), rawZstdCodec].map((codec) =>
  buildPart('node-0011223344556677-2', [[['"theirs"\n']], [['"theirs too"\n', '"x"\n']]], { codec }),
) as [BuiltPart, BuiltPart];
const beginning = foreign.bytes.subarray(0, nonceOffset);
/** What a client may store to be taken for a member: of another part, with a guessed nonce, and beginnings. */
const forgeries = [
  beginning,
  Buffer.concat([beginning, beginning, beginning]),
  foreign.bytes,
  foreignZstd.bytes,
  foreignZstd.bytes.subarray(0, headerLength),
  foreign.bytes.subarray(0, headerLength),
  encodeMemberHeader({ ...foreign.members[0]!.header, sequence: 1000, rowsBefore: 1_000_000 }, partNonce('guess'), 'gzip'),
  encodeMemberHeader({ ...foreign.members[0]!.header, sequence: 1000, rowsBefore: 1_000_000 }, partNonce('guess'), 'zstd'),
];

/** Without their last byte: a header ends with its CRC-32, so one over another inside a payload leaves the CRC-32 of that as it was. */
const overwriting = forgeries.map((forgery) => forgery.subarray(0, -1));

const row = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.constantFrom(...forgeries), fc.string({ maxLength: 5 })).map(([forged, text]) => Buffer.concat([Buffer.from(text), forged])),
);
const blockRows = fc.array(fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 4,
});

async function walk(bytes: Buffer, limit = bytes.length): Promise<WalkStep[]> {
  const path = join(folder.path, 'part');
  await writeFile(path, bytes);
  await using file = await open(path, 'r');
  const steps = await Array.fromAsync(walkPart(file, { nonce: partNonce(name), limit }));
  let end = 0;
  for (const step of steps) {
    expect(step.offset).toBe(end);
    end += step.type === 'good' ? step.header.memberLength : step.length;
  }
  expect(end).toBe(limit);
  return steps;
}

const good = (steps: readonly WalkStep[]): number[] => steps.flatMap((step) => (step.type === 'good' ? step.header.sequence : []));
const rowsOf = (step: WalkStep): number => (step.type === 'unreadable' ? (step.lostRows ?? 0) : step.header.rows);
const sumOfRows = (steps: readonly WalkStep[]): number => steps.reduce((sum, step) => sum + rowsOf(step), 0);

const endOf = ({ offset, header }: BuiltMember): number => offset + header.memberLength;

/** Every member is unlike all others by its sequence, so what stands in the file byte for byte is undamaged. */
async function expectRightWalk(part: BuiltPart, bytes: Buffer, limit = bytes.length): Promise<void> {
  const steps = await walk(bytes, limit);
  const visible = bytes.subarray(0, limit);
  const undamaged = part.members.filter((member) => visible.includes(part.bytes.subarray(member.offset, endOf(member))));
  expect(good(steps), 'every undamaged member once and in order, and no other').toEqual(undamaged.map(({ header }) => header.sequence));
  const last = part.members.at(-1)!;
  const rows = sumOfRows(steps);
  expect(rows).toBeLessThanOrEqual(part.rows);
  const proven = visible.includes(part.bytes.subarray(last.offset, last.offset + headerLength));
  if (proven) expect(rows, 'the last header proves how many rows there were').toBe(part.rows);
}

type Damage =
  | { readonly type: 'flip'; readonly at: number; readonly bit: number }
  | { readonly type: 'overwrite'; readonly at: number; readonly with: Uint8Array }
  | { readonly type: 'remove'; readonly at: number; readonly length: number }
  | { readonly type: 'cut'; readonly at: number };

/** Positions are parts of a million of the file, so that they shrink independently of it. */
const position = fc.integer({ min: 0, max: 999_999 });
const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ type: fc.constant('flip' as const), at: position, bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({
    type: fc.constant('overwrite' as const),
    at: position,
    with: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.constantFrom(...overwriting)),
  }),
  fc.record({ type: fc.constant('remove' as const), at: position, length: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ type: fc.constant('cut' as const), at: position }),
);

function applyDamage(bytes: Buffer, damage: Damage): Buffer {
  if (bytes.length === 0) return bytes;
  const at = Math.floor((damage.at / 1_000_000) * bytes.length);
  switch (damage.type) {
    case 'cut':
      return bytes.subarray(0, at);
    case 'remove':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + damage.length)]);
    case 'flip':
      return overwrite(bytes, at, Buffer.from([bytes[at]! ^ (1 << damage.bit)]));
    case 'overwrite':
      return overwrite(bytes, at, damage.with);
  }
}

function overwrite(bytes: Buffer, at: number, written: Uint8Array): Buffer {
  const changed = Buffer.from(bytes);
  changed.set(written.subarray(0, bytes.length - at), at);
  return changed;
}

describe.each(codecsUnderTest)('%s', (_name, codec) => {
  const parts = blockRows.map((blocks) => buildPart(name, blocks, { codec }));

  test('an undamaged part is all good members, in order', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (part) => {
        const steps = await walk(part.bytes);
        expect(steps).toEqual(part.members.map(({ offset, header }) => ({ type: 'good', offset, header, headerLength })));
      }),
    );
  });

  test('whatever is flipped, overwritten, removed or cut: every undamaged member is found, once, and rows add up', async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.array(damages, { minLength: 1, maxLength: 4 }), fc.boolean(), async (part, list, sealed) => {
        const bytes = list.reduce(applyDamage, part.bytes);
        await expectRightWalk(part, bytes, sealed ? part.bytes.length : bytes.length);
      }),
      { numRuns: 400 },
    );
  });

  test('a member of which only the header is left, or its first byte, hides none behind it', async () => {
    for (const member of three.members) {
      for (const kept of [1, headerLength]) {
        const bytes = Buffer.concat([three.bytes.subarray(0, member.offset + kept), three.bytes.subarray(endOf(member))]);
        await expectRightWalk(three, bytes);
        await expectRightWalk(three, bytes, three.bytes.length);
      }
    }
  });

  test('a member that stands there twice, whole or in part, counts once', async () => {
    await fc.assert(
      fc.asyncProperty(parts, position, fc.boolean(), async (part, where, sealed) => {
        const member = part.members[Math.floor((where / 1_000_000) * part.members.length)]!;
        const doubled = (from: number, to: number) => Buffer.concat([part.bytes.subarray(0, to), part.bytes.subarray(from)]);
        for (const bytes of [doubled(member.offset, endOf(member)), doubled(member.offset + headerLength, endOf(member) - 1)]) {
          await expectRightWalk(part, bytes, sealed ? part.bytes.length : bytes.length);
        }
      }),
    );
  });

  const three = buildPart(name, [[['"a"\n', '"b"\n'], ['"c"\n']], [['"d"\n', '"e"\n', '"f"\n']], [['"g"\n']]], { codec });

  test('a cut at every member edge, and a byte before and behind it', async () => {
    for (const member of three.members) {
      for (const at of [member.offset - 1, member.offset, member.offset + 1, endOf(member) - 1, endOf(member)]) {
        if (at < 0) continue;
        const bytes = three.bytes.subarray(0, at);
        await expectRightWalk(three, bytes);
        await expectRightWalk(three, bytes, three.bytes.length);
      }
    }
  });

  test('a destroyed header costs its own rows, and the next one says how many; also the very first', async () => {
    for (const member of three.members.slice(0, -1)) {
      const bytes = Buffer.from(three.bytes).fill(0, member.offset, member.offset + headerLength);
      const steps = await walk(bytes);
      expect(steps[member.header.sequence]).toEqual({
        type: 'unreadable',
        offset: member.offset,
        length: member.header.memberLength,
        lostRows: member.header.rows,
      });
      expect(sumOfRows(steps)).toBe(three.rows);
    }
  });

  test('a destroyed last header leaves the number of its rows unknown', async () => {
    const last = three.members.at(-1)!;
    const steps = await walk(Buffer.from(three.bytes).fill(0, last.offset, last.offset + headerLength));
    expect(steps.at(-1)).toMatchObject({ type: 'unreadable', offset: last.offset, lostRows: undefined });
  });

  test('a whole member that is missing is told by its neighbours', async () => {
    const [, second] = three.members;
    const bytes = Buffer.concat([three.bytes.subarray(0, second!.offset), three.bytes.subarray(endOf(second!))]);
    expect(await walk(bytes)).toContainEqual({ type: 'unreadable', offset: second!.offset, length: 0, lostRows: second!.header.rows });
  });

  test('bytes that are missing exactly as long as all members behind them hide none of those', async () => {
    const part = buildPart(name, [[['"long"\n'.repeat(40)]], [['"short"\n']]], { codec });
    const behind = part.members[1]!.header.memberLength;
    // The first member now seems to end where the file does.
    const damaged = { type: 'remove', at: Math.ceil((100 / part.bytes.length) * 1_000_000), length: behind } as const;
    await expectRightWalk(part, applyDamage(part.bytes, damaged));
  });

  test('a last member that the limit cuts is lost with as many rows as its header says', async () => {
    const last = three.members.at(-1)!;
    const steps = await walk(three.bytes.subarray(0, -1));
    expect(steps.at(-1)).toEqual({
      type: 'unreadable',
      offset: last.offset,
      length: last.header.memberLength - 1,
      lostRows: last.header.rows,
    });
  });

  test('a search through many false beginnings reads the file about once', async () => {
    const junk = Buffer.concat(Array.from({ length: 1000 }, () => [beginning, partNonce(name), Buffer.alloc(700)]).flat());
    const part = buildPart(name, [[[junk]], [[junk]], [['"kept"\n']]], { codec });
    const path = join(folder.path, 'junk');
    await writeFile(path, Buffer.from(part.bytes).fill(0, 0, headerLength));
    await using file = await open(path, 'r');
    let bytesRead = 0;
    const counting = new Proxy(file, {
      get: (target, property) =>
        property !== 'read'
          ? Reflect.get(target, property)
          : async (buffer: Buffer, offset: number, length: number, at: number) => {
              const result = await target.read(buffer, offset, length, at);
              bytesRead += result.bytesRead;
              return result;
            },
    });
    const steps = await Array.fromAsync(walkPart(counting, { nonce: partNonce(name), limit: part.bytes.length }));
    expect(good(steps)).toEqual([1, 2]);
    expect(bytesRead).toBeLessThan(4 * part.bytes.length);
  });
});

test('a part that ends before its limit, and an empty one, are walked without a fault', async () => {
  expect(await walk(Buffer.alloc(0))).toEqual([]);
  expect(await walk(Buffer.alloc(0), 3_000_000)).toEqual([{ type: 'unreadable', offset: 0, length: 3_000_000, lostRows: undefined }]);
  expect(partStart).toEqual({ nextSequence: 0, rows: 0 });
});
