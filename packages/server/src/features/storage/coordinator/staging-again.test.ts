import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkHistory } from '../../../../test/support/storage-history.ts';
import {
  allComponents,
  type Engines,
  openStorageRoom,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  startStorage,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import type { MetadataStore } from '../../../engines/metadata/metadata-store.ts';
import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import type { TableEngine, TableImport } from '../../../engines/tables/table-engine.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type File, stagingOf } from '../state/file.ts';
import { fileKeyText, sliceFolder } from '../state/storage-keys.ts';
import { storageStatus } from '../storage-status.ts';

const settings = rotatingSettings(4, 4);
const keepNothing = { ...settings, dataRetentionMs: 0, recordRetentionMs: 0 };
const refused = new AppError('importRejected', 'a row is refused');
const never = new AbortController().signal;

let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings });
});
afterEach(() => room[Symbol.asyncDispose]());

type OnImport = (file: TableImport, attempt: number) => Promise<void> | void;

/** The room's tables; before each import `onImport` acts, and may refuse it. Attempts count from 1. */
function tablesWith(onImport: OnImport): TableEngine {
  let attempt = 0;
  const importFile: TableEngine['importFile'] = async (file, signal) => {
    attempt += 1;
    await onImport(file, attempt);
    return room.tables.importFile(file, signal);
  };
  return new Proxy<TableEngine>(room.tables, {
    get: (target, name) => {
      const value: unknown = name === 'importFile' ? importFile : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const startWith = (onImport: OnImport, more: Partial<Engines> & { settings?: typeof settings } = {}): Promise<RunningStorage> =>
  startStorage({ ...room, volumes: [room.volume], tables: tablesWith(onImport), ...more }, allComponents, { settings, ...more });

/** A store that copies. */
function copyingObjects(): ObjectStore {
  const { objects } = room;
  return new Proxy(objects, {
    get: (target, name) => {
      if (name === 'directory') return { pathOf: target.directory?.pathOf, link: async () => false };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const statusOf = ({ view }: RunningStorage) => storageStatus(view)[0];
const rowsOf = (running: RunningStorage) => statusOf(running)?.rows;
const inTable = () => room.tables.rows.flat().toSorted();
const noRows = { local: 0, staged: 0, quarantined: 0, imported: 0, damaged: 0, discarded: 0 };

/** Two members of two rows each. */
async function append(running: RunningStorage): Promise<void> {
  await running.append(['a', 'b']);
  await running.append(['c', 'd']);
}

/** The file that is not open, with the paths of its slice's one part and object. */
async function closedFile(): Promise<{ key: string; file: File; part: string; object: string }> {
  await using running = await room.start([]);
  const file = [...running.view.files()].find(({ state }) => state !== 'writing');
  const [slice] = file ? running.view.slicesOf(fileKeyText(file)) : [];
  if (!file || slice?.state !== 'uploaded' || !slice.object) throw new Error('nothing is staged');
  const part = join(room.volume.path, sliceFolder(slice), `${slice.parts[0]?.name}.csv.gz`);
  return { key: fileKeyText(file), file, part, object: room.objects.directory?.pathOf(slice.object.key) ?? '' };
}

/** Flips a bit of the first member's payload, in place: hard links share it. */
async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(80) ^ 4, 80);
  await writeFile(path, bytes);
}

test('damage to a staged object costs the rows of its member: all others arrive, once', async () => {
  await using running = await startWith(async (_file, attempt) => {
    if (attempt === 1) await damage((await closedFile()).part);
  });
  await append(running);
  await running.until(() => rowsOf(running)?.imported === 2);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 2, damaged: 2 });
  expect(statusOf(running)?.conservation).toEqual({ accepted: 4, violations: [] });
  expect(inTable()).toEqual(['c', 'd']);
  expect(room.tables.attempts).toBe(2);
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects, 'the object that was refused is gone').toHaveLength(1);
  await checkHistory(room.metadata);
});

test('a changed object is refused before the table engine sees it: not every engine looks at checksums', async () => {
  const attempts: number[] = [];
  await using running = await startWith(async (_file, attempt) => {
    attempts.push(attempt);
    if (attempt > 1) return;
    await damage((await closedFile()).part);
    throw new AppError('tablesUnavailable', 'down');
  });
  await append(running);
  await running.until(() => rowsOf(running)?.imported === 2);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 2, damaged: 2 });
  expect(inTable()).toEqual(['c', 'd']);
  expect(attempts).toEqual([1, 2]);
  expect(statusOf(running)?.stagedAgain[0]?.reason).toMatch(/^The staged object .* was changed since its upload\.$/);
});

test('what the disk changes again after the new staging is staged anew, too', async () => {
  const attempts: number[] = [];
  await using running = await startWith(async (_file, attempt) => {
    attempts.push(attempt);
    if (attempt > 2) return;
    const { part, object } = await closedFile();
    await damage(attempt === 1 ? part : object);
    throw new AppError('tablesUnavailable', 'down');
  });
  for (const rows of [['a'], ['b'], ['c', 'd']]) await running.append(rows);
  await running.until(() => rowsOf(running)?.imported === 3);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 3, damaged: 1 });
  expect(inTable()).toEqual(['b', 'c', 'd']);
  expect(attempts).toEqual([1, 2, 3]);
  await checkHistory(room.metadata);
});

test('nothing is left of a file that was staged again, and its ids are forgotten', async () => {
  const more = { settings: keepNothing };
  await using running = await startWith((_file, attempt) => (attempt === 1 ? Promise.reject(refused) : undefined), more);
  await append(running);
  await running.until(() => running.view.sinkSum(testSinkKey).goodRows === 4);
  expect([...running.view.files(), ...running.view.slices()]).toHaveLength(2);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 4 });
  expect(inTable()).toEqual(['a', 'b', 'c', 'd']);
  expect(room.tables.ledger.size).toBe(0);
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toEqual([]);
});

test('a file whose every row is damaged is imported as an empty one', async () => {
  await using running = await startWith(async (_file, attempt) => {
    if (attempt === 1) await damage((await closedFile()).part);
  });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => rowsOf(running)?.damaged === 4);
  await running.until(() => [...running.view.files()].some(({ state }) => state === 'imported'));
  expect(statusOf(running)).toMatchObject({ rows: { ...noRows, damaged: 4 }, conservation: { violations: [] } });
  expect(inTable()).toEqual([]);
});

test('an importer with the list of before doubles nothing, at whatever moment of the new staging it comes', async () => {
  for (let moment = 1, done = false; !done; moment += 1) {
    await room[Symbol.asyncDispose]();
    room = await openStorageRoom({ settings });
    let first: TableImport | undefined;
    let calls = 0;
    const late = async () => {
      if (!first) return;
      calls += 1;
      if (calls === moment) await room.tables.importFile(first, never).catch(() => undefined);
    };
    const tables = before(
      tablesWith((file, attempt) => {
        if (attempt > 1) return;
        first = file;
        throw refused;
      }),
      late,
    );
    const engines = { ...room, volumes: [room.volume], metadata: before<MetadataStore>(room.metadata, late), tables };
    await using running = await startStorage(engines, allComponents, { settings });
    await append(running);
    await running.until(() => rowsOf(running)?.imported === 4);
    if (first && calls >= moment) await room.tables.importFile(first, never).catch(() => undefined);
    expect(inTable(), `late import at call ${moment}`).toEqual(['a', 'b', 'c', 'd']);
    expect(statusOf(running)?.conservation.violations).toEqual([]);
    done = calls < moment;
    if (done) expect(moment).toBeGreaterThan(10);
  }
});

/** The engine, each asynchronous call of which comes after `late`. */
function before<T extends object>(engine: T, late: () => Promise<void>): T {
  return new Proxy(engine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'watch') return value.bind(target);
      return (...args: unknown[]) => late().then(() => value.apply(target, args));
    },
  });
}

test('a process may die at any transaction of it: the next start goes on', async () => {
  for (let cut = 1, done = false; !done; cut += 1) {
    await room[Symbol.asyncDispose]();
    room = await openStorageRoom({ settings });
    let transactions = 0;
    let isRefused = false;
    const died = Promise.withResolvers<void>();
    const dies = async () => {
      if (isRefused && ++transactions >= cut) {
        died.resolve();
        throw new AppError('metadataUnavailable', 'died');
      }
    };
    const metadata = new Proxy<MetadataStore>(room.metadata, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return name === 'transact' ? (...args: unknown[]) => dies().then(() => value.apply(target, args)) : value.bind(target);
      },
    });
    {
      const refuse: OnImport = (_file, attempt) => {
        isRefused = true;
        if (attempt === 1) throw refused;
      };
      await using running = await startWith(refuse, { metadata });
      await append(running);
      done = await Promise.race([died.promise.then(() => false), running.until(() => rowsOf(running)?.imported === 4).then(() => true)]);
    }
    await using running = await room.start();
    await running.until(() => rowsOf(running)?.imported === 4);
    expect(inTable(), `died at transaction ${cut}`).toEqual(['a', 'b', 'c', 'd']);
    expect(statusOf(running)?.conservation.violations).toEqual([]);
    await checkHistory(room.metadata);
    if (done) expect(cut).toBeGreaterThan(4);
  }
});

test('rows that are good in staging are not given up for damaged local ones', async () => {
  await using running = await startWith(
    async (_file, attempt) => {
      if (attempt > 1) return;
      await damage((await closedFile()).part);
      throw refused;
    },
    { objects: copyingObjects() },
  );
  await append(running);
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 4 });
  expect(inTable()).toEqual(['a', 'b', 'c', 'd']);
});

test('a damaged copy is replaced from good local parts', async () => {
  await using running = await startWith(
    async (_file, attempt) => {
      if (attempt === 1) await damage((await closedFile()).object);
    },
    { objects: copyingObjects() },
  );
  await append(running);
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 4 });
  expect(room.tables.attempts).toBe(2);
});

test('damage to both copies in different members costs the local one only', async () => {
  await using running = await startWith(
    async (_file, attempt) => {
      if (attempt > 1) return;
      const { part, object } = await closedFile();
      await damage(part);
      const bytes = await readFile(object);
      await writeFile(object, bytes.subarray(0, -20));
    },
    { objects: copyingObjects() },
  );
  await append(running);
  await running.until(() => rowsOf(running)?.imported === 2);
  expect(rowsOf(running)).toEqual({ ...noRows, imported: 2, damaged: 2 });
  expect(inTable()).toEqual(['c', 'd']);
});

test('where the local parts are gone the object stays as it is, and the quarantine says so; mended, it is imported', async () => {
  let isMended = false;
  await using running = await startWith(async (_file, attempt) => {
    if (attempt === 1) await rm((await closedFile()).part);
    if (!isMended) throw refused;
  });
  await append(running);
  await running.until(() => statusOf(running)?.quarantined.length === 1);
  expect(statusOf(running)?.quarantined[0]?.reason).toBe(
    'a row is refused (1 of its slices could not be staged again: local parts are gone)',
  );
  expect(rowsOf(running)).toEqual({ ...noRows, quarantined: 4 });
  isMended = true;
  await running.storage.quarantine.retry(statusOf(running)?.quarantined[0]?.file ?? '');
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(inTable()).toEqual(['a', 'b', 'c', 'd']);
  await checkHistory(room.metadata);
});

test('slices of a volume that is not there keep their objects', async () => {
  {
    await using running = await startWith(() => Promise.reject(new AppError('tablesUnavailable', 'down')));
    await append(running);
    await running.until(() => [...running.view.files()].some(({ retry }) => retry));
  }
  await using running = await startStorage(
    { ...room, volumes: [], tables: tablesWith((_file, attempt) => (attempt === 1 ? Promise.reject(refused) : undefined)) },
    ['coordinator'],
    { settings },
  );
  await running.until(() => rowsOf(running)?.imported === 4);
  const [slice] = [...running.view.slices()].filter(({ state }) => state === 'uploaded');
  expect(slice).toMatchObject({ staging: 1, keptBecause: `volume ${room.volume.id} is not there` });
});

test('a file that the ledger has with other rows is never staged again, not even by a retry', async () => {
  await using running = await startWith((file, attempt) => {
    if (attempt === 1) room.tables.ledger.set(file.importId, { rows: 3, checksum: 'another' });
  });
  await append(running);
  await running.until(() => statusOf(running)?.quarantined.length === 1);
  expect(room.tables.attempts).toBe(1);
  const [first] = statusOf(running)?.quarantined ?? [];
  await running.storage.quarantine.retry(first?.file ?? '');
  await running.until(() => statusOf(running)?.quarantined[0]?.reason.startsWith('the ledger has its import with other rows') === true);
  expect(room.tables.attempts).toBe(1);
  expect(stagingOf((await closedFile()).file)).toBe(0);
});

test('an engine that does not answer delays the new staging', async () => {
  await using running = await startWith((_file, attempt) => {
    if (attempt > 1) return;
    room.tables.isDown = true;
    throw refused;
  });
  await append(running);
  await running.until(() => [...running.view.files()].some((file) => 'refused' in file && file.retry?.reason === 'down'));
  expect(statusOf(running)).toMatchObject({ rows: { staged: 4 }, retrying: 1 });
  room.tables.isDown = false;
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(inTable()).toEqual(['a', 'b', 'c', 'd']);
});
