import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../report.ts';
import { smallBody } from './bench-event.ts';
import { BenchService, withImport } from './bench-service.ts';
import { loadHttp } from './http-load.ts';
import { rssMb } from './process-usage.ts';

const measuredMinutes = Number(process.env['BENCH_MINUTES'] ?? 10);
/** Until the code is compiled and pools and heaps have their usual size: they take up to five minutes. What follows is measured. */
const settlingMinutes = 5;
const minutes = settlingMinutes + measuredMinutes;

/**
 * Resident memory over ten minutes at half load, with upload and import, and how it came there. Between two full collections it rises by
 * tens of megabytes and falls again, so the slope says little alone: where memory is lost, the lowest value of the second half is above
 * that of the first.
 */
export async function benchIngestMemory(): Promise<Figure[]> {
  await using service = await BenchService.start(withImport);
  const { url, pid } = await service.source('long');
  const full = await loadHttp({ url, body: smallBody, connections: 64, seconds: 5 });
  const perSecond = full.requests / full.seconds / 2;
  const samples: { minute: number; mb: number }[] = [];
  const startedAt = performance.now();
  const passed = () => (performance.now() - startedAt) / 60_000;
  let failures = 0;
  let requests = 0;
  while (passed() < minutes) {
    // A burst, then a pause as long as the rate wants it.
    const burst = await loadHttp({ url, body: smallBody, connections: 64, seconds: 0.5 });
    failures += burst.failures;
    requests += burst.requests;
    samples.push({ minute: passed(), mb: rssMb(pid) });
    await sleep(Math.max(0, (burst.requests / perSecond - burst.seconds) * 1000));
  }
  if (failures > 0) throw new Error(`${failures} of ${requests} requests were not answered with 200`);
  const settled = samples.filter(({ minute }) => minute > settlingMinutes);
  const half = Math.ceil(settled.length / 2);
  return [
    { id: 'ingest-memory-requests', value: requests, unit: 'requests' },
    { id: 'ingest-memory-after-2-minutes', value: samples.find(({ minute }) => minute > 2)?.mb ?? Number.NaN, unit: 'MB' },
    { id: 'ingest-memory-first', value: settled[0]?.mb ?? Number.NaN, unit: 'MB' },
    { id: 'ingest-memory-last', value: settled.at(-1)?.mb ?? Number.NaN, unit: 'MB' },
    { id: 'ingest-memory-lowest-in-first-half', value: lowest(settled.slice(0, half)), unit: 'MB' },
    { id: 'ingest-memory-lowest-in-second-half', value: lowest(settled.slice(half)), unit: 'MB' },
    { id: 'ingest-memory-slope', value: slope(settled), unit: 'MB/minute' },
  ];
}

const lowest = (samples: readonly { readonly mb: number }[]): number => Math.min(...samples.map(({ mb }) => mb));

/** Of the least squares line. */
function slope(samples: readonly { readonly minute: number; readonly mb: number }[]): number {
  const mean = (read: (sample: (typeof samples)[number]) => number) =>
    samples.reduce((sum, sample) => sum + read(sample), 0) / samples.length;
  const x = mean(({ minute }) => minute);
  const y = mean(({ mb }) => mb);
  return mean(({ minute, mb }) => (minute - x) * (mb - y)) / mean(({ minute }) => (minute - x) ** 2);
}
