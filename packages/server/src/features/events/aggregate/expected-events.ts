import type { SeriesType } from '@sluice/contract/event-series';
import type { LogEngine, LogTopic, StoredRecord } from '../../../engines/log/log-engine.ts';
import { rebuildWindow } from '../consume/rebuild-window.ts';
import { parseEvent } from '../parse-event.ts';
import { recordOrigin } from '../record-headers.ts';
import type { RepeatWindow } from '../repeat-window.ts';
import type { RoutesLog } from '../routes-log.ts';

interface ReaderOptions {
  readonly log: LogEngine;
  readonly topic: LogTopic;
  readonly partition: number;
  readonly routes: RoutesLog;
  readonly maxFutureSkewMs: number;
  readonly window: { readonly fromMs: number; readonly toMs: number };
  readonly signal: AbortSignal;
}

export interface ExpectedEvents {
  /** Events of the window, without repeats. */
  readonly events: number;
  /** Of these, what the stores should hold: by offset, the routes that take the event. */
  readonly expected: ReadonlyMap<number, readonly SeriesType[]>;
  /** Behind the records that were read. */
  readonly next: number;
}

const readLimits = { maxRecords: 5000, maxBytes: 2 * 1024 * 1024, waitMs: 0 };

/** Reads a partition as the consumers do, and says what each route should have stored. */
export class ExpectedEventsReader {
  readonly #options: ReaderOptions;
  readonly #repeats: RepeatWindow;

  private constructor(options: ReaderOptions, repeats: RepeatWindow) {
    this.#options = options;
    this.#repeats = repeats;
  }

  /** To be read from the offset on. */
  static async open(options: ReaderOptions, fromOffset: number): Promise<ExpectedEventsReader> {
    return new ExpectedEventsReader(options, await rebuildWindow(options, fromOffset));
  }

  /** The records from one offset up to another; called for one stretch after the other. */
  async read(from: number, to: number): Promise<ExpectedEvents> {
    const { log, topic, partition, routes, signal } = this.#options;
    const expected = new Map<number, readonly SeriesType[]>();
    let events = 0;
    let next = from;
    while (next < to) {
      signal.throwIfAborted();
      const { records, nextOffset } = await log.read({ topic, partition, offset: next, ...readLimits, signal });
      // Only now every version is known that may hold for one of them.
      await routes.catchUp();
      for (const record of records) {
        if (record.offset >= to) return { events, expected, next: to };
        const types = this.#routesOf(record);
        if (!types) continue;
        events += 1;
        if (types.length > 0) expected.set(record.offset, types);
      }
      if (nextOffset === next) break;
      next = nextOffset;
    }
    return { events, expected, next: Math.min(next, to) };
  }

  /** Undefined where it is no event of the window. */
  #routesOf(record: StoredRecord): readonly SeriesType[] | undefined {
    const { partition, routes, maxFutureSkewMs, window } = this.#options;
    const { offset, timestampMs, value } = record;
    const origin = recordOrigin(record);
    if (origin && this.#repeats.see({ ...origin, timestampMs })) return undefined;
    const event = value && parseEvent(value, { arrivalMs: timestampMs, maxFutureSkewMs });
    if (!event?.ok || event.value.time < window.fromMs || event.value.time >= window.toMs) return undefined;
    const found = routes.at({ partition, offset });
    if (found.type !== 'routes') return none;
    const { matched } = found.routes.judge(event.value);
    return types.filter((type) => matched.includes(type));
  }
}

const types = ['low', 'high'] as const satisfies readonly SeriesType[];
const none: readonly SeriesType[] = [];
