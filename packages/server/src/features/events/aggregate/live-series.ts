import type { SeriesType } from '@sluice/contract/event-series';
import { sleep } from '../../../kernel/async/sleep.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { foldBuckets } from './fold-buckets.ts';
import { LiveBuckets } from './live-buckets.ts';
import type { Alignment } from './series-answer.ts';
import { type LiveQuery, liveGrid } from './series-query.ts';
import type { StoreReads } from './store-reads.ts';
import { StreamClient, type StreamSink } from './stream-client.ts';

export interface LiveSeriesOptions {
  readonly reads: StoreReads;
  readonly alignment: Alignment;
  readonly maxPoints: number;
  /** From the end of one look at the stores to the next one, at least. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
}

interface Joining {
  readonly sink: StreamSink;
  readonly types: readonly SeriesType[];
  /** `Last-Event-ID`, as it came. */
  readonly lastEventId: string | undefined;
}

/** Looks take at most a fifth of the time, however slow the stores are. */
const restFactor = 4;
const both = ['low', 'high'] as const;

/** One series that clients follow: the stores are asked for the whole window again and again, so late events are found, too. */
export class LiveSeries {
  readonly #query: LiveQuery;
  readonly #options: LiveSeriesOptions;
  readonly #buckets: LiveBuckets;
  readonly #clients = new Set<StreamClient>();

  constructor(query: LiveQuery, start: string, options: LiveSeriesOptions) {
    this.#query = query;
    this.#options = options;
    const { rangeMs, rule, fn } = query;
    this.#buckets = new LiveBuckets({ start, fn, rangeMs, stepMs: rule.stepMs, alignment: options.alignment });
  }

  get clients(): ReadonlySet<StreamClient> {
    return this.#clients;
  }

  /** The client gets every event behind the one that it names; all of the window where it names none, or one of another start. */
  join({ sink, types, lastEventId }: Joining): StreamClient {
    const after = this.#revisionOf(lastEventId);
    const client = new StreamClient({ sink, types, live: this.#buckets, after, now: () => this.#options.clock.monotonic() });
    this.#clients.add(client);
    sink.on('close', () => this.#clients.delete(client));
    return client;
  }

  /** Follows the stores until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, startTimer, pollMs } = this.#options;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      await this.refresh();
      await sleep(Math.max(pollMs, restFactor * (clock.monotonic() - startedAt)), signal, startTimer);
    }
  }

  /** One look at the stores; what is new is sent. */
  async refresh(): Promise<void> {
    const { reads, clock, maxPoints } = this.#options;
    const { fn } = this.#query;
    const grid = liveGrid(this.#query, { nowMs: clock.now(), maxPoints });
    const window = { fromMs: Math.max(0, grid.starts[0] ?? grid.endMs), toMs: grid.endMs };
    const { answers, failures } = await reads.ask({
      types: both,
      read: (store, signal) => store.readBuckets({ window, stepMs: grid.unitMs, fn }, signal),
    });
    const figures = new Map([...answers].map(([type, buckets]) => [type, foldBuckets(grid, buckets, fn)]));
    this.#buckets.take({ grid, figures, failures });
    for (const client of this.#clients) client.push();
  }

  #revisionOf(lastEventId: string | undefined): number {
    const { start, revision } = this.#buckets;
    if (!lastEventId?.startsWith(`${start}:`)) return 0;
    const text = lastEventId.slice(start.length + 1);
    const given = /^\d{1,15}$/.test(text) ? Number(text) : 0;
    return given <= revision ? given : 0;
  }
}
