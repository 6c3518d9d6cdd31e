/**
 * A process that appends numbered records to a log for ever, several batches at a time, and prints the end of each acknowledged batch.
 * Arguments: the folder of the log, the topic, and the number of the first record.
 */

import { logMetricTable } from '../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../src/engines/log/registry.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { silentLogger } from './silent-logger.ts';

const [folder = '', topic = '', first = '0'] = process.argv.slice(2);
const deps = { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) };
const log = await openLogEngine({ kind: 'sqlite', folder, segmentBytes: 200_000 }, deps);
await log.ensureTopic({ name: topic, partitions: 1 });
let next = Number(first);
async function append(): Promise<void> {
  for (;;) {
    const from = next;
    next += 50;
    const records = Array.from({ length: 50 }, (_, index) => ({ value: Buffer.from(`${from + index}`.padEnd(100)) }));
    const { offset } = await log.append({ topic, partition: 0, records });
    process.stdout.write(`${from} ${offset}\n`);
  }
}
await Promise.all([append(), append(), append()]);
