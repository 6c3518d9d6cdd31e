import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blockOf } from '../../../../test/support/part-fixture.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { noCheckpoint } from '../../../kernel/observe/checkpoint.ts';
import { PartFile, type PartHandle } from './part-file.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
let path: string;
beforeEach(async () => {
  folder = await openTempFolder();
  path = join(folder.path, '1/1/source/sink/slice/part.csv.gz');
});
afterEach(() => folder[Symbol.asyncDispose]());

const one = blockOf(Buffer.from('first block'), 3);
const two = blockOf(Buffer.from('second'), 2);
const other = blockOf(Buffer.from('FIRST block'), 3);

/** A part whose handle is made by `wrap`, and whose syncs go through `sync`. */
const partFile = ({
  wrap = (handle: PartHandle) => handle,
  sync = <T>(work: () => Promise<T>) => work(),
  calls = [] as string[],
  syncMode = 'disk' as 'disk' | 'cache',
} = {}) =>
  new PartFile({
    syncMode,
    path,
    volumePath: folder.path,
    checkpoint: (name) => calls.push(name),
    sync,
    create: async (file) => wrap(await open(file, 'wx')),
  });

/** The handle with some operations replaced. */
const handleWith = (handle: PartHandle, own: Partial<PartHandle>): PartHandle => ({
  writev: (buffers, position) => handle.writev(buffers, position),
  write: handle.write.bind(handle),
  datasync: () => handle.datasync(),
  truncate: (length) => handle.truncate(length),
  sync: () => handle.sync(),
  close: () => handle.close(),
  ...own,
});

const fails = () => Promise.reject(new Error('EIO'));

test('blocks are durable in order, and only their own figures count', async () => {
  const calls: string[] = [];
  await using part = partFile({ calls });
  expect(part.figures).toMatchObject({ goodRows: 0 });
  expect(await part.append(0, one)).toEqual({ type: 'durable', watermark: one.length });
  expect(await part.append(one.length, two)).toEqual({ type: 'durable', watermark: one.length + two.length });
  expect(await readFile(path, 'utf8')).toBe('first blocksecond');
  expect(part.figures).toMatchObject({ goodRows: 5, damagedRows: 0, compressedBytes: one.length + two.length });
  expect(calls).toEqual(['part.beforeWrite', 'part.afterWrite', 'part.afterSync', 'part.beforeWrite', 'part.afterWrite', 'part.afterSync']);
});

test('nothing is acknowledged before its sync', async () => {
  const gate = Promise.withResolvers<void>();
  const events: string[] = [];
  await using part = partFile({
    sync: async (work) => {
      await gate.promise;
      events.push('sync');
      return work();
    },
  });
  const appended = part.append(0, one).then(() => events.push('durable'));
  const repeated = part.append(0, one).then(({ type }) => events.push(`repeat ${type}`));
  await expect
    .poll(() =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    )
    .toBe(one.length);
  expect(part.watermark).toBe(0);
  expect(events).toEqual([]);
  gate.resolve();
  await Promise.all([appended, repeated]);
  expect(events).toEqual(['sync', 'durable', 'repeat durable']);
});

test('a repeat succeeds and writes nothing; other bytes there are a conflict; a hole is a gap', async () => {
  await using part = partFile();
  await part.append(0, one);
  await part.append(one.length, two);
  const watermark = one.length + two.length;
  expect(await part.append(0, one)).toEqual({ type: 'durable', watermark });
  expect(await part.append(one.length, two)).toEqual({ type: 'durable', watermark });
  expect(await part.append(0, other)).toEqual({ type: 'conflict' });
  expect(await part.append(1, one)).toEqual({ type: 'conflict' });
  expect(await part.append(watermark - 1, two)).toEqual({ type: 'conflict' });
  expect(await part.append(watermark + 1, two)).toEqual({ type: 'gap', watermark });
  expect(await readFile(path, 'utf8')).toBe('first blocksecond');
});

test('a sealed part knows repeats and sends everything else on', async () => {
  await using part = partFile();
  await part.append(0, one);
  const sealedLength = one.length;
  expect(await part.appendSealed(0, one)).toEqual({ type: 'durable', watermark: sealedLength });
  expect(await part.appendSealed(0, other)).toEqual({ type: 'conflict' });
  expect(await part.appendSealed(sealedLength - 1, two)).toEqual({ type: 'conflict' });
  expect(await part.appendSealed(sealedLength, two)).toEqual({ type: 'sealed', sealedLength });
  await part[Symbol.asyncDispose]();
  expect(await part.appendSealed(0, one), 'also when its file is closed').toEqual({ type: 'durable', watermark: sealedLength });
});

test('a failed sync that is cut back is surely not stored, and the part takes nothing more', async () => {
  let syncs = 0;
  await using part = partFile({ wrap: (handle) => handleWith(handle, { datasync: () => (++syncs === 2 ? fails() : handle.datasync()) }) });
  await part.append(0, one);
  const failed = { type: 'failed', inDoubt: false, reason: 'EIO' };
  expect(await part.append(one.length, two)).toEqual(failed);
  expect((await stat(path)).size).toBe(one.length);
  expect(await part.append(one.length, two)).toEqual(failed);
  expect(await part.append(0, one)).toEqual({ type: 'durable', watermark: one.length });
  expect(part.watermark).toBe(one.length);
  expect(part.figures).toMatchObject({ goodRows: 3 });
});

test('a part that never held a block leaves no file, unless nobody knows what is in it', async () => {
  {
    await using part = partFile({ wrap: (handle) => handleWith(handle, { datasync: fails }) });
    expect(await part.append(0, one)).toMatchObject({ type: 'failed', inDoubt: false });
    expect(existsSync(path)).toBe(false);
    expect(await part.append(0, one), 'the part takes nothing more').toMatchObject({ type: 'failed', inDoubt: false });
    expect(existsSync(path)).toBe(false);
  }
  await using doubtful = partFile({ wrap: (handle) => handleWith(handle, { datasync: fails, truncate: fails }) });
  expect(await doubtful.append(0, one)).toMatchObject({ type: 'failed', inDoubt: true });
  expect((await stat(path)).size).toBe(one.length);
});

test.each(['truncate', 'sync'] as const)('a failed block is in doubt where its %s fails too, and stays so when repeated', async (cut) => {
  await using part = partFile({ wrap: (handle) => handleWith(handle, { datasync: fails, [cut]: fails }) });
  const failed = { type: 'failed', inDoubt: true, reason: 'EIO' };
  expect(await part.append(0, one)).toEqual(failed);
  expect(await part.append(0, one)).toEqual(failed);
  expect(part.watermark).toBe(0);
});

test('a write that the disk takes in pieces is finished', async () => {
  const short: PartHandle['writev'] = async (buffers) => ({ buffers, bytesWritten: 0 });
  await using part = partFile({
    wrap: (handle) =>
      handleWith(handle, {
        writev: short,
        write: ((bytes: Buffer, offset: number, _length: number, position: number) => handle.write(bytes, offset, 1, position)) as never,
      }),
  });
  expect(await part.append(0, one)).toMatchObject({ type: 'durable' });
  expect(await part.append(one.length, two)).toMatchObject({ type: 'durable' });
  expect(await readFile(path, 'utf8')).toBe('first blocksecond');
});

test('a folder or file that cannot be made leaves nothing in doubt', async () => {
  await writeFile(join(folder.path, '1'), 'a file where a folder has to be');
  await using blocked = partFile();
  expect(await blocked.append(0, one)).toMatchObject({ type: 'failed', inDoubt: false });
});

test('a file that is there already is never continued', async () => {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, 'of somebody else');
  await using part = new PartFile({ path, volumePath: folder.path, checkpoint: noCheckpoint, sync: (work) => work() });
  expect(await part.append(0, one)).toMatchObject({ type: 'failed', inDoubt: false });
  expect(await readFile(path, 'utf8')).toBe('of somebody else');
});

test('a repeat that cannot be read back fails alone', async () => {
  await using part = partFile();
  await part.append(0, one);

  await rename(path, `${path}.away`);
  await expect(part.append(0, one)).rejects.toThrow('ENOENT');
  await rename(`${path}.away`, path);
  expect(await part.append(0, one)).toMatchObject({ type: 'durable' });
  expect(await part.append(one.length, two)).toMatchObject({ type: 'durable' });
});

test('whatever is sent, in whatever order and at once: the file is the durable blocks, each once', async () => {
  const blocks = ['alpha', 'be', 'gamma!', 'd'].map((text) => blockOf(Buffer.from(text)));
  let run = 0;
  const offsets = blocks.map((_, index) => blocks.slice(0, index).reduce((sum, { length }) => sum + length, 0));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 20 }), async (sends) => {
      run += 1;
      path = join(folder.path, `run-${run}`, 'part');
      await using part = partFile();
      const results = await Promise.all(
        sends.map(([index, corrupt]) =>
          part.append(offsets[index]!, corrupt ? blockOf(Buffer.alloc(blocks[index]!.length, '?')) : blocks[index]!),
        ),
      );
      const content = await readFile(path).catch(() => Buffer.alloc(0));
      expect(content.length).toBe(part.watermark);
      for (const [at, result] of results.entries()) {
        const [index, corrupt] = sends[at]!;
        const { length } = blocks[index]!;
        const sent = corrupt ? Buffer.alloc(length, '?') : blocks[index]!.buffers[0]!;
        const stands = content.subarray(offsets[index], offsets[index]! + length).equals(sent);
        expect(result.type === 'durable').toBe(stands && result.type !== 'gap');
        expect(['durable', 'conflict', 'gap']).toContain(result.type);
      }
    }),
    { numRuns: 40 },
  );
});

test.each(['ENOSPC', 'EDQUOT'])('a write without room (%s) is cut back and surely not stored; the room is told', async (code) => {
  const noted: number[] = [];
  const noSpace = () => Promise.reject(Object.assign(new Error('no room'), { code }));
  let isFull = false;
  await using part = new PartFile({
    path,
    volumePath: folder.path,
    checkpoint: noCheckpoint,
    sync: (work) => work(),
    room: {
      isFull: false,
      take: (bytes) => (bytes === two.length && isFull ? { type: 'full', retryAfterSeconds: 7 } : undefined),
      noteNoSpace: () => noted.push(1),
    },
    create: async (file) => {
      const handle = await open(file, 'wx');
      return handleWith(handle, { datasync: () => (noted.length === 0 && part.watermark > 0 ? noSpace() : handle.datasync()) });
    },
  });
  expect(await part.append(0, one)).toMatchObject({ type: 'durable' });
  isFull = true;
  expect(await part.append(one.length, two), 'refused before anything is written').toEqual({ type: 'full', retryAfterSeconds: 7 });
  expect(await part.append(0, one), 'a repeat of what is stored needs no room').toMatchObject({ type: 'durable' });
  isFull = false;
  expect(await part.append(one.length, two)).toEqual({ type: 'full' });
  expect(noted).toEqual([1]);
  expect(await readFile(path, 'utf8')).toBe('first block');
});

test('a block that met a full disk and cannot be cut back is in doubt', async () => {
  const noSpace = () => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }));
  await using part = partFile({ wrap: (handle) => handleWith(handle, { datasync: noSpace, truncate: fails }) });
  expect(await part.append(0, one)).toMatchObject({ type: 'failed', inDoubt: true });
});

test('in mode cache blocks are acknowledged once written, and synced together on demand, once', async () => {
  let syncs = 0;
  const datasync = async () => {
    syncs += 1;
  };
  await using part = partFile({ syncMode: 'cache', wrap: (handle) => handleWith(handle, { datasync }) });
  await part.flush();
  expect(await part.append(0, one)).toEqual({ type: 'durable', watermark: one.length });
  const second = part.append(one.length, two);
  expect(syncs).toBe(0);
  await part.flush();
  expect([syncs, await second]).toEqual([1, { type: 'durable', watermark: one.length + two.length }]);
  expect(await readFile(path, 'utf8')).toBe('first blocksecond');
  await part.flush();
  expect(syncs, 'nothing is left to sync').toBe(1);
});

test('in mode cache a failed sync is told once and never tried again', async () => {
  let syncs = 0;
  const datasync = () => {
    syncs += 1;
    return fails();
  };
  await using part = partFile({ syncMode: 'cache', wrap: (handle) => handleWith(handle, { datasync }) });
  await part.append(0, one);
  await expect(part.flush()).rejects.toThrow('EIO');
  await part.flush();
  expect(syncs).toBe(1);
});

test('in mode cache a failed write is cut back, and the blocks before it stay', async () => {
  let writes = 0;
  const wrap = (handle: PartHandle) =>
    handleWith(handle, { writev: (buffers, at) => (++writes === 1 ? handle.writev(buffers, at) : fails()) });
  await using part = partFile({ syncMode: 'cache', wrap });
  await part.append(0, one);
  expect(await part.append(one.length, two)).toEqual({ type: 'failed', inDoubt: false, reason: 'EIO' });
  await part.flush();
  expect([part.watermark, await readFile(path, 'utf8')]).toEqual([one.length, 'first block']);
});
