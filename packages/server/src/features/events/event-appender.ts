import type { LogEngine, LogRecord } from '../../engines/log/log-engine.ts';
import { partitionOfKey } from '../../engines/log/partition-of-key.ts';
import { AppError, errorText, isAppError } from '../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../kernel/errors/error-table.ts';
import { settleWithin } from '../../kernel/lifecycle/settle-within.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import { chunkValues, type EventChunk } from './event-chunk.ts';
import type { EventTopic } from './event-topic.ts';
import { createOriginHeaders } from './record-headers.ts';

interface AppenderOptions {
  readonly log: LogEngine;
  readonly topic: EventTopic;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
}

interface AppendRequest {
  readonly chunks: readonly EventChunk[];
  /** The client's name for the request. */
  readonly key: Buffer | undefined;
  /** Called when the log holds nothing of the chunks any more, which may be long after the answer. */
  readonly release: () => void;
}

export type AppendOutcome =
  | { readonly type: 'stored' }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly reason: string;
      /** Events that are surely stored: those of the first chunks. */
      readonly stored: number;
      /** The next ones may be stored, or be stored later. */
      readonly isInDoubt: boolean;
      readonly error: unknown;
    };

/**
 * Brings the events of a request into one partition of the log, chunk after chunk, in their order.
 * The partition follows from the idempotency key, so a repeat lands behind its original; without a key they take turns.
 */
export class EventAppender {
  readonly #options: AppenderOptions;
  readonly #originHeaders = createOriginHeaders();
  #turn = 0;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  async append({ chunks, key, release }: AppendRequest): Promise<AppendOutcome> {
    const { timeoutMs, startTimer } = this.#options;
    const progress = { stored: 0 };
    const appending = this.#appendAll({ chunks, key, release }, progress).finally(release);
    const settled = await settleWithin(() => appending, { timeoutMs, startTimer });
    switch (settled.state) {
      case 'done':
        return { type: 'stored' };
      case 'late':
        return failed(new AppError('logTimeout', `the log did not answer within ${timeoutMs} ms`), progress.stored);
      case 'failed':
        return failed(settled.error, progress.stored);
    }
  }

  async #appendAll({ chunks, key }: AppendRequest, progress: { stored: number }): Promise<void> {
    const { log, topic } = this.#options;
    const found = topic.current;
    if (!found) throw new AppError('logUnavailable', 'the log has not answered yet');
    this.#turn += 1;
    const partition = key ? partitionOfKey(key, found.partitions) : this.#turn % found.partitions;
    for (const chunk of chunks) {
      await log.append({ topic: found.name, partition, records: this.#records(chunk, key) });
      progress.stored += chunk.ends.length;
    }
  }

  #records(chunk: EventChunk, key: Buffer | undefined): LogRecord[] {
    const values = chunkValues(chunk);
    if (!key) return values.map((value) => ({ value }));
    return values.map((value, at) => ({ value, headers: this.#originHeaders({ key, index: chunk.indexes[at] ?? 0 }) }));
  }
}

function failed(error: unknown, stored: number): AppendOutcome {
  const code = isAppError(error) ? error.code : 'internalError';
  // Only these say that surely nothing was appended.
  const isSure = code === 'logUnavailable' || code === 'overloaded' || code === 'logRecordTooLarge' || code === 'logTopicNotFound';
  return { type: 'failed', code, reason: errorText(error), stored, isInDoubt: !isSure, error };
}
