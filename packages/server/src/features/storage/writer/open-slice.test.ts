import { appendFile, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BuiltPart, blockOf, buildPart } from '../../../../test/support/part-fixture.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { noCheckpoint } from '../../../kernel/observe/checkpoint.ts';
import type { BlockRoom } from '../disk/volume-room.ts';
import { summarizePart } from '../part/recover-part.ts';
import type { EncodedBlock } from '../part-encoder.ts';
import { partNonce } from '../part-name.ts';
import type { AppendRequest } from '../slice-writer.ts';
import type { SliceState } from '../state/slice.ts';
import { OpenSlice } from './open-slice.ts';
import { PartFile, type PartHandle } from './part-file.ts';

let temp: Awaited<ReturnType<typeof openTempFolder>>;
let folder: string;
beforeEach(async () => {
  temp = await openTempFolder();
  folder = join(temp.path, 'slice');
});
afterEach(() => temp[Symbol.asyncDispose]());

const extension = '.csv.gz';
const slice = {
  sink: { projectId: 1, branchId: 1, sourceId: 'source', sinkId: 'sink' },
  volumeId: 'volume0001',
  openedAt: '2026-06-24T10:00:00.000Z',
  file: 'file',
  sinkVersion: 7,
  codec: 'gzip' as const,
};

interface Opening {
  readonly state?: SliceState & ('writing' | 'closing');
  readonly sync?: <T>(work: () => Promise<T>) => Promise<T>;
  readonly create?: (path: string) => Promise<PartHandle>;
  readonly room?: BlockRoom;
  readonly syncMode?: 'disk' | 'cache';
}

const openSlice = ({ state = 'writing', sync = (work) => work(), create, room, syncMode }: Opening = {}) =>
  new OpenSlice({
    slice: state === 'writing' ? { ...slice, state } : { ...slice, state, closingAt: 't' },
    folder,
    createPart: (path) =>
      new PartFile({ path, volumePath: temp.path, checkpoint: noCheckpoint, sync, syncMode, ...(create && { create }) }),
    ...(room && { room }),
    logger: silentLogger,
  });

/** The blocks of a part as a source sends them, one after the other. */
function blocksOf(part: BuiltPart): { offset: number; block: EncodedBlock; rows: number }[] {
  return part.members.map(({ offset, header }) => {
    const block = blockOf(part.bytes.subarray(offset, offset + header.memberLength), header.rows);
    return { offset, block, rows: header.rows };
  });
}

const request = (
  part: string,
  { offset, block }: { offset: number; block: EncodedBlock },
  more: Partial<AppendRequest> = {},
): AppendRequest => ({
  slice: 'key',
  part,
  offset,
  block,
  sinkVersion: 7,
  codec: 'gzip',
  ...more,
});

const partA = buildPart('a-1', [[['"1"\n']], [['"2"\n', '"3"\n']], [['"4"\n']]]);
const partB = buildPart('b-1', [[['"5"\n']], [['"6"\n']]]);
const [a1, a2, a3] = blocksOf(partA);
const [b1, b2] = blocksOf(partB);

test('sealing takes the durable length and the counts of every part from their headers', async () => {
  await using open = openSlice();
  for (const block of blocksOf(partA)) expect(await open.append(request('a-1', block))).toMatchObject({ type: 'durable' });
  await open.append(request('b-1', b1!));
  expect(open.figures.goodRows).toBe(5);
  expect(await open.seal()).toEqual({
    parts: [
      { name: 'a-1', length: partA.bytes.length },
      { name: 'b-1', length: b1!.block.length },
    ],
    figures: {
      goodRows: 5,
      damagedRows: 0,
      compressedBytes: partA.bytes.length + b1!.block.length,
      rawBytes: 20,
      firstAt: 1000,
      lastAt: 2002,
    },
    unknownDamage: false,
  });
});

test('an empty slice seals to nothing', async () => {
  await using open = openSlice();
  expect(await open.seal()).toMatchObject({ parts: [], figures: { goodRows: 0, damagedRows: 0 }, unknownDamage: false });
});

test('a block of another version or codec is refused, and nothing is stored', async () => {
  await using open = openSlice();
  const mismatch = { type: 'mismatch', sinkVersion: 7, codec: 'gzip' };
  expect(await open.append(request('a-1', a1!, { sinkVersion: 8 }))).toEqual(mismatch);
  expect(await open.append(request('a-1', a1!, { codec: 'zstd' as never }))).toEqual(mismatch);
  expect((await open.seal()).parts).toEqual([]);
});

test('after sealing: repeats are durable, other bytes a conflict, new blocks and new parts are for the successor', async () => {
  await using open = openSlice();
  await open.append(request('a-1', a1!));
  await open.append(request('a-1', a2!));
  await open.seal();
  const sealedLength = a2!.offset + a2!.block.length;
  expect(await open.append(request('a-1', a2!))).toEqual({ type: 'durable', watermark: sealedLength });
  expect(await open.append(request('a-1', { offset: 0, block: b1!.block }))).toEqual({ type: 'conflict' });
  expect(await open.append(request('a-1', a3!))).toEqual({ type: 'sealed', sealedLength });
  expect(await open.append(request('b-1', b1!))).toEqual({ type: 'sealed', sealedLength: 0 });
});

test('sealing waits for what was begun, and counts it', async () => {
  const gate = Promise.withResolvers<void>();
  await using open = openSlice({
    sync: async (work) => {
      await gate.promise;
      return work();
    },
  });
  const appended = open.append(request('a-1', a1!));
  await expect
    .poll(() =>
      readFile(join(folder, `a-1${extension}`)).then(
        ({ length }) => length,
        () => 0,
      ),
    )
    .toBe(a1!.block.length);
  const sealed = open.seal();
  expect(await open.append(request('b-1', b1!))).toEqual({ type: 'sealed', sealedLength: 0 });
  gate.resolve();
  expect(await appended).toMatchObject({ type: 'durable' });
  expect((await sealed).figures.goodRows).toBe(1);
});

test('a part that failed is sealed at what was durable', async () => {
  const create = async (path: string): Promise<PartHandle> => {
    const handle = await open(path, 'wx');
    let syncs = 0;
    return new Proxy(handle, {
      get: (target, name) => {
        if (name === 'datasync' && ++syncs > 1) return () => Promise.reject(new Error('EIO'));
        if (name === 'truncate') return () => Promise.reject(new Error('EIO'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  await using slice = openSlice({ create });
  await slice.append(request('a-1', a1!));
  expect(await slice.append(request('a-1', a2!))).toMatchObject({ type: 'failed', inDoubt: true });
  expect((await readFile(join(folder, `a-1${extension}`))).length).toBe(a2!.offset + a2!.block.length);
  const { parts, figures } = await slice.seal();
  expect(parts).toEqual([{ name: 'a-1', length: a1!.block.length }]);
  expect(figures.goodRows).toBe(1);
});

test('a part whose first block could not even be cut back leaves no file behind the sealing', async () => {
  const create = async (path: string): Promise<PartHandle> => {
    const handle = await open(path, 'wx');
    return new Proxy(handle, {
      get: (target, name) => {
        if (name === 'datasync' || name === 'truncate') return () => Promise.reject(new Error('EIO'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  await using slice = openSlice({ create });
  expect(await slice.append(request('a-1', a1!))).toMatchObject({ type: 'failed', inDoubt: true });
  expect(await readdir(folder)).toEqual([`a-1${extension}`]);
  expect(await slice.seal()).toMatchObject({ parts: [], figures: { goodRows: 0 } });
  expect(await readdir(folder)).toEqual([]);
});

/** What a writer that was killed left behind. */
async function leave(part: BuiltPart, content: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, part.name + extension), content);
}

test('after a restart: repeats of stored blocks are durable, what was torn off is a gap, and the part goes on nowhere', async () => {
  await leave(partA, partA.bytes.subarray(0, a3!.offset + 5));
  await using open = openSlice();
  const watermark = a3!.offset;
  expect(await open.append(request('a-1', a2!))).toEqual({ type: 'durable', watermark });
  expect(await open.append(request('a-1', { offset: 0, block: b1!.block }))).toEqual({ type: 'conflict' });
  expect(await open.append(request('a-1', a3!))).toEqual({ type: 'gap', watermark });
  expect(await open.append(request('b-1', b1!))).toMatchObject({ type: 'durable' });
  expect(open.figures.goodRows).toBe(4);
  expect(await open.seal()).toMatchObject({
    parts: [
      { name: 'a-1', length: watermark },
      { name: 'b-1', length: b1!.block.length },
    ],
    figures: { goodRows: 4 },
  });
  expect(await open.append(request('a-1', a2!))).toEqual({ type: 'durable', watermark });
  expect(await open.append(request('a-1', a3!))).toEqual({ type: 'sealed', sealedLength: watermark });
});

test('after a restart: a block of which only some members are left is in doubt when it is repeated, and its good ones are kept', async () => {
  const part = buildPart('a-1', [[['"1"\n']], [['"2"\n', '"3"\n'], ['"4"\n']]]);
  const [, second, third] = part.members;
  const content = Buffer.from(part.bytes);
  content[third!.offset + 40]! ^= 1;
  await leave(part, content);
  await using open = openSlice();
  const repeated = { offset: second!.offset, block: blockOf(part.bytes.subarray(second!.offset), 3) };
  expect(await open.append(request('a-1', repeated))).toEqual({ type: 'conflict' });
  expect(await open.seal()).toMatchObject({
    parts: [{ name: 'a-1', length: third!.offset }],
    figures: { goodRows: 3, damagedRows: 0 },
    unknownDamage: true,
  });
});

test('a slice that is closing when its writer starts is sealed from what lies there', async () => {
  await leave(partA, partA.bytes);
  await leave(partB, Buffer.from(partB.bytes).fill(0, b2!.offset + 80));
  await using open = openSlice({ state: 'closing' });
  expect(open.accepting).toBe(false);
  expect(await open.append(request('c-1', a1!))).toEqual({ type: 'sealed', sealedLength: 0 });
  expect(await open.seal()).toMatchObject({ figures: { goodRows: 5, damagedRows: 1 }, unknownDamage: false });
});

test('other files beside the parts are left alone', async () => {
  await leave(partA, partA.bytes);
  await writeFile(join(folder, `x${extension}.9-00000000.torn`), 'an old tail');
  await writeFile(join(folder, 'note'), 'not ours');
  await using open = openSlice();
  expect((await open.seal()).parts).toEqual([{ name: 'a-1', length: partA.bytes.length }]);
  expect(await readFile(join(folder, `x${extension}.9-00000000.torn`), 'utf8')).toBe('an old tail');
});

test('a recovery that fails is repeated by the sealing', async () => {
  await mkdir(join(folder, `a-1${extension}`), { recursive: true });
  await using open = openSlice({ state: 'closing' });
  await expect(open.seal()).rejects.toThrow('EISDIR');
  await rm(join(folder, `a-1${extension}`), { recursive: true });
  await leave(partA, partA.bytes);
  expect((await open.seal()).figures.goodRows).toBe(4);
});

test('bytes behind the sealed length are no part of it', async () => {
  await using open = openSlice();
  await open.append(request('a-1', a1!));
  await appendFile(join(folder, `a-1${extension}`), 'of a block in doubt');
  expect(await open.seal()).toMatchObject({ parts: [{ name: 'a-1', length: a1!.block.length }], figures: { goodRows: 1, damagedRows: 0 } });
});

test('appends that race with the sealing: durable ones are inside the sealed length and counted, sealed ones are not', async () => {
  let run = 0;
  const source = fc.record({ blocks: fc.integer({ min: 1, max: 6 }), yields: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(source, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 40 }), async (sources, sealAfter) => {
      run += 1;
      folder = join(temp.path, `slice-${run}`);
      await using open = openSlice();
      const outcomes = sources.map(async ({ blocks, yields }, index) => {
        const part = buildPart(
          `s-${index}`,
          Array.from({ length: blocks }, (_, at) => [[`"${index}.${at}"\n`]]),
        );
        const durable: number[] = [];
        for (const [at, sent] of blocksOf(part).entries()) {
          for (let turn = 0; turn < (yields[at] ?? 0); turn += 1) await new Promise(setImmediate);
          const result = await open.append(request(part.name, sent));
          if (result.type === 'sealed') return { part, durable, sealed: sent.offset };
          expect(result.type).toBe('durable');
          durable.push(sent.offset + sent.block.length);
        }
        return { part, durable, sealed: undefined };
      });
      for (let turn = 0; turn < sealAfter; turn += 1) await new Promise(setImmediate);
      const { parts, figures } = await open.seal();
      let rows = 0;
      for (const { part, durable, sealed } of await Promise.all(outcomes)) {
        const length = parts.find(({ name }) => name === part.name)?.length ?? 0;
        expect(durable.at(-1) ?? 0).toBe(length);
        if (sealed !== undefined) expect(sealed).toBeGreaterThanOrEqual(length);
        rows += durable.length;
        const path = join(folder, part.name + extension);
        if (length > 0) expect((await summarizePart(path, { nonce: partNonce(part.name), length })).goodRows).toBe(durable.length);
      }
      expect(figures).toMatchObject({ goodRows: rows, damagedRows: 0 });
    }),
    { numRuns: 60 },
  );
});

test('on a full volume a new part is refused before it exists, and the slice seals with what it has', async () => {
  const [first, second] = [buildPart('node-1-1', [[['a']], [['b']]]), buildPart('node-1-2', [[['c']]])];
  let isFull = false;
  await using open = openSlice({
    room: { take: () => (isFull ? { type: 'full' } : undefined), noteNoSpace: () => undefined, isFull: false },
  });
  expect(await open.append(request(first.name, blocksOf(first)[0]!))).toMatchObject({ type: 'durable' });
  isFull = true;
  expect(await open.append(request(second.name, blocksOf(second)[0]!))).toEqual({ type: 'full' });
  expect(await open.seal()).toMatchObject({ parts: [{ name: first.name }], figures: { goodRows: 1 } });
});

test('in mode cache sealing syncs every part before it counts', async () => {
  let syncs = 0;
  await using open = openSlice({
    syncMode: 'cache',
    sync: (work) => {
      syncs += 1;
      return work();
    },
  });
  await open.append(request('a-1', a1!));
  await open.append(request('b-1', b1!));
  expect(syncs).toBe(0);
  const { parts } = await open.seal();
  expect([syncs, parts.map(({ name }) => name)]).toEqual([2, ['a-1', 'b-1']]);
});

test('in mode cache a slice is sealed although a sync fails: what the disk has is told by the upload', async () => {
  await using open = openSlice({ syncMode: 'cache', sync: () => Promise.reject(new Error('EIO')) });
  await open.append(request('a-1', a1!));
  expect(await open.seal()).toMatchObject({ parts: [{ name: 'a-1', length: a1!.block.length }], figures: { goodRows: 1 } });
});

test('in mode cache a stop without a sealing syncs', async () => {
  let syncs = 0;
  const sync = <T>(work: () => Promise<T>) => {
    syncs += 1;
    return work();
  };
  const open = openSlice({ syncMode: 'cache', sync });
  await open.append(request('a-1', a1!));
  await open[Symbol.asyncDispose]();
  expect(syncs).toBe(1);
});
