import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkHistory } from '../../../../test/support/storage-history.ts';
import {
  openStorageRoom,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  testSink,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import { definitionPrefix, versionKeyText } from '../../definitions/keys.ts';
import { type CodecName, codecNames } from '../block/block-codec.ts';
import { fileSliceMetadataKey, parseSliceFolder, sliceFolder, sliceKeyText, sliceMetadataKey } from '../state/storage-keys.ts';
import { storageStatus } from '../storage-status.ts';

const settings = { ...rotatingSettings(100, 100), unknownGraceMs: 0 };
let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings });
  await putVersion(1, testSink.version.at);
});
afterEach(() => room[Symbol.asyncDispose]());

async function putVersion(number: number, at: string, columns = testSink.table.mapping.columns): Promise<void> {
  const table = { ...testSink.table, mapping: { columns } };
  const value = JSON.stringify({ ...testSink, table, version: { ...testSink.version, number, at } });
  const key = `${definitionPrefix.sinkVersion}${testSinkKey}/${versionKeyText(number)}`;
  await room.metadata.transact({ checks: [], writes: [{ type: 'put', key, value }] });
}

/** A folder of three rows whose slice and file metadata has lost; another file takes rows. Resolves to its path. */
async function loseSlice(codec: CodecName = 'gzip'): Promise<string> {
  const compression = { ...settings.compression, codec };
  await using running = await room.start(['writer', 'coordinator'], { settings: { ...settings, compression } });
  const { request } = await running.append(['a', 'b', 'c']);
  const slice = running.view.slice(request.slice);
  if (!slice) throw new Error('no slice');
  // The sink goes on with another file, as after a restored copy; the slice's own records go.
  const { checks, writes } = await running.storage.definitionHooks.sinkChanged(testSink);
  await room.metadata.transact({ checks, writes });
  await running.until(() => running.view.slice(request.slice)?.state === 'uploading');
  await room.metadata.transact({
    checks: [],
    writes: [
      { type: 'delete', key: sliceMetadataKey(request.slice) },
      { type: 'delete', key: fileSliceMetadataKey(slice.file, request.slice) },
      { type: 'delete', key: `storage/file/${slice.file}` },
    ],
  });
  return sliceFolder(slice);
}

const lostPath = (path: string) => join(room.volume.path, 'lost+found', path);
const imported = ({ view }: RunningStorage) => storageStatus(view)[0]?.rows.imported;

test('a folder that metadata does not know is moved, with everything in it, and counted; known ones stay', async () => {
  const path = await loseSlice();
  await using running = await room.start(['writer']);
  const { request } = await running.append(['d']);
  const names = await readdir(join(room.volume.path, path));
  const { lostAndFound } = running.storage;
  expect(await lostAndFound.scan()).toBe(1);
  expect(existsSync(join(room.volume.path, path))).toBe(false);
  expect(await readdir(lostPath(path))).toEqual(names);
  expect(lostAndFound.count).toBe(1);
  expect((await running.storage.volumeSpace())[0]).toMatchObject({ lostFolders: 1 });
  const known = running.view.slice(request.slice)!;
  expect(existsSync(join(room.volume.path, sliceFolder(known)))).toBe(true);
  expect(await lostAndFound.scan()).toBe(0);
});

test('nothing is moved that somebody changed within the grace time, or whose name is not that of a slice', async () => {
  const path = await loseSlice();
  const strange = '1/1/source/sink/notes';
  await mkdir(join(room.volume.path, strange));
  await using running = await room.start(['writer'], { settings: { ...settings, unknownGraceMs: 60_000 } });
  expect(await running.storage.lostAndFound.scan()).toBe(0);
  const old = new Date(Date.now() - 61_000);
  const folder = join(room.volume.path, path);
  for (const name of await readdir(folder)) await utimes(join(folder, name), old, old);
  await utimes(folder, old, old);
  await utimes(join(room.volume.path, strange), old, old);
  expect(await running.storage.lostAndFound.scan()).toBe(1);
  expect(existsSync(join(room.volume.path, strange))).toBe(true);
});

test.each(codecNames)('what is adopted is sealed, uploaded and imported once, while the sink goes on: %s', async (codec) => {
  const path = await loseSlice(codec);
  await using running = await room.start();
  const writing = running.view.writingSlice(testSinkKey)?.key;
  const { lostAndFound } = running.storage;
  await lostAndFound.scan();
  const [adoption] = await lostAndFound.adopt(undefined);
  expect(adoption).toEqual({
    volume: room.volume.id,
    path,
    adopted: true,
    note: expect.stringContaining(`${testSinkKey}/${room.volume.id}/`),
  });
  await running.until(() => imported(running) === 3);
  expect(room.tables.rows.flat()).toEqual(['a', 'b', 'c']);
  expect(lostAndFound.count).toBe(0);
  expect(await lostAndFound.adopt(undefined)).toEqual([]);
  expect(await lostAndFound.scan()).toBe(0);
  expect(running.view.writingSlice(testSinkKey)?.key).toBe(writing);
  // The adopted file is not taken for the newest: a change of the sink closes the one that takes rows.
  const { checks, writes } = await running.storage.definitionHooks.sinkChanged(testSink);
  expect((await room.metadata.transact({ checks, writes })).committed).toBe(true);
  await running.until(() => running.view.writingSlice(testSinkKey)?.key !== writing);
  await checkHistory(room.metadata);
});

test('what cannot be taken back stays, and is told why', async () => {
  const path = await loseSlice();
  await using running = await room.start(['writer']);
  const { lostAndFound } = running.storage;
  await lostAndFound.scan();
  const notes = async () => (await lostAndFound.adopt(room.volume.id)).map(({ adopted, note }) => (adopted ? 'adopted' : note));
  expect(await lostAndFound.adopt('another')).toEqual([]);
  await putVersion(1, testSink.version.at, [...testSink.table.mapping.columns, { type: 'ip', name: 'ip' }]);
  expect(await notes()).toEqual(['its rows have 1 columns, version 1 of the sink has 2']);
  await putVersion(1, '2999-01-01T00:00:00.000Z');
  expect(await notes()).toEqual(['its sink has no version that is as old as the slice']);
  await putVersion(1, testSink.version.at);
  await writeFile(join(lostPath(path), 'other.csv.zst'), '');
  expect(await notes()).toEqual(['it holds parts of several formats, and so not those of one slice']);
  await rm(join(lostPath(path), 'other.csv.zst'));
  const named = parseSliceFolder(path)!;
  const key = sliceMetadataKey(sliceKeyText({ ...named, volumeId: room.volume.id }));
  const known = [...running.view.slices()][0]!;
  const put = (value: object) => room.metadata.transact({ checks: [], writes: [{ type: 'put', key, value: JSON.stringify(value) }] });
  await put({ ...known, openedAt: named.openedAt });
  expect(await notes()).toEqual(['metadata has a slice of this key']);
  await room.metadata.transact({ checks: [], writes: [{ type: 'delete', key }] });
  await mkdir(join(room.volume.path, path), { recursive: true });
  expect(await notes()).toEqual(['another folder stands where it was']);
  const others = ['1/1/source/none/2026-06-24T10-00-00-000Z', '1/1/source/sink/2999-01-01T00-00-00-000Z', '1/1/source/sink/notes'];
  for (const other of others) {
    await mkdir(lostPath(other), { recursive: true });
    await writeFile(join(lostPath(other), 'x.csv.gz'), 'no member');
  }
  expect(new Set(await notes())).toEqual(
    new Set([
      'another folder stands where it was',
      'its sink does not exist',
      'no row in it can be read',
      'its name is not that of a slice',
    ]),
  );
  expect(lostAndFound.count).toBe(4);
});

test('the path of a slice tells its key', () => {
  const id = fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.replaceAll(/[/\n\r\u2028\u2029]/g, '_'));
  const time = fc.date({ min: new Date(0), max: new Date('2099-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
  const sink = fc.record({ projectId: fc.nat(), branchId: fc.nat(), sourceId: id, sinkId: id });
  fc.assert(
    fc.property(fc.record({ sink, openedAt: time }), (slice) => {
      expect(parseSliceFolder(sliceFolder(slice))).toEqual(slice);
    }),
  );
});
