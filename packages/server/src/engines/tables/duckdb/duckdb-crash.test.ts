import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openObjectStore } from '../../objects/registry.ts';
import { openTableEngine } from '../registry.ts';
import { gzip } from '../table-engine.conformance.ts';
import type { TableImport } from '../table-engine.ts';

const script = fileURLToPath(new URL('../../../../test/support/import-and-die.ts', import.meta.url));
const rowCount = 20_000;
const select = 'SELECT count(*), count(DISTINCT a) FROM "in.c-b".t';
const never = new AbortController().signal;

describe('an import whose process is killed', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });
  const file = (importId: string): TableImport => ({
    importId,
    table: { project: '1', schema: 'in.c-b', name: 't' },
    columns: ['a'],
    rows: rowCount,
    checksum: importId,
    maxRowBytes: 1000,
    objects: [{ key: importId, codec: 'gzip' }],
  });
  const open = async () => {
    const objects = await openObjectStore({ kind: 'local', folder: join(root, 'objects') });
    return { objects, tables: await openTableEngine({ kind: 'duckdb', folder: join(root, 'tables') }, { objects }) };
  };
  const stage = async (importId: string) => {
    const { objects, tables } = await open();
    const rows = Array.from({ length: rowCount }, (_, index) => [`${importId}-${index}`]);
    const content = async function* () {
      yield gzip(rows);
    };
    await objects.put(importId, content());
    await tables[Symbol.asyncDispose]();
  };
  const killAt = async (point: string, importId: string) => {
    const child = spawn(process.execPath, [script, root, point, JSON.stringify(file(importId))], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  };

  it.each(['import.afterLedger', 'import.beforeCommit'])('leaves nothing at %s, and can be done again', async (point) => {
    await stage('first');
    await stage('second');
    // The first import of a project, which creates everything, and a later one.
    await killAt(point, 'first');
    {
      await using tables = (await open()).tables;
      expect(await tables.importFile(file('first'), never)).toEqual({ outcome: 'imported', rows: rowCount });
    }
    await killAt(point, 'second');
    await using tables = (await open()).tables;
    expect((await tables.query?.('1', select))?.rows).toEqual([[rowCount, rowCount]]);
    expect((await tables.query?.('1', 'SELECT count(*) FROM main._sluice_imports'))?.rows).toEqual([[1]]);
    expect(await tables.importFile(file('second'), never)).toEqual({ outcome: 'imported', rows: rowCount });
    expect((await tables.query?.('1', select))?.rows).toEqual([[2 * rowCount, 2 * rowCount]]);
  });

  it('leaves every row once at import.afterCommit, also to read only', async () => {
    await stage('first');
    await killAt('import.afterCommit', 'first');
    const { objects, tables: writing } = await open();
    await writing[Symbol.asyncDispose]();
    {
      await using reading = await openTableEngine({ kind: 'duckdb', folder: join(root, 'tables') }, { objects, readOnly: true });
      expect((await reading.query?.('1', select))?.rows).toEqual([[rowCount, rowCount]]);
    }
    await using tables = (await open()).tables;
    expect(await tables.importFile(file('first'), never)).toEqual({ outcome: 'repeated', rows: rowCount });
    expect((await tables.query?.('1', select))?.rows).toEqual([[rowCount, rowCount]]);
  });
});
