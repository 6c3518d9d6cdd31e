import type { LogBatch, OwnedPartition, StoredRecord } from '../../../engines/log/log-engine.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { RoutesLog } from '../routes-log.ts';
import type { Judge } from './judge.ts';
import { JudgedBatch } from './judged-batch.ts';
import { maxChangesPerBatch } from './repeat-journal.ts';

export interface CollectLimits {
  /** Points of a batch. */
  readonly maxRows: number;
  /** From the first record of a batch to its end. */
  readonly maxAgeMs: number;
  /** Of one fetch; asked each time. */
  readonly maxFetchBytes: () => number;
}

interface CollectorOptions {
  readonly owned: OwnedPartition;
  readonly routes: RoutesLog;
  readonly judge: Judge;
  /** First record. */
  readonly from: number;
  readonly limits: CollectLimits;
  /** Gets the dead letters of a fetch at once, so that they wait for no batch. */
  readonly send: (batch: JudgedBatch) => void;
  /** Of each fetch. */
  readonly onFetched: (fetched: LogBatch) => void;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
}

/** Short enough not to keep the loop of events from others for long. */
const maxFetchRecords = 2000;
const idleWaitMs = 1000;
/** Behind the last record more are on their way: one fetch for some of them costs less than one for each. */
const gatherMs = 20;
const verdictWaitMs = 100;

/**
 * Reads a partition in batches that are judged. After each fetch the log of routes is read to its end, and only then are the records
 * judged: so every version that may hold for one of them is known. Where a proposal may come to hold, judging stops until it is decided.
 */
export class BatchCollector {
  readonly #options: CollectorOptions;
  #records: readonly StoredRecord[] = [];
  #at = 0;
  /** First record that is in no batch. */
  #next: number;
  /** Behind what is fetched. */
  #fetchedTo: number;
  /** When it was fetched. */
  #logEnd = Number.POSITIVE_INFINITY;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#fetchedTo = options.from;
  }

  /** The next batch; when the signal aborts, what there is of it. Undefined where that is nothing, and when the partition is lost. */
  async next(signal: AbortSignal): Promise<JudgedBatch | undefined> {
    const { owned, limits, clock } = this.#options;
    const batch = new JudgedBatch(this.#next);
    let dueAtMs = Number.POSITIVE_INFINITY;
    while (!signal.aborted && owned.isOwned && !isFull(batch, limits) && clock.monotonic() < dueAtMs) {
      if (this.#at < this.#records.length) {
        const isDecided = this.#judgeSome(batch);
        this.#options.send(batch);
        if (!isDecided) {
          // What is judged need not wait for a verdict.
          if (!batch.isEmpty) break;
          await this.#awaitVerdict(signal);
        }
      } else {
        await this.#fetch(batch, { dueAtMs, signal });
      }
      if (!batch.isEmpty) dueAtMs = Math.min(dueAtMs, clock.monotonic() + limits.maxAgeMs);
    }
    if (!owned.isOwned || batch.isEmpty) return undefined;
    this.#next = batch.to;
    return batch;
  }

  async #fetch(batch: JudgedBatch, { dueAtMs, signal }: { dueAtMs: number; signal: AbortSignal }): Promise<void> {
    const { owned, routes, limits, clock, startTimer, onFetched } = this.#options;
    if (this.#fetchedTo >= this.#logEnd && !batch.isEmpty) await sleep(Math.min(gatherMs, dueAtMs - clock.monotonic()), signal, startTimer);
    const waitMs = Math.max(0, Math.min(idleWaitMs, dueAtMs - clock.monotonic()));
    const fetched = await owned.fetch({ maxRecords: maxFetchRecords, maxBytes: limits.maxFetchBytes(), waitMs, signal });
    if (fetched === 'revoked') return;
    onFetched(fetched);
    const { records, nextOffset, endOffset, unreadable } = fetched;
    this.#logEnd = endOffset;
    this.#fetchedTo = nextOffset;
    for (const { begin, end } of unreadable) batch.counts.unreadable += end - begin;
    if (records.length === 0) {
      // There may be gaps behind the last record.
      batch.to = Math.max(batch.to, nextOffset);
      return;
    }
    await routes.catchUp();
    this.#records = records;
    this.#at = 0;
  }

  /** False where the next record must wait for a verdict. */
  #judgeSome(batch: JudgedBatch): boolean {
    const { owned, routes, judge, limits } = this.#options;
    const records = this.#records;
    const versionAt = (index: number) => {
      const found = routes.at({ partition: owned.partition, offset: records[index]?.offset ?? 0 });
      return found.type === 'routes' ? found : undefined;
    };
    const version = versionAt(this.#at);
    if (!version) return false;
    const until = firstIndex(this.#at + 1, records.length, (index) => versionAt(index)?.version !== version.version);
    let at = this.#at;
    for (; at < until && !isFull(batch, limits); at += 1) {
      const record = records[at];
      if (record) judge.take(record, version.routes, batch);
    }
    this.#at = at;
    batch.to = records[at]?.offset ?? this.#fetchedTo;
    return true;
  }

  async #awaitVerdict(signal: AbortSignal): Promise<void> {
    await sleep(verdictWaitMs, signal, this.#options.startTimer);
    await this.#options.routes.catchUp();
  }
}

const isFull = ({ points, counts }: JudgedBatch, { maxRows }: CollectLimits): boolean =>
  points.length >= maxRows || counts.records >= maxChangesPerBatch;

/** The first index from `from` up to `end` that fits, where none does `end`; behind one that fits all do. Mostly none does. */
function firstIndex(from: number, end: number, fits: (index: number) => boolean): number {
  if (from >= end || !fits(end - 1)) return end;
  let low = from;
  let high = end - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
