import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { MetricRegistry } from '../../../kernel/observe/metrics.ts';
import { logMetricTable } from '../log-metrics.ts';
import { openLogEngine } from '../registry.ts';

const script = fileURLToPath(new URL('../../../../test/support/append-until-killed.ts', import.meta.url));
const topic = 'crashed';

test('a killed process loses no record that it acknowledged, and its log goes on', async () => {
  await using folder = await openTempFolder();
  /** Acknowledged: the number of the first of 50 records, and its offset. */
  const acknowledged = new Map<number, number>();
  let first = 0;
  for (const batches of [1, 40, 90, 200]) {
    for (const [number, offset] of await killAfter(folder.path, { first, batches })) acknowledged.set(number, offset);
    first += 1_000_000;
    const stored = await storedNumbers(folder.path);
    // No number twice; the numbers of a batch stand together.
    expect(new Set(stored).size).toBe(stored.length);
    for (const [number, offset] of acknowledged) {
      expect(stored.slice(offset, offset + 50)).toEqual(Array.from({ length: 50 }, (_, index) => number + index));
    }
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(331);
});

/** Starts the process, kills it after so many acknowledgements, and gives all that it has told. */
async function killAfter(folder: string, { first, batches }: { first: number; batches: number }): Promise<[number, number][]> {
  const child = spawn(process.execPath, [script, folder, topic, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const told: [number, number][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [number = 0, offset = 0] = line.split(' ').map(Number);
    told.push([number, offset]);
    if (told.length === batches) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return told;
}

async function storedNumbers(folder: string): Promise<number[]> {
  const deps = { logger: silentLogger, metrics: new MetricRegistry().declare(logMetricTable) };
  await using log = await openLogEngine({ kind: 'sqlite', folder }, deps);
  const found = await log.topic(topic);
  if (found === undefined) return [];
  const numbers: number[] = [];
  for (let offset = 0; ; ) {
    const batch = await log.read({ topic: found, partition: 0, offset, maxRecords: 10_000, maxBytes: 10_000_000, waitMs: 0 });
    expect(batch.unreadable).toEqual([]);
    numbers.push(...batch.records.map(({ value }) => Number(value)));
    if (batch.nextOffset === batch.endOffset) return numbers;
    offset = batch.nextOffset;
  }
}
