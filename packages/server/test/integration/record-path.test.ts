import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openMetadataStore } from '../../src/engines/metadata/registry.ts';
import { openObjectStore } from '../../src/engines/objects/registry.ts';
import { openTableEngine } from '../../src/engines/tables/registry.ts';
import { openVolumes } from '../../src/features/storage/open-volumes.ts';
import type { SliceState } from '../../src/features/storage/state/slice.ts';
import type { StorageSettings } from '../../src/features/storage/storage.ts';
import { storageStatus } from '../../src/features/storage/storage-status.ts';
import { checkHistory } from '../support/storage-history.ts';
import {
  type Component,
  quietSettings,
  type RunningStorage,
  rotatingSettings,
  startStorage,
  testSinkKey,
} from '../support/storage-room.ts';
import { openTempFolder } from '../support/temp-folder.ts';

/** Storage with the real engines of one node, dropped and opened anew for every stage of the path. */
let temp: Awaited<ReturnType<typeof openTempFolder>>;
beforeEach(async () => {
  temp = await openTempFolder();
});
afterEach(() => temp[Symbol.asyncDispose]());

interface Process extends AsyncDisposable {
  readonly running: RunningStorage;
  /** The values in the table, in order. */
  values(): Promise<string[]>;
  /** The ids in the ledger of imports. */
  ledger(): Promise<unknown[]>;
  readonly objectKeys: () => Promise<string[]>;
  checkHistory(): Promise<unknown>;
}

async function startProcess(components: readonly Component[], settings: StorageSettings): Promise<Process> {
  await using stack = new AsyncDisposableStack();
  const metadata = stack.use(await openMetadataStore({ kind: 'sqlite', file: join(temp.path, 'metadata.db') }));
  const objects = stack.use(await openObjectStore({ kind: 'local', folder: join(temp.path, 'staging') }));
  const tables = stack.use(await openTableEngine({ kind: 'duckdb', folder: join(temp.path, 'tables') }, { objects }));
  const volumes = await openVolumes(join(temp.path, 'volumes'));
  const running = stack.use(await startStorage({ metadata, objects, tables, volumes }, components, { settings }));
  const moved = stack.move();
  const query = async (sql: string) => ((await tables.query?.('1', sql))?.rows ?? []).map((row) => row[0]);
  return {
    running,
    values: async () => inOrder((await query('SELECT body FROM "in.c-bucket"."table"')).map(String)),
    ledger: () => query('SELECT import_id FROM _sluice_imports'),
    objectKeys: async () => (await objects.list({ prefix: '', limit: 100 })).objects.map(({ key }) => key),
    checkHistory: () => checkHistory(metadata),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

const inOrder = (values: readonly string[]): string[] => values.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
const firstSliceState = ({ view }: RunningStorage): SliceState | undefined => [...view.slices()][0]?.state;
const firstFile = ({ view }: RunningStorage) => [...view.files()][0];
const rowsIn = ({ view }: RunningStorage) => storageStatus(view)[0]?.rows;

test('rows go from stage to stage through a restart at each of them, into the table, and leave nothing behind', async () => {
  const settings = rotatingSettings(3, 5);
  const values = ['a', 'b', 'quote " and, comma\nand line', '\u{1F600}', ''];
  {
    await using own = await startProcess(['writer', 'statistics'], settings);
    const { running } = own;
    expect((await running.append(values.slice(0, 2))).result.type).toBe('durable');
    expect((await running.append(values.slice(2))).result.type).toBe('durable');
    await running.until(() => rowsIn(running)?.local === 5);
  }
  {
    await using own = await startProcess(['coordinator'], settings);
    await own.running.until(() => firstFile(own.running)?.state === 'closing');
    expect(firstSliceState(own.running)).toBe('closing');
  }
  {
    await using own = await startProcess(['writer'], settings);
    await own.running.until(() => firstSliceState(own.running) === 'uploading');
  }
  {
    await using own = await startProcess(['uploader'], settings);
    await own.running.until(() => firstSliceState(own.running) === 'uploaded');
    expect(rowsIn(own.running)).toMatchObject({ staged: 5, local: 0 });
    expect(await own.objectKeys()).toHaveLength(1);
  }
  {
    await using own = await startProcess(['coordinator'], settings);
    await own.running.until(() => rowsIn(own.running)?.imported === 5);
    expect(await own.values()).toEqual(inOrder(values));
    expect(await own.ledger()).toHaveLength(1);
    await own.checkHistory();
  }
  const keepNothing = { ...settings, dataRetentionMs: 0, recordRetentionMs: 0 };
  {
    await using own = await startProcess(['writer'], keepNothing);
    await own.running.until(() => [...own.running.view.slices()].some((slice) => 'localRemovedAt' in slice));
  }
  await using own = await startProcess(['coordinator'], keepNothing);
  await own.running.until(() => [...own.running.view.files()].length === 1 && own.running.view.sinkSum(testSinkKey).goodRows === 5);
  expect(rowsIn(own.running)).toEqual({ local: 0, staged: 0, quarantined: 0, imported: 5, damaged: 0, discarded: 0 });
  expect(await own.objectKeys()).toEqual([]);
  expect(await own.ledger()).toEqual([]);
  expect(await own.values()).toEqual(inOrder(values));
  const [volume] = await openVolumes(join(temp.path, 'volumes'));
  expect(await readdir(volume!.path)).toEqual(['volume-id']);
});

test('whenever a process stops, and whatever codec the next one is set to: each durable row is in the table once, and no other', async () => {
  const { file, compression } = quietSettings;
  const codecOf = (round: number) => (['gzip', 'zstd', 'none'] as const)[round % 3] ?? 'gzip';
  const hasty: StorageSettings = {
    file: { ...file, upload: { ...file.upload, count: 4, intervalMs: 30 }, import: { ...file.import, count: 9, intervalMs: 60 } },
    compression,
    dataRetentionMs: 20,
    recordRetentionMs: 40,
    unknownGraceMs: 1e9,
    statisticsIntervalMs: 20,
    reencode: false,
  };
  const everything: readonly Component[] = ['coordinator', 'writer', 'statistics', 'uploader'];
  const durable: string[] = [];
  const stops = fc.sample(fc.record({ blocks: fc.integer({ min: 0, max: 12 }), pauseMs: fc.integer({ min: 0, max: 60 }) }), {
    numRuns: 10,
    seed: 7,
  });
  for (const [round, { blocks, pauseMs }] of stops.entries()) {
    await using own = await startProcess(everything, { ...hasty, compression: { ...compression, codec: codecOf(round) } });
    for (let block = 0; block < blocks; block += 1) {
      const values = [`${round}.${block}.first`, `${round}.${block}.second`];
      const { result } = await own.running.append(values);
      expect(result.type).toBe('durable');
      durable.push(...values);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  await using own = await startProcess(everything, hasty);
  await own.running.until(() => rowsIn(own.running)?.imported === durable.length);
  expect(await own.values()).toEqual(inOrder(durable));
  await own.running.until(() => own.running.view.sinkSum(testSinkKey).goodRows === durable.length);
  expect(await own.objectKeys()).toEqual([]);
  await own.checkHistory();
});
