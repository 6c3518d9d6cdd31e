import { openSeriesStore } from '../../../src/engines/series/registry.ts';
import type { SeriesConfig } from '../../../src/engines/series/series-config.ts';
import type { SeriesPoint, SeriesStore } from '../../../src/engines/series/series-store.ts';
import { influx1Service } from '../../support/services/influx1-service.ts';
import { openOwnService } from '../../support/services/own-service.ts';
import { postgresService } from '../../support/services/postgres-service.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import { type Figure, median } from '../report.ts';

const rounds = 3;
const rowsPerRound = 500_000;
/** As the consumer makes them. */
const batchRows = 5000;
const partition = { route: 'high', topicId: '4L6g3nShT-eMCtK--X86sw', partition: 0 };
const never = new AbortController().signal;

interface Bars {
  readonly rowsPerSecond?: number;
  readonly cpuMicroseconds?: number;
}

/**
 * What a store takes: rows a second and CPU time of this process for a row, the median of three rounds, and then how long the last
 * ten minutes of 1.5 million points take to read. Servers run on this machine, their CPU time is not counted.
 */
export async function benchEventsSeries(): Promise<Figure[]> {
  return [...(await benchDuckdb()), ...(await benchPostgres()), ...(await benchInflux())];
}

async function benchDuckdb(): Promise<Figure[]> {
  await using folder = await openTempFolder();
  return await bench('duckdb', { kind: 'duckdb', folder: folder.path, series: 'bench' }, { rowsPerSecond: 50_000 });
}

async function benchPostgres(): Promise<Figure[]> {
  await using server = await openOwnService(postgresService);
  const { hostname, port, username, password, pathname } = new URL(server.address.url);
  const address = { host: hostname, port: Number(port), user: username, password, database: pathname.slice(1) };
  return await bench('postgres', { kind: 'postgres', ...address }, { rowsPerSecond: 30_000, cpuMicroseconds: 12 });
}

async function benchInflux(): Promise<Figure[]> {
  await using server = await openOwnService(influx1Service);
  return await bench('influx1', { kind: 'influx', api: 'v1', url: server.address.url, bucket: 'bench' }, {});
}

async function bench(name: string, config: SeriesConfig, { rowsPerSecond, cpuMicroseconds }: Bars): Promise<Figure[]> {
  await using store = await openSeriesStore(config, { log: silentLogger });
  await store.ensureSchema(never);
  await store.readProgress(partition, never);
  const rates: number[] = [];
  const costs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const batches = batchesOf(round);
    const before = process.cpuUsage();
    const start = performance.now();
    await writeAll(store, batches);
    rates.push((1000 * rowsPerRound) / (performance.now() - start));
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / rowsPerRound);
  }
  const id = `events-series-${name}`;
  return [
    { id: `${id}-rows`, value: median(rates), unit: 'rows/s', ...(rowsPerSecond === undefined ? {} : { atLeast: rowsPerSecond }) },
    { id: `${id}-cpu`, value: median(costs), unit: 'us/row', ...(cpuMicroseconds === undefined ? {} : { bar: cpuMicroseconds }) },
    { id: `${id}-buckets`, value: await bucketsMs(store), unit: 'ms' },
  ];
}

interface BenchBatch {
  readonly from: number;
  readonly points: readonly SeriesPoint[];
}

/** One event in 20 ms, so that a round is nearly three hours. */
function batchesOf(round: number): BenchBatch[] {
  return Array.from({ length: rowsPerRound / batchRows }, (_, index) => {
    const from = round * rowsPerRound + index * batchRows;
    const points = Array.from({ length: batchRows }, (__, row) => pointAt(from + row));
    return { from, points };
  });
}

const startMs = Date.now() - 20 * rounds * rowsPerRound;

function pointAt(offset: number): SeriesPoint {
  const amount = ((offset * 7919) % 10_007) / 1000.7;
  return { offset, timeMs: startMs + 20 * offset, amount, amountText: String(amount) };
}

async function writeAll(store: SeriesStore, batches: readonly BenchBatch[]): Promise<void> {
  for (const { from, points } of batches) {
    const outcome = await store.write({ partition, from, to: from + batchRows, points }, never);
    if (outcome.outcome !== 'stored' || outcome.refused.length > 0)
      throw new Error(`The batch at ${from} is not stored: ${JSON.stringify(outcome)}`);
  }
}

/** The question of the chart: counts of ten minutes in buckets of ten seconds. */
async function bucketsMs(store: SeriesStore): Promise<number> {
  const toMs = startMs + 20 * rounds * rowsPerRound;
  const times: number[] = [];
  for (let repeat = 0; repeat < 11; repeat += 1) {
    const start = performance.now();
    const buckets = await store.readBuckets({ window: { fromMs: toMs - 600_000, toMs }, stepMs: 10_000, fn: 'count' }, never);
    times.push(performance.now() - start);
    const found = buckets.reduce((sum, { count }) => sum + count, 0);
    if (found !== 30_000) throw new Error(`${found} points are found where 30000 are`);
  }
  return median(times);
}
