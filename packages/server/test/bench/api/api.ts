import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listSinkVersions, listSources } from '@sluice/contract/operations';
import { ApiClient } from '../../support/api-client.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { startSluice } from '../../support/start-sluice.ts';
import { startBareServer } from '../ingest/bare-server.ts';
import { smallBody } from '../ingest/bench-event.ts';
import { withoutImport } from '../ingest/bench-service.ts';
import { type LoadResult, loadHttp, loadRequests } from '../ingest/http-load.ts';
import { peakRssMb, waitedMs } from '../ingest/process-usage.ts';
import { type Figure, median } from '../report.ts';
import { addVersions, createTree, sinkId, sourceId, tree } from './definition-tree.ts';

const connections = 4;
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 1);
const flags = [...withoutImport, '--log-level=warn'];

interface Pair {
  readonly bare: LoadResult;
  readonly sluice: LoadResult;
}

type Path = (random: SeededRandom) => string;

const branch = '/v1/branches/default';
const someSource: Path = (random) => `${branch}/sources/${sourceId(random.between(0, tree.sources - 1))}`;
const someSink: Path = (random) => `${someSource(random)}/sinks/${sinkId(random.between(0, tree.sinks - 1))}`;

/** What clients read, at random places of the tree. */
const reads: Readonly<Record<string, Path>> = {
  'list-sources': () => `${branch}/sources`,
  'list-sinks': (random) => `${someSource(random)}/sinks`,
  'list-versions': (random) => `${someSink(random)}/versions`,
  'get-source': someSource,
  'get-sink': someSink,
  'get-version': (random) => `${someSink(random)}/versions/${random.between(1, tree.versions)}`,
  'get-settings': (random) => `${someSink(random)}/settings`,
  'get-statistics': (random) => `${someSink(random)}/statistics/total`,
};

/**
 * Reads of the API from a branch with 100 sources of 20 sinks each and 50 versions of all of them, by four clients at once that never
 * pause. As in the other benchmarks the bare server takes its turns: where a machine is so busy that it answers late, so may the service.
 * `api-waited` is the share of the time in which the service's main thread was ready and had no core: from some percent on it makes the
 * 99th percentiles.
 */
export async function benchApi(): Promise<Figure[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const token = await leaveFolder(dataDir);
    await using service = await startSluice({ dataDir, flags });
    const url = service.urls['api'] ?? '';
    await assertTree(new ApiClient({ apiUrl: url, token }));
    await using bare = await startBareServer();
    const measureBare = () => loadHttp({ url: bare.url, body: smallBody, connections, seconds });
    const random = new SeededRandom(1);
    const measure = async (path: Path) => {
      const nextRequest = () => Buffer.from(`GET ${path(random)} HTTP/1.1\r\nHost: a\r\nX-StorageApi-Token: ${token}\r\n\r\n`);
      const result = await loadRequests({ url, connections, seconds, nextRequest });
      if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests were not answered with 200`);
      return result;
    };
    const pid = service.process.pid ?? 0;
    let waited = 0;
    let measured = 0;
    const figures: Figure[] = [];
    for (const [name, path] of Object.entries(reads)) {
      // Until the code that runs is the optimised one.
      await measure(path);
      await measureBare();
      const pairs: Pair[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const bareResult = await measureBare();
        const before = waitedMs(pid);
        const sluice = await measure(path);
        waited += waitedMs(pid) - before;
        measured += sluice.seconds * 1000;
        pairs.push({ bare: bareResult, sluice });
      }
      const middle = (read: (result: LoadResult) => number) => median(pairs.map(({ sluice }) => read(sluice)));
      const barePercentile = median(pairs.map((pair) => pair.bare.p99Ms));
      figures.push(
        { id: `api-${name}-p50`, value: middle(({ p50Ms }) => p50Ms), unit: 'ms' },
        { id: `api-${name}-p99`, value: middle(({ p99Ms }) => p99Ms), unit: 'ms', bar: 20 },
        { id: `api-${name}-bare-p99`, value: barePercentile, unit: 'ms' },
        { id: `api-${name}-requests`, value: middle((result) => result.requests / result.seconds), unit: 'requests/s' },
      );
    }
    return [
      ...figures,
      { id: 'api-waited', value: (100 * waited) / measured, unit: '%' },
      { id: 'api-rss', value: peakRssMb(pid), unit: 'MB' },
    ];
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

/** A folder with the whole tree. Resolves to its token. */
async function leaveFolder(dataDir: string): Promise<string> {
  const service = await startSluice({ dataDir, flags });
  const { token = '' } = service;
  try {
    await createTree(new ApiClient({ apiUrl: service.urls['api'] ?? '', token }));
  } finally {
    await service.stop();
  }
  await addVersions(dataDir);
  return token;
}

/** What is measured is what is said. */
async function assertTree(api: ApiClient): Promise<void> {
  const { page } = await api.call(listSources);
  const versions = await api.call(listSinkVersions, { params: { sourceId: sourceId(0), sinkId: sinkId(0) } });
  const found = [page.totalCount, versions.page.totalCount];
  if (found.join() !== [tree.sources, tree.versions].join()) throw new Error(`${found.join(' sources and ')} versions were found`);
}
