import type { LogConfig } from '../../../src/engines/log/log-config.ts';
import type { LogEngine, LogTopic, OwnedPartition } from '../../../src/engines/log/log-engine.ts';
import { logMetricTable } from '../../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../../src/engines/log/registry.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { kafkaService } from '../../support/services/kafka-service.ts';
import { sharedService } from '../../support/services/shared-services.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import type { Figure } from '../report.ts';

const batchRecords = 100;
/** Requests under way at once. */
const appenders = 32;
const seconds = 5;
const partitions = 4;

/**
 * The log alone, without HTTP: events appended durably in batches of 100 by 32 callers, then read by one group; CPU of this process.
 * The embedded log's worker is part of the process.
 */
export async function benchEventsLog(): Promise<Figure[]> {
  await using folder = await openTempFolder();
  const kafka = await sharedService(kafkaService);
  const engines: readonly (readonly [string, LogConfig])[] = [
    ['embedded', { kind: 'sqlite', folder: folder.path }],
    ['kafka', { kind: 'kafka', brokers: [kafka.plain] }],
  ];
  const figures: Figure[] = [];
  for (const [name, config] of engines) figures.push(...(await measure(name, config)));
  return figures;
}

async function measure(name: string, config: LogConfig): Promise<Figure[]> {
  const deps = { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) };
  await using log = await openLogEngine(config, deps);
  const topic = await log.ensureTopic({ name: `bench-${process.pid}`, partitions });
  await appendFor(log, { topic, ms: 1000 });
  const appended = await measured(() => appendFor(log, { topic, ms: seconds * 1000 }));
  const read = await measured(() => readAll(log, topic));
  await log.deleteTopic(topic.name);
  return [
    { id: `events-log-${name}-append`, value: appended.perSecond, unit: 'events/s', atLeast: 50_000 },
    { id: `events-log-${name}-append-cpu`, value: appended.cpuUs, unit: 'us/event' },
    { id: `events-log-${name}-read`, value: read.perSecond, unit: 'events/s', atLeast: 50_000 },
    { id: `events-log-${name}-read-cpu`, value: read.cpuUs, unit: 'us/event' },
  ];
}

/** Runs the work, which gives the number of events it was about. */
async function measured(work: () => Promise<number>): Promise<{ perSecond: number; cpuUs: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const events = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: Math.round((1000 * events) / (performance.now() - start)), cpuUs: (user + system) / events };
}

async function appendFor(log: LogEngine, { topic, ms }: { topic: LogTopic; ms: number }): Promise<number> {
  const until = performance.now() + ms;
  let events = 0;
  const appendInTurn = async (first: number): Promise<void> => {
    for (let turn = first; performance.now() < until; turn += 1) {
      const records = Array.from({ length: batchRecords }, (_, index) => ({ value: event(turn * batchRecords + index) }));
      await log.append({ topic: topic.name, partition: turn % partitions, records });
      events += batchRecords;
    }
  };
  await Promise.all(Array.from({ length: appenders }, (_, index) => appendInTurn(index)));
  return events;
}

const event = (index: number): Buffer => Buffer.from(`{"time":${1_795_232_693_264 + index},"amount":"6.046602879796196"}`);

async function readAll(log: LogEngine, topic: LogTopic): Promise<number> {
  const ends = (await log.offsets(topic)).map(({ end }) => end);
  await using consumer = await log.join({ group: `${topic.name}-group`, topics: [topic.name], start: 'begin' });
  const stop = new AbortController();
  const readers: Promise<number>[] = [];
  for await (const held of consumer.partitions(stop.signal)) {
    readers.push(readTo(held, ends[held.partition] ?? 0));
    if (readers.length === partitions) break;
  }
  const counts = await Promise.all(readers);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readTo(held: OwnedPartition, end: number): Promise<number> {
  let count = 0;
  while (held.position < end) {
    const batch = await held.fetch({ maxRecords: 10_000, maxBytes: 4_000_000, waitMs: 1000 });
    if (batch === 'revoked') throw new Error('The benchmark lost a partition.');
    count += batch.records.length;
    await held.commit(batch.nextOffset);
  }
  return count;
}
