/**
 * A process that consumes a topic on Kafka for ever and prints `partition offset` of each record that it has handled and committed.
 * Arguments: a broker, the group, the topic.
 */
import { logMetricTable } from '../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../src/engines/log/registry.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { silentLogger } from './silent-logger.ts';

const [broker = '', group = '', topic = ''] = process.argv.slice(2);
const deps = { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) };
const log = await openLogEngine({ kind: 'kafka', brokers: [broker], sessionTimeoutMs: 1500 }, deps);
const consumer = await log.join({ group, topics: [topic], start: 'begin' });
for await (const held of consumer.partitions(new AbortController().signal)) {
  for (;;) {
    const batch = await held.fetch({ maxRecords: 1, maxBytes: 1000, waitMs: 10_000 });
    if (batch === 'revoked') break;
    await held.commit(batch.nextOffset);
    for (const { offset } of batch.records) process.stdout.write(`${held.partition} ${offset}\n`);
  }
}
