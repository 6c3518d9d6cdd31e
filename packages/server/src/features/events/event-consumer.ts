import { once } from 'node:events';
import type { LogConsumer, LogEngine, LogTopic, TopicSpec } from '../../engines/log/log-engine.ts';
import type { SeriesStore } from '../../engines/series/series-store.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { RateLimitedLog } from '../../kernel/observe/rate-limited-log.ts';
import type { CheckResult } from '../../kernel/observe/readiness.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import { DeadLetters } from './consume/dead-letters.ts';
import { PartitionReader } from './consume/partition-reader.ts';
import { Retry } from './consume/retry.ts';
import type { ConsumerMeter } from './consumer-metrics.ts';
import { presetRoutes } from './routes.ts';
import { RoutesLog } from './routes-log.ts';

export interface EventConsumerOptions {
  /** Of the component. */
  readonly name: string;
  readonly route: string;
  readonly group: string;
  readonly topic: TopicSpec;
  /** Topic of the dead letters. */
  readonly deadLetterTopic: string;
  /** Undefined: that of the routes, as they are. */
  readonly watermark: number | undefined;
  readonly batch: { readonly maxRows: number; readonly maxAgeMs: number };
  /** Of records in memory, shared by the partitions. */
  readonly maxBytes: number;
  readonly maxFutureSkewMs: number;
  readonly unmatched: 'keep' | 'drop';
  /** For which the log keeps what is read; undefined: it does not say. */
  readonly logRetentionMs: number | undefined;
}

interface EventConsumerDeps {
  readonly log: LogEngine;
  readonly store: SeriesStore;
  readonly meter: ConsumerMeter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly random: () => number;
}

const defaultWatermark = 5;
const endsLookMs = 5000;
const samplesPerMinute = 10;
const leastFetchBytes = 64 * 1024;
const mostFetchBytes = 1024 * 1024;
/** Fetches that a partition may hold in memory: the one that is judged, the one behind it, and what a batch keeps of earlier ones. */
const fetchesPerPartition = 4;

interface Consuming {
  readonly end: AbortSignal;
  readonly abort: AbortSignal;
  readonly works: () => void;
}

/**
 * Reads the topic of the events in a consumer group and brings those of one route into its store, each partition on its own
 * (`consume/partition-reader.ts`): what one waits for holds up no other.
 */
export class EventConsumer implements Part {
  readonly name: string;
  readonly #options: EventConsumerOptions;
  readonly #deps: EventConsumerDeps;
  readonly #readers = new Set<PartitionReader>();
  readonly #running = new Set<Promise<void>>();
  readonly #routes = new Map<string, Promise<RoutesLog>>();
  readonly #stop = new AbortController();
  readonly #drained = Promise.withResolvers<void>();
  readonly #joined = Promise.withResolvers<void>();
  /** A bug in a reader. */
  readonly #failure = new AbortController();
  #consumer: LogConsumer | undefined;
  #retry: Retry | undefined;

  constructor(options: EventConsumerOptions, deps: EventConsumerDeps) {
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
    deps.meter.watch({
      lag: () => this.#readers.values().reduce((total, { lag }) => total + lag, 0),
      partitions: () => this.#readers.size,
    });
  }

  /** Settles when it is a member of its group for the first time. */
  get joined(): Promise<void> {
    return this.#joined.promise;
  }

  /** Ready while it is a member of its group and nothing keeps a partition from its store. */
  check(): CheckResult {
    const reader = this.#readers.values().find(({ trouble }) => trouble !== undefined);
    const joined = this.#consumer ? this.#consumer.health?.message : (this.#retry?.trouble ?? 'the group is not joined yet');
    const trouble = joined ?? reader?.trouble;
    if (trouble === undefined) return { ready: true };
    return { ready: false, detail: reader && joined === undefined ? `partition ${reader.partition}: ${trouble}` : trouble };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { logger, clock, startTimer, random } = this.#deps;
    const end = AbortSignal.any([signal, this.#stop.signal, this.#failure.signal]);
    const retry = new Retry({ end, clock, startTimer, random, logger });
    this.#retry = retry;
    try {
      await retry.run('The store cannot be prepared', () => this.#prepareStore(end));
      const looking = this.#lookAtEnds(end);
      await retry.run('The log cannot be read', (works) => this.#consume({ end, abort: signal, works }));
      await looking;
    } catch (error) {
      if (!end.aborted) throw error;
    } finally {
      this.#drained.resolve();
    }
    if (this.#failure.signal.aborted) throw this.#failure.signal.reason;
    if (!signal.aborted) await once(signal, 'abort');
  }

  stopAccepting(): Promise<void> {
    this.#stop.abort();
    return Promise.resolve();
  }

  /** What was read is stored, and the group is left. */
  async drain(): Promise<void> {
    await this.#drained.promise;
  }

  async #prepareStore(signal: AbortSignal): Promise<void> {
    const { store, logger } = this.#deps;
    const { logRetentionMs } = this.#options;
    await store.ensureSchema(signal);
    const retentionMs = await store.readRetention(signal);
    if (retentionMs === undefined || (logRetentionMs !== undefined && retentionMs >= logRetentionMs)) return;
    const fields = { retentionMs, ...(logRetentionMs !== undefined && { logRetentionMs }) };
    logger.warn(fields, 'the store keeps events for a shorter time than the log may: older ones are refused and go to the dead letters');
  }

  async #consume({ end, abort, works }: Consuming): Promise<void> {
    const { log, logger } = this.#deps;
    const { topic, group } = this.#options;
    await log.ensureTopic(topic);
    await using consumer = await log.join({ group, topics: [topic.name], start: 'begin' });
    this.#consumer = consumer;
    works();
    this.#joined.resolve();
    logger.info({ topic: topic.name, group }, 'the group is joined');
    try {
      for await (const owned of consumer.partitions(end)) this.#start(new PartitionReader(owned, this.#context(abort)));
    } catch (error) {
      // The partitions are given away first: nothing else ends their readers.
      await consumer[Symbol.asyncDispose]();
      throw error;
    } finally {
      await Promise.all(this.#running);
      this.#consumer = undefined;
    }
  }

  #start(reader: PartitionReader): void {
    this.#readers.add(reader);
    const running: Promise<void> = reader.run().then(
      () => this.#ended(reader, running),
      (error: unknown) => {
        this.#ended(reader, running);
        this.#failure.abort(error);
      },
    );
    this.#running.add(running);
  }

  #ended(reader: PartitionReader, running: Promise<void>): void {
    this.#readers.delete(reader);
    this.#running.delete(running);
  }

  #context(abort: AbortSignal) {
    const { route, group, deadLetterTopic, batch, maxBytes, maxFutureSkewMs, unmatched } = this.#options;
    const { log, logger } = this.#deps;
    const maxFetchBytes = () =>
      Math.max(leastFetchBytes, Math.min(mostFetchBytes, Math.floor(maxBytes / fetchesPerPartition / this.#readers.size)));
    return {
      ...this.#deps,
      route,
      group,
      rules: { maxFutureSkewMs, unmatched },
      limits: { ...batch, maxFetchBytes },
      deadLetters: new DeadLetters({ log, topic: deadLetterTopic, route }),
      routesOf: (topic: LogTopic) => this.#routesOf(topic),
      samples: new RateLimitedLog({ logger, linesPerMinute: samplesPerMinute }),
      stop: AbortSignal.any([this.#stop.signal, this.#failure.signal]),
      abort,
    };
  }

  /** Shared by the partitions of the topic; each creation of it has its own. */
  #routesOf(topic: LogTopic): Promise<RoutesLog> {
    const known = this.#routes.get(topic.id);
    if (known) return known;
    const opening = this.#openRoutes(topic);
    this.#routes.set(topic.id, opening);
    opening.catch(() => this.#routes.delete(topic.id));
    return opening;
  }

  async #openRoutes(topic: LogTopic): Promise<RoutesLog> {
    const { log, clock, logger } = this.#deps;
    const { watermark } = this.#options;
    const routes = await RoutesLog.open({ log, topic, clock, logger });
    const { latest } = routes;
    if (!latest) await routes.ensure(presetRoutes(watermark ?? defaultWatermark));
    else if (watermark !== undefined && latest.set.watermark !== watermark) await routes.ensure({ ...latest.set, watermark });
    if (routes.latest !== latest)
      logger.info({ version: routes.latest?.version, watermark: routes.latest?.set.watermark }, 'the routes are set');
    return routes;
  }

  /** So that the lag is known while nothing can be stored, too. */
  async #lookAtEnds(end: AbortSignal): Promise<void> {
    const { log, startTimer } = this.#deps;
    while (await sleep(endsLookMs, end, startTimer)) {
      const topics = new Map(this.#readers.values().map(({ topic }) => [topic.id, topic]));
      for (const topic of topics.values()) {
        // The readers tell when the log does not answer.
        const ranges = await log.offsets(topic).catch(() => []);
        for (const reader of this.#readers) if (reader.topic.id === topic.id) reader.noteEnd(ranges[reader.partition]?.end ?? 0);
      }
    }
  }
}
