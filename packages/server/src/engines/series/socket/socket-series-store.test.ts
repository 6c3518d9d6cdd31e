import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemorySeries, MemorySeriesStore } from '../../../../test/support/memory-series-store.ts';
import { servePorts } from '../../../../test/support/serve-ports.ts';
import { silentLogger as log } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { waitFor } from '../../../../test/support/wait-for.ts';
import type { AppError } from '../../../kernel/errors/app-error.ts';
import { type StartTimer, systemTimer } from '../../../kernel/time/start-timer.ts';
import { embeddedCapabilities } from '../embedded-capabilities.ts';
import { openSeriesSession, openSeriesStore } from '../registry.ts';
import { describeSeriesStore, point, type SeriesHarness } from '../series-store.conformance.ts';
import { maxBatchPoints, maxOffsets, maxRepeatsChunkBytes, type SeriesStore } from '../series-store.ts';

const token = 'a token of tests';
const timeoutMs = 20_000;
const never = new AbortController().signal;
const partition = { route: 'high', topicId: 'topic', partition: 0 };

interface ClientOptions {
  readonly onGone?: (error: AppError) => void;
  readonly retryMs?: number;
  readonly startTimer?: StartTimer;
}

const openClient = (path: string, { onGone = () => {}, retryMs = 20_000, startTimer = systemTimer }: ClientOptions = {}) =>
  openSeriesStore({ kind: 'socket', path, token, retryMs, series: 'high', timeoutMs }, { log, startTimer, onGone });

const serve = (folder: string, store: SeriesStore) =>
  servePorts(folder, { token, ports: { 'series-high': () => openSeriesSession(store) } });

/** Two clients of a series in DuckDB. */
async function openHarness(): Promise<SeriesHarness> {
  const folder = await openTempFolder();
  const open = async () => {
    const owned = await openSeriesStore({ kind: 'duckdb', folder: join(folder.path, 'series'), series: 'high' }, { log });
    const served = await serve(folder.path, owned);
    return { owned, served, store: await openClient(served.path), other: await openClient(served.path) };
  };
  let opened = await open();
  await opened.store.ensureSchema(never);
  const close = async () => {
    const { owned, served, store, other } = opened;
    for (const each of [store, other, served, owned]) await each[Symbol.asyncDispose]();
  };
  return {
    get store() {
      return opened.store;
    },
    get other() {
      return opened.other;
    },
    reopen: async () => {
      await close();
      opened = await open();
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describeSeriesStore('duckdb over the engine socket', embeddedCapabilities, openHarness);

describe('a series over the engine socket', () => {
  let folder: Awaited<ReturnType<typeof openTempFolder>>;
  let served: Awaited<ReturnType<typeof serve>>;
  let series: MemorySeries;
  beforeEach(async () => {
    folder = await openTempFolder();
    series = new MemorySeries();
    served = await serve(folder.path, new MemorySeriesStore({ series, exactlyOnce: 'transactional' }));
  });
  afterEach(async () => {
    await served[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const serveInstead = async (options: Omit<ConstructorParameters<typeof MemorySeriesStore>[0], 'series' | 'exactlyOnce'>) => {
    await served[Symbol.asyncDispose]();
    served = await serve(folder.path, new MemorySeriesStore({ series, exactlyOnce: 'transactional', ...options }));
  };
  /** Calls get stuck at the step, until they abort; the promise settles to the signal of the first. */
  const serveStuck = async (at: string) => {
    const reached = Promise.withResolvers<AbortSignal>();
    const step = async (what: string, signal: AbortSignal) => {
      if (what !== at) return;
      reached.resolve(signal);
      if (!signal.aborted) await once(signal, 'abort');
      signal.throwIfAborted();
    };
    await serveInstead({ step });
    return reached;
  };

  it('takes the largest batch of the port in one piece, and gives its pieces back', async () => {
    await using store = await openClient(served.path);
    await store.readProgress(partition, never);
    const points = Array.from({ length: maxBatchPoints }, (_, index) => point(2 ** 40 + index, index, index / 7));
    const chunk = Buffer.alloc(maxRepeatsChunkBytes, 'r');
    const batch = { partition, from: 0, to: 2 ** 41, points, repeats: { chunk, forgetThrough: 0 } };
    expect(await store.write(batch, never)).toEqual({ outcome: 'stored', refused: [] });
    expect(series.points.get('topic/0')).toEqual(points);
    const { chunks } = await store.readRepeats({ partition, after: 0 }, never);
    expect([chunks.length, chunks[0]?.to, Buffer.compare(chunks[0]?.bytes ?? Buffer.of(), chunk)]).toEqual([1, 2 ** 41, 0]);
    const window = { fromMs: 0, toMs: maxBatchPoints };
    expect(await store.readBuckets({ window, stepMs: 1, fn: 'sum' }, never)).toHaveLength(maxBatchPoints);
    const more = { ...batch, points: [...points, point(2 ** 40 + maxBatchPoints, 0, 1)] };
    await expect(store.write(more, never)).rejects.toMatchObject({ code: 'invariantBroken' });
  });

  it('finds as many offsets as may be asked for', async () => {
    const all = Array.from({ length: maxOffsets }, (_, index) => point(2 ** 40 + index, 1, 1));
    series.points.set('topic/0', all);
    await using store = await openClient(served.path);
    const window = { fromMs: 0, toMs: 2 };
    const query = { ...partition, window, fromOffset: 2 ** 40, toOffset: 2 ** 40 + maxOffsets };
    const found = await store.readOffsets(query, never);
    expect([found.length, found[0], found.at(-1)]).toEqual([maxOffsets, 2 ** 40, 2 ** 40 + maxOffsets - 1]);
  });

  it('tells which points are refused, and what the owner knows of time', async () => {
    const refuse = ({ offset }: { readonly offset: number }) => (offset === 1 ? ({ reason: 'expired', text: 'old' } as const) : undefined);
    await serveInstead({ refuse, retentionMs: 1000 });
    await using store = await openClient(served.path);
    await store.readProgress(partition, never);
    const batch = { partition, from: 0, to: 2, points: [point(0, 1, 1), point(1, 1, 1)] };
    expect(await store.write(batch, never)).toEqual({ outcome: 'refused', refused: [{ index: 1, reason: 'expired', text: 'old' }] });
    expect(await store.readRetention(never)).toBe(1000);
  });

  it('passes an abort on, and rejects with its reason at once', async () => {
    const stuck = await serveStuck('count');
    await using store = await openClient(served.path);
    const abort = new AbortController();
    const counting = expect(store.countPoints(abort.signal)).rejects.toThrow('enough');
    const signal = await stuck.promise;
    abort.abort(new Error('enough'));
    await counting;
    if (!signal.aborted) await once(signal, 'abort');
  });

  it('ends a call with its time, here and there', async () => {
    const stuck = await serveStuck('count');
    let fire = (): void => {};
    const startTimer: StartTimer = (delayMs, onTime) => {
      if (delayMs === timeoutMs) fire = onTime;
      return () => {};
    };
    await using store = await openClient(served.path, { startTimer });
    const counting = store.countPoints(never);
    const signal = await stuck.promise;
    fire();
    const message = `Series high of the process that holds the data folder: no answer in ${timeoutMs} ms.`;
    await expect(counting).rejects.toMatchObject({ code: 'seriesUnavailable', message });
    if (!signal.aborted) await once(signal, 'abort');
  });

  it('rejects a write whose answer was lost; the next owner tells what became of it', async () => {
    const stuck = await serveStuck('write: told');
    await using store = await openClient(served.path);
    await store.readProgress(partition, never);
    const batch = { partition, from: 0, to: 3, points: [point(1, 1, 1)] };
    const writing = expect(store.write(batch, never)).rejects.toMatchObject({ code: 'seriesUnavailable' });
    await stuck.promise;
    await served[Symbol.asyncDispose]();
    await writing;
    await expect(store.write(batch, never)).rejects.toMatchObject({ code: 'seriesUnavailable' });
    await serveInstead({});
    const progress = () => store.readProgress(partition, never).catch(() => undefined);
    expect(await waitFor(progress, (found) => found !== undefined)).toEqual({ next: 3, isNew: false });
    expect(await store.write(batch, never)).toEqual({ outcome: 'fenced', next: 3 });
    expect(await store.countPoints(never)).toBe(1);
  });

  it('is given up after the time of the retry', async () => {
    const gone = Promise.withResolvers<AppError>();
    await using store = await openClient(served.path, { onGone: gone.resolve, retryMs: 50 });
    await served[Symbol.asyncDispose]();
    expect(await gone.promise).toMatchObject({ code: 'ownerUnavailable' });
    await expect(store.probe(never)).rejects.toMatchObject({ code: 'seriesUnavailable' });
    await expect(openClient(served.path, { retryMs: 50 })).rejects.toMatchObject({ code: 'ownerUnavailable' });
  });

  it('refuses bytes that are not the points of the question', async () => {
    const session = await openSeriesSession(new MemorySeriesStore({ series, exactlyOnce: 'transactional' }));
    const question = { type: 'write', partition, from: 0, to: 3, count: 2 };
    const call = { bytes: Buffer.alloc(47), signal: never };
    await expect(session.answer(question, call)).rejects.toMatchObject({ code: 'badRequest' });
    await expect(session.answer({ type: 'drop' }, call)).rejects.toMatchObject({ code: 'badRequest' });
  });
});
