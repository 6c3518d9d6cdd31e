import type { SeriesType } from '@sluice/contract/event-series';
import { SeriesApi } from '../../src/features/events/aggregate/series-api.ts';
import { StoreReads } from '../../src/features/events/aggregate/store-reads.ts';
import type { AggregatorMeter } from '../../src/features/events/aggregator-metrics.ts';
import { AppError } from '../../src/kernel/errors/app-error.ts';
import { RateLimitedLog } from '../../src/kernel/observe/rate-limited-log.ts';
import { ManualTimers } from './manual-timers.ts';
import { MemorySeries, MemorySeriesStore } from './memory-series-store.ts';
import { silentLogger } from './silent-logger.ts';
import { TestClock } from './test-clock.ts';

/** How a store behaves: `down` fails at once, `silent` never answers, `broken` is not as it must be. */
export type StoreState = 'up' | 'down' | 'silent' | 'broken';

export const silentMeter: AggregatorMeter = {
  answered: () => {},
  read: () => {},
  readFailed: () => {},
  storeUp: () => {},
  streamEnded: () => {},
  watch: () => {},
};

/** Two stores in memory whose answers a test controls, and what reads them, on a clock that the test moves. */
export class AggregatorFixture {
  readonly clock = new TestClock();
  readonly timers = new ManualTimers(this.clock);
  readonly states: Record<SeriesType, StoreState> = { low: 'up', high: 'up' };
  /** Reads of buckets that have begun. */
  readonly asked: Record<SeriesType, number> = { low: 0, high: 0 };
  /** Every call, as `low: read buckets`. */
  readonly calls: string[] = [];
  readonly series = { low: new MemorySeries(), high: new MemorySeries() };
  readonly stores = { low: this.#store('low'), high: this.#store('high') };
  readonly reads = new StoreReads({
    sources: [
      { type: 'low', store: this.stores.low },
      { type: 'high', store: this.stores.high },
    ],
    timeoutMs: 1500,
    startTimer: this.timers.start,
    clock: this.clock,
    meter: silentMeter,
    failures: new RateLimitedLog({ logger: silentLogger, linesPerMinute: 1, startTimer: () => () => {} }),
  });
  #offset = 0;

  /** Places of the points are made up. */
  add(type: SeriesType, timeMs: number, amount = type === 'low' ? 1 : 9): void {
    this.#offset += 1;
    const place = 'made-up/0';
    const points = this.series[type].points.get(place) ?? [];
    this.series[type].points.set(place, [...points, { offset: this.#offset, timeMs, amount, amountText: String(amount) }]);
  }

  api(given: Partial<ConstructorParameters<typeof SeriesApi>[0]> = {}): SeriesApi {
    return new SeriesApi({ reads: this.reads, alignment: 'start', partialMessage: 'partial', cacheMs: 0, clock: this.clock, ...given });
  }

  #store(type: SeriesType): MemorySeriesStore {
    return new MemorySeriesStore({
      series: this.series[type],
      exactlyOnce: 'transactional',
      step: async (what) => {
        if (!what.endsWith(': told')) this.calls.push(`${type}: ${what}`);
        if (what === 'read buckets') this.asked[type] += 1;
        switch (this.states[type]) {
          case 'up':
            return;
          case 'down':
            throw new AppError('seriesUnavailable', `The store of ${type} is down.`);
          case 'broken':
            throw new AppError('seriesMismatch', `The store of ${type} has other tables.`);
          case 'silent':
            await new Promise(() => {});
        }
      },
    });
  }
}
