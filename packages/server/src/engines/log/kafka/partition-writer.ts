import { type ConnectionPool, initProducerIdV4 } from '@platformatic/kafka';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { type LogRecord, maxAtomicBytes } from '../log-engine.ts';
import { produce } from './kafka-apis.ts';
import { connected, type KafkaCluster } from './kafka-cluster.ts';
import { logErrorOf, troubleOf } from './kafka-errors.ts';
import { encodeBatch, type ProducerMark } from './record-batch.ts';

export interface PartitionWriterOptions {
  readonly topic: string;
  readonly partition: number;
  readonly cluster: KafkaCluster;
  readonly pool: ConnectionPool;
  readonly clock: Clock;
  /** How long records are tried again before their append fails. */
  readonly deliveryTimeoutMs: number;
  /** Aborts when the engine closes: what waits fails, what is on its way is not tried again. */
  readonly closing: AbortSignal;
}

/** Records that must stay together, at most `maxAtomicBytes`. */
export interface WriterPiece {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
}

interface WaitingPiece extends WriterPiece {
  readonly deadline: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: AppError) => void;
}

/** What an attempt that failed means for its records. */
type Verdict =
  | 'not appended, try again'
  | 'unknown, try again'
  | 'not appended, new producer'
  | 'not appended, hopeless'
  | 'appended, offset unknown';

const requestTimeoutMs = 10_000;
const maxSequence = 2 ** 31;

/**
 * Writes one partition, one batch on its way at a time, with a producer id of its own: a batch that is tried again is recognized by the
 * broker, so it is appended once. What arrives meanwhile goes together in the next batch.
 *
 * Once a batch was given up in doubt, the id is given up, too: it could still arrive, and the next batch must not be taken for its repeat.
 */
export class PartitionWriter {
  readonly #options: PartitionWriterOptions;
  readonly #waiting: WaitingPiece[] = [];
  #mark: ProducerMark | undefined;
  #running: Promise<void> | undefined;

  constructor(options: PartitionWriterOptions) {
    this.#options = options;
  }

  /** The offset of the first record. */
  append(piece: WriterPiece): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiting.push({ ...piece, deadline: this.#options.clock.monotonic() + this.#options.deliveryTimeoutMs, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // Callers of the same turn share the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const pieces = this.#take();
      const records = pieces.length === 1 ? (pieces[0]?.records ?? []) : pieces.flatMap((piece) => piece.records);
      try {
        let offset = await this.#deliver(records, Math.max(...pieces.map(({ deadline }) => deadline)));
        for (const { resolve, records: own } of pieces) {
          resolve(offset);
          offset += own.length;
        }
      } catch (error) {
        const failure = logErrorOf(error, this.#doing());
        for (const { reject } of pieces) reject(failure);
      }
    }
    this.#running = undefined;
  }

  #take(): WaitingPiece[] {
    let count = 0;
    let bytes = 0;
    for (const piece of this.#waiting) {
      if (count > 0 && bytes + piece.bytes > maxAtomicBytes) break;
      count += 1;
      bytes += piece.bytes;
    }
    return this.#waiting.splice(0, count);
  }

  async #deliver(records: readonly LogRecord[], deadline: number): Promise<number> {
    const { clock, closing } = this.#options;
    const backoff = new Backoff({ initialMs: 50, maxMs: 1000 });
    let batch: Buffer | undefined;
    let isInDoubt = false;
    for (let refresh = false; ; refresh = true) {
      if (closing.aborted) throw this.#failure(new AppError('logUnavailable', 'The log is closed.'), isInDoubt);
      const attempt = { isSent: false };
      try {
        const mark = this.#mark ?? (await this.#newMark());
        this.#mark = mark;
        batch ??= encodeBatch(records, mark, clock.now());
        const offset = await this.#send(batch, { refresh, attempt });
        this.#mark = { ...mark, sequence: (mark.sequence + records.length) % maxSequence };
        return offset;
      } catch (error) {
        const verdict = verdictOf(error, attempt.isSent);
        isInDoubt ||= verdict === 'unknown, try again';
        if (verdict === 'not appended, new producer' && !isInDoubt) {
          this.#mark = undefined;
          batch = undefined;
        } else if (!verdict.endsWith('try again')) throw this.#failure(error, isInDoubt || verdict === 'appended, offset unknown');
        const waitMs = backoff.next();
        if (clock.monotonic() + waitMs >= deadline) throw this.#failure(error, isInDoubt);
        await sleep(waitMs, closing);
      }
    }
  }

  async #send(batch: Buffer, { refresh, attempt }: { readonly refresh: boolean; readonly attempt: { isSent: boolean } }): Promise<number> {
    const { cluster, pool, topic, partition } = this.#options;
    const connection = await connected(pool, await cluster.leader({ topic, partition, refresh }));
    attempt.isSent = connection.isConnected();
    const { responses } = await produce.async(connection, { topic, partition, batch, timeoutMs: requestTimeoutMs });
    const offset = responses[0]?.partitionResponses[0]?.baseOffset;
    if (offset === undefined || offset < 0n)
      throw new AppError('logInDoubt', `Kafka did not say where it appended the records for ${topic}.`);
    return Number(offset);
  }

  async #newMark(): Promise<ProducerMark> {
    const { cluster, pool, topic, partition } = this.#options;
    const connection = await connected(pool, await cluster.leader({ topic, partition, refresh: false }));
    const { producerId, producerEpoch } = await initProducerIdV4.api.async(connection, null, requestTimeoutMs);
    return { producerId, producerEpoch, sequence: 0 };
  }

  #failure(error: unknown, isInDoubt: boolean): AppError {
    const failure = logErrorOf(error, this.#doing());
    if (!isInDoubt) return failure;
    this.#mark = undefined;
    return failure.code === 'logInDoubt'
      ? failure
      : new AppError('logInDoubt', `Kafka did not say whether it appended the records for ${this.#options.topic}. ${failure.message}`, {
          cause: error,
        });
  }

  #doing(): string {
    return `append to partition ${this.#options.partition} of ${this.#options.topic}`;
  }
}

/** Answers after which the batch may be there all the same. */
const doubtful = ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REQUEST_TIMED_OUT', 'KAFKA_STORAGE_ERROR', 'UNKNOWN_SERVER_ERROR'];
const producerLost = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'];

function verdictOf(error: unknown, isSent: boolean): Verdict {
  const { apiIds } = troubleOf(error);
  if (apiIds.has('DUPLICATE_SEQUENCE_NUMBER') || isAppError(error, 'logInDoubt')) return 'appended, offset unknown';
  if (producerLost.some((id) => apiIds.has(id))) return 'not appended, new producer';
  const { code } = logErrorOf(error, 'append');
  if (code === 'logUnavailable' && doubtful.some((id) => apiIds.has(id))) return isSent ? 'unknown, try again' : 'not appended, try again';
  if (code === 'logUnavailable') return isSent && apiIds.size === 0 ? 'unknown, try again' : 'not appended, try again';
  // The topic may be new to this broker: only the lookup, which asks the cluster, says that it is not there.
  if (code === 'logTopicNotFound' && !isAppError(error)) return 'not appended, try again';
  return 'not appended, hopeless';
}
