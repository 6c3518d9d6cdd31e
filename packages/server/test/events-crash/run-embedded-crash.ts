import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-ports.ts';
import { LaneProcess } from '../support/lane/lane-process.ts';
import { embeddedRecords, eventsOf, routesOf } from '../support/lane/logged-events.ts';
import { duckdbEvents } from '../support/lane/stored-events.ts';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import { Chaos } from './chaos.ts';
import { haveConsumedEverything } from './consumed-everything.ts';
import { EventDriver } from './event-driver.ts';
import type { EventsCrashReport } from './events-crash-report.ts';
import { SentEvents } from './sent-events.ts';
import { strayRows } from './stray-rows.ts';

interface EmbeddedCrashOptions {
  readonly seed: number;
  readonly events: number;
  readonly spreadMs: number;
  readonly say: (line: string) => void;
  readonly env?: Readonly<Record<string, string>>;
}

const partitions = 4;
/** Of the process from its first start on, from a third of the load on, and from two thirds on; it holds from the next start on. */
const watermarks = [5, 3, 7] as const;
const settledWithinMs = 60_000;

/** Events through one process on embedded engines, which is killed again and again; then its files are compared with the driver's list. */
export async function runEmbeddedCrash({ seed, events, spreadMs, say, env = {} }: EmbeddedCrashOptions): Promise<EventsCrashReport> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-events-crash-'));
  const book = new SentEvents();
  const problems: string[] = [];
  try {
    await using service = new LaneProcess({
      name: 'sluice',
      args: ['consumer-high', 'consumer-low', 'event-api', ...flags(dataDir, await freePort())],
      env: { ...env, SLUICE_EVENTS_CONSUMER_WATERMARK: String(watermarks[0]) },
    });
    await service.start();
    const random = new SeededRandom(derivedSeed(seed, 2));
    const chaos = new Chaos({
      processes: [service],
      answering: { process: service, nextAnswer: () => book.nextAcknowledgement() },
      random,
      betweenMs: { from: 200, to: 2500 },
      frozenMs: { from: 100, to: 1000 },
    });
    const url = service.urls['event-api'] ?? '';
    const driver = new EventDriver({ url, book, seed, events, firstTime: Date.now() - 3_600_000, spreadMs });
    const calm = new AbortController();
    const acting = [chaos.run(calm.signal), changeWatermark(service, { book, events, signal: calm.signal })];
    await driver.run(calm.signal).catch((error: unknown) => problems.push(`the driver gave up: ${String(error)}`));
    calm.abort();
    await Promise.all(acting);
    say(`seed ${seed}: ${chaos.summary}; ${driver.repeats} requests repeated`);
    if (!(await becomesIdle(service))) problems.push('not everything was stored within a minute');
    const end = await service.stop();
    if (end !== 0) problems.push(`the stop at the end ended with ${end}`);
    if (driver.unexpected !== undefined) problems.push(`an answer that no good request gets: ${driver.unexpected}`);
    const log = eventsOf(await embeddedRecords(join(dataDir, 'log'), 'events'));
    const routes = routesOf(await embeddedRecords(join(dataDir, 'log'), 'events.routes'));
    if (routes.versions.length < 2) problems.push(`there are ${routes.versions.length} versions of the routes`);
    const stores = {
      high: await duckdbEvents(join(dataDir, 'series/high.duckdb')),
      low: await duckdbEvents(join(dataDir, 'series/low.duckdb')),
    };
    const difference = book.compare({ stores, log });
    const wrong = strayRows(stores, routes);
    return {
      suite: 'events-embedded',
      seed,
      events,
      acked: book.acknowledged,
      lost: difference.lost,
      doubled: difference.doubled,
      strays: difference.strays + wrong.length,
      kills: chaos.kills,
      rebalances: 0,
      problems: [...difference.examples, ...wrong.slice(0, 3), ...problems, ...service.problems, ...chaos.problems],
    };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

const flags = (dataDir: string, port: number): string[] => [
  ...['--data-dir', dataDir, '--log-level', 'warn', '--operations-listen', '127.0.0.1:0'],
  ...['--events-api-listen', `127.0.0.1:${port}`, '--events-partitions', String(partitions)],
  ...['--events-consumer-high-listen', '127.0.0.1:0', '--events-consumer-low-listen', '127.0.0.1:0'],
];

async function changeWatermark(
  service: LaneProcess,
  { book, events, signal }: { readonly book: SentEvents; readonly events: number; readonly signal: AbortSignal },
): Promise<void> {
  for (const [index, watermark] of watermarks.entries()) {
    while (!signal.aborted && book.acknowledged < (index * events) / watermarks.length) await sleep(50);
    service.change({ SLUICE_EVENTS_CONSUMER_WATERMARK: String(watermark) });
  }
}

/** Waits until nothing is left to store, twice in a row. */
async function becomesIdle(service: LaneProcess): Promise<boolean> {
  const until = performance.now() + settledWithinMs;
  for (let idle = 0; idle < 2; ) {
    if (performance.now() > until) return false;
    await sleep(300);
    idle = (await haveConsumedEverything([service], partitions)) ? idle + 1 : 0;
  }
  return true;
}
