import { expect, test } from 'vitest';
import { MemoryMetadataStore } from '../../../../test/support/memory-metadata-store.ts';
import type { Slice } from './slice.ts';
import { sliceKeyText, sliceMetadataKey } from './storage-keys.ts';
import { StorageStore } from './storage-store.ts';

const start = Date.parse('2026-06-24T10:00:00.000Z');
const slice: Slice = {
  sink: { projectId: 1, branchId: 1, sourceId: 'source', sinkId: 'sink' },
  volumeId: 'volume0001',
  openedAt: '2026-06-24T10:00:00.000Z',
  file: 'file',
  sinkVersion: 1,
  codec: 'gzip',
  state: 'writing',
};
const key = sliceKeyText(slice);

/** A store on clocks that are set by hand. */
async function openStore() {
  const time = { wall: start, monotonic: 0 };
  const metadata = new MemoryMetadataStore();
  await metadata.transact({ checks: [], writes: [{ type: 'put', key: sliceMetadataKey(key), value: JSON.stringify(slice) }] });
  const store = new StorageStore(metadata, { now: () => time.wall, monotonic: () => time.monotonic });
  return { time, metadata, store };
}

test('an age begins with the wall clock and goes on with the monotonic one', async () => {
  const { time, store } = await openStore();
  time.wall = start + 5000;
  expect(store.ageMs('key', slice.openedAt)).toBe(5000);
  time.wall += 86_400_000;
  time.monotonic += 100;
  expect(store.ageMs('key', slice.openedAt)).toBe(5100);
  time.wall = start - 1;
  time.monotonic += 100;
  expect(store.restMs('key', slice.openedAt, 6000)).toBe(800);
});

test('what was opened by a clock that stepped back since has no negative age', async () => {
  const { time, store } = await openStore();
  time.wall = start - 3_600_000;
  expect(store.ageMs('key', slice.openedAt)).toBe(0);
});

test('ages of different entities and times are apart', async () => {
  const { time, store } = await openStore();
  store.ageMs('a', slice.openedAt);
  time.monotonic += 1000;
  time.wall += 1000;
  expect(store.ageMs('b', slice.openedAt)).toBe(1000);
  expect(store.ageMs('a', '2026-06-24T09:59:59.000Z')).toBe(2000);
});

test('a retry is due after its delay, whatever the wall clock does', async () => {
  const { time, store } = await openStore();
  const retry = {
    attempt: 1,
    reason: 'down',
    firstFailedAt: slice.openedAt,
    lastFailedAt: slice.openedAt,
    after: '2026-06-24T10:00:04.000Z',
  };
  expect(store.retryInMs('key', undefined)).toBe(0);
  expect(store.retryInMs('key', retry)).toBe(4000);
  time.wall -= 3_600_000;
  time.monotonic += 3999;
  expect(store.retryInMs('key', retry)).toBe(1);
  time.monotonic += 1;
  expect(store.retryInMs('key', retry)).toBe(0);
});

test('a change is repeated when somebody else was faster, and given up where the state does not know the event', async () => {
  const { metadata, store } = await openStore();
  let others = 0;
  const changed = await store.changeSlice(key, (at) => {
    others += 1;
    if (others === 1)
      void metadata.transact({ checks: [], writes: [{ type: 'put', key: sliceMetadataKey(key), value: JSON.stringify(slice) }] });
    return { type: 'close', at };
  });
  expect(changed?.state).toBe('closing');
  expect(others).toBe(2);
  expect(await store.changeSlice(key, (at) => ({ type: 'close', at }))).toBeUndefined();
  expect(await store.changeSlice('another', (at) => ({ type: 'close', at }))).toBeUndefined();
});

test('others that win for ever end in an error', async () => {
  const { metadata, store } = await openStore();
  const spoiled = store.changeSlice(key, (at) => {
    void metadata.transact({ checks: [], writes: [{ type: 'put', key: sliceMetadataKey(key), value: JSON.stringify(slice) }] });
    return { type: 'close', at };
  });
  await expect(spoiled).rejects.toMatchObject({ code: 'transactionConflict' });
});

test('further writes join the transaction, or are not done', async () => {
  const { metadata, store } = await openStore();
  const writes = [{ type: 'put' as const, key: 'more', value: '1' }];
  await store.changeSlice(key, (at) => ({ type: 'localRemoved', at }), writes);
  expect(await metadata.get('more')).toBeUndefined();
  await store.changeSlice(key, (at) => ({ type: 'close', at }), writes);
  expect(await metadata.get('more')).toBeDefined();
});

test('times of an entity never go back', async () => {
  const { time, store } = await openStore();
  time.wall = start + 1000;
  await store.changeSlice(key, (at) => ({ type: 'close', at }));
  time.wall = start - 3_600_000;
  const figures = { goodRows: 1, damagedRows: 0, compressedBytes: 1, rawBytes: 1 };
  const sealed = await store.changeSlice(key, (at) => ({ type: 'seal', at, parts: [], figures }));
  expect(sealed).toMatchObject({ closingAt: '2026-06-24T10:00:01.000Z', uploadingAt: '2026-06-24T10:00:01.000Z' });
});

test('an entity that cannot be read is a bug, with its key', async () => {
  const { metadata, store } = await openStore();
  await metadata.transact({ checks: [], writes: [{ type: 'put', key: sliceMetadataKey(key), value: '{"state":"writing"}' }] });
  await expect(store.slice(key)).rejects.toMatchObject({ code: 'invariantBroken', message: expect.stringContaining(key) });
});
