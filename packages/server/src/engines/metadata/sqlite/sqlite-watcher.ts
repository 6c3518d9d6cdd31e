import type { AppError } from '../../../kernel/errors/app-error.ts';
import type { WatchBatch, WatchQuery } from '../metadata-store.ts';
import type { HistoryPage, HistoryQuery } from './sqlite-protocol.ts';

export interface WatcherLimits {
  readonly maxQueuedEvents: number;
  readonly maxQueuedCharacters: number;
  readonly historyPageEvents: number;
}

const defaultLimits: WatcherLimits = { maxQueuedEvents: 1000, maxQueuedCharacters: 4_000_000, historyPageEvents: 500 };

/** `history`: the next page tells what comes; `live`: the queue holds everything after the last page. */
type WatchMode = 'history' | 'live';

type ReadHistory = (query: HistoryQuery) => Promise<HistoryPage>;

/**
 * One watch. It follows the history until a page reaches the present, then the live queue.
 *
 * No gap: the queue is emptied before a page is asked for, and the page shows at least everything published until then.
 * No duplicate: what a page has shown is dropped from the queue by its revision.
 * A slow consumer overflows the queue; the queue is dropped and the watch reads history again from where it stands.
 */
export class SqliteWatcher {
  readonly #query: WatchQuery;
  readonly #readHistory: ReadHistory;
  readonly #limits: WatcherLimits;
  #queue: WatchBatch[] = [];
  #queuedEvents = 0;
  #queuedCharacters = 0;
  #mode: WatchMode = 'history';
  /** The next revision to tell. */
  #next: number;
  #failure: AppError | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(query: WatchQuery, readHistory: ReadHistory, limits: WatcherLimits = defaultLimits) {
    this.#query = query;
    this.#readHistory = readHistory;
    this.#limits = limits;
    this.#next = query.fromRevision;
  }

  /** Called in revision order with everything committed, right after the commit. */
  publish(batches: readonly WatchBatch[], revision: number): void {
    // Not live: the next page of history will show it.
    if (this.#mode === 'history') return;
    for (const batch of batches) {
      const events = batch.events.filter((event) => (event.type === 'put' ? event.entry.key : event.key).startsWith(this.#query.prefix));
      if (events.length > 0) this.#enqueue({ revision: batch.revision, events });
    }
    // Progress: an eventless batch at the end of the queue moves along instead of growing the queue.
    const last = this.#queue.at(-1);
    if (last !== undefined && last.events.length === 0) this.#queue.pop();
    if (last === undefined || last.revision < revision) this.#queue.push({ revision, events: [] });
    this.#wake.resolve();
  }

  fail(error: AppError): void {
    this.#failure = error;
    this.#wake.resolve();
  }

  async *batches(): AsyncGenerator<WatchBatch, void, undefined> {
    const { signal, prefix } = this.#query;
    const onAbort = (): void => this.#wake.resolve();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#mode === 'history') {
          this.#clearQueue();
          this.#mode = 'live';
          const page = await this.#readHistory({ prefix, fromRevision: this.#next, limit: this.#limits.historyPageEvents });
          if (page.more) this.#mode = 'history';
          yield* this.#tell([...page.batches, { revision: page.through, events: [] }]);
          // What was queued after an overflow has a gap before it.
          if (this.#mode === 'history') continue;
        }
        const queued = this.#queue;
        this.#clearQueue();
        yield* this.#tell(queued);
        if (this.#mode === 'live' && this.#queue.length === 0 && this.#failure === undefined && !signal.aborted) {
          this.#wake = Promise.withResolvers();
          await this.#wake.promise;
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  *#tell(batches: readonly WatchBatch[]): Generator<WatchBatch, void, undefined> {
    for (const batch of batches) {
      if (this.#query.signal.aborted) return;
      if (batch.revision < this.#next) continue;
      this.#next = batch.revision + 1;
      yield batch;
    }
  }

  #enqueue(batch: WatchBatch): void {
    this.#queue.push(batch);
    this.#queuedEvents += batch.events.length;
    for (const event of batch.events) this.#queuedCharacters += event.type === 'put' ? event.entry.value.length : 0;
    if (this.#queuedEvents <= this.#limits.maxQueuedEvents && this.#queuedCharacters <= this.#limits.maxQueuedCharacters) return;
    this.#mode = 'history';
    this.#clearQueue();
  }

  #clearQueue(): void {
    this.#queue = [];
    this.#queuedEvents = 0;
    this.#queuedCharacters = 0;
  }
}
