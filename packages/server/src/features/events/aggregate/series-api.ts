import type { Clock } from '../../../kernel/time/clock.ts';
import { foldBuckets } from './fold-buckets.ts';
import { FreshResults } from './fresh-results.ts';
import { type Alignment, type MadeAnswer, seriesAnswer } from './series-answer.ts';
import type { SeriesQuery } from './series-query.ts';
import type { StoreReads } from './store-reads.ts';

interface SeriesApiOptions {
  readonly reads: StoreReads;
  readonly alignment: Alignment;
  readonly partialMessage: 'partial' | 'ok';
  /** How long an answer is given again, milliseconds. */
  readonly cacheMs: number;
  readonly clock: Clock;
}

/** Different answers that are kept. */
const maxAnswers = 64;

/** Answers of `/api`: many who ask for the same at once cost the stores one read. */
export class SeriesApi {
  readonly #options: SeriesApiOptions;
  readonly #fresh: FreshResults<MadeAnswer>;

  constructor(options: SeriesApiOptions) {
    this.#options = options;
    this.#fresh = new FreshResults({ maxAgeMs: options.cacheMs, maxItems: maxAnswers, clock: options.clock });
  }

  answer(query: SeriesQuery): Promise<MadeAnswer> {
    const { types, fn, fill, grid } = query;
    const key = JSON.stringify([types, fn, fill, grid.unitMs, grid.endMs, grid.starts.length, grid.starts[0], grid.starts[1]]);
    return this.#fresh.get(key, () => this.#make(query));
  }

  async #make(query: SeriesQuery): Promise<MadeAnswer> {
    const { grid, fn, types } = query;
    const window = { fromMs: Math.max(0, grid.starts[0] ?? grid.endMs), toMs: grid.endMs };
    const { answers, failures } = await this.#options.reads.ask({
      types,
      read: (store, signal) => store.readBuckets({ window, stepMs: grid.unitMs, fn }, signal),
    });
    const figures = new Map([...answers].map(([type, buckets]) => [type, foldBuckets(grid, buckets, fn)]));
    return seriesAnswer(query, { figures, failures }, this.#options);
  }
}
