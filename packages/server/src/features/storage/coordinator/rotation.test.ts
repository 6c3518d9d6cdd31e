import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sourceFixture } from '../../../../test/support/definition-fixture.ts';
import { checkHistory } from '../../../../test/support/storage-history.ts';
import { openStorageRoom, quietSettings, type StorageRoom, testSink, testSinkKey } from '../../../../test/support/storage-room.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import type { TransactionPart } from '../../definitions/definition-hooks.ts';
import { definitionPrefix } from '../../definitions/keys.ts';
import type { CodecName } from '../block/block-codec.ts';
import { storagePrefix } from '../state/storage-keys.ts';
import { decodeFile, decodeSlice, StorageStore } from '../state/storage-store.ts';
import { Rotation } from './rotation.ts';

let room: StorageRoom;
let rotation: Rotation;
beforeEach(async () => {
  room = await openStorageRoom();
  rotation = rotationOf(systemClock.now);
  await using _created = await room.start([]);
});
afterEach(() => room[Symbol.asyncDispose]());

const rotationOf = (now: () => number, codec: CodecName = 'gzip') =>
  new Rotation({
    store: new StorageStore(room.metadata, { now, monotonic: systemClock.monotonic }),
    settings: quietSettings.file,
    codec,
    assignVolume: () => room.volume.id,
    knownFiles: () => [],
  });

async function entriesOf(prefix: string): Promise<{ key: string; value: string }[]> {
  const { entries } = await room.metadata.range({ prefix, limit: 1000 });
  return entries.map(({ key, value }) => ({ key: key.slice(prefix.length), value }));
}
const files = async () => (await entriesOf(storagePrefix.file)).map(({ key, value }) => ({ key, file: decodeFile(key, value) }));
const slices = async () => (await entriesOf(storagePrefix.slice)).map(({ key, value }) => ({ key, slice: decodeSlice(key, value) }));
const writingFile = async () => (await files()).find(({ file }) => file.state === 'writing')!;
const writingSlice = async () => (await slices()).find(({ slice }) => slice.state === 'writing')!;

test('a slice is closed and followed by one of the same file and volume', async () => {
  const before = await writingSlice();
  expect(await rotation.rotateSlice(before.key)).toBe(true);
  const after = await writingSlice();
  expect(after.slice).toMatchObject({ file: before.slice.file, volumeId: before.slice.volumeId, sinkVersion: 1 });
  expect((await slices()).map(({ slice }) => slice.state)).toEqual(['closing', 'writing']);
  expect(after.slice.openedAt > before.slice.openedAt).toBe(true);
  await checkHistory(room.metadata);
});

test('a slice has the codec of the setting, be its file and its predecessor older than that', async () => {
  const before = await writingSlice();
  expect(await rotationOf(systemClock.now, 'zstd').rotateSlice(before.key)).toBe(true);
  const after = await writingSlice();
  expect([before.slice, after.slice]).toMatchObject([{ codec: 'gzip' }, { codec: 'zstd', file: before.slice.file }]);
  expect(await rotationOf(systemClock.now, 'none').rotateFile(after.slice.file)).toBe(true);
  expect((await slices()).map(({ slice }) => slice.codec)).toEqual(['gzip', 'zstd', 'none']);
});

test('a file of empty slices is imported without the table engine', async () => {
  const { key } = await writingFile();
  await rotation.rotateFile(key);
  await using running = await room.start();
  await running.until(() => running.view.file(key)?.state === 'imported');
  expect(running.view.file(key)).toMatchObject({ importedRows: 0, figures: { goodRows: 0, damagedRows: 0 } });
  expect(room.tables.attempts).toBe(0);
});

test('a file is closed with its open slice and followed by one with another import id', async () => {
  const before = await writingFile();
  await rotation.rotateSlice((await writingSlice()).key);
  expect(await rotation.rotateFile(before.key)).toBe(true);
  const [old, successor] = (await files()).map(({ file }) => file);
  expect([old?.state, successor?.state]).toEqual(['closing', 'writing']);
  expect(successor?.importId).not.toBe(old?.importId);
  expect((await slices()).map(({ slice }) => slice.state)).toEqual(['closing', 'closing', 'writing']);
  await checkHistory(room.metadata);
});

test.each(['activeSource', 'deletedSource'] as const)(
  'a file has the settings of its %s: a sink may come back before it',
  async (state) => {
    const settings = [{ key: 'storage.level.staging.upload.trigger.count', value: 77 }];
    const source = sourceFixture({ sourceId: 'source', settings });
    const key = `${definitionPrefix[state]}1/1/source`;
    await room.metadata.transact({ checks: [], writes: [{ type: 'put', key, value: JSON.stringify(source) }] });
    expect((await room.metadata.transact(await rotation.succession(testSink))).committed).toBe(true);
    expect((await writingFile()).file.settings.upload.count).toBe(77);
  },
);

test('what is closed already, or gone, is not rotated again', async () => {
  const { key: file } = await writingFile();
  const { key: slice } = await writingSlice();
  await rotation.rotateFile(file);
  const revision = await room.metadata.revision();
  expect(await rotation.rotateFile(file)).toBe(false);
  expect(await rotation.rotateSlice(slice)).toBe(false);
  expect(await rotation.rotateFile(`${testSinkKey}/2000-01-01T00:00:00.000Z`)).toBe(false);
  expect(await rotation.rotateSlice(`${testSinkKey}/volume/2000-01-01T00:00:00.000Z`)).toBe(false);
  expect(await room.metadata.revision()).toBe(revision);
});

test('a clock that stands or goes back gives later times all the same', async () => {
  for (const now of [0, 0, 1000, 500]) {
    const own = rotationOf(() => now);
    expect(await own.rotateSlice((await writingSlice()).key)).toBe(true);
    expect(await own.rotateFile((await writingFile()).key)).toBe(true);
  }
  await checkHistory(room.metadata);
});

const commit = async (part: TransactionPart): Promise<boolean> => (await room.metadata.transact(part)).committed;

test('a changed sink closes its file and opens the next one, with its new version, in one transaction', async () => {
  const sink = { ...testSink, version: { ...testSink.version, number: 2 } };
  expect(await commit(await rotation.succession(sink))).toBe(true);
  expect((await files()).map(({ file }) => [file.state, file.sinkVersion])).toEqual([
    ['closing', 1],
    ['writing', 2],
  ]);
  expect((await slices()).map(({ slice }) => slice.state)).toEqual(['closing', 'writing']);
  await checkHistory(room.metadata);
});

test('a deactivated sink has no open file, and a later activation opens one after it', async () => {
  expect(await commit(await rotation.deactivation(testSink))).toBe(true);
  expect((await files()).map(({ file }) => file.state)).toEqual(['closing']);
  expect((await slices()).map(({ slice }) => slice.state)).toEqual(['closing']);
  expect(await rotation.deactivation(testSink)).toEqual({ checks: [], writes: [] });
  expect(await commit(await rotationOf(() => 0).succession(testSink))).toBe(true);
  expect((await files()).map(({ file }) => file.state)).toEqual(['closing', 'writing']);
});

test('many rotations at once: some win, the others change nothing, and none leaves a slice open in a closed file', async () => {
  const kind = fc.constantFrom('slice', 'file', 'change');
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { minLength: 2, maxLength: 6 }), async (kinds) => {
      const { key: file } = await writingFile();
      const { key: slice } = await writingSlice();
      const run = async (one: string): Promise<boolean> => {
        if (one === 'change') return commit(await rotation.succession(testSink));
        return one === 'file' ? rotation.rotateFile(file) : rotation.rotateSlice(slice);
      };
      const results = await Promise.all(kinds.map(run));
      expect(results).toContain(true);
      const wins = (one: string) => results.filter((result, index) => result && kinds[index] === one).length;
      expect(wins('file')).toBeLessThanOrEqual(1);
      expect(wins('slice')).toBeLessThanOrEqual(1);
    }),
    { numRuns: 100 },
  );
  await checkHistory(room.metadata);
});
