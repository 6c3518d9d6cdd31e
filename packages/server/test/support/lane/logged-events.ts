import { z } from 'zod';
import { logMetricTable } from '../../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../../src/engines/log/registry.ts';
import {
  applyRoutesEntry,
  emptyHistory,
  type RoutesHistory,
  routesEntrySchema,
  versionAt,
} from '../../../src/features/events/routes-history.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { systemClock } from '../../../src/kernel/time/clock.ts';
import { runKcat } from '../services/kcat.ts';
import { silentLogger } from '../silent-logger.ts';
import type { PlacedEvent } from './placed-event.ts';

/** A record of the log, as a client that knows nothing of the product reads it. */
export interface LoggedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** Every record of a topic in Kafka, by kcat. Values must be without line ends. */
export async function kafkaRecords(broker: string, topic: string): Promise<LoggedRecord[]> {
  const out = await runKcat(['-b', broker, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%p %o %s\n']);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [partition = '', offset = ''] = line.split(' ', 2);
      return { partition: Number(partition), offset: Number(offset), value: line.slice(partition.length + offset.length + 2) };
    });
}

/** Every record of a topic in a folder of the embedded log that no process has open. */
export async function embeddedRecords(folder: string, name: string): Promise<LoggedRecord[]> {
  const metrics = new MetricRegistry().declare(logMetricTable);
  await using log = await openLogEngine({ kind: 'sqlite', folder }, { logger: silentLogger, metrics, clock: systemClock });
  const topic = await log.topic(name);
  const records: LoggedRecord[] = [];
  for (let partition = 0; topic && partition < topic.partitions; partition += 1) {
    for (let offset = 0; ; ) {
      const batch = await log.read({ topic, partition, offset, maxRecords: 10_000, maxBytes: 10_000_000, waitMs: 0 });
      for (const record of batch.records) records.push({ partition, offset: record.offset, value: String(record.value) });
      offset = batch.nextOffset;
      if (offset >= batch.endOffset) break;
    }
  }
  return records;
}

const eventSchema = z.object({ time: z.int(), amount: z.string().regex(/^[^ ]+$/) });

/** The events of a topic. Rejects a record that is none: the driver sends good ones only. */
export function eventsOf(records: readonly LoggedRecord[]): PlacedEvent[] {
  return records.map(({ partition, offset, value }) => {
    const { time, amount } = eventSchema.parse(JSON.parse(value));
    return { time, amount: Number(amount), partition, offset };
  });
}

/** The versions of the routes that were ever confirmed, from the records of `<topic>.routes`. */
export function routesOf(records: readonly LoggedRecord[]): RoutesHistory {
  const entries = records.map(({ value }) => routesEntrySchema.parse(JSON.parse(value)));
  const topicId = entries.find((entry) => entry.type === 'proposed')?.topicId ?? '';
  return entries.reduce(applyRoutesEntry, emptyHistory(topicId));
}

/** The store that the preset routes send an event to, by the watermark that held at its place. */
export function storeOf({ partition, offset, amount }: PlacedEvent, routes: RoutesHistory): 'high' | 'low' | 'none' {
  const found = versionAt(routes, { partition, offset });
  if (found.type !== 'version') return 'none';
  return amount > found.version.set.watermark ? 'high' : 'low';
}
