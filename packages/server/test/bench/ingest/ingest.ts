import type { Figure } from '../report.ts';
import { startBareServer } from './bare-server.ts';
import { largeBodies, smallBody, templateColumns } from './bench-event.ts';
import { BenchService, withImport, withoutImport } from './bench-service.ts';
import { compare, cpuRatio, middle, rateOf, rateRatio } from './compare.ts';
import { peakRssMb } from './process-usage.ts';

const usualConnections = 64;
const usual = { body: smallBody, connections: usualConnections };

/** 1 kB JSON, five columns, 64 keep-alive connections, fdatasync on, gzip 1: the figures that have bars. */
export async function benchIngest(): Promise<Figure[]> {
  await using bare = await startBareServer();
  await using service = await BenchService.start(withoutImport);
  const pairs = await compare({ bare, sluice: await service.source('usual') }, usual);
  const barePercentile = middle(pairs, ({ bare: { p99Ms } }) => p99Ms);
  return [
    { id: 'ingest-requests', value: middle(pairs, ({ sluice }) => rateOf(sluice)), unit: 'requests/s' },
    { id: 'ingest-bare-requests', value: middle(pairs, ({ bare }) => rateOf(bare)), unit: 'requests/s' },
    { id: 'ingest-requests-ratio', value: rateRatio(pairs), unit: 'x', atLeast: 0.4 },
    { id: 'ingest-cpu', value: middle(pairs, ({ sluice }) => sluice.cpuUs), unit: 'us/request' },
    { id: 'ingest-bare-cpu', value: middle(pairs, ({ bare }) => bare.cpuUs), unit: 'us/request' },
    { id: 'ingest-cpu-ratio', value: cpuRatio(pairs), unit: 'x', bar: 2.5 },
    { id: 'ingest-p50', value: middle(pairs, ({ sluice }) => sluice.p50Ms), unit: 'ms', bar: 5 },
    { id: 'ingest-p99', value: middle(pairs, ({ sluice }) => sluice.p99Ms), unit: 'ms', bar: Math.max(25, 5 * barePercentile) },
    { id: 'ingest-bare-p50', value: middle(pairs, ({ bare }) => bare.p50Ms), unit: 'ms' },
    { id: 'ingest-bare-p99', value: barePercentile, unit: 'ms' },
    { id: 'ingest-rss', value: peakRssMb(service.pid), unit: 'MB', bar: 400 },
  ];
}

/** As `benchIngest`, while slices are uploaded and files are imported all the time. */
export async function benchIngestImport(): Promise<Figure[]> {
  await using bare = await startBareServer();
  await using service = await BenchService.start(withImport);
  const pairs = await compare({ bare, sluice: await service.source('import') }, usual);
  return [
    { id: 'ingest-import-requests-ratio', value: rateRatio(pairs), unit: 'x' },
    { id: 'ingest-import-cpu', value: middle(pairs, ({ sluice }) => sluice.cpuUs), unit: 'us/request' },
    { id: 'ingest-import-cpu-ratio', value: cpuRatio(pairs), unit: 'x', bar: 3.5 },
    { id: 'ingest-import-p50', value: middle(pairs, ({ sluice }) => sluice.p50Ms), unit: 'ms' },
    { id: 'ingest-import-p99', value: middle(pairs, ({ sluice }) => sluice.p99Ms), unit: 'ms' },
    { id: 'ingest-import-rss', value: peakRssMb(service.pid), unit: 'MB', bar: 400 },
  ];
}

/** What a template adds in place of a path: two sources of one service in turn. */
export async function benchIngestTemplate(): Promise<Figure[]> {
  await using service = await BenchService.start(withoutImport);
  const withPath = await service.source('path');
  const withTemplate = await service.source('template', { columns: templateColumns });
  const pairs = await compare({ bare: withPath, sluice: withTemplate }, usual);
  return [
    { id: 'ingest-template-cpu', value: middle(pairs, ({ sluice }) => sluice.cpuUs), unit: 'us/request' },
    { id: 'ingest-template-path-cpu', value: middle(pairs, ({ bare }) => bare.cpuUs), unit: 'us/request' },
    { id: 'ingest-template-added-cpu', value: middle(pairs, ({ bare, sluice }) => sluice.cpuUs - bare.cpuUs), unit: 'us/request', bar: 10 },
  ];
}

export async function benchIngestConnections(): Promise<Figure[]> {
  await using bare = await startBareServer();
  await using service = await BenchService.start(withoutImport);
  const pairs = await compare({ bare, sluice: await service.source('many') }, { ...usual, connections: 1024 });
  return [
    { id: 'ingest-1024-requests', value: middle(pairs, ({ sluice }) => rateOf(sluice)), unit: 'requests/s' },
    { id: 'ingest-1024-requests-ratio', value: rateRatio(pairs), unit: 'x' },
    { id: 'ingest-1024-cpu-ratio', value: cpuRatio(pairs), unit: 'x' },
    { id: 'ingest-1024-p50', value: middle(pairs, ({ sluice }) => sluice.p50Ms), unit: 'ms' },
    { id: 'ingest-1024-p99', value: middle(pairs, ({ sluice }) => sluice.p99Ms), unit: 'ms' },
    { id: 'ingest-1024-rss', value: peakRssMb(service.pid), unit: 'MB' },
  ];
}

/** How the cost of a request grows with the tables that it goes to, and with their columns. */
export async function benchIngestWidth(): Promise<Figure[]> {
  await using bare = await startBareServer();
  await using service = await BenchService.start(withoutImport);
  const figures: Figure[] = [];
  for (const sinks of [1, 10, 100]) {
    const pairs = await compare({ bare, sluice: await service.source(`sinks${sinks}`, { sinks }) }, usual);
    figures.push(
      { id: `ingest-sinks-${sinks}-requests`, value: middle(pairs, ({ sluice }) => rateOf(sluice)), unit: 'requests/s' },
      { id: `ingest-sinks-${sinks}-cpu`, value: middle(pairs, ({ sluice }) => sluice.cpuUs) / sinks, unit: 'us/row' },
    );
  }
  for (const columns of [1, 5, 20, 64]) {
    const pairs = await compare({ bare, sluice: await service.source(`columns${columns}`, { columns }) }, usual);
    figures.push(
      { id: `ingest-columns-${columns}-requests`, value: middle(pairs, ({ sluice }) => rateOf(sluice)), unit: 'requests/s' },
      { id: `ingest-columns-${columns}-cpu-ratio`, value: cpuRatio(pairs), unit: 'x' },
    );
  }
  return figures;
}

const codecs = [
  { codec: 'gzip', cpuBar: 18 },
  { codec: 'zstd', cpuBar: 10 },
] as const;

/** Bodies of 1 MB. The bars hold for one long text; many small values cost the bare server more, and make every ratio better. */
export async function benchIngestBodies(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { codec, cpuBar } of codecs) {
    await using bare = await startBareServer();
    await using service = await BenchService.start([...withoutImport, `--storage-level-local-encoding-compression-type=${codec}`]);
    const sluice = await service.source('large');
    for (const kind of ['text', 'items'] as const) {
      const body = largeBodies[kind];
      const megabytes = body.length / 1e6;
      for (const connections of [4, 16]) {
        const pairs = await compare({ bare, sluice }, { body, connections });
        const id = `ingest-1mb-${kind}-${codec}-${connections}`;
        const isBarred = kind === 'text';
        figures.push(
          {
            id: `${id}-rate`,
            value: middle(pairs, (pair) => rateOf(pair.sluice) * megabytes),
            unit: 'MB/s',
            ...(isBarred && { atLeast: 45 }),
          },
          { id: `${id}-cpu`, value: middle(pairs, (pair) => pair.sluice.cpuUs / 1000 / megabytes), unit: 'ms/MB' },
          { id: `${id}-cpu-ratio`, value: cpuRatio(pairs), unit: 'x', ...(isBarred && { bar: cpuBar }) },
          { id: `${id}-p99`, value: middle(pairs, (pair) => pair.sluice.p99Ms), unit: 'ms' },
        );
      }
    }
    figures.push({ id: `ingest-1mb-${codec}-rss`, value: peakRssMb(service.pid), unit: 'MB', bar: 600 });
  }
  return figures;
}
