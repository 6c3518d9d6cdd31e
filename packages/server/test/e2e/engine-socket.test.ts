import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { compareAnswerSchema } from '@sluice/contract/event-series';
import { expect, test } from 'vitest';
import { openSeriesStore } from '../../src/engines/series/registry.ts';
import { runSluice } from '../support/run-sluice.ts';
import { isSettled } from '../support/settled-comparison.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const token = 'a token of this test';

interface ChildOptions {
  readonly component: 'event-api' | 'consumer-high' | 'aggregator';
  readonly dataDir: string;
  readonly retry?: string;
  readonly flags?: readonly string[];
}

/** A component in a process of its own on the engines of the owner of the folder; ended with the test. */
async function startChild({ component, dataDir, retry = '60s', flags = [] }: ChildOptions) {
  const engine = { SLUICE_ENGINE_SOCKET: join(dataDir, 'engine.sock'), SLUICE_ENGINE_TOKEN: token, SLUICE_ENGINE_RETRY: retry };
  const own = ['--port', '0', '--operations-listen', '127.0.0.1:0', '--ready-line'];
  const args = [binary, component, '--data-dir', dataDir, ...own, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...engine } });
  const log = text(child.stderr);
  const exited = once(child, 'exit').then(([code]) => code as number);
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited]);
  if (typeof line === 'number') throw new Error(`${component} ended with ${line}: ${await log}`);
  const { urls } = JSON.parse(String(line[0])) as { urls: Record<string, string> };
  return {
    exited,
    log,
    urls,
    stop: async () => {
      child.kill('SIGTERM');
      return await exited;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

interface Post {
  readonly events: readonly object[];
  readonly key?: string;
}

/** The status of the answer. */
async function post(urls: Readonly<Record<string, string>>, { events, key }: Post): Promise<number> {
  const headers = { 'Content-Type': 'application/json', ...(key !== undefined && { 'Idempotency-Key': key }) };
  return (await fetch(`${urls['event-api']}/`, { method: 'POST', body: JSON.stringify(events), headers })).status;
}

interface Process {
  readonly urls: Readonly<Record<string, string>>;
}

/** The sum of all values of the metric. */
async function metric({ urls }: Process, name: string): Promise<number> {
  const page = await (await fetch(`${urls['operations']}/metrics`)).text();
  const values = page.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'));
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Events that the consumers of the process have stored. */
const stored = (process: Process) => metric(process, 'sluice_consumer_stored_total');

test('another process appends to the log of a folder, finds its owner again, and ends with 75 where it does not', async () => {
  await using folder = await openTempFolder();
  const dataDir = join(folder.path, 'data');
  const start = () => startSluice({ dataDir, env: { SLUICE_ENGINE_TOKEN: token } });
  const owner = await start();
  const some = (count: number) => ({ events: Array.from({ length: count }, (_, index) => ({ amount: index })) });
  await using patient = await startChild({ component: 'event-api', dataDir });
  await using impatient = await startChild({ component: 'event-api', dataDir, retry: '100ms' });
  expect([await post(patient.urls, some(100)), await post(impatient.urls, some(50))]).toEqual([200, 200]);
  expect(
    await waitFor(
      () => stored(owner),
      (count) => count === 150,
    ),
  ).toBe(150);
  owner.process.kill('SIGKILL');
  await owner.exited;
  expect(await impatient.exited).toBe(75);
  expect(await impatient.log).toContain('does not answer');
  await using next = await start();
  expect(
    await waitFor(
      () => post(patient.urls, some(7)),
      (status) => status === 200,
    ),
  ).toBe(200);
  expect(
    await waitFor(
      () => stored(next),
      (count) => count >= 7,
    ),
  ).toBe(7);
  expect(await patient.stop()).toBe(0);
  expect(await next.stop()).toBe(0);
});

test('a consumer and the aggregator in processes of their own use the series of a folder, also when its owner is killed', async () => {
  await using folder = await openTempFolder();
  const dataDir = join(folder.path, 'data');
  const start = () => startSluice({ dataDir, flags: ['--events-partitions', '4'], env: { SLUICE_ENGINE_TOKEN: token } });
  await using first = await start();
  let owner = Promise.resolve(first);
  await using aggregator = await startChild({ component: 'aggregator', dataDir });
  // Batches so small that one is under way at any moment.
  await using consumer = await startChild({ component: 'consumer-high', dataDir, flags: ['--events-consumer-high-batch-size', '50'] });
  const batches = 60;
  const batchSize = 500;
  const count = batches * batchSize;
  // Each event has a millisecond of its own.
  const fromMs = Date.now() - 600_000;
  const all = Array.from({ length: count }, (_, index) => ({ time: fromMs + index, amount: (index * 7) % 11 }));
  /** Each batch again and again under its key, until whoever owns the folder by then has it. */
  const send = async (begin: number, end: number) => {
    for (let batch = begin; batch < end; batch += 1) {
      const given = { events: all.slice(batch * batchSize, (batch + 1) * batchSize), key: `batch-${batch}` };
      const sending = async () => await post((await owner).urls, given).catch(() => 0);
      expect(await waitFor(sending, (status) => status === 200)).toBe(200);
    }
  };
  const hasShare = async () =>
    expect(
      await waitFor(
        () => metric(consumer, 'sluice_consumer_partitions'),
        (held) => held === 2,
      ),
    ).toBe(2);
  await hasShare();
  const sending = send(0, batches / 2);
  expect(
    await waitFor(
      () => stored(consumer),
      (found) => found > 0,
    ),
  ).toBeGreaterThan(0);
  first.process.kill('SIGKILL');
  await first.exited;
  owner = start();
  await using next = await owner;
  await sending;
  await hasShare();
  const before = await stored(consumer);
  await send(batches / 2, batches);
  const window = `from=${fromMs}&to=${fromMs + count}`;
  const compare = async () =>
    compareAnswerSchema.safeParse(await (await fetch(`${aggregator.urls['aggregator']}/api/compare?${window}`)).json()).data;
  const compared = await waitFor(compare, (answer) => answer !== undefined && isSettled(answer));
  expect(compared).toMatchObject({ message: 'ok', complete: true, findings: [] });
  expect(compared?.partitions.reduce((sum, { events }) => sum + events, 0)).toBe(count);
  expect(await stored(consumer)).toBeGreaterThan(before);
  expect([await consumer.stop(), await aggregator.stop(), await next.stop()]).toEqual([0, 0, 0]);
  const highs = all.filter(({ amount }) => amount > 5).map(({ time }) => time);
  const lows = all.filter(({ amount }) => amount <= 5).map(({ time }) => time);
  const once = (times: readonly number[]) => times.map((startMs) => ({ startMs, count: 1, value: 1 }));
  for (const [series, times] of [
    ['high', highs],
    ['low', lows],
  ] as const) {
    await using store = await openSeriesStore({ kind: 'duckdb', folder: join(dataDir, 'series'), series }, { log: silentLogger });
    const { signal } = new AbortController();
    const inWindow = { fromMs, toMs: fromMs + count };
    expect(await store.readBuckets({ window: inWindow, stepMs: 1, fn: 'count' }, signal)).toEqual(once(times));
    expect(await store.countPoints(signal)).toBe(times.length);
  }
});

test('a process without a folder runs only what needs none, and needs the right token', async () => {
  await using folder = await openTempFolder();
  const dataDir = join(folder.path, 'data');
  const flags = ['--series-low-engine', 'influx', '--series-low-influx-bucket', 'b', '--events-consumer-low-disable'];
  await using _owner = await startSluice({ dataDir, flags, env: { SLUICE_ENGINE_TOKEN: token } });
  const engine = ['--engine-socket', join(dataDir, 'engine.sock'), '--operations-listen', '127.0.0.1:0'];
  const start = (...args: readonly string[]) => runSluice(...args, ...engine);
  expect(await start('api', '--engine-token', token)).toMatchObject({
    code: 64,
    err: expect.stringContaining('api works in a data folder'),
  });
  expect(await start('channels', '--engine-token', token)).toMatchObject({
    code: 64,
    err: expect.stringContaining('channels works in a data folder'),
  });
  expect(await start('event-producer', '--engine-token', token)).toMatchObject({ code: 64, err: expect.stringContaining('journal') });
  expect(await start('consumer-low', '--engine-token', token)).toMatchObject({
    code: 64,
    err: expect.stringContaining('set series.low as that process has it'),
  });
  expect(await start('event-api')).toMatchObject({ code: 64, err: expect.stringContaining('engine.token') });
  expect(await start('event-api', '--engine-token', 'another token that is long')).toMatchObject({
    code: 64,
    err: expect.stringContaining('refuses the token'),
  });
  const shown = await runSluice('config', 'show', ...engine, '--engine-token', token);
  expect(shown.out).toContain('engine.sock');
  expect(shown.out).not.toContain(token);
});
