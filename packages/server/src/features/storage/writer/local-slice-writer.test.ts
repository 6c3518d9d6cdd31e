import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import {
  openStorageRoom,
  quietSettings,
  type RunningStorage,
  rowOf,
  type Sent,
  type StorageRoom,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import type { Slice } from '../state/slice.ts';
import { sliceFolder } from '../state/storage-keys.ts';
import { StorageStore } from '../state/storage-store.ts';
import { StorageView } from '../storage-view.ts';
import { LocalSliceWriter } from './local-slice-writer.ts';

let room: StorageRoom;
let store: StorageStore;
beforeEach(async () => {
  room = await openStorageRoom();
  store = new StorageStore(room.metadata, systemClock);
});
afterEach(() => room[Symbol.asyncDispose]());

const firstSlice = ({ view }: RunningStorage): { key: string; slice: Slice } => {
  const found = view.writingSlice(testSinkKey);
  if (!found) throw new Error('no slice takes rows');
  return found;
};
const close = (key: string) => store.changeSlice(key, (at) => ({ type: 'close', at }));
const stateOf = (running: RunningStorage, key: string) => running.view.slice(key)?.state;
const folderOf = (slice: Slice): string => join(room.volume.path, sliceFolder(slice));
const again = (running: RunningStorage, { request }: Sent) => running.writer.append(request);

test('rows are appended, the slice is closed and sealed with its parts and figures', async () => {
  await using running = await room.start(['writer']);
  const { key } = firstSlice(running);
  const sent = await running.append(['a', 'b']);
  expect(sent.result).toEqual({ type: 'durable', watermark: sent.request.block.length });
  await close(key);
  await running.until(() => stateOf(running, key) === 'uploading');
  expect(running.view.slice(key)).toMatchObject({
    parts: [{ name: sent.request.part, length: sent.request.block.length }],
    figures: { goodRows: 2, damagedRows: 0, compressedBytes: sent.request.block.length, rawBytes: 8 },
  });
  const next = { ...sent.request, offset: sent.request.block.length };
  expect(await running.writer.append(next)).toEqual({ type: 'sealed', sealedLength: next.offset });
  expect(await running.writer.append({ ...sent.request, part: 'another-1-1' })).toEqual({ type: 'sealed', sealedLength: 0 });
});

test('a slice that nobody wrote to is uploaded at once, and has no folder', async () => {
  await using running = await room.start(['writer']);
  const { key, slice } = firstSlice(running);
  await close(key);
  await running.until(() => stateOf(running, key) === 'uploaded');
  expect(running.view.slice(key)).toMatchObject({ isEmpty: true, parts: [] });
  await expect(stat(folderOf(slice))).rejects.toThrow('ENOENT');
});

test('a slice of which the writer knows nothing', async () => {
  await using running = await room.start(['writer']);
  const { request } = await running.append(['a']);
  expect(await running.writer.append({ ...request, slice: '1/1/source/sink/elsewhere/2026-06-24T10:00:00.000Z' })).toEqual({
    type: 'unknownSlice',
  });
});

test('a repeat is durable at every moment of a slice: open, closing, sealed but not yet seen, sealed, after a restart', async () => {
  let sent: Sent;
  let sealed: string;
  {
    await using running = await room.start(['writer']);
    const { key } = firstSlice(running);
    sealed = key;
    sent = await running.append(['a']);
    const outcomes = new Set<string>();
    const stop = new AbortController();
    const repeating = (async () => {
      while (!stop.signal.aborted) outcomes.add((await again(running, sent)).type);
    })();
    await close(key);
    await running.until(() => stateOf(running, key) === 'uploading');
    await again(running, sent);
    stop.abort();
    await repeating;
    expect([...outcomes]).toEqual(['durable']);
  }
  await using restarted = await room.start(['writer']);
  expect(stateOf(restarted, sealed)).toBe('uploading');
  expect(await again(restarted, sent)).toMatchObject({ type: 'durable' });
});

test('a restart recovers open slices: they take new parts, and what was durable is counted', async () => {
  let sent: Sent;
  {
    await using running = await room.start(['writer']);
    sent = await running.append(['a', 'b']);
  }
  await using running = await room.start(['writer']);
  expect(await again(running, sent)).toMatchObject({ type: 'durable' });
  expect(await running.writer.append({ ...sent.request, offset: sent.request.block.length })).toMatchObject({ type: 'gap' });
  await running.append(['c']);
  await close(sent.request.slice);
  await running.until(() => stateOf(running, sent.request.slice) === 'uploading');
  expect(running.view.slice(sent.request.slice)).toMatchObject({ figures: { goodRows: 3 } });
});

test('a slice that was closing when the writer died is sealed by the next one', async () => {
  let key: string;
  {
    await using running = await room.start(['writer']);
    key = (await running.append(['a'])).request.slice;
  }
  await close(key);
  await using running = await room.start(['writer']);
  await running.until(() => stateOf(running, key) === 'uploading');
  expect(running.view.slice(key)).toMatchObject({ figures: { goodRows: 1 } });
});

test('while metadata is away a closing slice takes nothing, repeats are known, and the sealing comes after', async () => {
  const sealing = Promise.withResolvers<void>();
  let outages = 1;
  const checkpoint = (name: string) => {
    if (name !== 'slice.beforeSeal' || outages === 0) return;
    room.metadata.outage = new AppError('metadataUnavailable', 'down');
    sealing.resolve();
  };
  await using running = await room.start(['writer'], { checkpoint });
  const sent = await running.append(['a']);
  await close(sent.request.slice);
  await sealing.promise;
  const sealedLength = sent.request.block.length;
  expect(await running.writer.append({ ...sent.request, offset: sealedLength })).toEqual({ type: 'sealed', sealedLength });
  expect(await again(running, sent)).toMatchObject({ type: 'durable' });
  expect(stateOf(running, sent.request.slice)).toBe('closing');
  // The next attempt succeeds.
  outages = 0;
  room.metadata.outage = undefined;
  await running.until(() => stateOf(running, sent.request.slice) === 'uploading');
});

test('many sources append to one slice at once', async () => {
  await using running = await room.start(['writer']);
  const { key } = firstSlice(running);
  const names = Array.from({ length: 50 }, (_, index) => `node-0000000000000000-${index}`);
  const results = names.map(async (part) => {
    const block = await running.storage.encoderOf(part, 'gzip').encode([rowOf(part)]);
    return running.writer.append({ slice: key, part, offset: 0, block, sinkVersion: 1, codec: 'gzip' });
  });
  expect(new Set((await Promise.all(results)).map(({ type }) => type))).toEqual(new Set(['durable']));
  await close(key);
  await running.until(() => stateOf(running, key) === 'uploading');
  expect(running.view.slice(key)).toMatchObject({ figures: { goodRows: 50, damagedRows: 0 } });
});

test('files of sealed slices are closed', async () => {
  await using running = await room.start(['writer']);
  const openFiles = async () => (await readdir('/proc/self/fd')).length;
  const { request } = await running.append(['a']);
  await Promise.all(
    Array.from({ length: 30 }, (_, index) => running.writer.append({ ...request, part: `other-0000000000000000-${index}` })),
  );
  const before = await openFiles();
  await close(request.slice);
  await running.until(() => stateOf(running, request.slice) === 'uploading');
  await expect.poll(openFiles).toBeLessThan(before - 20);
});

test('local parts go once the file is imported and the retention is over, with the folders above that became empty', async () => {
  const settings = { ...quietSettings, dataRetentionMs: 0 };
  await using running = await room.start(['writer', 'uploader'], { settings });
  const { key, slice } = firstSlice(running);
  await running.append(['a']);
  await close(key);
  await running.until(() => stateOf(running, key) === 'uploaded');
  expect((await readdir(folderOf(slice))).length).toBe(1);
  const figures = { goodRows: 1, damagedRows: 0, compressedBytes: 1, rawBytes: 1 };
  await store.changeFile(slice.file, (at) => ({ type: 'close', at }));
  await store.changeFile(slice.file, (at) => ({ type: 'slicesUploaded', staging: 0, at, figures, checksum: 'sum' }));
  await store.changeFile(slice.file, (at) => ({ type: 'imported', at, rows: 1 }));
  await running.until(() => 'localRemovedAt' in (running.view.slice(key) ?? {}));
  expect(await readdir(room.volume.path)).toEqual(['volume-id']);
});

test('a slice is sealed once, and answers repeats, while the view still shows it closing', async () => {
  // A view that never hears of the sealing: the writer sees the slice closing for ever.
  await using running = await room.start([]);
  const { key } = firstSlice(running);
  const stop = new AbortController();
  const stale = new StorageView(room.metadata, silentLogger);
  const following = stale.run(stop.signal);
  await stale.ready;
  const checkpoints: string[] = [];
  await using writer = new LocalSliceWriter({
    volumes: [room.volume],
    view: stale,
    store,
    retentionMs: 0,
    checkpoint: (name) => checkpoints.push(name),
    logger: silentLogger,
  });
  const encoder = running.storage.encoderOf('node-1-1', 'gzip');
  const block = await encoder.encode([{ bytes: Buffer.from('"a"\n'), invalidUtf8: false, nul: false, receivedAt: 1 }]);
  const request = { slice: key, part: 'node-1-1', offset: 0, block, sinkVersion: 1, codec: 'gzip' as const };
  expect(await writer.append(request)).toMatchObject({ type: 'durable' });
  let closed = false;
  stale.subscribe(() => {
    if (closed || stale.slice(key)?.state !== 'closing') return;
    closed = true;
    stop.abort();
  });
  await close(key);
  await following;
  await running.until(() => stateOf(running, key) === 'uploading');
  expect(stale.slice(key)?.state).toBe('closing');
  expect(await writer.append(request), 'not "unknownSlice", which would say that it is not stored').toMatchObject({ type: 'durable' });
  expect(await writer.append({ ...request, offset: block.length })).toEqual({ type: 'sealed', sealedLength: block.length });
  await writer[Symbol.asyncDispose]();
  expect(checkpoints.filter((name) => name === 'slice.beforeSeal')).toHaveLength(1);
});
