import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logMetricTable } from '../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../src/engines/log/registry.ts';
import { presetRoutes } from '../../src/features/events/routes.ts';
import { RoutesLog } from '../../src/features/events/routes-log.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { systemClock } from '../../src/kernel/time/clock.ts';
import { freePort } from '../support/free-ports.ts';
import { EventLane, groupOf, type LaneEngines, prepareEngines, removeEngines } from '../support/lane/event-lane.ts';
import type { LaneProcess } from '../support/lane/lane-process.ts';
import { eventsOf, kafkaRecords, routesOf } from '../support/lane/logged-events.ts';
import type { PlacedEvent } from '../support/lane/placed-event.ts';
import { influxEvents, postgresEvents } from '../support/lane/stored-events.ts';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { Chaos } from './chaos.ts';
import { haveConsumedEverything } from './consumed-everything.ts';
import { EventDriver } from './event-driver.ts';
import type { EventsCrashReport } from './events-crash-report.ts';
import { GroupShaker } from './group-shaker.ts';
import { openRecordingProxy } from './recording-proxy.ts';
import { SentEvents } from './sent-events.ts';
import { slowStore } from './slow-store.ts';
import { strayRows } from './stray-rows.ts';

interface EventsCrashOptions {
  readonly seed: number;
  readonly events: number;
  /** How long the load goes on at least, and with it the kills. */
  readonly spreadMs: number;
  /** Progress, for people. */
  readonly say: (line: string) => void;
  /** Further environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

const partitions = 4;
/** What the routes part the amounts at: at first, and after each third of the events. */
const watermarks = [5, 3, 7] as const;
/** Nothing new comes to the stores for so long: then nothing will. */
const quietMs = 15_000;

/**
 * Events over Kafka into PostgreSQL and InfluxDB while the processes on the way are killed, frozen and stopped, the groups are
 * shaken, and the watermark changes twice. Then the stores and the log are compared with the driver's list.
 */
export async function runEventsCrash(options: EventsCrashOptions): Promise<EventsCrashReport> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-events-crash-'));
  const engines = await prepareEngines();
  try {
    return await new EventsCrashRun({ ...options, engines, folder }).report();
  } finally {
    await removeEngines(engines);
    await rm(folder, { recursive: true, force: true });
  }
}

class EventsCrashRun {
  readonly #options: EventsCrashOptions & { readonly engines: LaneEngines; readonly folder: string };
  readonly #book = new SentEvents();
  readonly #problems: string[] = [];
  readonly #startedAt = performance.now();

  constructor(options: EventsCrashOptions & { readonly engines: LaneEngines; readonly folder: string }) {
    this.#options = options;
  }

  async report(): Promise<EventsCrashReport> {
    const { seed, say } = this.#options;
    await using processes = new AsyncDisposableStack();
    const { api, consumers, producer, all } = await this.#processes(processes);
    await using log = await this.#openLog();
    await api.start();
    const routes = await this.#openRoutes(log);
    await routes.ensure(presetRoutes(watermarks[0]));
    await Promise.all([...consumers, producer].map((process) => process.start()));
    const { chaos, shaker, driver } = this.#actors({ log, processes: all, api });
    const stormBeganAt = performance.now();
    await this.#storm({ chaos, shaker, driver, routes });
    const stormEndedAt = performance.now();
    say(`seed ${seed}: ${chaos.summary}; ${driver.repeats} requests repeated; ${shaker.taken} partitions taken from the consumers`);
    await this.#stop(producer);
    const isSettled = await this.#settle(consumers);
    const seconds = ([from, to]: readonly [number, number]) => ((to - from) / 1000).toFixed(0);
    say(
      `${seconds([this.#startedAt, stormBeganAt])} s to start, ${seconds([stormBeganAt, stormEndedAt])} s of load, ${seconds([stormEndedAt, performance.now()])} s until it was stored`,
    );
    for (const process of [api, ...consumers]) await this.#stop(process);
    if (driver.unexpected !== undefined) this.#problems.push(`an answer that no good request gets: ${driver.unexpected}`);
    const difference = await this.#compare();
    if (!isSettled) this.#problems.push(...all.map(({ name, log: lines }) => `last lines of ${name}:\n${lines.slice(-2000)}`));
    return {
      suite: 'events',
      seed,
      events: this.#book.sent,
      acked: this.#book.acknowledged,
      lost: difference.lost,
      doubled: difference.doubled,
      strays: difference.strays,
      kills: chaos.kills,
      rebalances: shaker.rebalances,
      problems: [...difference.examples, ...this.#problems, ...chaos.problems],
    };
  }

  async #stop(process: LaneProcess): Promise<void> {
    const end = await process.stop();
    if (end !== 0) this.#problems.push(`${process.name} was stopped at the end and ended with ${end}`);
    this.#problems.push(...process.problems.map((problem) => `${process.name}: ${problem}`));
  }

  async #processes(stack: AsyncDisposableStack) {
    const { engines, folder, env = {} } = this.#options;
    const lane = new EventLane({ engines, folder, partitions, env: { SLUICE_KAFKA_SESSION_TIMEOUT: '1500ms', ...env } });
    const port = await freePort();
    const api = stack.use(await lane.api(port));
    const proxy = stack.use(await openRecordingProxy({ target: `http://127.0.0.1:${port}/`, book: this.#book }));
    const producer = stack.use(await lane.producer(proxy.port));
    const consumers: LaneProcess[] = [];
    for (const number of [1, 2]) {
      consumers.push(stack.use(await lane.consumerHigh(`consumer-high-${number}`)));
      consumers.push(stack.use(await lane.consumerLow(`consumer-low-${number}`)));
    }
    return { api, consumers, producer, all: [api, producer, ...consumers] };
  }

  #openLog() {
    const metrics = new MetricRegistry().declare(logMetricTable);
    const brokers = [this.#options.engines.kafka.plain];
    return openLogEngine({ kind: 'kafka', brokers }, { logger: silentLogger, metrics, clock: systemClock });
  }

  async #openRoutes(log: Awaited<ReturnType<typeof openLogEngine>>): Promise<RoutesLog> {
    const topic = await log.ensureTopic({ name: this.#options.engines.topic, partitions });
    return RoutesLog.open({ log, topic, clock: systemClock, logger: silentLogger });
  }

  #actors({
    log,
    processes,
    api,
  }: {
    log: Awaited<ReturnType<typeof openLogEngine>>;
    processes: readonly LaneProcess[];
    api: LaneProcess;
  }) {
    const { seed, events, spreadMs, engines } = this.#options;
    const random = (part: number) => new SeededRandom(derivedSeed(seed, part));
    const betweenMs = { from: 300, to: 1500 };
    const frozenMs = { from: 200, to: 4000 };
    const groups = (['high', 'low'] as const).map((route) => groupOf(engines.topic, route));
    const answering = { process: api, nextAnswer: () => this.#book.nextAcknowledgement() };
    const url = api.urls['event-api'] ?? '';
    return {
      chaos: new Chaos({ processes, answering, random: random(2), betweenMs, frozenMs }),
      shaker: new GroupShaker({ log, topic: engines.topic, groups, random: random(3) }),
      driver: new EventDriver({ url, book: this.#book, seed, events, firstTime: Date.now() - 3_600_000, spreadMs }),
    };
  }

  async #storm({ chaos, shaker, driver, routes }: { chaos: Chaos; shaker: GroupShaker; driver: EventDriver; routes: RoutesLog }) {
    const calm = new AbortController();
    const { seed, engines } = this.#options;
    const slow = {
      postgresUrl: engines.postgresUrl,
      random: new SeededRandom(derivedSeed(seed, 4)),
      shake: (signal: AbortSignal) => shaker.visit(groupOf(engines.topic, 'high'), signal),
    };
    const acting = [
      chaos.run(calm.signal),
      shaker.run(calm.signal),
      slowStore(slow, calm.signal),
      this.#changeWatermark(routes, calm.signal),
    ];
    try {
      await driver.run(calm.signal);
    } catch (error) {
      this.#problems.push(`the driver gave up: ${error instanceof Error ? error.message : String(error)}`);
    }
    calm.abort();
    for (const end of await Promise.allSettled(acting)) if (end.status === 'rejected') this.#problems.push(String(end.reason));
  }

  async #changeWatermark(routes: RoutesLog, signal: AbortSignal): Promise<void> {
    const third = this.#options.events / 3;
    for (const [index, watermark] of watermarks.entries()) {
      while (!signal.aborted && this.#book.acknowledged < index * third) await sleep(50);
      await routes.ensure(presetRoutes(watermark));
    }
  }

  /** Waits until the stores have what was acknowledged and the log has no more for them, or until nothing comes any more: false. */
  async #settle(consumers: readonly LaneProcess[]): Promise<boolean> {
    let last = -1;
    let since = performance.now();
    for (;;) {
      const { high, low } = await this.#stores();
      const count = new Set([...high, ...low].map(({ time, amount }) => `${time}/${amount}`)).size;
      if (count >= this.#book.acknowledged && (await haveConsumedEverything(consumers, partitions))) return true;
      if (count !== last) since = performance.now();
      last = count;
      if (performance.now() - since > quietMs) return false;
      await sleep(500);
    }
  }

  async #stores(): Promise<Record<'high' | 'low', PlacedEvent[]>> {
    const { postgresUrl, influxUrl, influxDatabase } = this.#options.engines;
    const [high, low] = await Promise.all([postgresEvents(postgresUrl), influxEvents(influxUrl, influxDatabase)]);
    return { high, low };
  }

  async #compare() {
    const { kafka, topic } = this.#options.engines;
    const stores = await this.#stores();
    const records = await kafkaRecords(kafka.plain, topic);
    const routes = routesOf(await kafkaRecords(kafka.plain, `${topic}.routes`));
    if (routes.versions.length !== watermarks.length) this.#problems.push(`there are ${routes.versions.length} versions of the routes`);
    const difference = this.#book.compare({ stores, log: eventsOf(records) });
    const wrong = strayRows(stores, routes);
    this.#problems.push(...wrong.slice(0, 3));
    for (const [store, events] of Object.entries(stores)) if (events.length === 0) this.#problems.push(`${store} has no events at all`);
    return { ...difference, strays: difference.strays + wrong.length };
  }
}
