import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStorageRoom, type RunningStorage, type StorageRoom, testSinkKey } from '../../../test/support/storage-room.ts';
import { systemClock } from '../../kernel/time/clock.ts';
import type { Slice } from './state/slice.ts';
import {
  fileMetadataKey,
  fileSliceMetadataKey,
  sinkSumMetadataKey,
  sliceKeyText,
  sliceMetadataKey,
  sliceStatsMetadataKey,
} from './state/storage-keys.ts';
import { StorageStore } from './state/storage-store.ts';
import { storageStatus } from './storage-status.ts';

let room: StorageRoom;
let running: RunningStorage;
let store: StorageStore;
beforeEach(async () => {
  room = await openStorageRoom();
  running = await room.start(['writer']);
  store = new StorageStore(room.metadata, systemClock);
});
afterEach(async () => {
  await running[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const figures = { goodRows: 7, damagedRows: 2, compressedBytes: 10, rawBytes: 20, firstAt: 1000, lastAt: 2000 };
const put = (key: string, value: object) =>
  room.metadata.transact({ checks: [], writes: [{ type: 'put', key, value: JSON.stringify(value) }] });
const first = (): { key: string; slice: Slice } => running.view.writingSlice(testSinkKey)!;
/** A further slice of the first file. */
async function addSlice(openedAt: string): Promise<string> {
  const { slice } = first();
  const key = sliceKeyText({ ...slice, openedAt });
  await put(sliceMetadataKey(key), { ...slice, openedAt });
  await put(fileSliceMetadataKey(slice.file, key), {});
  await running.until(() => running.view.slice(key) !== undefined);
  return key;
}

test('the newest writing slice is the one that takes rows', async () => {
  const newer = await addSlice('2999-01-01T00:00:00.000Z');
  expect(first().key).toBe(newer);
  await store.changeSlice(newer, (at) => ({ type: 'close', at }));
  await running.until(() => first().key !== newer);
  expect(first().slice.state).toBe('writing');
});

test('who waits for another slice gets it as soon as it is there, and nothing when time is up', async () => {
  const { key } = first();
  expect(await running.view.findWritingSlice(testSinkKey, { avoid: undefined, timeoutMs: 0 })).toMatchObject({ key });
  expect(await running.view.findWritingSlice(testSinkKey, { avoid: key, timeoutMs: 1 })).toBeUndefined();
  expect(await running.view.findWritingSlice('1/1/source/other', { avoid: undefined, timeoutMs: 1 })).toBeUndefined();
  const waiting = running.view.findWritingSlice(testSinkKey, { avoid: key, timeoutMs: 20_000 });
  const newer = await addSlice('2999-01-01T00:00:00.000Z');
  expect(await waiting).toMatchObject({ key: newer });
});

test('figures are live until the sealing, and those of the sealing after', async () => {
  const { key } = first();
  expect(running.view.figures(key).goodRows).toBe(0);
  await put(sliceStatsMetadataKey(key), figures);
  await running.until(() => running.view.figures(key).goodRows === 7);
  await store.changeSlice(key, (at) => ({ type: 'close', at }));
  await running.until(() => running.view.slice(key)?.state === 'uploaded');
  expect(running.view.figures(key)).toMatchObject({ goodRows: 0 });
});

test('a slice that moves to another file is listed there only, and one that is deleted nowhere', async () => {
  const { key, slice } = first();
  const other = `${testSinkKey}/2999-01-01T00:00:00.000Z`;
  await put(sliceMetadataKey(key), { ...slice, file: other });
  await running.until(() => running.view.slicesOf(other).length === 1);
  expect(running.view.slicesOf(slice.file)).toEqual([]);
  await room.metadata.transact({ checks: [], writes: [{ type: 'delete', key: sliceMetadataKey(key) }] });
  await running.until(() => running.view.slicesOf(other).length === 0);
  expect(running.view.writingSlice(testSinkKey)).toBeUndefined();
});

test('an entity that cannot be read is left out, and the others go on', async () => {
  const { key, slice } = first();
  await put(fileMetadataKey(`${testSinkKey}/broken`), { state: 'writing' });
  const newer = await addSlice('2999-01-01T00:00:00.000Z');
  expect([...running.view.files()]).toHaveLength(1);
  expect(running.view.slicesOf(slice.file).map(sliceKeyText)).toEqual([key, newer]);
});

test('status: each row is in one place, damage and sums are counted, and the oldest row is told', async () => {
  const { key } = first();
  await put(sliceStatsMetadataKey(key), figures);
  await put(sinkSumMetadataKey(testSinkKey), { ...figures, goodRows: 100, damagedRows: 3 });
  await running.until(() => running.view.sinkSum(testSinkKey).goodRows === 100 && running.view.figures(key).goodRows === 7);
  expect(storageStatus(running.view)).toEqual([
    {
      sink: testSinkKey,
      rows: { local: 7, staged: 0, quarantined: 0, imported: 100, damaged: 5, discarded: 0 },
      conservation: { accepted: 112, violations: [] },
      oldestAt: 1000,
      retrying: 0,
      retryReasons: [],
      quarantined: [],
      stagedAgain: [],
    },
  ]);
});

test('status: retries of files and slices with their reasons, each named once', async () => {
  const { key, slice } = first();
  const retry = { attempt: 1, reason: 'down', firstFailedAt: 't', lastFailedAt: 't', after: 't' };
  await store.changeSlice(key, () => ({ type: 'failed', retry }));
  await store.changeFile(slice.file, () => ({ type: 'failed', retry }));
  await running.until(() => storageStatus(running.view)[0]?.retrying === 2);
  expect(storageStatus(running.view)[0]?.retryReasons).toEqual(['down']);
});

test('local parts: those of an open slice as they are, of a sealed one with its sealed length, of others an error', async () => {
  const { request } = await running.append(['a']);
  const { storage } = running;
  const [open, ...others] = await storage.partsOf(request.slice);
  expect(others).toEqual([]);
  expect(open).toMatchObject({ length: request.block.length });
  expect((await readFile(open!.path)).length).toBe(request.block.length);
  await store.changeSlice(request.slice, (at) => ({ type: 'close', at }));
  await running.until(() => running.view.slice(request.slice)?.state === 'uploading');
  expect(await storage.partsOf(request.slice)).toEqual([open]);
  await expect(storage.partsOf('1/1/source/sink/none/2026-06-24T10:00:00.000Z')).rejects.toMatchObject({ code: 'sliceNotFound' });
});
