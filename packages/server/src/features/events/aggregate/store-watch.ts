import type { SeriesType } from '@sluice/contract/event-series';
import { sleep } from '../../../kernel/async/sleep.ts';
import type { CheckResult } from '../../../kernel/observe/readiness.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { AggregatorMeter } from '../aggregator-metrics.ts';
import type { StoreReads } from './store-reads.ts';

interface StoreWatchOptions {
  readonly reads: StoreReads;
  readonly startTimer: StartTimer;
  readonly meter: AggregatorMeter;
}

const lookMs = 2000;
const types = ['low', 'high'] as const satisfies readonly SeriesType[];

/** Asks the stores again and again whether they are there. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  /** By type, what is wrong; undefined while the stores were not asked yet. */
  #troubles: ReadonlyMap<SeriesType, string> | undefined;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** Ready while one store answers: the other's points are said to be missing, which is better than no answer. The detail names it. */
  check(): CheckResult {
    if (this.#troubles === undefined) return { ready: false, detail: 'the stores were not asked yet' };
    const detail = [...this.#troubles].map(([type, trouble]) => `${type}: ${trouble}`).join(' ');
    return { ready: this.#troubles.size < types.length, ...(detail !== '' && { detail }) };
  }

  async run(signal: AbortSignal): Promise<void> {
    do await this.look();
    while (await sleep(lookMs, signal, this.#options.startTimer));
  }

  async look(): Promise<void> {
    const { reads, meter } = this.#options;
    const { failures } = await reads.ask({ types, read: (store, signal) => store.probe(signal) });
    this.#troubles = new Map(failures.map(({ type, message }) => [type, message]));
    for (const type of types) meter.storeUp(type, !this.#troubles.has(type));
  }
}
