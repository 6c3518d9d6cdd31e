import { expect, test } from 'vitest';
import { MemoryLog } from '../../../test/support/memory-log.ts';
import { MemorySeries, MemorySeriesStore, placeOf } from '../../../test/support/memory-series-store.ts';
import { derivedSeed, SeededRandom } from '../../../test/support/seeded-random.ts';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { type SimulatedProcess, Simulation } from '../../../test/support/simulation.ts';
import { steppedLog } from '../../../test/support/stepped-log.ts';
import type { LogConsumer, LogTopic, StoredRecord } from '../../engines/log/log-engine.ts';
import type { SeriesCapabilities } from '../../engines/series/series-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { consumerMetricTable, createConsumerMeter } from './consumer-metrics.ts';
import { EventConsumer } from './event-consumer.ts';
import { createOriginHeaders, recordOrigin } from './record-headers.ts';
import { presetRoutes } from './routes.ts';
import { RoutesLog } from './routes-log.ts';

const partitions = 3;
const routes = ['high', 'low'] as const;
type Route = (typeof routes)[number];
const kinds: Readonly<Record<Route, SeriesCapabilities['exactlyOnce']>> = { high: 'transactional', low: 'identity' };
const spec = { name: 'events', partitions };

interface Running {
  readonly route: Route;
  readonly process: SimulatedProcess;
  readonly consumer: EventConsumer;
  readonly ended: Promise<void>;
}

/** Producers, consumers of both routes and operators, none of which is spared. */
class World {
  readonly simulation: Simulation;
  readonly log: MemoryLog;
  readonly series = { high: new MemorySeries(), low: new MemorySeries() };
  readonly running: Running[] = [];
  readonly failures: unknown[] = [];
  readonly #random: SeededRandom;
  readonly #headers = createOriginHeaders();
  readonly #joined: { readonly process: SimulatedProcess; readonly consumer: LogConsumer }[] = [];
  #topic: LogTopic | undefined;
  #keys = 0;
  fences = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(derivedSeed(seed, 1));
    this.simulation = new Simulation(new SeededRandom(derivedSeed(seed, 2)));
    const { clock } = this.simulation;
    this.log = new MemoryLog({
      clock,
      startTimer: (delayMs, fire) => this.simulation.startTimer(this.simulation.process(), delayMs, fire),
    });
  }

  get topic(): LogTopic {
    return this.#topic ?? { name: '', id: '', partitions: 0 };
  }

  async open(): Promise<void> {
    this.#topic = await this.log.ensureTopic(spec);
  }

  start(route: Route, failsOneIn: number): void {
    const process = this.simulation.process();
    process.failsOneIn = failsOneIn;
    const { clock } = this.simulation;
    const step = () => process.step(() => new AppError('seriesUnavailable', 'The store is away.'), 4);
    const metrics = new MetricRegistry().declare(consumerMetricTable);
    const meter = createConsumerMeter(metrics, route);
    const consumer = new EventConsumer(
      {
        name: `consumer-${route}`,
        route,
        group: `consumer-${route}`,
        topic: spec,
        deadLetterTopic: 'events.dlq',
        watermark: undefined,
        batch: { maxRows: 4, maxAgeMs: 250 },
        maxBytes: 1_000_000,
        maxFutureSkewMs: 1000,
        unmatched: 'keep',
        logRetentionMs: 1000,
      },
      {
        log: this.#logOf(process),
        store: new MemorySeriesStore({ series: this.series[route], exactlyOnce: kinds[route], step }),
        meter: { ...meter, fenced: () => this.#countFence() },
        logger,
        clock,
        startTimer: process.startTimer,
        random: process.randomNumber,
      },
    );
    const ended = consumer.run(new AbortController().signal).catch((error: unknown) => void this.failures.push(error));
    this.running.push({ route, process, consumer, ended });
  }

  #countFence(): void {
    this.fences += 1;
  }

  #logOf(process: SimulatedProcess) {
    const step = () => process.step(() => new AppError('logInDoubt', 'The log is away.'));
    const onJoined = (consumer: LogConsumer) => {
      this.#joined.push({ process, consumer });
      // Who died while it asked is soon found to be dead, too.
      if (process.isDead) void consumer[Symbol.asyncDispose]();
    };
    return steppedLog(this.log, { step, onJoined });
  }

  /** Its partitions go to others after a while. */
  async kill(running: Running): Promise<void> {
    running.process.kill();
    this.running.splice(this.running.indexOf(running), 1);
    for (let turns = this.#random.between(0, 30); turns > 0; turns -= 1) await this.simulation.turn();
    for (const { process, consumer } of this.#joined) if (process === running.process) await consumer[Symbol.asyncDispose]();
  }

  async rebalance(route: Route): Promise<void> {
    const passer = await this.log.join({ group: `consumer-${route}`, topics: [spec.name], start: 'begin' });
    for (let turns = this.#random.between(0, 30); turns > 0; turns -= 1) await this.simulation.turn();
    await passer[Symbol.asyncDispose]();
  }

  async setWatermark(watermark: number, isToDie: boolean): Promise<void> {
    const process = this.simulation.process();
    const { clock } = this.simulation;
    const setting = RoutesLog.open({ log: this.#logOf(process), topic: this.topic, clock, logger })
      .then((log) => log.ensure(presetRoutes(watermark)))
      // A busy topic may outrun it.
      .catch((error: unknown) =>
        error instanceof AppError && error.code === 'transactionConflict' ? undefined : this.failures.push(error),
      );
    if (!isToDie) return;
    for (let turns = this.#random.between(0, 40); turns > 0; turns -= 1) await this.simulation.turn();
    process.kill();
    void setting;
  }

  /** A few events; some are nonsense, some repeat what was sent before. */
  async produce(): Promise<void> {
    const random = this.#random;
    const isRepeat = this.#keys > 0 && random.oneIn(3);
    const number = isRepeat ? random.between(0, this.#keys - 1) : this.#keys++;
    const key = Buffer.from(`key-${number}`);
    const hasKey = random.oneIn(2) || isRepeat;
    const records = Array.from({ length: random.between(1, 8) }, (_, index) => ({
      value: Buffer.from(random.oneIn(15) ? 'nonsense' : `{"time":${index},"amount":"${random.between(0, 10)}"}`),
      ...(hasKey && { headers: this.#headers({ key, index }) }),
    }));
    await this.log.append({ topic: spec.name, partition: number % partitions, records });
  }

  async records(name: string): Promise<Map<string, readonly StoredRecord[]>> {
    const topic = await this.log.topic(name);
    const all = new Map<string, readonly StoredRecord[]>();
    for (let partition = 0; topic && partition < topic.partitions; partition += 1) {
      const { records } = await this.log.read({ topic, partition, offset: 0, maxRecords: 1e6, maxBytes: 1e9, waitMs: 0 });
      all.set(placeOf({ topicId: topic.id, partition }), records);
    }
    return all;
  }
}

/** What each route must have in the end: a function of the log alone. */
async function expected(world: World): Promise<{ points: Record<Route, Map<string, number[]>>; dead: string[]; repeats: number }> {
  const { clock } = world.simulation;
  const history = await RoutesLog.open({ log: world.log, topic: world.topic, clock, logger });
  const points: Record<Route, Map<string, number[]>> = { high: new Map(), low: new Map() };
  const dead: string[] = [];
  let repeats = 0;
  let partition = -1;
  for (const [place, records] of await world.records(spec.name)) {
    partition += 1;
    for (const route of routes) points[route].set(place, []);
    const seen = new Set<string>();
    for (const record of records) {
      const { offset, value } = record;
      const origin = recordOrigin(record);
      const name = `${origin?.key.toString()}/${origin?.index}`;
      if (origin && seen.has(name)) {
        repeats += 1;
        continue;
      }
      seen.add(name);
      const amount = /"amount":"(\d+)"/.exec(value?.toString() ?? '')?.[1];
      const at = history.at({ partition, offset });
      if (amount === undefined) dead.push(`${place}/${offset}`);
      else if (at.type === 'routes') {
        const watermark = history.versions.find(({ version }) => version === at.version)?.set.watermark ?? 0;
        points[Number(amount) > watermark ? 'high' : 'low'].get(place)?.push(offset);
      }
    }
  }
  return { points, dead, repeats };
}

async function simulate(seed: number): Promise<{ fences: number; versions: number; repeats: number }> {
  const world = new World(seed);
  const random = new SeededRandom(derivedSeed(seed, 3));
  await world.open();
  for (let action = 0; action < 120; action += 1) {
    const route = random.oneIn(2) ? 'high' : 'low';
    const choice = random.between(0, 11);
    const mine = world.running.filter((one) => one.route === route);
    const victim = mine[random.between(0, Math.max(0, mine.length - 1))];
    if (choice < 4) for (let times = 0; times < 3; times += 1) await world.produce();
    else if (choice < 6 && mine.length < 3) world.start(route, random.oneIn(2) ? 15 : 0);
    else if (choice === 6 && victim) await world.kill(victim);
    else if (choice === 7) await world.rebalance(route);
    else if (choice === 8) await world.setWatermark(random.between(2, 8), random.oneIn(3));
    for (let turns = random.between(0, 60); turns > 0; turns -= 1) await world.simulation.turn();
  }
  for (const one of [...world.running]) {
    if (random.oneIn(2)) await world.kill(one);
    else one.process.failsOneIn = 0;
  }
  for (const route of routes) world.start(route, 0);
  const isDone = async () => {
    const { points, dead } = await expected(world);
    const letters = new Set((await deadLetters(world)).map(({ place }) => place));
    return (
      dead.every((place) => letters.has(place)) &&
      routes.every((route) =>
        [...points[route]].every(([place, offsets]) => (world.series[route].points.get(place) ?? []).length >= offsets.length),
      )
    );
  };
  for (let turns = 0; turns < 400 && !(await isDone()); turns += 1) for (let some = 0; some < 50; some += 1) await world.simulation.turn();
  // Whoever would double something may still do it.
  for (let turns = 0; turns < 500; turns += 1) await world.simulation.turn();
  const { points, dead, repeats } = await expected(world);
  for (const route of routes)
    for (const [place, offsets] of points[route]) {
      const stored = (world.series[route].points.get(place) ?? []).map(({ offset }) => offset);
      expect(
        stored.sort((one, other) => one - other),
        `${route} ${place} seed ${seed}`,
      ).toEqual(offsets);
    }
  const letters = await deadLetters(world);
  expect(new Set(letters.map(({ place }) => place)), `dead letters, seed ${seed}`).toEqual(new Set(dead));
  expect(letters.every(({ value }) => value === 'nonsense')).toBe(true);
  expect(world.failures).toEqual([]);
  for (const one of [...world.running]) await world.kill(one);
  const { clock } = world.simulation;
  const history = await RoutesLog.open({ log: world.log, topic: world.topic, clock, logger });
  return { fences: world.fences, versions: history.versions.length, repeats };
}

async function deadLetters(world: World): Promise<{ place: string; value: string | undefined }[]> {
  const records = [...(await world.records('events.dlq')).values()].flat();
  return records.map(({ headers, value }) => {
    const header = (name: string) => headers.find((one) => one.name === name)?.value.toString() ?? '';
    const place = placeOf({ topicId: header('source-topic-id'), partition: Number(header('source-partition')) });
    return { place: `${place}/${header('source-offset')}`, value: value?.toString() };
  });
}

test('whoever is killed, fenced, failing or rebalanced, every event is in exactly one store, once', { timeout: 120_000 }, async () => {
  const total = { fences: 0, versions: 0, repeats: 0 };
  for (let seed = 1; seed <= 30; seed += 1) {
    const { fences, versions, repeats } = await simulate(seed);
    total.fences += fences;
    total.versions += versions;
    total.repeats += repeats;
  }
  // It has been hard.
  expect(total.fences).toBeGreaterThan(0);
  expect(total.versions).toBeGreaterThan(20);
  expect(total.repeats).toBeGreaterThan(500);
});
