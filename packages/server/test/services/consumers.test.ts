import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { LogEngine, LogTopic } from '../../src/engines/log/log-engine.ts';
import { logMetricTable } from '../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../src/engines/log/registry.ts';
import { openSeriesStore } from '../../src/engines/series/registry.ts';
import type { SeriesConfig } from '../../src/engines/series/series-config.ts';
import { createOriginHeaders } from '../../src/features/events/record-headers.ts';
import { RoutesLog } from '../../src/features/events/routes-log.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { systemClock as clock } from '../../src/kernel/time/clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { influx1Service } from '../support/services/influx1-service.ts';
import { kafkaService } from '../support/services/kafka-service.ts';
import { postgresService } from '../support/services/postgres-service.ts';
import { sharedService } from '../support/services/shared-services.ts';
import { silentLogger as logger } from '../support/silent-logger.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const { signal } = new AbortController();
const partitions = 4;
const batches = 150;
const batchEvents = 100;
/** For processes that start beside others. */
const patience = { timeout: 60_000, interval: 100 };
const routes = ['high', 'low'] as const;
type Route = (typeof routes)[number];

/** Consumers of both routes, which are killed and started again. */
class Consumers implements AsyncDisposable {
  readonly #running: { readonly route: Route; readonly child: ChildProcess }[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder: string;
  #started = 0;
  log = '';

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#env = env;
  }

  start(route: Route): void {
    this.#started += 1;
    const ports = ['--port', '0', '--operations-listen', '127.0.0.1:0'];
    const args = [binary, `consumer-${route}`, '--data-dir', `${this.#folder}/${this.#started}`, ...ports];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...this.#env } });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log = (this.log + text).slice(-20_000);
    });
    this.#running.push({ route, child });
  }

  async killOne(random: SeededRandom): Promise<Route> {
    const [victim] = this.#running.splice(random.between(0, this.#running.length - 1), 1);
    if (!victim) return 'high';
    victim.child.kill('SIGKILL');
    await once(victim.child, 'exit');
    return victim.route;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#running) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  }
}

/** Event i of batch b has the time b * batchEvents + i and an amount from 0 to 9; some batches come twice. */
async function produce(log: LogEngine, topic: LogTopic): Promise<void> {
  const originHeaders = createOriginHeaders();
  for (let batch = 0; batch < batches; batch += 1) {
    const records = Array.from({ length: batchEvents }, (_, index) => ({
      value: Buffer.from(`{"time":${batch * batchEvents + index},"amount":"${(batch + index) % 10}"}`),
      headers: originHeaders({ key: Buffer.from(`batch-${batch}`), index }),
    }));
    const times = batch % 5 === 0 ? 2 : 1;
    for (let time = 0; time < times; time += 1) await log.append({ topic: topic.name, partition: batch % partitions, records });
    await sleep(50);
  }
}

/** Offsets of each route in each partition, by the log alone. */
async function expectedOffsets(log: LogEngine, topic: LogTopic): Promise<Record<Route, number[][]>> {
  const history = await RoutesLog.open({ log, topic, clock, logger });
  const expected: Record<Route, number[][]> = { high: [], low: [] };
  for (const [partition, { end }] of (await log.offsets(topic)).entries()) {
    for (const route of routes) expected[route][partition] = [];
    const seen = new Set<string>();
    for (let next = 0; next < end; ) {
      const batch = await log.read({ topic, partition, offset: next, maxRecords: 5000, maxBytes: 1e7, waitMs: 1000 });
      for (const { offset, value } of batch.records) {
        const event = value?.toString() ?? '';
        // Every event has a time of its own, so the same text is a repeat.
        if (seen.has(event)) continue;
        seen.add(event);
        const at = history.at({ partition, offset });
        const watermark = history.versions.find(({ version }) => at.type === 'routes' && version === at.version)?.set.watermark ?? 0;
        const amount = Number(/"amount":"(\d+)"/.exec(event)?.[1]);
        expected[amount > watermark ? 'high' : 'low'][partition]?.push(offset);
      }
      next = batch.nextOffset;
    }
  }
  return expected;
}

test('from Kafka into PostgreSQL and InfluxDB each event comes once, though consumers are killed and the watermark changes', {
  timeout: 240_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-services-'));
  const { plain } = await sharedService(kafkaService);
  const postgres = new URL((await sharedService(postgresService)).url);
  const { url } = await sharedService(influx1Service);
  const name = `consumers_${process.pid}_${Date.now()}`;
  const stores: Record<Route, SeriesConfig> = {
    high: {
      kind: 'postgres',
      host: postgres.hostname,
      port: Number(postgres.port),
      user: postgres.username,
      password: postgres.password,
      database: 'postgres',
      table: name,
    },
    low: { kind: 'influx', url, api: 'v1', bucket: name },
  };
  onTestFinished(async () => {
    const client = new Client({ connectionString: postgres.href });
    await client.connect();
    await client.query(`DROP TABLE IF EXISTS ${name}, ${name}_progress, ${name}_repeats`);
    await client.end();
    await fetch(`${url}/query?${new URLSearchParams({ q: `DROP DATABASE "${name}"` })}`, { method: 'POST' });
    await rm(folder, { recursive: true, force: true });
  });
  const deps = { logger, metrics: new MetricRegistry().declare(logMetricTable) };
  await using log = await openLogEngine({ kind: 'kafka', brokers: [plain] }, deps);
  await using high = await openSeriesStore(stores.high, { log: logger });
  await using low = await openSeriesStore(stores.low, { log: logger });
  const topic = await log.ensureTopic({ name, partitions });
  await using consumers = new Consumers(folder, {
    SLUICE_EVENTS_TOPIC: name,
    SLUICE_EVENTS_CONSUMER_HIGH_GROUP: `${name}-high`,
    SLUICE_EVENTS_CONSUMER_LOW_GROUP: `${name}-low`,
    SLUICE_KAFKA_BROKERS: plain,
    SLUICE_KAFKA_SESSION_TIMEOUT: '2s',
    SLUICE_SERIES_HIGH_ENGINE: 'postgres',
    SLUICE_SERIES_HIGH_POSTGRES_HOST: postgres.hostname,
    SLUICE_SERIES_HIGH_POSTGRES_PORT: postgres.port,
    SLUICE_SERIES_HIGH_POSTGRES_USER: postgres.username,
    SLUICE_SERIES_HIGH_POSTGRES_PASSWORD: postgres.password,
    SLUICE_SERIES_HIGH_POSTGRES_TABLE: name,
    SLUICE_SERIES_LOW_ENGINE: 'influx',
    SLUICE_SERIES_LOW_INFLUX_URL: url,
    SLUICE_SERIES_LOW_INFLUX_API: 'v1',
    SLUICE_SERIES_LOW_INFLUX_BUCKET: name,
  });
  for (const route of [...routes, ...routes]) consumers.start(route);
  // Before, a kill would hit nobody who reads, and there is no watermark to change.
  await vi.waitFor(async () => expect((await RoutesLog.open({ log, topic, clock, logger })).latest).toBeDefined(), patience);
  let isOver = false;
  const producing = produce(log, topic).finally(() => {
    isOver = true;
  });
  const random = new SeededRandom(7);
  for (let round = 0; !isOver || round < 6; round += 1) {
    await sleep(random.between(500, 3000));
    consumers.start(await consumers.killOne(random));
    if (round === 2 || round === 4) {
      const history = await RoutesLog.open({ log, topic, clock, logger });
      const set = history.latest?.set;
      if (set) await history.ensure({ ...set, watermark: round });
    }
  }
  await producing;
  const expected = await expectedOffsets(log, topic);
  const window = { fromMs: 0, toMs: 1e9 };
  const stored = async (route: Route) => {
    const store = route === 'high' ? high : low;
    const read = (partition: number) =>
      store.readOffsets({ topicId: topic.id, partition, window, fromOffset: 0, toOffset: 1_000_000 }, signal);
    return Promise.all(Array.from({ length: partitions }, (_, partition) => read(partition)));
  };
  const sizes = (offsets: readonly (readonly number[])[]) => offsets.map(({ length }) => length);
  for (const route of routes) {
    const isThere = async () => expect(sizes(await stored(route))).toEqual(sizes(expected[route]));
    await vi.waitFor(isThere, patience).catch(() => {});
    expect(await stored(route), `${route}\n${consumers.log}`).toEqual(expected[route]);
  }
  const total = routes.flatMap((route) => sizes(expected[route])).reduce((sum, size) => sum + size, 0);
  expect(total).toBe(batches * batchEvents);
  await log.deleteTopic(name);
});
