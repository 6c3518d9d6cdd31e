import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { openSeriesStore } from '../registry.ts';
import { describeSeriesStore, point, type SeriesHarness } from '../series-store.conformance.ts';
import { maxEventTimeMs, type SeriesStore } from '../series-store.ts';

const never = new AbortController().signal;

class DuckdbHarness implements SeriesHarness {
  readonly #folder: string;
  #store: SeriesStore;

  private constructor(folder: string, store: SeriesStore) {
    this.#folder = folder;
    this.#store = store;
  }

  static async open(): Promise<DuckdbHarness> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-series-'));
    const store = await openSeriesStore({ kind: 'duckdb', folder: join(folder, 'series'), series: 'high' }, { log: silentLogger });
    await store.ensureSchema(never);
    return new DuckdbHarness(folder, store);
  }

  get store(): SeriesStore {
    return this.#store;
  }

  get other(): SeriesStore {
    return this.#store;
  }

  async reopen(): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
    this.#store = await openSeriesStore({ kind: 'duckdb', folder: join(this.#folder, 'series'), series: 'high' }, { log: silentLogger });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}

describeSeriesStore('duckdb', { exactlyOnce: 'transactional', keepsAmountText: false, maxTimeMs: maxEventTimeMs }, () =>
  DuckdbHarness.open(),
);

const partition = { route: 'high', topicId: 'topic', partition: 0 };

it('gives up a query at the end of its time, or with its signal, and answers the next one', async () => {
  await using folder = await openTempFolder();
  const config = { kind: 'duckdb', folder: folder.path, series: 'high', timeoutMs: 50 } as const;
  let fire = (): void => {};
  const startTimer = (delayMs: number, onTime: () => void) => {
    expect(delayMs).toBe(50);
    fire = onTime;
    return () => {};
  };
  await using store = await openSeriesStore(config, { log: silentLogger, startTimer });
  await store.ensureSchema(never);
  const late = store.countPoints(never);
  fire();
  await expect(late).rejects.toMatchObject({ code: 'seriesUnavailable', message: 'The points cannot be counted: no answer in 50 ms.' });
  const abort = new AbortController();
  const given = store.countPoints(abort.signal);
  abort.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  expect(await store.countPoints(never)).toBe(0);
});

it('leaves nothing of a batch that is given up before its commit', async () => {
  await using folder = await openTempFolder();
  await using store = await openSeriesStore({ kind: 'duckdb', folder: folder.path, series: 'high' }, { log: silentLogger });
  await store.ensureSchema(never);
  await store.readProgress(partition, never);
  const points = Array.from({ length: 50_000 }, (_, offset) => point(offset, offset, 1));
  const abort = new AbortController();
  const writing = store.write({ partition, from: 0, to: 50_000, points }, abort.signal);
  abort.abort(new Error('enough'));
  await expect(writing).rejects.toThrow('enough');
  // Waits for what was given up: one write runs at a time.
  const [count, next] = [(await store.readProgress(partition, never))?.next, await store.countPoints(never)];
  expect([count, next]).toEqual([0, 0]);
  expect(await store.write({ partition, from: 0, to: 50_000, points }, never)).toEqual({ outcome: 'stored', refused: [] });
  expect(await store.countPoints(never)).toBe(50_000);
});

it('makes its file when it is first needed, and its tables also where a death left a file without them', async () => {
  await using folder = await openTempFolder();
  const config = { kind: 'duckdb', folder: folder.path, series: 'high' } as const;
  {
    await using store = await openSeriesStore(config, { log: silentLogger });
    await store.ensureSchema(never);
    await store.probe(never);
    expect(await readdir(folder.path)).toEqual(['high.temp']);
    const both = await Promise.all([store.countPoints(never), store.readProgress(partition, never)]);
    expect(both).toEqual([0, { next: 0, isNew: true }]);
    expect(await readdir(folder.path)).toContain('high.duckdb');
  }
  const instance = await DuckDBInstance.create(join(folder.path, 'low.duckdb'));
  instance.closeSync();
  await using left = await openSeriesStore({ ...config, series: 'low' }, { log: silentLogger });
  await expect(left.countPoints(never)).rejects.toMatchObject({ code: 'seriesMismatch' });
  await left.ensureSchema(never);
  expect(await left.countPoints(never)).toBe(0);
});

it('says what is wrong with a table that somebody has changed, and with a folder that is none', async () => {
  await using folder = await openTempFolder();
  const config = { kind: 'duckdb', folder: folder.path, series: 'high' } as const;
  const store = await openSeriesStore(config, { log: silentLogger });
  expect(await store.countPoints(never)).toBe(0);
  await store[Symbol.asyncDispose]();
  await expect(store.countPoints(never)).rejects.toMatchObject({ code: 'seriesUnavailable', message: 'The series is closed.' });
  const instance = await DuckDBInstance.create(join(folder.path, 'high.duckdb'));
  const connection = await instance.connect();
  await connection.run('DROP TABLE events');
  connection.closeSync();
  instance.closeSync();
  await using again = await openSeriesStore(config, { log: silentLogger });
  await expect(again.countPoints(never)).rejects.toMatchObject({ code: 'seriesMismatch', message: expect.stringContaining('events') });
  const nowhere = openSeriesStore({ ...config, folder: join(folder.path, 'high.duckdb', 'series') }, { log: silentLogger });
  await expect(nowhere).rejects.toMatchObject({ code: 'seriesUnavailable' });
  const odd = openSeriesStore({ ...config, folder: join(folder.path, 'a?b') }, { log: silentLogger });
  await expect(odd).rejects.toMatchObject({ code: 'configInvalid' });
  const wrong = openSeriesStore({ ...config, series: '../high' }, { log: silentLogger });
  await expect(wrong).rejects.toMatchObject({ code: 'configInvalid', message: expect.stringContaining('series.series') });
});
