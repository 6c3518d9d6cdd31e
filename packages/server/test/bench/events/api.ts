import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLane, prepareEngines, removeEngines } from '../../support/lane/event-lane.ts';
import { loadHttp } from '../ingest/http-load.ts';
import { cpuMs, peakRssMb } from '../ingest/process-usage.ts';
import { type Figure, median } from '../report.ts';
import { batchOf, eventText } from './event-batch.ts';
import { postPaced } from './paced-posts.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 4);
const warmUpSeconds = Math.min(3, seconds);
const eventsPerPost = 100;
const connections = 16;
const partitions = 4;

/** `event-api` with a Kafka on the same machine: batches of 100, then single events at a fixed pace. An answer comes after `acks=all`. */
export async function benchEventsApi(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const engines = await prepareEngines();
  try {
    await using api = await new EventLane({ engines, folder, partitions }).api(0);
    await api.start();
    const url = api.urls['event-api'] ?? '';
    const body = batchOf(eventsPerPost);
    await loadHttp({ url, body, connections, seconds: warmUpSeconds });
    const samples = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = cpuMs(api.pid);
      const result = await loadHttp({ url, body, connections, seconds });
      if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests were not answered with 200`);
      const events = result.requests * eventsPerPost;
      samples.push({ ...result, rate: events / result.seconds, cpuUs: ((cpuMs(api.pid) - before) * 1000) / events });
    }
    const paced = await postPaced({ url, body: (post) => `[${eventText(Date.now(), post % 10)}]`, perSecond: 200, seconds: 10 });
    return [
      { id: 'events-api-rate', value: median(samples.map(({ rate }) => rate)), unit: 'events/s', atLeast: 50_000 },
      { id: 'events-api-cpu', value: median(samples.map(({ cpuUs }) => cpuUs)), unit: 'us/event', bar: 6 },
      { id: 'events-api-p50', value: median(samples.map(({ p50Ms }) => p50Ms)), unit: 'ms' },
      { id: 'events-api-p99', value: median(samples.map(({ p99Ms }) => p99Ms)), unit: 'ms' },
      { id: 'events-api-paced-p50', value: paced.p50Ms, unit: 'ms' },
      { id: 'events-api-paced-p99', value: paced.p99Ms, unit: 'ms', bar: 25 },
      { id: 'events-api-rss', value: peakRssMb(api.pid), unit: 'MB' },
    ];
  } finally {
    await removeEngines(engines);
    await rm(folder, { recursive: true, force: true });
  }
}
