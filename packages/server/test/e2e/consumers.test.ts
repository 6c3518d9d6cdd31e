import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logMetricTable } from '../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../src/engines/log/registry.ts';
import { openSeriesStore } from '../../src/engines/series/registry.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { runSluice } from '../support/run-sluice.ts';
import { silentLogger as logger } from '../support/silent-logger.ts';
import { startSluice } from '../support/start-sluice.ts';
import { waitFor } from '../support/wait-for.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const { signal } = new AbortController();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-consumers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a stopped service has stored of the route: event times, which the tests make different for each event. */
async function storedOf(dataDir: string, route: 'high' | 'low'): Promise<readonly number[]> {
  const deps = { logger, metrics: new MetricRegistry().declare(logMetricTable) };
  await using log = await openLogEngine({ kind: 'sqlite', folder: `${dataDir}/log` }, deps);
  const topic = await log.topic('events');
  await using store = await openSeriesStore({ kind: 'duckdb', folder: `${dataDir}/series`, series: route }, { log: logger });
  const window = { fromMs: 0, toMs: 1e12 };
  return await store.readOffsets({ topicId: topic?.id ?? '', partition: 0, window, fromOffset: 0, toOffset: 1_000_000 }, signal);
}

test('events come into one store each, once, though the service is killed while it stores them', async () => {
  const dataDir = `${folder}/killed`;
  const amounts = Array.from({ length: 30_000 }, (_, index) => (index * 7) % 11);
  const body = JSON.stringify(amounts.map((amount, time) => ({ time, amount })));
  {
    await using service = await startSluice({ dataDir });
    const answer = await fetch(`${service.urls['event-api']}/`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    expect(await answer.text()).toBe('{"message":"ingested 30000 events"}\n');
    expect(await (await fetch(`${service.urls['consumer-high']}/`)).text()).toBe('ok');
    expect((await fetch(`${service.urls['consumer-low']}/nothing`)).status).toBe(404);
  }
  await using service = await startSluice({ dataDir });
  const metrics = async () => (await fetch(`${service.urls['operations']}/metrics`)).text();
  const lags = await waitFor(
    async () => [...(await metrics()).matchAll(/^sluice_consumer_lag_records\{.*\} (\d+)$/gm)].map(([, lag]) => lag),
    (all) => all.length === 2 && all.every((lag) => lag === '0'),
  );
  expect(lags).toEqual(['0', '0']);
  expect(await service.stop()).toBe(0);
  const indexes = amounts.map((_, index) => index);
  expect(await storedOf(dataDir, 'high')).toEqual(indexes.filter((index) => (amounts[index] ?? 0) > 5));
  expect(await storedOf(dataDir, 'low')).toEqual(indexes.filter((index) => (amounts[index] ?? 0) <= 5));
}, 180_000);

test('routes are shown, set and replayed by command, with a service and without one', async () => {
  const dataDir = `${folder}/routes`;
  const routes = async (...args: string[]) => {
    const { code, out, err } = await runSluice('routes', ...args, '--data-dir', dataDir);
    expect([code, err]).toEqual([0, '']);
    return out;
  };
  {
    await using service = await startSluice({ dataDir });
    expect(await routes('show')).toBe(
      'version 1  from offsets 0  watermark 5\n  high         amount > watermark\n  low          amount <= watermark\n',
    );
    const send = (amount: number) =>
      fetch(`${service.urls['event-api']}/`, {
        method: 'POST',
        body: `[{"time":1,"amount":${amount}}]`,
        headers: { 'Content-Type': 'application/json' },
      });
    await send(7);
    expect(await routes('set', '--watermark', '8')).toContain('version 2  from offsets 1  watermark 8');
    await send(7);
    const page = await waitFor(
      async () => (await fetch(`${service.urls['operations']}/metrics`)).text(),
      (found) => ['high', 'low'].every((route) => found.includes(`sluice_consumer_stored_total{route="${route}"} 1`)),
    );
    expect(page).toContain('sluice_consumer_lag_records{route="high"} 0');
    expect(await routes('replay', '--route', 'high', '--from', '0')).toBe(
      'partition 0  offsets 0 to 2  1 events of 2 records, 0 of them were missing and are stored\n',
    );
    expect(await service.stop()).toBe(0);
  }
  expect(JSON.parse(await routes('show', '--json'))).toMatchObject({
    topic: 'events',
    versions: [
      { version: 1, since: [0] },
      { version: 2, since: [1], watermark: 8 },
    ],
  });
  expect(JSON.parse(await routes('replay', '--route', 'low', '--from', '1970-01-01', '--json'))).toEqual([
    { partition: 0, from: 0, to: 2, records: 2, events: 1, added: 0 },
  ]);
  expect(await routes('set', '--route', 'high=amount > 1.0', '--route', 'low=amount <= 1.0')).toContain('version 3  from offsets 2');
  expect((await runSluice('routes', 'set', '--route', 'high=amount >', '--data-dir', dataDir)).err).toContain('route "high"');
  expect((await runSluice('routes', 'set', '--data-dir', dataDir)).err).toContain('Give --watermark, --route, or both');
  expect((await runSluice('routes', 'replay', '--route', 'high', '--from', 'noon', '--data-dir', dataDir)).err).toContain('--from must be');
  expect([await storedOf(dataDir, 'high'), await storedOf(dataDir, 'low')]).toEqual([[0], [1]]);
}, 180_000);

/** One consumer alone. */
async function startAlone(
  name: 'consumer-high' | 'consumer-low',
  { dataDir, env = {}, flags = [] }: { dataDir: string; env?: Record<string, string>; flags?: readonly string[] },
) {
  const args = [binary, name, '--data-dir', dataDir, '--ready-line', '--operations-listen', '127.0.0.1:0', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const log = text(child.stderr);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { urls } = JSON.parse(String(line)) as { urls: Record<string, string> };
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    return { code, log: await log };
  };
  return { urls, stop };
}

test.each([
  ['consumer-high', { flags: ['-x', '--port', '0'] }],
  ['consumer-low', { env: { DISABLE: 'true', PORT: '0' } }],
] as const)('%s is parked: only its probe answers', async (name, given) => {
  const dataDir = `${folder}/parked-${name}`;
  const { urls, stop } = await startAlone(name, { dataDir, ...given });
  expect(await (await fetch(`${urls[name]}/`)).text()).toBe('ok');
  expect((await fetch(`${urls['operations']}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${urls['operations']}/metrics`)).text()).toContain(`sluice_disabled{component="${name}"} 1`);
  expect([existsSync(`${dataDir}/log`), existsSync(`${dataDir}/series`)]).toEqual([false, false]);
  const { code, log } = await stop();
  expect(code).toBe(0);
  expect(log).toContain('processing disabled');
});

test('a consumer whose store is away runs, is not ready and says why, and stops', async () => {
  const env = { PORT: '0', POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: '1', WATERMARK: '7', KAFKA_TOPIC: 'takings' };
  const { urls, stop } = await startAlone('consumer-high', { dataDir: `${folder}/away`, env });
  expect(await (await fetch(`${urls['consumer-high']}/`)).text()).toBe('ok');
  const ready = await fetch(`${urls['operations']}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain('The store cannot be prepared');
  expect((await stop()).code).toBe(0);
}, 60_000);
