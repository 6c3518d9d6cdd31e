import { appendFile, mkdir, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStorageRoom, type RunningStorage, rotatingSettings, type StorageRoom } from '../../../../test/support/storage-room.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { makeBallast } from '../disk/ballast.ts';
import type { Finding } from '../fsck-report.ts';
import { sliceFolder, sliceKeyText } from '../state/storage-keys.ts';
import { StorageStore } from '../state/storage-store.ts';
import { storageStatus } from '../storage-status.ts';

let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings: rotatingSettings(4, 100) });
});
afterEach(() => room[Symbol.asyncDispose]());

async function check(running: RunningStorage, given: { repair?: boolean; isLive?: boolean } = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const stretch = await running.storage.fsck.stretch({ after, repair: false, isLive: false, ...given });
    findings.push(...stretch.findings);
    after = stretch.next;
    more = after !== undefined;
  }
  return findings;
}

/** A sealed, uploaded slice of four rows and an open one of two, as a stopped process left them. */
async function leave(): Promise<{ sealed: string; open: string; sealedFolder: string }> {
  await using running = await room.start();
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => storageStatus(running.view)[0]?.rows.staged === 4);
  const { request } = await running.append(['e', 'f']);
  const sealed = [...running.view.slices()].find(({ state }) => state === 'uploaded');
  const writing = running.view.slice(request.slice);
  if (!sealed || !writing) throw new Error('not as planned');
  const sealedFolder = sliceFolder(sealed);
  return { sealed: await partIn(sealedFolder), open: await partIn(sliceFolder(writing)), sealedFolder };
}

async function partIn(folder: string): Promise<string> {
  const [name = ''] = await readdir(join(room.volume.path, folder));
  return `${folder}/${name}`;
}

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(join(room.volume.path, path), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([byte.readUInt8() ^ 4]), 0, 1, at);
}

test('what a process left behind is clean, in a stretch of figures', async () => {
  await leave();
  await using running = await room.start([]);
  const stretch = await running.storage.fsck.stretch({ repair: false, isLive: false });
  expect(stretch).toMatchObject({ findings: [], slices: 2, parts: 2, openSlices: 0, progress: { done: 2, total: 2 } });
  expect(stretch).not.toHaveProperty('next');
});

test('the ballast of a volume is no stray file', async () => {
  await makeBallast(room.volume.path, 4096);
  await using running = await room.start([]);
  expect(await check(running)).toEqual([]);
});

test('a cursor goes on behind what was checked', async () => {
  const { sealedFolder } = await leave();
  await using running = await room.start([]);
  const after = `${room.volume.id}/${sealedFolder}`;
  const rest = await running.storage.fsck.stretch({ after, repair: false, isLive: false });
  expect(rest).toMatchObject({ slices: 1, progress: { done: 2, total: 2 } });
});

test('damage is named in sealed and unsealed parts, and is not repaired', async () => {
  const { sealed, open: unsealed } = await leave();
  await flip(sealed, 90);
  await flip(unsealed, 90);
  await using running = await room.start([]);
  const expected = [sealed, unsealed].map((path) => ({ type: 'damagedMember', volume: room.volume.id, path, offset: 0 }));
  const found = await check(running);
  expect(found).toMatchObject(expected);
  expect(found.map(({ rows }) => rows)).toEqual([4, 2]);
});

test('a torn tail is named, left alone, and cut off by a repair as recovery does', async () => {
  const { open: unsealed } = await leave();
  await appendFile(join(room.volume.path, unsealed), Buffer.from([0x1f, 0x8b, 8, 4, 0]));
  await using running = await room.start([]);
  expect(await check(running)).toMatchObject([{ type: 'tornTail', path: unsealed, length: 5 }]);
  expect(await check(running, { isLive: true }), 'it may be an append in progress').toEqual([]);
  expect(await check(running, { repair: true })).toMatchObject([{ type: 'tornTail', length: 5, repaired: true }]);
  expect(await check(running)).toEqual([]);
  expect(await readdir(join(room.volume.path, unsealed, '..'))).toHaveLength(2);
  await expect(check(running, { repair: true, isLive: true })).rejects.toMatchObject({ code: 'folderInUse' });
});

test('what recovery cut off and counts as damage is named as long as the part is there, sealed or not', async () => {
  const { open: unsealed } = await leave();
  const folder = join(room.volume.path, unsealed, '..');
  await flip(unsealed, 40);
  const expected = [{ type: 'damagedMember', path: unsealed, offset: 0 }];
  {
    await using running = await room.start([]);
    expect(await check(running)).toMatchObject(expected);
    expect(await check(running, { repair: true })).toMatchObject(expected);
    expect(await check(running)).toMatchObject(expected);
    expect(await readdir(folder)).toHaveLength(2);
  }
  await using running = await room.start(['writer']);
  expect(await check(running, { isLive: true })).toMatchObject(expected);
  const slice = [...running.view.slices()].find(({ state }) => state === 'writing')!;
  await new StorageStore(room.metadata, systemClock).changeSlice(sliceKeyText(slice), (at) => ({ type: 'close', at }));
  await running.until(() => running.view.slice(sliceKeyText(slice))?.state === 'uploaded');
  expect(await check(running)).toMatchObject(expected);
});

test('a sealed part that is cut or gone', async () => {
  const { sealed } = await leave();
  await using running = await room.start([]);
  await truncate(join(room.volume.path, sealed), 50);
  expect(await check(running)).toMatchObject([{ type: 'damagedMember', path: sealed, offset: 0 }]);
  await rm(join(room.volume.path, sealed));
  expect(await check(running)).toMatchObject([{ type: 'missingPart', path: sealed }]);
});

test('what metadata does not know: folders, files, volumes', async () => {
  const { sealed, sealedFolder } = await leave();
  const unknown = '1/1/source/gone/2026-01-01T00-00-00-000Z';
  await mkdir(join(room.volume.path, unknown), { recursive: true });
  await writeFile(join(room.volume.path, '1/stray'), 'x');
  await writeFile(join(room.volume.path, sealedFolder, 'notes.txt'), 'x');
  await writeFile(join(room.volume.path, `${sealed}.1000-01234567.torn`), 'x');
  await writeFile(join(room.volume.path, `${sealed}.torn.tmp`), 'x');
  await writeFile(join(room.volume.path, sealedFolder, 'other.csv.gz.1000-01234567.torn'), 'x');
  await mkdir(join(room.volume.path, 'lost+found', unknown), { recursive: true });
  await using running = await room.start([]);
  const found = await check(running);
  expect(new Set(found.map(({ type, path }) => `${type} ${path}`))).toEqual(
    new Set([
      `lostFolder lost+found/${unknown}`,
      `unknownFile ${sealedFolder}/notes.txt`,
      `unknownFile ${sealedFolder}/other.csv.gz.1000-01234567.torn`,
      'unknownFile 1/stray',
      `unknownFolder ${unknown}`,
    ]),
  );
});

test('parts of a slice that metadata calls removed', async () => {
  {
    await using running = await room.start(undefined, { settings: { ...rotatingSettings(4, 4), dataRetentionMs: 0 } });
    await running.append(['a', 'b', 'c', 'd']);
    await running.until(() => [...running.view.slices()].some((slice) => 'localRemovedAt' in slice));
  }
  await using running = await room.start([]);
  const removed = [...running.view.slices()].find((slice) => 'localRemovedAt' in slice);
  if (!removed) throw new Error('nothing was removed');
  expect(await check(running)).toEqual([]);
  await mkdir(join(room.volume.path, sliceFolder(removed)), { recursive: true });
  await writeFile(join(room.volume.path, sliceFolder(removed), 'part.csv.gz'), 'x');
  expect(await check(running)).toMatchObject([{ type: 'removedSlice', path: sliceFolder(removed) }]);
});

test('a running writer is asked how far its parts are durable', async () => {
  await using running = await room.start();
  const { request } = await running.append(['a', 'b']);
  const slice = running.view.slice(request.slice)!;
  const part = await partIn(sliceFolder(slice));
  await appendFile(join(room.volume.path, part), 'an append in progress');
  const stretch = await running.storage.fsck.stretch({ repair: false, isLive: true });
  expect(stretch).toMatchObject({ findings: [], openSlices: 1, parts: 1 });
  await flip(part, 90);
  expect(await check(running, { isLive: true })).toMatchObject([{ type: 'damagedMember', path: part, rows: 2 }]);
  expect(sliceKeyText(slice)).toBe(request.slice);
});
