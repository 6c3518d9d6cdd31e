import { median } from '../report.ts';
import { type LoadResult, loadHttp } from './http-load.ts';
import { cpuMs } from './process-usage.ts';

/** A server under load: where it listens, and whose CPU time counts. */
export interface Target {
  readonly url: string;
  readonly pid: number;
}

export interface Load {
  readonly body: string;
  readonly connections: number;
}

export interface Sample extends LoadResult {
  /** CPU time of all threads of the server, for one request. */
  readonly cpuUs: number;
}

export interface Pair {
  readonly bare: Sample;
  readonly sluice: Sample;
}

interface Servers {
  readonly bare: Target;
  readonly sluice: Target;
}

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 4);
/** Until the code that runs is the optimised one. */
const warmUpSeconds = Math.min(3, seconds);

/** The bare server and the service in turn, so that what disturbs the machine disturbs both. Medians are taken of the pairs. */
export async function compare({ bare, sluice }: Servers, load: Load): Promise<Pair[]> {
  for (const target of [bare, sluice]) await loadHttp({ ...load, url: target.url, seconds: warmUpSeconds });
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round += 1) pairs.push({ bare: await measure(bare, load), sluice: await measure(sluice, load) });
  return pairs;
}

async function measure({ url, pid }: Target, load: Load): Promise<Sample> {
  const before = cpuMs(pid);
  const result = await loadHttp({ ...load, url, seconds });
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests were not answered with 200`);
  return { ...result, cpuUs: ((cpuMs(pid) - before) * 1000) / result.requests };
}

export const rateOf = (sample: Sample): number => sample.requests / sample.seconds;

export const middle = (pairs: readonly Pair[], read: (pair: Pair) => number): number => median(pairs.map(read));
export const cpuRatio = (pairs: readonly Pair[]): number => middle(pairs, ({ bare, sluice }) => sluice.cpuUs / bare.cpuUs);
export const rateRatio = (pairs: readonly Pair[]): number => middle(pairs, ({ bare, sluice }) => rateOf(sluice) / rateOf(bare));
