import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quoteName } from '../../../kernel/codec/sql-text.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import { openObjectStore } from '../../objects/registry.ts';
import { openTableEngine } from '../registry.ts';
import { describeTableEngine, gzip, type TablesHarness } from '../table-engine.conformance.ts';
import type { TableImport, TableName } from '../table-engine.ts';
import { DuckdbTableEngine, type DuckdbTableOptions } from './duckdb-table-engine.ts';
import { quoteTable } from './quote-table.ts';

const never = new AbortController().signal;
const table: TableName = { project: '1', schema: 'in.c-b', name: 't' };

describeTableEngine('duckdb', () => openHarness('plain', (objects) => objects));
describeTableEngine('duckdb on a store without directory', () => openHarness('streamed', withoutDirectory));

describe('duckdb table engine', () => {
  let harness: DuckdbHarness;
  beforeEach(async () => {
    harness = await openHarness('odd [name] *', (objects) => objects);
  });
  afterEach(async () => {
    await harness[Symbol.asyncDispose]();
  });
  const fileOf = (importId: string, rows: readonly unknown[], given: Partial<TableImport>): TableImport => {
    const objects = [{ key: importId, codec: 'gzip' as const }];
    return { importId, table, columns: ['a', 'b'], checksum: '', maxRowBytes: 1_572_864, rows: rows.length, objects, ...given };
  };
  const importRows = async (importId: string, rows: readonly (readonly string[])[], given: Partial<TableImport> = {}) => {
    await harness.stage(importId, gzip(rows));
    return harness.engine.importFile(fileOf(importId, rows, given), never);
  };
  const query = (sql: string) => harness.engine.query('1', sql);

  describe('query', () => {
    it('gives values as JSON can hold them', async () => {
      await importRows('i', [['1', 'x']]);
      const result =
        await query(`SELECT a, 1::BIGINT AS small, 9223372036854775807 AS big, 1.50::DECIMAL(9,2) AS d, DATE '2020-01-02' AS day,
        TIMESTAMP '2020-01-02 03:04:05' AS at, 'nan'::DOUBLE AS nan, 1.5::DOUBLE AS f, [1, NULL] AS list, {'k': 1::BIGINT} AS s, NULL AS n, true AS y,
        'ab'::BLOB AS blob, count(*) OVER () AS c FROM "in.c-b".t`);
      expect(result.columns).toEqual(['a', 'small', 'big', 'd', 'day', 'at', 'nan', 'f', 'list', 's', 'n', 'y', 'blob', 'c']);
      const row = [
        '1',
        1,
        '9223372036854775807',
        '1.50',
        '2020-01-02',
        '2020-01-02 03:04:05',
        'NaN',
        1.5,
        [1, null],
        { k: 1 },
        null,
        true,
        'ab',
        1,
      ];
      expect(result.rows).toEqual([row]);
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    });

    it('runs statements that read', async () => {
      await importRows('i', [['1', 'x']]);
      for (const sql of [
        'SELECT 1;',
        'WITH x AS (SELECT 1) SELECT * FROM x',
        'FROM "in.c-b".t',
        'VALUES (1)',
        'DESCRIBE "in.c-b".t',
        'SHOW TABLES',
        'SUMMARIZE "in.c-b".t',
        'EXPLAIN SELECT 1',
        'EXPLAIN ANALYZE SELECT 1',
        'SELECT * FROM main._sluice_imports',
        'SELECT * FROM "1"."in.c-b".t',
      ]) {
        expect((await query(sql)).columns.length, sql).toBeGreaterThan(0);
      }
    });

    it('refuses everything else and changes nothing', async () => {
      await importRows('i', [['1', 'x']]);
      const attach = `ATTACH '${join(harness.folder, 'other.duckdb')}'`;
      for (const sql of [
        '',
        'SELECT 1; SELECT 2',
        'SELEKT',
        'SELECT ?',
        'SELECT nowhere',
        'CREATE TABLE x (a INT)',
        'INSERT INTO "in.c-b".t VALUES (1, 2)',
        'WITH x AS (SELECT 1) INSERT INTO "in.c-b".t SELECT 1, 2',
        'EXPLAIN ANALYZE INSERT INTO "in.c-b".t VALUES (1, 2)',
        'EXPLAIN ANALYZE DROP TABLE "in.c-b".t',
        'DELETE FROM "in.c-b".t',
        'DROP TABLE "in.c-b".t',
        'SET threads = 8',
        'PRAGMA enable_profiling',
        'BEGIN',
        'COMMIT',
        'CHECKPOINT',
        'INSTALL httpfs',
        'LOAD httpfs',
        attach,
        `COPY (SELECT 1) TO '${join(harness.folder, 'x.csv')}'`,
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT getenv('HOME')",
      ]) {
        await expect(query(sql), sql).rejects.toMatchObject({ code: 'badRequest' });
      }
      expect((await query('FROM "in.c-b".t')).rows).toEqual([['1', 'x']]);
      expect((await readdir(harness.folder)).filter((name) => name.startsWith('other') || name.endsWith('csv'))).toEqual([]);
    });

    it('refuses results over its limits, and projects without tables', async () => {
      await harness.reopen({ queryLimits: { maxRows: 3, maxCharacters: 100 } });
      await importRows('i', [['1', 'x']]);
      expect((await query('FROM range(3)')).rows).toHaveLength(3);
      await expect(query('FROM range(4)')).rejects.toMatchObject({ code: 'badRequest', message: expect.stringContaining('LIMIT') });
      await expect(query("SELECT repeat('x', 101)")).rejects.toMatchObject({ code: 'badRequest' });
      await expect(harness.engine.query('nobody', 'SELECT 1')).rejects.toMatchObject({ code: 'badRequest' });
      await expect(harness.engine.query('../x', 'SELECT 1')).rejects.toMatchObject({ code: 'invariantBroken' });
      expect(await readdir(harness.folder)).not.toContain('nobody.duckdb');
    });

    it('shows all of an import or nothing while one runs', async () => {
      await importRows('first', [['1', 'x']]);
      let isRunning = true;
      const importing = importRows(
        'second',
        Array.from({ length: 300_000 }, (_, index) => [`${index}`, 'x'.repeat(40)]),
      ).finally(() => {
        isRunning = false;
      });
      const seen = new Set<unknown>();
      while (isRunning) seen.add((await query('SELECT count(*) FROM "in.c-b".t')).rows[0]?.[0]);
      await importing;
      seen.add((await query('SELECT count(*) FROM "in.c-b".t')).rows[0]?.[0]);
      expect([...seen].toSorted()).toEqual([1, 300_001]);
    });
  });

  describe('read only', () => {
    it('reads what a killed process committed, and changes no file', async () => {
      await importRows('i', [['1', 'x']]);
      // A copy while the database is open is what a kill leaves: the rows are in the log only.
      const copy = join(harness.root, 'copy');
      await mkdir(copy);
      for (const name of ['1.duckdb', '1.duckdb.wal']) await writeFile(join(copy, name), await readFile(join(harness.folder, name)));
      const before = await hashes(copy);
      const objects = await openObjectStore({ kind: 'local', folder: join(harness.root, 'none') });
      await using engine = await openTableEngine({ kind: 'duckdb', folder: copy }, { objects, readOnly: true });
      expect(await engine.query?.('1', 'FROM "in.c-b".t')).toEqual({ columns: ['a', 'b'], rows: [['1', 'x']] });
      await engine.probe();
      await expect(engine.ensureTable(table, ['c'])).rejects.toMatchObject({ code: 'invariantBroken' });
      await engine[Symbol.asyncDispose]();
      expect(await hashes(copy)).toEqual(before);
    });
  });

  it('leaves a schema alone in which somebody has a view', async () => {
    for (const each of [table, { ...table, name: 'u' }]) await harness.engine.ensureTable(each, ['a']);
    await harness.engine[Symbol.asyncDispose]();
    const instance = await DuckDBInstance.create(join(harness.folder, '1.duckdb'));
    const connection = await instance.connect();
    await connection.run('CREATE VIEW "in.c-b".view AS SELECT 1 AS n');
    connection.closeSync();
    instance.closeSync();
    await harness.reopen();
    for (const name of ['t', 'u']) await harness.engine.dropTable({ ...table, name });
    expect((await query('FROM "in.c-b".view')).rows).toEqual([[1]]);
    await expect(query('FROM "in.c-b".u')).rejects.toMatchObject({ code: 'badRequest' });
  });

  it('loads large rows and files within its memory', async () => {
    const large = [['1', 'x'.repeat(2_000_000)]];
    expect(await importRows('row', large, { maxRowBytes: 2_100_000 })).toEqual({ outcome: 'imported', rows: 1 });
    // Random text hardly compresses: 50 MB.
    // It takes more than the ordinary memory, also to replay and to read it.
    const rows = Array.from({ length: 64 }, () => [randomBytes(400_000).toString('hex'), randomBytes(400_000).toString('hex')]);
    expect(await importRows('file', rows, { maxRowBytes: 1_700_000 })).toEqual({ outcome: 'imported', rows: 64 });
    await harness.reopen();
    expect((await query('SELECT sum(length(a)) + sum(length(b)) FROM "in.c-b".t')).rows).toEqual([[2_000_001 + 64 * 1_600_000]]);
    await harness.reopen({ maxMemoryLimitMb: 128 });
    const again = { ...fileOf('again', rows, { maxRowBytes: 1_700_000 }), objects: [{ key: 'file', codec: 'gzip' as const }] };
    await expect(harness.engine.importFile(again, never)).rejects.toMatchObject({ code: 'tablesUnavailable', disposition: 'retry' });
  }, 60_000);

  it('refuses everything when it is closed, and what waits', async () => {
    await importRows('i', [['1', 'x']]);
    const { engine } = harness;
    const waiting = Array.from({ length: 5 }, () => engine.ensureTable(table, ['c']));
    const settled = Promise.allSettled(waiting);
    await engine[Symbol.asyncDispose]();
    for (const outcome of await settled)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'tablesUnavailable' });
    await expect(engine.query('1', 'SELECT 1')).rejects.toMatchObject({ code: 'tablesUnavailable' });
    await expect(engine.ensureTable(table, ['d'])).rejects.toMatchObject({ code: 'tablesUnavailable' });
    await harness.reopen();
    expect((await query('SELECT a FROM "in.c-b".t')).rows).toEqual([['1']]);
  });

  it('says who is wrong when a file is no database', async () => {
    await writeFile(join(harness.folder, '7.duckdb'), randomBytes(20_000));
    await expect(harness.engine.query('7', 'SELECT 1')).rejects.toMatchObject({ code: 'tablesUnavailable' });
    // The next attempt opens it again.
    await rm(join(harness.folder, '7.duckdb'));
    await harness.engine.ensureTable({ ...table, project: '7' }, ['a']);
    expect((await harness.engine.query('7', 'FROM "in.c-b".t')).columns).toEqual(['a']);
  });

  it('is opened by the registry, which refuses unknown kinds', async () => {
    const objects = await openObjectStore({ kind: 'local', folder: join(harness.root, 'none') });
    const unknown: unknown = { kind: 'abacus' };
    // @ts-expect-error: configuration files are not type-checked.
    await expect(openTableEngine(unknown, { objects })).rejects.toMatchObject({ code: 'configInvalid' });
    const folder = join(harness.root, 'why?');
    await expect(openTableEngine({ kind: 'duckdb', folder }, { objects })).rejects.toMatchObject({ code: 'configInvalid' });
  });
});

interface DuckdbHarness extends TablesHarness {
  readonly engine: DuckdbTableEngine;
  readonly root: string;
  readonly folder: string;
  reopen(options?: Partial<DuckdbTableOptions>): Promise<void>;
}

async function openHarness(name: string, view: (objects: ObjectStore) => ObjectStore): Promise<DuckdbHarness> {
  const root = await mkdtemp(join(tmpdir(), `sluice-tables-${name}-`));
  const folder = join(root, 'tables');
  const objects = await openObjectStore({ kind: 'local', folder: join(root, 'objects') });
  const queryLimits = { maxRows: 1_000_000, maxCharacters: 100_000_000 };
  const open = (options: Partial<DuckdbTableOptions> = {}) =>
    DuckdbTableEngine.open({ folder, memoryLimitMb: 128, objects: view(objects), queryLimits, ...options });
  let engine = await open();
  return {
    root,
    folder,
    get engine() {
      return engine;
    },
    reopen: async (options) => {
      await engine[Symbol.asyncDispose]();
      engine = await open(options);
    },
    stage: async (key, content) => {
      await objects.put(
        key,
        (async function* () {
          yield content;
        })(),
      );
    },
    unstage: (key) => objects.delete(key),
    read: async (of, columns) => {
      // The driver drops U+FEFF at the beginning of a text, so none begins with it.
      const texts = columns.map((column) => `'_' || ${quoteName(column)}`);
      const { rows } = await engine.query(of.project, `SELECT ${texts.join(', ')} FROM ${quoteTable(of)}`);
      return rows.map((row) => row.map((value) => (value === null ? null : String(value).slice(1))));
    },
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}

function withoutDirectory(objects: ObjectStore): ObjectStore {
  return {
    put: (key, content, options) => objects.put(key, content, options),
    get: (key, range) => objects.get(key, range),
    head: (key) => objects.head(key),
    list: (query) => objects.list(query),
    delete: (key) => objects.delete(key),
    [Symbol.asyncDispose]: () => objects[Symbol.asyncDispose](),
  };
}

async function hashes(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).toSorted();
  const entries = names.map(
    async (name) =>
      [
        name,
        createHash('sha256')
          .update(await readFile(join(folder, name)))
          .digest('hex'),
      ] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
