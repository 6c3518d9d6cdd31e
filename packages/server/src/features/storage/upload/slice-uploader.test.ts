import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  openStorageRoom,
  quietSettings,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  startStorage,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type Clock, systemClock } from '../../../kernel/time/clock.ts';
import { codecNames, extensionOf } from '../block/block-codec.ts';
import type { Slice } from '../state/slice.ts';
import { objectFolder, sliceFolder } from '../state/storage-keys.ts';
import { StorageStore } from '../state/storage-store.ts';

describe.each(codecNames)('%s', (codec) => {
  const settings = { ...quietSettings, compression: { ...quietSettings.compression, codec } };
  let room: StorageRoom;
  let store: StorageStore;
  beforeEach(async () => {
    room = await openStorageRoom({ settings });
    store = new StorageStore(room.metadata, systemClock);
  });
  afterEach(() => room[Symbol.asyncDispose]());

  const unpack = codec === 'zstd' ? zstdDecompressSync : gunzipSync;
  const folderOf = (slice: Slice): string => join(room.volume.path, sliceFolder(slice));
  const uploaded = ({ view }: RunningStorage, key: string) => {
    const slice = view.slice(key);
    return slice?.state === 'uploaded' ? slice : undefined;
  };

  /** A sealed slice: each argument is one block of one part, each list of blocks a part. */
  async function sealedSlice(
    ...parts: (string | Buffer)[][][]
  ): Promise<{ key: string; slice: Slice & { state: 'uploading' }; files: string[] }> {
    let key = '';
    for (const blocks of parts) {
      // Every start is another incarnation of the source, so its rows go to a part of their own.
      await using running = await room.start(['writer']);
      for (const rows of blocks) key = (await running.append(rows)).request.slice;
    }
    await store.changeSlice(key, (at) => ({ type: 'close', at }));
    await using running = await room.start(['writer']);
    await running.until(() => running.view.slice(key)?.state === 'uploading');
    const slice = running.view.slice(key);
    if (slice?.state !== 'uploading') throw new Error('not sealed');
    const files = slice.parts.map(({ name }) => join(folderOf(slice), name + extensionOf(codec)));
    return { key, slice, files };
  }

  /** Uploads the slice and reads its object. */
  async function upload(key: string, running?: RunningStorage): Promise<{ slice: Slice & { state: 'uploaded' }; rows: string }> {
    await using own = running ?? (await room.start(['uploader']));
    await own.until(() => uploaded(own, key) !== undefined);
    const slice = uploaded(own, key)!;
    const content = slice.object ? Buffer.concat(await Array.fromAsync(room.objects.get(slice.object.key))) : undefined;
    if (content) expect(content.length).toBe(slice.object?.bytes);
    const rows = content ? unpack(content).toString() : '';
    if (slice.object) expect(slice.object.key.endsWith(extensionOf(codec))).toBe(true);
    // No row of these tests holds a new line.
    expect(slice.sentRows, 'the count of the uploader').toBe(rows.split('\n').length - 1);
    expect(slice.acceptedRows).toBe((slice.sentRows ?? 0) + slice.figures.damagedRows);
    return { slice, rows };
  }

  /** Changes one byte of the last bytes of the member that starts at the offset. */
  async function damage(file: string, at: number): Promise<void> {
    const bytes = await readFile(file);
    bytes[at]! ^= 1;
    await writeFile(file, bytes);
  }

  test('a slice of one whole part is linked, not copied', async () => {
    const { key, files } = await sealedSlice([['a', 'b'], ['c']]);
    const { slice, rows } = await upload(key);
    expect(rows).toBe('"a"\n"b"\n"c"\n');
    expect(slice).toMatchObject({ isEmpty: false, figures: { goodRows: 3, damagedRows: 0 } });
    expect((await stat(room.objects.directory!.pathOf(slice.object!.key))).ino).toBe((await stat(files[0]!)).ino);
  });

  test('several parts become one object, in the order of their names', async () => {
    const { key, slice, files } = await sealedSlice([['a']], [['b'], ['c']]);
    expect(slice.parts).toHaveLength(2);
    const { rows, slice: after } = await upload(key);
    expect(rows).toBe('"a"\n"b"\n"c"\n');
    expect(after.object?.bytes).toBe(slice.parts.reduce((sum, { length }) => sum + length, 0));
    expect((await stat(room.objects.directory!.pathOf(after.object!.key))).ino).not.toBe((await stat(files[0]!)).ino);
  });

  test('a store without links gets the bytes', async () => {
    const { key } = await sealedSlice([['a']]);
    const objects: ObjectStore = { ...asPlainStore(room.objects), directory: { pathOf: (name) => name, link: async () => false } };
    await using running = await startStorage({ ...room, objects, volumes: [room.volume] }, ['uploader'], {});
    expect((await upload(key, running)).rows).toBe('"a"\n');
  });

  test('a damaged member is left out and its rows counted as damaged; the others are uploaded', async () => {
    const { key, files } = await sealedSlice([['a'], ['b', 'c'], ['d']]);
    const bytes = await readFile(files[0]!);
    const second = bytes.indexOf(bytes.subarray(0, 4), 20);
    await damage(files[0]!, second + 80);
    const { slice, rows } = await upload(key);
    expect(rows).toBe('"a"\n"d"\n');
    expect(slice.figures).toMatchObject({ goodRows: 2, damagedRows: 2 });
  });

  test('bytes behind the sealed length are not uploaded, and keep the part from being linked', async () => {
    const { key, slice, files } = await sealedSlice([['a']]);
    await writeFile(files[0]!, Buffer.concat([await readFile(files[0]!), randomBytes(100)]));
    const { slice: after, rows } = await upload(key);
    expect(rows).toBe('"a"\n');
    expect(after.object?.bytes).toBe(slice.parts[0]?.length);
  });

  test('a part file that is gone is damage; the other parts are uploaded', async () => {
    const { key, files } = await sealedSlice([['a']], [['b', 'c']]);
    await rm(files[0]!);
    const { slice, rows } = await upload(key);
    expect(rows).toBe('"b"\n"c"\n');
    expect(slice.figures).toMatchObject({ goodRows: 2, damagedRows: 1 });
  });

  test('a slice of which nothing is left has no object', async () => {
    const { key, slice } = await sealedSlice([['a', 'b']]);
    await rm(folderOf(slice), { recursive: true });
    const after = (await upload(key)).slice;
    expect(after).toMatchObject({ isEmpty: true, figures: { goodRows: 0, damagedRows: 2 } });
    expect(after.object).toBeUndefined();
    expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toEqual([]);
  });

  test('members with bytes that are no UTF-8 are rewritten to U+FFFD; their rows and all others stay', async () => {
    const broken = Buffer.concat([Buffer.from('x'), Buffer.from([0xff, 0xc3]), Buffer.from('""y'), Buffer.from([0xe2, 0x82])]);
    const { key } = await sealedSlice([['a'], ['b', broken], ['c\0d']]);
    const { slice, rows } = await upload(key);
    expect(rows).toBe('"a"\n"b"\n"x\uFFFD\uFFFD""y\uFFFD"\n"c\0d"\n');
    expect(slice.figures).toMatchObject({ goodRows: 4, damagedRows: 0 });
  });

  test('U+0000 is rewritten where the tables cannot hold it', async () => {
    await room[Symbol.asyncDispose]();
    room = await openStorageRoom({ settings, nulInText: false });
    store = new StorageStore(room.metadata, systemClock);
    const { key } = await sealedSlice([['a\0b', 'c']]);
    expect((await upload(key)).rows).toBe('"a\uFFFDb"\n"c"\n');
  });

  /** The store's methods as own properties, to replace some of them. */
  const asPlainStore = (objects: ObjectStore): ObjectStore => ({
    put: (...args) => objects.put(...args),
    get: (...args) => objects.get(...args),
    head: (key) => objects.head(key),
    list: (query) => objects.list(query),
    delete: (key) => objects.delete(key),
    [Symbol.asyncDispose]: async () => {},
  });

  test('a store that fails is tried again, with reason and time noted', async () => {
    const { key } = await sealedSlice([['a']]);
    let puts = 0;
    const objects: ObjectStore = {
      ...asPlainStore(room.objects),
      put: (...args) => (++puts === 1 ? Promise.reject(new AppError('objectsUnavailable', 'no answer')) : room.objects.put(...args)),
    };
    await using running = await startStorage({ ...room, objects, volumes: [room.volume] }, ['uploader'], {});
    await running.until(() => running.view.slice(key)?.retry !== undefined);
    const { retry } = running.view.slice(key)!;
    expect(retry).toMatchObject({ attempt: 1, reason: 'no answer' });
    expect(puts, 'not before its time').toBe(1);
    const { slice, rows } = await upload(key, running);
    expect(rows).toBe('"a"\n');
    expect(slice.retry).toBeUndefined();
    expect(slice.uploadedAt >= retry!.after).toBe(true);
  });

  /** Delays never pass: only a forgiven slice is tried again. */
  const standingClock: Clock = { now: systemClock.now, monotonic: () => 0 };

  test('the first upload that works forgives the delays of all that failed', async () => {
    {
      await using running = await room.start(['writer', 'coordinator', 'statistics'], { settings: rotatingSettings(1, 100) });
      for (const row of ['a', 'b']) {
        const { request } = await running.append([row]);
        await running.until(() => running.view.slice(request.slice)?.state === 'uploading');
      }
    }
    let refused: string | undefined;
    const engineWorks = Promise.withResolvers<void>();
    const objects: ObjectStore = {
      ...asPlainStore(room.objects),
      put: async (key, ...rest) => {
        refused ??= key;
        if (refused === key) throw new AppError('objectsUnavailable', 'no answer');
        await engineWorks.promise;
        return room.objects.put(key, ...rest);
      },
    };
    await using running = await startStorage({ ...room, objects, volumes: [room.volume] }, ['uploader'], { clock: standingClock });
    const slices = () => [...running.view.slices()].filter(({ state }) => state !== 'writing');
    await running.until(() => slices().some(({ retry }) => retry !== undefined));
    expect(slices().map(({ state }) => state)).toEqual(['uploading', 'uploading']);
    engineWorks.resolve();
    await running.until(() => slices().every(({ state }) => state === 'uploaded'));
  });

  test('a store without room forgives as soon as it takes a probe, and keeps none', async () => {
    const { key } = await sealedSlice([['a']]);
    const state = { full: true };
    const objects: ObjectStore = {
      ...asPlainStore(room.objects),
      put: (...args) => (state.full ? Promise.reject(new AppError('diskFull', 'no room')) : room.objects.put(...args)),
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await using running = await startStorage({ ...room, objects, volumes: [room.volume] }, ['uploader'], { clock: standingClock });
      await running.until(() => running.view.slice(key)?.retry !== undefined);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(uploaded(running, key)).toBeUndefined();
      state.full = false;
      await vi.advanceTimersByTimeAsync(2000);
      await running.until(() => uploaded(running, key) !== undefined);
    } finally {
      vi.useRealTimers();
    }
    expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toHaveLength(1);
  });

  test('an attempt that somebody else was faster than is deleted', async () => {
    const { key, slice } = await sealedSlice([['a']]);
    const first = { key: `${objectFolder(slice)}/first.csv.gz`, bytes: 1 };
    const objects: ObjectStore = {
      ...asPlainStore(room.objects),
      put: async (...args) => {
        const stored = await room.objects.put(...args);
        await store.changeSlice(key, (at) => ({ type: 'upload', at, object: first, figures: slice.figures }));
        return stored;
      },
      delete: async (name) => {
        await room.objects.delete(name);
        deleted.resolve();
      },
    };
    const deleted = Promise.withResolvers<void>();
    await using running = await startStorage({ ...room, objects, volumes: [room.volume] }, ['uploader'], {});
    await deleted.promise;
    await running.until(() => uploaded(running, key) !== undefined);
    expect(uploaded(running, key)?.object).toEqual(first);
    expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toEqual([]);
  });

  test('a stop in the middle of an upload leaves the slice as it was, and the next start uploads it', async () => {
    const { key } = await sealedSlice([['a']], [['b']]);
    const begun = Promise.withResolvers<void>();
    const objects: ObjectStore = {
      ...asPlainStore(room.objects),
      put: (_key, _content, { signal } = {}) => {
        begun.resolve();
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    {
      await using _running = await startStorage({ ...room, objects, volumes: [room.volume] }, ['uploader'], {});
      await begun.promise;
    }
    expect((await store.slice(key))?.value).toMatchObject({ state: 'uploading' });
    expect((await store.slice(key))?.value.retry).toBeUndefined();
    expect((await upload(key)).rows).toBe('"a"\n"b"\n');
  });

  test('slices of other volumes are not touched', async () => {
    const { key, slice } = await sealedSlice([['a']]);
    await using running = await startStorage({ ...room, volumes: [] }, ['uploader'], {});
    await running.until(() => running.view.slice(key) !== undefined);
    expect(running.view.writingSlice(testSinkKey)).toBeUndefined();
    expect(await readdir(folderOf(slice))).toHaveLength(1);
    expect(running.view.slice(key)?.state).toBe('uploading');
  });

  test('small blocks are encoded anew where that is allowed: fewer members, the same rows', async () => {
    const blocks = Array.from({ length: 300 }, (_, index) => [`row ${index}, "quoted"`]);
    const { key, slice, files } = await sealedSlice(blocks, [[Buffer.from([0xff, 0x61])]]);
    const bytes = (await Promise.all(files.map((file) => stat(file)))).reduce((sum, { size }) => sum + size, 0);
    await using running = await room.start(['uploader'], { settings: { ...settings, reencode: true } });
    const sent = await upload(key, running);
    expect(sent.rows.split('\n').toSorted()).toEqual(
      ['', '"\uFFFDa"', ...blocks.map(([row]) => `"${row?.replaceAll('"', '""')}"`)].toSorted(),
    );
    expect(sent.slice.object!.bytes).toBeLessThan(bytes / 5);
    expect(sent.slice.figures).toEqual(slice.figures);
  });

  test('large blocks are never encoded anew', async () => {
    const { key, files } = await sealedSlice([[randomBytes(9000).toString('hex')], [randomBytes(9000).toString('hex')]]);
    await using running = await room.start(['uploader'], { settings: { ...settings, reencode: true } });
    const { slice } = await upload(key, running);
    expect(slice.object!.bytes).toBe((await stat(files[0]!)).size);
  });
});
