import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LaneProcess } from '../../support/lane/lane-process.ts';
import { loadHttp } from '../ingest/http-load.ts';
import { cpuMs, peakRssMb } from '../ingest/process-usage.ts';
import { type Figure, median } from '../report.ts';
import { batchOf } from './event-batch.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 5);
const eventsPerPost = 100;
const connections = 8;
const storedWithinMs = 120_000;

const listeners = ['--operations-listen', '--events-api-listen', '--events-consumer-high-listen', '--events-consumer-low-listen'];

/**
 * The whole lane in one process on embedded engines: batches of 100 over HTTP, synced to the log before the answer, and consumed into
 * two DuckDB files meanwhile. The time ends when the last event is stored.
 */
export async function benchEventsEmbedded(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const args = [...listeners.flatMap((name) => [name, '127.0.0.1:0']), '--events-partitions', '4', '--log-level', 'warn'];
    await using lane = new LaneProcess({
      name: 'lane',
      args: ['consumer-high', 'consumer-low', 'event-api', '--data-dir', folder, ...args],
      env: {},
    });
    await lane.start();
    await measure(lane, 2);
    const samples = [];
    for (let round = 0; round < rounds; round += 1) samples.push(await measure(lane, seconds));
    return [
      { id: 'events-embedded-rate', value: median(samples.map(({ rate }) => rate)), unit: 'events/s', atLeast: 50_000 },
      { id: 'events-embedded-accepted', value: median(samples.map(({ accepted }) => accepted)), unit: 'events/s' },
      { id: 'events-embedded-cpu', value: median(samples.map(({ cpuUs }) => cpuUs)), unit: 'us/event' },
      { id: 'events-embedded-rss', value: peakRssMb(lane.pid), unit: 'MB' },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(lane: LaneProcess, loadSeconds: number): Promise<{ rate: number; accepted: number; cpuUs: number }> {
  const before = { cpu: cpuMs(lane.pid), at: performance.now(), stored: await storedEvents(lane) };
  const url = lane.urls['event-api'] ?? '';
  const result = await loadHttp({ url, body: batchOf(eventsPerPost), connections, seconds: loadSeconds });
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests were not answered with 200`);
  const events = result.requests * eventsPerPost;
  const deadline = performance.now() + storedWithinMs;
  while ((await storedEvents(lane)) < before.stored + events) {
    if (performance.now() > deadline) throw new Error('not everything was stored within two minutes');
    await sleep(20);
  }
  const elapsed = (performance.now() - before.at) / 1000;
  return { rate: events / elapsed, accepted: events / result.seconds, cpuUs: ((cpuMs(lane.pid) - before.cpu) * 1000) / events };
}

/** Of both routes. */
async function storedEvents({ urls }: LaneProcess): Promise<number> {
  const page = await (await fetch(`${urls['operations']}/metrics`)).text();
  return [...page.matchAll(/^sluice_consumer_stored_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}
