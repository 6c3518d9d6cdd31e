import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { LogEngine } from '../../../src/engines/log/log-engine.ts';
import { logMetricTable } from '../../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../../src/engines/log/registry.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { EventLane, prepareEngines, removeEngines } from '../../support/lane/event-lane.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { cpuMs, peakRssMb } from '../ingest/process-usage.ts';
import { type Figure, median } from '../report.ts';
import { eventText } from './event-batch.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const events = Number(process.env['BENCH_EVENTS'] ?? 600_000);
const partitions = 4;
const batch = 1000;

/**
 * `consumer-high` alone, from a topic in Kafka that is full of high events into PostgreSQL on the same machine. Each round is a consumer
 * of its own with an empty table; what its start and its first tenth take does not count.
 */
export async function benchEventsPostgres(): Promise<Figure[]> {
  const samples = [];
  for (let round = 0; round < rounds; round += 1) samples.push(await measureOnce());
  return [
    { id: 'events-postgres-rate', value: median(samples.map(({ rate }) => rate)), unit: 'rows/s', atLeast: 30_000 },
    { id: 'events-postgres-cpu', value: median(samples.map(({ cpuUs }) => cpuUs)), unit: 'us/row', bar: 12 },
    { id: 'events-postgres-rss', value: median(samples.map(({ rssMb }) => rssMb)), unit: 'MB' },
  ];
}

async function measureOnce(): Promise<{ rate: number; cpuUs: number; rssMb: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const engines = await prepareEngines();
  try {
    const deps = { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) };
    await using log = await openLogEngine({ kind: 'kafka', brokers: [engines.kafka.plain] }, deps);
    await fill(log, engines.topic);
    await using consumer = await new EventLane({ engines, folder, partitions }).consumerHigh('consumer-high');
    await using store = await openProgress(engines.postgresUrl);
    await consumer.start();
    const first = await store.reaches(events / 10, consumer.pid);
    const last = await store.reaches(events, consumer.pid);
    if (last.rows !== events) throw new Error(`the consumer is through with ${last.rows} of ${events} events`);
    const stored = await store.count();
    if (stored !== events) throw new Error(`the table has ${stored} rows of ${events} events`);
    const rows = last.rows - first.rows;
    return {
      rate: (1000 * rows) / (last.atMs - first.atMs),
      cpuUs: (1000 * (last.cpuMs - first.cpuMs)) / rows,
      rssMb: peakRssMb(consumer.pid),
    };
  } finally {
    await removeEngines(engines);
    await rm(folder, { recursive: true, force: true });
  }
}

/** All of them go to the high route. */
async function fill(log: LogEngine, topic: string): Promise<void> {
  await log.ensureTopic({ name: topic, partitions });
  const random = new SeededRandom(1);
  const now = Date.now();
  for (let first = 0; first < events; first += batch * partitions) {
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) => {
        const records = Array.from({ length: batch }, (__, at) => ({
          value: Buffer.from(eventText(now + first + at, 5.1 + random.next())),
        }));
        return log.append({ topic, partition, records });
      }),
    );
  }
}

async function openProgress(url: string) {
  const client = new Client({ connectionString: url });
  await client.connect();
  const ask = async (sql: string): Promise<number> => Number((await client.query<{ n: string }>(sql)).rows[0]?.n ?? 0);
  return {
    count: () => ask('SELECT count(*) AS n FROM events'),
    /** Asks often, and cheaply: the sum of four offsets. */
    reaches: async (wanted: number, pid: number) => {
      for (;;) {
        const rows = await ask('SELECT sum(next) AS n FROM events_progress');
        if (rows >= wanted) return { rows, atMs: performance.now(), cpuMs: cpuMs(pid) };
        await sleep(20);
      }
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
