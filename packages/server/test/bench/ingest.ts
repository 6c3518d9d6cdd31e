import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../support/api-client.ts';
import { startSluice } from '../support/start-sluice.ts';
import { type LoadResult, loadHttp } from './http-load.ts';
import { cpuMs, peakRssMb } from './process-usage.ts';
import { type Figure, median } from './report.ts';

const connections = 64;
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 4);
const columns = [
  { type: 'uuid', name: 'id' },
  { type: 'datetime', name: 'at' },
  { type: 'ip', name: 'ip' },
  { type: 'path', name: 'type', path: 'type' },
  { type: 'body', name: 'body' },
];
/** No rotation while it runs: this figure is the durable answer alone. */
const withoutImport = [
  '--storage-level-staging-upload-min-interval',
  '30m',
  '--storage-level-target-import-min-interval',
  '24h',
  '--log-level',
  'warn',
];

interface Target {
  readonly url: string;
  readonly pid: number;
}

interface Sample extends LoadResult {
  readonly cpuUs: number;
}

/** About 1 kB, with the shapes of a usual event. */
const body = JSON.stringify({
  type: 'order.created',
  at: '2026-01-02T03:04:05.678Z',
  customer: { id: 123456, name: 'Jane Doe', email: 'jane.doe@example.com' },
  items: Array.from({ length: 9 }, (_, index) => ({
    sku: `SKU-${index}-${index * 7919}`,
    amount: index,
    price: 12.5 + index,
    text: `product number ${index}`,
  })),
  total: 1234.56,
  paid: true,
});

/** 1 kB JSON, five columns, 64 keep-alive connections, fdatasync on; the service and the bare server in turn. */
export async function benchIngest(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    await using service = await startSluice({ dataDir: folder, flags: withoutImport });
    const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
    const url = await api.createSource('bench');
    await api.createTableSink('bench', { sinkId: 'bench', tableId: 'in.c-bench.events', columns });
    await using bare = await startBareServer();
    const sluice = { url, pid: service.process.pid ?? 0 };
    for (const target of [bare, sluice]) await loadHttp({ url: target.url, body, connections, seconds: 1 });
    const pairs: { bare: Sample; sluice: Sample }[] = [];
    for (let round = 0; round < rounds; round += 1) pairs.push({ bare: await measure(bare), sluice: await measure(sluice) });
    return figuresOf(pairs, peakRssMb(sluice.pid));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure({ url, pid }: Target): Promise<Sample> {
  const before = cpuMs(pid);
  const load = await loadHttp({ url, body, connections, seconds });
  if (load.failures > 0) throw new Error(`${load.failures} of ${load.requests} requests were not answered with 200`);
  return { ...load, cpuUs: ((cpuMs(pid) - before) * 1000) / load.requests };
}

function figuresOf(pairs: readonly { readonly bare: Sample; readonly sluice: Sample }[], rssMb: number): Figure[] {
  const middle = (read: (pair: (typeof pairs)[number]) => number) => median(pairs.map(read));
  const rate = (sample: Sample) => sample.requests / sample.seconds;
  return [
    { id: 'ingest-requests', value: middle(({ sluice }) => rate(sluice)), unit: 'requests/s' },
    { id: 'ingest-bare-requests', value: middle(({ bare }) => rate(bare)), unit: 'requests/s' },
    { id: 'ingest-requests-ratio', value: middle(({ bare, sluice }) => rate(sluice) / rate(bare)), unit: 'x' },
    { id: 'ingest-cpu', value: middle(({ sluice }) => sluice.cpuUs), unit: 'us/request' },
    { id: 'ingest-bare-cpu', value: middle(({ bare }) => bare.cpuUs), unit: 'us/request' },
    { id: 'ingest-cpu-ratio', value: middle(({ bare, sluice }) => sluice.cpuUs / bare.cpuUs), unit: 'x' },
    { id: 'ingest-p50', value: middle(({ sluice }) => sluice.p50Ms), unit: 'ms' },
    { id: 'ingest-p99', value: middle(({ sluice }) => sluice.p99Ms), unit: 'ms' },
    { id: 'ingest-bare-p50', value: middle(({ bare }) => bare.p50Ms), unit: 'ms' },
    { id: 'ingest-bare-p99', value: middle(({ bare }) => bare.p99Ms), unit: 'ms' },
    { id: 'ingest-rss', value: rssMb, unit: 'MB' },
  ];
}

async function startBareServer(): Promise<Target & AsyncDisposable> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./bare-server-main.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    url: `http://127.0.0.1:${port}/`,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
