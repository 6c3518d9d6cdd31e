import { once } from 'node:events';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { ulid } from '../../kernel/codec/ulid.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import { settleWithin } from '../../kernel/lifecycle/settle-within.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Metrics } from '../../kernel/observe/metrics.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { systemTimer } from '../../kernel/time/start-timer.ts';
import { encodeEvent } from './encode-event.ts';
import { type AmountOptions, createAmounts } from './producer/amounts.ts';
import { BatchJournal } from './producer/batch-journal.ts';
import { postBatch } from './producer/post-batch.ts';
import type { producerMetricTable } from './producer-metrics.ts';

export interface ProducerSettings {
  readonly url: string;
  readonly form: 'json' | 'text';
  /** Events are made and dropped. */
  readonly isDisabled: boolean;
  /** Events per second. */
  readonly rate: number;
  readonly batchIntervalMs: number;
  /** Events of a request. */
  readonly maxBatch: number;
  /** Events that wait for their first attempt; the oldest are dropped beyond. */
  readonly maxBuffer: number;
  readonly timeoutMs: number;
  /** Events after which it ends; 0: never. */
  readonly count: number;
}

interface ProducerOptions {
  readonly settings: ProducerSettings;
  readonly amounts: AmountOptions;
  /** Of the journal. */
  readonly folder: string;
  readonly metrics: Metrics<typeof producerMetricTable>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** As many events as asked for were made, and none waits any more. */
  readonly onDone: () => void;
}

const longestTickMs = 1000;
const shortestTickMs = 10;
const retryMs = { initialMs: 500, maxMs: 30_000 };
const maxFlushMs = 5000;

/**
 * Makes events and posts them to the events API, in batches and in their order, each until it is acknowledged.
 *
 *     made --> buffer --every interval--> journal --post--> acknowledged
 *                                            |--refused, several events--> two halves, in its place
 *                                            '--refused, one event--> dead letter
 */
export class EventProducer implements Part {
  readonly name = 'event-producer';
  readonly #options: ProducerOptions;
  readonly #journal: BatchJournal;
  readonly #nextAmount: () => number;
  readonly #backoff = new Backoff(retryMs);
  /** Aborted when no more events are to be made, and those that wait go out at once. */
  readonly #closing = new AbortController();
  readonly #flushed = Promise.withResolvers<void>();
  readonly #buffer: string[] = [];
  #made = 0;

  private constructor(options: ProducerOptions, journal: BatchJournal) {
    this.#options = options;
    this.#journal = journal;
    this.#nextAmount = createAmounts(options.amounts);
    options.metrics.gaugeOf('sluice_producer_pending_events', {}, () => this.#buffer.length + journal.events);
  }

  /** What an earlier process left in the journal goes out first. */
  static async open(options: ProducerOptions): Promise<EventProducer> {
    const journal = await BatchJournal.open(options.folder);
    if (journal.events > 0) options.logger.info({ events: journal.events }, 'events of an earlier run are sent first');
    return new EventProducer(options, journal);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#generate(signal), this.#deliver(signal)]);
    if (signal.aborted) return;
    this.#options.onDone();
    await once(signal, 'abort');
  }

  stopAccepting(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  /** What is not acknowledged by then stays in the journal for the next start. */
  async drain(timeoutMs: number): Promise<void> {
    await settleWithin(() => this.#flushed.promise, { timeoutMs: Math.min(maxFlushMs, timeoutMs), startTimer: systemTimer });
  }

  async #generate(signal: AbortSignal): Promise<void> {
    const { settings, clock, metrics } = this.#options;
    const { rate, count, maxBuffer } = settings;
    const generated = metrics.counter('sluice_producer_generated_total', {});
    const overflow = metrics.counter('sluice_producer_dropped_total', { reason: 'buffer' });
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const startedAt = clock.monotonic();
    const tickMs = Math.min(longestTickMs, Math.max(shortestTickMs, 1000 / rate));
    while (!stop.aborted) {
      const due = 1 + Math.floor(((clock.monotonic() - startedAt) / 1000) * rate) - this.#made;
      const wanted = count === 0 ? due : Math.min(due, count - this.#made);
      for (let more = wanted; more > 0; more -= 1) this.#buffer.push(this.#makeEvent());
      this.#made += wanted;
      generated.inc(wanted);
      if (this.#buffer.length > maxBuffer) overflow.inc(this.#buffer.splice(0, this.#buffer.length - maxBuffer).length);
      if (count > 0 && this.#made >= count) this.#closing.abort();
      await sleep(tickMs, stop);
    }
  }

  #makeEvent(): string {
    const amount = this.#nextAmount();
    return encodeEvent({ time: this.#options.clock.now(), amount, amountText: '' }, 'string');
  }

  async #deliver(signal: AbortSignal): Promise<void> {
    const { settings } = this.#options;
    const isOver = () => signal.aborted || (this.#closing.signal.aborted && this.#buffer.length === 0 && this.#journal.first === undefined);
    let waitMs = this.#journal.first ? 0 : settings.batchIntervalMs;
    let isFailing = false;
    while (!isOver()) {
      // While it fails, also the last flush waits between attempts.
      await sleep(waitMs, isFailing ? signal : AbortSignal.any([signal, this.#closing.signal]));
      if (signal.aborted) break;
      if (settings.isDisabled) this.#drop();
      else if (this.#journal.first === undefined) await this.#fillJournal();
      const failure = await this.#send(signal);
      isFailing = failure !== undefined;
      waitMs = failure ?? (this.#buffer.length >= settings.maxBatch ? 0 : settings.batchIntervalMs);
    }
    if (!signal.aborted) this.#flushed.resolve();
    else if (!settings.isDisabled) await this.#fillJournal();
  }

  #drop(): void {
    const { logger, metrics } = this.#options;
    const count = this.#buffer.splice(0).length;
    metrics.counter('sluice_producer_dropped_total', { reason: 'disabled' }).inc(count);
    logger.info({ count }, 'processing disabled, dropped events');
  }

  /** Events get their key before anybody else hears of them. */
  async #fillJournal(): Promise<void> {
    const { settings, clock } = this.#options;
    const events = this.#buffer.splice(0);
    for (let at = 0; at < events.length; at += settings.maxBatch)
      await this.#journal.add(ulid(clock.now()), events.slice(at, at + settings.maxBatch));
  }

  /** Sends what is in the journal, in order. Returns how long to wait after a failure. */
  async #send(signal: AbortSignal): Promise<number | undefined> {
    const { settings, logger, metrics } = this.#options;
    for (let batch = this.#journal.first; batch; batch = this.#journal.first) {
      const outcome = await postBatch(batch, { ...settings, signal });
      const { events } = batch;
      switch (outcome.type) {
        case 'failed': {
          const waitMs = Math.max(this.#backoff.next(), outcome.retryAfterMs);
          if (!signal.aborted)
            logger.warn({ error: outcome.reason, waitMs: Math.round(waitMs) }, 'events were not taken, and are sent again');
          return waitMs;
        }
        case 'accepted': {
          this.#backoff.reset();
          await this.#bury(outcome.refused.map(({ index, reason }) => ({ event: events[index] ?? '', reason })));
          await this.#journal.removeFirst();
          const amount = events.length - outcome.refused.length;
          metrics.counter('sluice_producer_acknowledged_total', {}).inc(amount);
          logger.debug({ amount }, 'sent events');
          break;
        }
        case 'refused':
          if (events.length > 1) await this.#journal.splitFirst();
          else {
            await this.#bury([{ event: events[0] ?? '', reason: outcome.reason }]);
            await this.#journal.removeFirst();
          }
          break;
      }
    }
    return undefined;
  }

  async #bury(letters: readonly { readonly event: string; readonly reason: string }[]): Promise<void> {
    const { logger, metrics } = this.#options;
    for (const { event, reason } of letters.slice(0, 10)) logger.warn({ event, reason }, 'an event is refused for good');
    metrics.counter('sluice_producer_dead_letters_total', {}).inc(letters.length);
    await this.#journal.bury(letters);
  }
}
