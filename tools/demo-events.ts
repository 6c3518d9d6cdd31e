import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { duckdbEvents } from '../packages/server/test/support/lane/stored-events.ts';
import { type DemoRun, runDemo, say } from './run-demo.ts';
import { anyPorts, type StartedService, startService, withoutSettings } from './start-service.ts';

/**
 * The events lane on embedded engines: a producer posts events at a fixed rate, they go through the log, and the routes part them into
 * two stores. Ends with 0 only if both stores together have as many events as were acknowledged, each in the store of its route.
 */

const perSecond = 200;
const seconds = 30;
const events = perSecond * seconds;
const storedWithinMs = 30_000;
const anyPort = '127.0.0.1:0';
const binary = fileURLToPath(new URL('../packages/server/bin/sluice.js', import.meta.url));

const watermark = 5;
const sides = { high: (amount: number) => amount > watermark, low: (amount: number) => amount <= watermark };

type StoredCounts = Readonly<Record<'high' | 'low', number>>;

/** Resolves to the number of stored events, once everything is checked and the service has stopped. */
async function demo({ folder, logFile, signal }: DemoRun): Promise<number> {
  await using log = await open(logFile, 'a');
  const service = await startService({
    dataDir: join(folder, 'data'),
    flags: [...anyPorts, '--log-level', 'warn'],
    env: withoutSettings(process.env),
    log: log.fd,
  });
  let counts: StoredCounts;
  {
    await using running = service;
    const { urls } = running.report;
    say(`service   events ${urls['event-api']}, on embedded engines`);
    await produce({ folder, url: urls['event-api'] ?? '', log: log.fd, signal });
    counts = await compareCounts(running, signal);
  }
  const end = await service.exited;
  if (end !== 0) throw new Error(`the service did not stop cleanly, but with ${end}`);
  await compareFiles(join(folder, 'data/series'), counts);
  return counts.high + counts.low;
}

interface Producing {
  readonly folder: string;
  readonly url: string;
  readonly log: number;
  readonly signal: AbortSignal;
}

async function produce({ folder, url, log, signal }: Producing): Promise<void> {
  say(`sending   ${events} events, ${perSecond} a second, by event-producer`);
  const settings = { url, rate: perSecond, count: events, 'batch-interval': '500ms', seed: 1 };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--events-producer-${name}`, String(value)]);
  const started = performance.now();
  const args = [binary, 'event-producer', '--data-dir', join(folder, 'producer'), '--operations-listen', anyPort, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', log], env: withoutSettings(process.env), signal });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the producer ended with ${code}`);
  say(`sent      in ${((performance.now() - started) / 1000).toFixed(1)} s; every batch was answered after the sync to disk`);
}

/** Waits until the stores have as many events as were acknowledged, and not more. */
async function compareCounts({ report }: StartedService, signal: AbortSignal): Promise<StoredCounts> {
  const deadline = performance.now() + storedWithinMs;
  const read = () => readCounts(report.urls['operations'] ?? '', signal);
  let counts = await read();
  while (counts.high + counts.low < counts.acknowledged && performance.now() < deadline) {
    await sleep(200, undefined, { signal });
    counts = await read();
  }
  // Time for one too many.
  await sleep(1000, undefined, { signal });
  const { acknowledged, high, low } = await read();
  const figures = `${acknowledged} acknowledged, ${high} in the high store and ${low} in the low one`;
  if (acknowledged !== events || high + low !== acknowledged || high === 0 || low === 0) throw new Error(`the counts differ: ${figures}`);
  say(`stored    ${figures}`);
  return { high, low };
}

/** The files of the stores have what the service counted: each event once, on its side of the watermark. */
async function compareFiles(folder: string, counts: StoredCounts): Promise<void> {
  for (const [route, belongs] of Object.entries(sides)) {
    const rows = await duckdbEvents(join(folder, `${route}.duckdb`));
    const different = new Set(rows.map(({ partition, offset }) => `${partition}/${offset}`)).size;
    const astray = rows.filter(({ amount }) => !belongs(amount)).length;
    say(`checked   ${route}.duckdb: ${rows.length} rows of ${different} records, ${astray} on the wrong side of ${watermark}`);
    const count = counts[route === 'high' ? 'high' : 'low'];
    if (rows.length !== count || different !== count || astray > 0) throw new Error(`the store ${route} should have ${count} rows`);
  }
}

async function readCounts(operations: string, signal: AbortSignal): Promise<StoredCounts & { readonly acknowledged: number }> {
  const page = await (await fetch(`${operations}/metrics`, { signal })).text();
  const value = (name: string): number =>
    Number(
      page
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length) ?? 0,
    );
  return {
    acknowledged: value('sluice_events_accepted_total'),
    high: value('sluice_consumer_stored_total{route="high"}'),
    low: value('sluice_consumer_stored_total{route="low"}'),
  };
}

await runDemo('events', demo);
