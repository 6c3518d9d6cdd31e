import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  allComponents,
  openStorageRoom,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  startStorage,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import type { MetadataStore } from '../../../engines/metadata/metadata-store.ts';
import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import type { TableEngine } from '../../../engines/tables/table-engine.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type CheckpointName, noCheckpoint } from '../../../kernel/observe/checkpoint.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { zeroFigures } from '../state/figures.ts';
import { objectFolder, sinkSumMetadataKey, storagePrefix } from '../state/storage-keys.ts';
import { StorageStore } from '../state/storage-store.ts';
import { storageStatus } from '../storage-status.ts';
import { Cleanup } from './cleanup.ts';

const keepAll = rotatingSettings(2, 4);
const keepNothing = { ...keepAll, dataRetentionMs: 0, recordRetentionMs: 0 };

let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings: keepNothing });
});
afterEach(() => room[Symbol.asyncDispose]());

const importedRows = ({ view }: RunningStorage): number => storageStatus(view)[0]?.rows.imported ?? 0;
const isClean = (running: RunningStorage): boolean => [...running.view.files()].length === 1 && [...running.view.slices()].length === 1;

/** Nothing is left of the imported files but their rows and the sink's sum. */
async function expectClean(running: RunningStorage, rows: number): Promise<void> {
  expect(running.view.sinkSum(testSinkKey)).toMatchObject({ goodRows: rows, damagedRows: 0 });
  expect(importedRows(running)).toBe(rows);
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toEqual([]);
  expect([...room.tables.ledger.keys()]).toEqual([]);
  expect(room.tables.rows.flat()).toHaveLength(rows);
  expect(await room.metadata.count(storagePrefix.fileSlice)).toBe(1);
  expect(await room.metadata.count(storagePrefix.stats)).toBeLessThanOrEqual(2);
}

test('imported files go with everything of theirs, also many of one sink at once', async () => {
  await using running = await room.start();
  for (let file = 0; file < 6; file += 1) {
    const before = running.view.writingSlice(testSinkKey)?.key;
    await running.append(['a', 'b', 'c', 'd']);
    await running.until(() => running.view.writingSlice(testSinkKey)?.key !== before);
  }
  await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 24);
  await expectClean(running, 24);
  expect((await readdir(room.volume.path)).filter((name) => name !== 'volume-id')).toEqual([]);
});

test('a cleanup that others are faster than, again and again, is looked at again', async () => {
  let conflicts = 3;
  const metadata = new Proxy<MetadataStore>(room.metadata, {
    get: (target, name) => {
      if (name === 'transact') return transact;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const transact: MetadataStore['transact'] = async (transaction) => {
    const key = sinkSumMetadataKey(testSinkKey);
    if (transaction.writes.some((write) => write.key === key) && conflicts > 0) {
      conflicts -= 1;
      await room.metadata.transact({ checks: [], writes: [{ type: 'put', key, value: JSON.stringify(zeroFigures) }] });
    }
    return room.metadata.transact(transaction);
  };
  await using running = await startStorage({ ...room, metadata, volumes: [room.volume] }, allComponents, { settings: keepNothing });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 4);
  expect(conflicts).toBe(0);
});

test('attempts of uploads that were never named are removed too', async () => {
  await using first = await room.start(['writer']);
  const { slice: key } = (await first.append(['a', 'b', 'c', 'd'])).request;
  const folder = objectFolder(first.view.slice(key)!);
  await room.objects.put(`${folder}/deadbeef.csv.gz`, (async function* () {})());
  await first[Symbol.asyncDispose]();
  await using running = await room.start();
  await running.until(() => isClean(running) && importedRows(running) === 4);
  await expectClean(running, 4);
});

test.each<CheckpointName>(['cleanup.afterLocal', 'cleanup.afterObjects', 'cleanup.afterLedger'])(
  'a start after a death at %s goes on',
  async (point) => {
    const died = Promise.withResolvers<void>();
    const checkpoint = (name: CheckpointName) => {
      if (name !== point) return;
      died.resolve();
      throw new Error('died');
    };
    {
      await using running = await room.start(undefined, { checkpoint });
      await running.append(['a', 'b', 'c', 'd']);
      await died.promise;
      expect(isClean(running)).toBe(false);
    }
    await using running = await room.start();
    await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 4);
    await expectClean(running, 4);
  },
);

test('nothing of a file goes before its retention time, or before its volume has confirmed', async () => {
  await using running = await room.start(undefined, { settings: { ...keepNothing, dataRetentionMs: 1e9 } });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => importedRows(running) === 4);
  const file = [...running.view.files()].find(({ state }) => state === 'imported');
  const { store, cleanup } = cleanupOf(room);
  const key = `${testSinkKey}/${file?.openedAt}`;
  if (file?.state !== 'imported') throw new Error('not imported');
  expect(await cleanup.remove(key, file)).toBe(false);
  expect((await store.file(key))?.value.state).toBe('imported');
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toHaveLength(1);
  expect(room.tables.ledger.size).toBe(1);
});

interface Engines {
  readonly metadata: MetadataStore;
  readonly objects: ObjectStore;
  readonly tables: TableEngine;
}

function cleanupOf({ metadata, objects, tables }: Engines): { store: StorageStore; cleanup: Cleanup } {
  const store = new StorageStore(metadata, systemClock);
  return { store, cleanup: new Cleanup({ store, objects, tables, checkpoint: noCheckpoint }) };
}

/** The engine, of which the nth call of all fails. */
function failing<T extends object>(engine: T, isNow: () => boolean): T {
  return new Proxy(engine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => (isNow() ? Promise.reject(new AppError('metadataUnavailable', 'cut off')) : value.apply(target, args));
    },
  });
}

test('cut off at any call to an engine, it is finished by the next attempt', async () => {
  for (let cut = 1, done = false; !done; cut += 1) {
    await room[Symbol.asyncDispose]();
    room = await openStorageRoom({ settings: { ...keepNothing, recordRetentionMs: 1e9 } });
    await using running = await room.start();
    await running.append(['a', 'b', 'c', 'd']);
    await running.until(() => [...running.view.slices()].some((slice) => 'localRemovedAt' in slice));
    const file = [...running.view.files()].find(({ state }) => state === 'imported');
    if (file?.state !== 'imported') throw new Error('not imported');
    const key = `${testSinkKey}/${file.openedAt}`;
    let calls = 0;
    const isNow = () => ++calls === cut;
    const broken = cleanupOf({
      metadata: failing(room.metadata, isNow),
      objects: failing(room.objects, isNow),
      tables: failing<TableEngine>(room.tables, isNow),
    });
    done = await broken.cleanup.remove(key, file).catch(() => false);
    if (!done) expect(await cleanupOf(room).cleanup.remove(key, file)).toBe(true);
    await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 4);
    await expectClean(running, 4);
    // Once more, as a second coordinator would.
    expect(await cleanupOf(room).cleanup.remove(key, file)).toBe(true);
    await expectClean(running, 4);
    if (done) expect(cut).toBeGreaterThan(6);
  }
});

test('an importer that does not know of the import yet doubles nothing, at whatever moment of the cleanup it comes', async () => {
  for (let moment = 1, done = false; !done; moment += 1) {
    await room[Symbol.asyncDispose]();
    room = await openStorageRoom({ settings: { ...keepNothing, recordRetentionMs: 1e9 } });
    const files: Parameters<TableEngine['importFile']>[0][] = [];
    const tables = new Proxy<TableEngine>(room.tables, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: Parameters<TableEngine['importFile']>) => {
          if (name === 'importFile') files.push(args[0]);
          return value.apply(target, args);
        };
      },
    });
    await using running = await startStorage({ ...room, tables, volumes: [room.volume] }, allComponents, {
      settings: { ...keepNothing, recordRetentionMs: 1e9 },
    });
    await running.append(['a', 'b', 'c', 'd']);
    await running.until(() => [...running.view.slices()].some((slice) => 'localRemovedAt' in slice));
    const file = [...running.view.files()].find(({ state }) => state === 'imported');
    const [first] = files;
    if (file?.state !== 'imported' || !first) throw new Error('not imported');
    let calls = 0;
    const late = async () => {
      calls += 1;
      if (calls === moment) await room.tables.importFile(first, new AbortController().signal).catch(() => undefined);
    };
    const engines = {
      metadata: before(room.metadata, late),
      objects: before(room.objects, late),
      tables: before<TableEngine>(room.tables, late),
    };
    expect(await cleanupOf(engines).cleanup.remove(`${testSinkKey}/${file.openedAt}`, file)).toBe(true);
    expect(room.tables.rows, `late import at call ${moment}`).toHaveLength(4);
    done = calls < moment;
  }
});

/** The engine, each call of which comes after `late`. */
function before<T extends object>(engine: T, late: () => Promise<void>): T {
  return new Proxy(engine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (...args: unknown[]) => late().then(() => value.apply(target, args)) : value;
    },
  });
}

test('while a volume is under its reserve nothing that is imported is kept for a retention time', async () => {
  const more = { settings: { ...keepAll, disk: { reserve: { percent: 100, minBytes: 1e18, maxBytes: 1e18 }, ballastBytes: 0 } } };
  await using running = await room.start(undefined, more);
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => importedRows(running) === 4);
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toHaveLength(1);
  await running.storage.volumeSpace();
  await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 4);
  await expectClean(running, 4);
  expect((await readdir(room.volume.path)).filter((name) => name !== 'volume-id')).toEqual([]);
});

test('also what has no local parts any more and waits with its objects only', async () => {
  const reserve = { percent: 100, minBytes: 1e18, maxBytes: 1e18 };
  const more = { settings: { ...keepAll, dataRetentionMs: 0, disk: { reserve, ballastBytes: 0 } } };
  await using running = await room.start(undefined, more);
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => [...running.view.slices()].some((slice) => 'localRemovedAt' in slice));
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toHaveLength(1);
  await running.storage.volumeSpace();
  await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 4);
  await expectClean(running, 4);
});

test('what is imported while a volume is full goes at once', async () => {
  const reserve = { percent: 100, minBytes: 1e18, maxBytes: 1e18 };
  await using running = await room.start(undefined, { settings: { ...keepAll, disk: { reserve, ballastBytes: 0 } } });
  room.tables.fault = new AppError('tablesUnavailable', 'down');
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => [...running.view.files()].some(({ retry }) => retry !== undefined));
  await running.storage.volumeSpace();
  expect([...running.view.slices()], 'nothing goes that is not imported').toHaveLength(2);
  room.tables.fault = undefined;
  await running.until(() => isClean(running) && running.view.sinkSum(testSinkKey).goodRows === 4);
  await expectClean(running, 4);
});
