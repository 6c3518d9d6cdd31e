import type { ConnectionPool } from '@platformatic/kafka';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { LogBatch, OffsetRange, ReadQuery } from '../log-engine.ts';
import type { EncodedRecords } from '../record-codec.ts';
import { takeRecords } from '../take-records.ts';
import { type Fetched, fetch } from './kafka-apis.ts';
import { connected, type KafkaCluster } from './kafka-cluster.ts';
import { logErrorOf } from './kafka-errors.ts';
import { decodeBatches } from './record-batch.ts';

export interface PartitionReaderOptions {
  readonly cluster: KafkaCluster;
  readonly clock: Clock;
}

/** Batches that were fetched and are not read to their end. */
interface Ahead {
  readonly topicId: string;
  readonly partition: number;
  readonly from: number;
  readonly rows: readonly EncodedRecords[];
  readonly unreadable: readonly OffsetRange[];
  readonly nextOffset: number;
  readonly endOffset: number;
}

/** A broker is asked to wait at most so long at a time; then it is asked again. */
const maxWaitMs = 2000;
const minFetchBytes = 64 * 1024;
const maxFetchBytes = 16 * 1024 * 1024;
const maxFailures = 5;

/** Reads one partition at a time over a connection of its own, and keeps what it fetched too much for the next read. */
export class PartitionReader implements AsyncDisposable {
  readonly #options: PartitionReaderOptions;
  readonly #pool: ConnectionPool;
  #ahead: Ahead | undefined;
  /** As the last answer said. */
  #end = 0;

  constructor(options: PartitionReaderOptions) {
    this.#options = options;
    this.#pool = options.cluster.openPool();
  }

  async read(query: ReadQuery): Promise<LogBatch> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined && isWithin(ahead, query)) return this.#take(ahead, query);
    return this.#take(await this.#fetch(query), query);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.cluster.closePool(this.#pool);
  }

  #take(ahead: Ahead, query: ReadQuery): LogBatch {
    const batch = takeRecords(ahead, query);
    if (batch.nextOffset < ahead.nextOffset) this.#ahead = { ...ahead, from: batch.nextOffset };
    return batch;
  }

  /** Until there is a record, something to skip, or the time is over. */
  async #fetch(query: ReadQuery): Promise<Ahead> {
    const { topic, partition, offset, waitMs, signal } = query;
    const { clock } = this.#options;
    const until = clock.monotonic() + waitMs;
    const backoff = new Backoff({ initialMs: 50, maxMs: 1000 });
    const nothing = () => ({
      topicId: topic.id,
      partition,
      from: offset,
      rows: [],
      unreadable: [],
      nextOffset: offset,
      endOffset: Math.max(this.#end, offset),
    });
    for (let failures = 0; ; ) {
      if (signal?.aborted) return nothing();
      try {
        const fetched = await this.#ask(query, { waitMs: Math.max(0, until - clock.monotonic()), refresh: failures > 0 });
        if (fetched === 'aborted') return nothing();
        this.#end = fetched.end;
        const { rows, unreadable, nextOffset } = decodeBatches(fetched.records, fetched.aborted);
        if (nextOffset !== undefined && nextOffset > offset) {
          return { ...nothing(), rows, unreadable, nextOffset, endOffset: Math.max(fetched.end, nextOffset) };
        }
        failures = 0;
        if (clock.monotonic() >= until) return nothing();
      } catch (error) {
        failures += 1;
        await this.#judge(error, { query, failures });
        await sleep(backoff.next(), signal);
      }
    }
  }

  async #ask(query: ReadQuery, { waitMs, refresh }: { readonly waitMs: number; readonly refresh: boolean }): Promise<Fetched | 'aborted'> {
    const { topic, partition, offset, maxBytes, signal } = query;
    const broker = await this.#options.cluster.leader({ topic: topic.name, partition, refresh });
    const connection = await connected(this.#pool, broker);
    const request = {
      topicId: topic.id,
      partition,
      offset,
      maxBytes: Math.min(Math.max(maxBytes, minFetchBytes), maxFetchBytes),
      maxWaitMs: Math.ceil(Math.min(waitMs, maxWaitMs)),
    };
    return untilAborted(fetch.async(connection, request), signal);
  }

  /** Throws what is final; a topic is gone only if the cluster says so, or has another one of its name. */
  async #judge(error: unknown, { query, failures }: { readonly query: ReadQuery; readonly failures: number }): Promise<void> {
    const { topic, partition, offset } = query;
    const failure = logErrorOf(error, `read partition ${partition} of ${topic.name} from offset ${offset} on`);
    if (failure.code === 'logTopicNotFound') {
      const now = await this.#options.cluster.topic(topic.name);
      if (now?.id !== topic.id) {
        throw new AppError('logTopicNotFound', `The topic ${topic.name} with the id ${topic.id} is not there any more.`, { cause: error });
      }
    }
    const isPassing = failure.code === 'logUnavailable' || failure.code === 'logTopicNotFound';
    if (!isPassing || failures >= maxFailures) throw failure;
  }
}

function isWithin(ahead: Ahead, { topic, partition, offset }: ReadQuery): boolean {
  return ahead.topicId === topic.id && ahead.partition === partition && offset >= ahead.from && offset < ahead.nextOffset;
}

/** The answer of a request that nobody waits for any more is dropped. */
function untilAborted<Result>(answer: Promise<Result>, signal: AbortSignal | undefined): Promise<Result | 'aborted'> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const abort = () => resolve('aborted');
    signal.addEventListener('abort', abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
