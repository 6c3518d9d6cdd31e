import { AppError } from '../../kernel/errors/app-error.ts';
import type { FetchLimits, LogBatch, LogTopic, OwnedPartition, ReadQuery } from './log-engine.ts';

export interface HeldPartitionOptions {
  readonly topic: LogTopic;
  readonly partition: number;
  readonly position: number;
  readonly read: (query: ReadQuery) => Promise<LogBatch>;
  readonly commit: (offset: number) => Promise<'committed' | 'revoked'>;
  /** Whether the membership still holds, where time alone can end it; true where nobody else can take over unseen. */
  readonly isMember: () => boolean;
}

/** A partition in the hands of a member, whatever the engine: position, seek, and its end. */
export class HeldPartition implements OwnedPartition {
  readonly topic: LogTopic;
  readonly partition: number;
  readonly #options: HeldPartitionOptions;
  readonly #revoked = new AbortController();
  #position: number;
  /** Ends the fetch under way when the position changes. */
  #sought = new AbortController();
  #fetches = 0;
  /** What ends a fetch, for as long as it stays the same: combining signals takes 20 us, and there are hundreds of fetches a second. */
  #ends: { readonly given: AbortSignal | undefined; readonly sought: AbortSignal; readonly signal: AbortSignal } | undefined;

  constructor(options: HeldPartitionOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#options = options;
    this.#position = options.position;
  }

  get isOwned(): boolean {
    if (!this.#options.isMember()) this.#revoked.abort();
    return !this.#revoked.signal.aborted;
  }

  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  get position(): number {
    return this.#position;
  }

  revoke(): void {
    this.#revoked.abort();
  }

  seek(offset: number): void {
    this.#position = offset;
    this.#sought.abort();
    this.#sought = new AbortController();
  }

  async fetch(limits: FetchLimits): Promise<LogBatch | 'revoked'> {
    if (this.#fetches > 0)
      throw new AppError('invariantBroken', `Partition ${this.partition} of ${this.topic.name} is fetched twice at once.`);
    this.#fetches += 1;
    try {
      return await this.#fetch(limits);
    } finally {
      this.#fetches -= 1;
    }
  }

  async commit(offset: number): Promise<'committed' | 'revoked'> {
    if (!this.isOwned) return 'revoked';
    try {
      return await this.#options.commit(offset);
    } catch (error) {
      if (!this.isOwned) return 'revoked';
      throw error;
    }
  }

  async #fetch(limits: FetchLimits): Promise<LogBatch | 'revoked'> {
    const { topic, partition } = this;
    for (;;) {
      if (!this.isOwned) return 'revoked';
      const sought = this.#sought.signal;
      const query = { ...limits, topic, partition, offset: this.#position, signal: this.#endOf(limits.signal) };
      try {
        const batch = await this.#options.read(query);
        if (!this.isOwned) return 'revoked';
        if (sought.aborted) continue;
        this.#position = batch.nextOffset;
        return batch;
      } catch (error) {
        // A partition that is lost may have lost its topic, too.
        if (!this.isOwned) return 'revoked';
        if (sought.aborted) continue;
        throw error;
      }
    }
  }

  #endOf(given: AbortSignal | undefined): AbortSignal {
    const sought = this.#sought.signal;
    if (this.#ends && this.#ends.given === given && this.#ends.sought === sought) return this.#ends.signal;
    const signal = AbortSignal.any([this.#revoked.signal, sought, ...(given === undefined ? [] : [given])]);
    this.#ends = { given, sought, signal };
    return signal;
  }
}
