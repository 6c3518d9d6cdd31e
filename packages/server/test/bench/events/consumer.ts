import type { LogConfig } from '../../../src/engines/log/log-config.ts';
import type { LogEngine } from '../../../src/engines/log/log-engine.ts';
import { logMetricTable } from '../../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../../src/engines/log/registry.ts';
import { openSeriesStore } from '../../../src/engines/series/registry.ts';
import type { SeriesConfig } from '../../../src/engines/series/series-config.ts';
import type { SeriesStore } from '../../../src/engines/series/series-store.ts';
import { consumerMetricTable, createConsumerMeter } from '../../../src/features/events/consumer-metrics.ts';
import { EventConsumer } from '../../../src/features/events/event-consumer.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { systemClock } from '../../../src/kernel/time/clock.ts';
import { systemTimer } from '../../../src/kernel/time/start-timer.ts';
import { kafkaService } from '../../support/services/kafka-service.ts';
import { postgresService } from '../../support/services/postgres-service.ts';
import { sharedService } from '../../support/services/shared-services.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import type { Figure } from '../report.ts';

const partitions = 4;
const events = 400_000;
const batchRecords = 1000;
const never = new AbortController().signal;

/**
 * A consumer that has a backlog of events, all of its route, and brings them into its store: rows per second, and the CPU of this process
 * for each, which the embedded log's worker and the embedded store are part of. Half of the events have an idempotency key.
 */
export async function benchEventsConsumer(): Promise<Figure[]> {
  await using folder = await openTempFolder();
  const embedded = await measure({
    log: { kind: 'sqlite', folder: `${folder.path}/log` },
    series: { kind: 'duckdb', folder: `${folder.path}/series`, series: 'bench' },
  });
  const figures: Figure[] = [
    { id: 'events-consumer-embedded', value: embedded.perSecond, unit: 'rows/s', atLeast: 50_000 },
    { id: 'events-consumer-embedded-cpu', value: embedded.cpuUs, unit: 'us/row' },
  ];
  const kafka = await sharedService(kafkaService);
  const { hostname: host, port, username: user, password } = new URL((await sharedService(postgresService)).url);
  const real = await measure({
    log: { kind: 'kafka', brokers: [kafka.plain] },
    series: {
      kind: 'postgres',
      host,
      port: Number(port),
      user,
      password,
      database: 'postgres',
      table: `bench_${process.pid}`,
      timescale: 'off',
    },
  });
  return [
    ...figures,
    { id: 'events-consumer-postgres', value: real.perSecond, unit: 'rows/s', atLeast: 30_000 },
    { id: 'events-consumer-postgres-cpu', value: real.cpuUs, unit: 'us/row', bar: 12 },
  ];
}

interface Engines {
  readonly log: LogConfig;
  readonly series: SeriesConfig;
}

async function measure({ log: logConfig, series }: Engines): Promise<{ perSecond: number; cpuUs: number }> {
  const deps = { logger, metrics: new MetricRegistry().declare(logMetricTable) };
  await using log = await openLogEngine(logConfig, deps);
  await using store = await openSeriesStore(series, { log: logger });
  const topic = `bench-consumer-${process.pid}`;
  await log.ensureTopic({ name: topic, partitions });
  await fill(log, topic);
  const end = new AbortController();
  const consumer = openConsumer({ log, store, topic });
  const cpu = process.cpuUsage();
  const start = performance.now();
  const running = consumer.run(end.signal).catch(() => {});
  while ((await store.countPoints(never).catch(() => 0)) < events) await new Promise((resolve) => setTimeout(resolve, 100));
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  await consumer.stopAccepting();
  await consumer.drain();
  end.abort();
  await running;
  await log.deleteTopic(topic);
  return { perSecond: Math.round((1000 * events) / ms), cpuUs: (user + system) / events };
}

function openConsumer({ log, store, topic }: { log: LogEngine; store: SeriesStore; topic: string }): EventConsumer {
  const meter = createConsumerMeter(new MetricRegistry().declare(consumerMetricTable), 'high');
  const options = {
    name: 'consumer-high',
    route: 'high',
    group: topic,
    topic: { name: topic, partitions },
    deadLetterTopic: `${topic}.dlq`,
    watermark: 5,
    batch: { maxRows: 5000, maxAgeMs: 250 },
    maxBytes: 64 * 1024 * 1024,
    maxFutureSkewMs: 86_400_000,
    unmatched: 'keep',
    logRetentionMs: undefined,
  } as const;
  return new EventConsumer(options, { log, store, meter, logger, clock: systemClock, startTimer: systemTimer, random: Math.random });
}

async function fill(log: LogEngine, topic: string): Promise<void> {
  const pending: Promise<unknown>[] = [];
  for (let first = 0; first < events; first += batchRecords) {
    const batch = first / batchRecords;
    const key = Buffer.from(`key-${batch}`);
    const records = Array.from({ length: batchRecords }, (_, index) => ({
      value: Buffer.from(`{"time":${1_795_232_693_264 - events + first + index},"amount":"6.046602879796196"}`),
      headers:
        batch % 2 === 0
          ? []
          : [
              { name: 'idempotency-key', value: key },
              { name: 'idempotency-index', value: Buffer.from(String(index)) },
            ],
    }));
    pending.push(log.append({ topic, partition: batch % partitions, records }));
    if (pending.length === 32) await Promise.all(pending.splice(0));
  }
  await Promise.all(pending);
}
