import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { DuckdbFile } from './duckdb-file.ts';

let folder: Awaited<ReturnType<typeof openTempFolder>>;
beforeEach(async () => {
  folder = await openTempFolder();
});
afterEach(async () => await folder[Symbol.asyncDispose]());

async function openFile(renewAfterMs?: number, keepsConnections = false): Promise<DuckdbFile> {
  const file = new DuckdbFile({
    file: join(folder.path, 'some.duckdb'),
    memoryLimitMb: 64,
    keepsConnections,
    ...(renewAfterMs !== undefined && { renewAfterMs }),
    tempFolder: join(folder.path, 'temp'),
    readableFolders: [],
    readOnly: false,
    toError: (error) => error,
  });
  await file.use('create', async (connection) => void (await connection.run('CREATE TABLE IF NOT EXISTS t (x VARCHAR)')));
  return file;
}

/** Rows that hardly compress, 1 MB in 10,000 of them. */
const append = (file: DuckdbFile, rows = 10_000) =>
  file.use('append', async (connection) => {
    await connection.run(`INSERT INTO t SELECT md5(i::TEXT) || sha256(i::TEXT) || '----' FROM range(${rows}) r(i)`);
  });

const countRows = (file: DuckdbFile) =>
  file.use('count', async (connection) => {
    const found = await connection.runAndReadAll('SELECT count(*), count(DISTINCT x) FROM t');
    return found.getRows()[0]?.map(Number);
  });

/** Megabytes of blocks of tables in memory. */
const cached = (file: DuckdbFile) =>
  file.use('look', async (connection) => {
    const found = await connection.runAndReadAll(`SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'BASE_TABLE'`);
    return Number(found.getRows()[0]?.[0]) / 1e6;
  });

test('a database is closed when it is old, and keeps no more in memory than when it was opened', async () => {
  await using file = await openFile(0);
  for (let index = 0; index < 20; index += 1) await append(file);
  expect(await countRows(file)).toEqual([200_000, 10_000]);
  expect(await cached(file)).toBeLessThan(1);
  await file[Symbol.asyncDispose]();
  await using kept = await openFile();
  for (let index = 0; index < 20; index += 1) await append(kept);
  expect(await countRows(kept)).toEqual([400_000, 10_000]);
  expect(await cached(kept)).toBeGreaterThan(5);
});

test('users who come while it is closed are answered, and find what was stored', async () => {
  await using file = await openFile(0);
  const user = async () => {
    for (let index = 0; index < 10; index += 1) {
      await append(file, 1000);
      expect((await countRows(file))?.[1]).toBe(1000);
    }
  };
  await Promise.all([user(), user(), user(), user()]);
  expect(await countRows(file)).toEqual([40_000, 1000]);
});

test('the end of the service waits for it', async () => {
  for (let index = 0; index < 10; index += 1) {
    const file = await openFile(0);
    const appends = [append(file), append(file)];
    if (index % 2 === 0) await appends[0];
    await file[Symbol.asyncDispose]();
    const stored = (await Promise.allSettled(appends)).filter(({ status }) => status === 'fulfilled').length;
    await using next = await openFile();
    expect((await countRows(next))?.[0]).toBeGreaterThanOrEqual(stored * 10_000);
    await next.use('clear', async (connection) => void (await connection.run('DELETE FROM t')));
  }
});

test('a database whose log cannot be written into its file is closed all the same, and has what was committed', async () => {
  await using file = await openFile(0, true);
  await append(file);
  // A transaction that nobody ended refuses the checkpoint.
  await file.use('leave open', async (connection) => void (await connection.run(`BEGIN; INSERT INTO t VALUES ('never committed')`)));
  expect(await countRows(file)).toEqual([10_000, 10_000]);
  await append(file);
  expect(await countRows(file)).toEqual([20_000, 10_000]);
});
