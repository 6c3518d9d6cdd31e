import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStorageRoom, type RunningStorage, type StorageRoom } from '../../../../test/support/storage-room.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { sliceStatsMetadataKey } from '../state/storage-keys.ts';
import { StorageStore } from '../state/storage-store.ts';

let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom();
});
afterEach(() => room[Symbol.asyncDispose]());

const rowsOf = (running: RunningStorage, key: string): number => running.view.figures(key).goodRows;

test('figures of open slices reach the view, also those from before a restart', async () => {
  let key: string;
  {
    await using running = await room.start(['writer', 'statistics']);
    key = (await running.append(['a', 'b'])).request.slice;
    await running.until(() => rowsOf(running, key) === 2);
    await running.append(['c']);
    await running.until(() => rowsOf(running, key) === 3);
  }
  await room.metadata.transact({ checks: [], writes: [{ type: 'delete', key: sliceStatsMetadataKey(key) }] });
  await using running = await room.start(['writer', 'statistics']);
  await running.until(() => rowsOf(running, key) === 3);
});

test('what cannot be published is published later', async () => {
  await using running = await room.start(['writer', 'statistics']);
  room.metadata.outage = new AppError('metadataUnavailable', 'down');
  const { request } = await running.append(['a']);
  room.metadata.outage = undefined;
  await running.until(() => rowsOf(running, request.slice) === 1);
});

test('the sealing takes the live figures away', async () => {
  await using running = await room.start(['writer', 'statistics']);
  const { slice: key } = (await running.append(['a'])).request;
  await running.until(() => rowsOf(running, key) === 1);
  await new StorageStore(room.metadata, systemClock).changeSlice(key, (at) => ({ type: 'close', at }));
  await running.until(() => running.view.slice(key)?.state === 'uploading');
  expect(await room.metadata.get(sliceStatsMetadataKey(key))).toBeUndefined();
  expect(rowsOf(running, key)).toBe(1);
});
