import { existsSync } from 'node:fs';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { TestClock } from '../../../../test/support/test-clock.ts';
import { ballastPath, makeBallast, wholeBallast } from './ballast.ts';
import { type DiskSettings, reserveOf, VolumeRoom } from './volume-room.ts';

const mb = 1024 ** 2;
const disk = { freeBytes: 0, totalBytes: 0 };
let measured = 0;
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let clock: TestClock;
beforeEach(async () => {
  folder = await openTempFolder();
  clock = new TestClock();
  Object.assign(disk, { freeBytes: 500 * mb, totalBytes: 1000 * mb });
  measured = 0;
});
afterEach(() => folder[Symbol.asyncDispose]());

const roomWith = (settings: Partial<DiskSettings>): VolumeRoom =>
  new VolumeRoom({
    volume: { id: 'volume0001', type: 'default', label: '001', path: folder.path },
    settings: { reserve: { percent: 10, minBytes: 0, maxBytes: 1000 * mb }, ballastBytes: 0, ...settings },
    clock,
    logger: silentLogger,
    measure: async () => {
      measured += 1;
      return { ...disk };
    },
  });
const noReserve = { percent: 0, minBytes: mb, maxBytes: mb };
const hasBallast = () => existsSync(ballastPath(folder.path));

test('the reserve is a share of the volume within its bounds, and 0 percent is none', () => {
  const bounds = { percent: 2, minBytes: 256 * mb, maxBytes: 2048 * mb };
  expect(reserveOf(bounds, 1000 * mb)).toBe(256 * mb);
  expect(reserveOf(bounds, 50_000 * mb)).toBe(1000 * mb);
  expect(reserveOf(bounds, 1_000_000 * mb)).toBe(2048 * mb);
  expect(reserveOf({ ...bounds, percent: 0 }, 64 * mb)).toBe(0);
});

test('blocks are refused under the reserve, counted between measurements, and taken again when there is room', async () => {
  const room = roomWith({});
  expect(room.take(1000 * mb), 'nobody has measured yet').toBeUndefined();
  disk.freeBytes = 102 * mb;
  await room.look();
  expect(room.take(mb)).toBeUndefined();
  expect(room.take(mb)).toBeUndefined();
  expect(room.take(1), 'less than the reserve would be left').toEqual({ type: 'full', retryAfterSeconds: 1 });
  expect(measured, 'no block measures').toBe(1);
  expect(room.space).toMatchObject({ freeBytes: 100 * mb, reserveBytes: 100 * mb });
  disk.freeBytes = 99 * mb;
  await room.look();
  expect(room.space?.refusal).toContain('99MB free and keeps 100MB');
  expect(room.refusedBlocks).toBe(1);
  disk.freeBytes = 101 * mb;
  await room.look();
  expect(room.space).not.toHaveProperty('refusal');
  expect(room.take(mb)).toBeUndefined();
});

test('a volume whose last room is too small for a block is full for everybody, until there is room for that block', async () => {
  const room = roomWith({});
  const told: string[] = [];
  room.onFull((id) => told.push(id));
  disk.freeBytes = 101 * mb;
  await room.look();
  expect(room.isFull).toBe(false);
  expect(room.take(3 * mb)).toMatchObject({ type: 'full' });
  expect(room.take(2 * mb)).toMatchObject({ type: 'full' });
  for (const measuredAgain of [false, true]) {
    if (measuredAgain) await room.look();
    expect(room.isFull).toBe(true);
    expect(room.space?.refusal).toContain('keeps 100MB');
  }
  expect(told, 'once').toEqual(['volume0001']);
  disk.freeBytes = 102 * mb;
  await room.look();
  expect(room.isFull).toBe(false);
  expect(room.space).not.toHaveProperty('refusal');
  expect(room.take(2 * mb)).toBeUndefined();
});

test('a refused client is told to come back when the rate of freeing promises room, within a minute', async () => {
  const room = roomWith({});
  disk.freeBytes = 40 * mb;
  await room.look();
  clock.advance(2000);
  disk.freeBytes = 60 * mb;
  await room.look();
  expect(room.take(1), '10 MB/s for the missing 40 MB').toMatchObject({ retryAfterSeconds: 4 });
  clock.advance(98_000);
  await room.look();
  expect(room.take(1)).toMatchObject({ retryAfterSeconds: 60 });
  disk.freeBytes = 30 * mb;
  await room.look();
  expect(room.take(1), 'space gets less').toMatchObject({ retryAfterSeconds: 1 });
});

test('without a reserve only a full disk refuses, and the next measurement tries again', async () => {
  const room = roomWith({ reserve: noReserve });
  disk.freeBytes = 0;
  await room.look();
  expect(room.take(mb)).toBeUndefined();
  room.noteNoSpace();
  expect(room.take(mb)).toMatchObject({ type: 'full' });
  await room.look();
  expect(room.space?.refusal).toContain('met a full disk');
  clock.advance(499);
  expect(room.take(mb)).toMatchObject({ type: 'full' });
  clock.advance(1);
  expect(room.take(mb)).toBeUndefined();
});

test('a full disk frees the ballast at once; its room is not for blocks; it is made again when there is more', async () => {
  const room = roomWith({ reserve: noReserve, ballastBytes: 2 * mb });
  await room.look();
  const made = await stat(ballastPath(folder.path));
  expect(made.blocks * 512, 'allocated, not sparse').toBeGreaterThanOrEqual(2 * mb);
  expect(room.space).toMatchObject({ ballastBytes: 2 * mb });
  disk.freeBytes = mb;
  room.noteNoSpace();
  await expect.poll(hasBallast).toBe(false);
  clock.advance(10_000);
  await room.look();
  expect(room.take(1), 'what the ballast was is kept').toMatchObject({ type: 'full' });
  disk.freeBytes = 3 * mb;
  await room.look();
  expect(room.take(1), 'there is as much as the ballast has to give').toBeUndefined();
  expect(hasBallast(), 'making it would leave nothing for blocks').toBe(false);
  disk.freeBytes = 5 * mb;
  await room.look();
  expect(hasBallast()).toBe(true);
});

test('others than the writer fill the disk: the ballast goes before it is full', async () => {
  const room = roomWith({ reserve: noReserve, ballastBytes: 8 * mb });
  await room.look();
  disk.freeBytes = mb;
  await room.look();
  expect(hasBallast()).toBe(true);
  disk.freeBytes = mb - 1;
  await room.look();
  expect(hasBallast()).toBe(false);
  disk.freeBytes = 500 * mb;
  await room.look();
  expect(hasBallast(), 'not at once: under a quota this would go round and round').toBe(false);
});

test('a small volume gives a 16th to the ballast, and stays of use', async () => {
  disk.freeBytes = 60 * mb;
  disk.totalBytes = 64 * mb;
  const room = roomWith({ reserve: noReserve, ballastBytes: 64 * mb });
  await room.look();
  expect(room.space).toMatchObject({ ballastBytes: 4 * mb, wantedBallastBytes: 4 * mb });
  expect(room.take(mb)).toBeUndefined();
});

test('a ballast of an earlier start is kept; one that was cut off or is sparse is made anew', async () => {
  await makeBallast(folder.path, mb);
  const before = await stat(ballastPath(folder.path));
  await roomWith({ ballastBytes: mb }).look();
  expect((await stat(ballastPath(folder.path))).ino).toBe(before.ino);
  await truncate(ballastPath(folder.path), 1000);
  await roomWith({ ballastBytes: mb }).look();
  expect(await wholeBallast(folder.path, mb)).toBe(mb);
  await writeFile(ballastPath(folder.path), '');
  await truncate(ballastPath(folder.path), mb);
  expect(await wholeBallast(folder.path, mb)).toBe(0);
  await roomWith({ ballastBytes: mb }).look();
  expect(await wholeBallast(folder.path, mb)).toBe(mb);
});
