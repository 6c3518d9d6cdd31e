import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventId } from '../support/lane/placed-event.ts';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import type { SentEvents } from './sent-events.ts';

interface EventDriverOptions {
  readonly url: string;
  readonly book: SentEvents;
  readonly seed: number;
  readonly events: number;
  /** Time of the first event; the others follow a millisecond apart. */
  readonly firstTime: number;
  /** Over which the load is spread evenly; a service that is slower is waited for. */
  readonly spreadMs: number;
}

const senders = 8;
const maxBatch = 250;
const pauseMs = 200;
/** A request without an answer is broken off after this time, as a client that dies would. */
const patienceMs = 5000;
/** The service is dead for good. */
const longestOutageMs = 60_000;
/** One request in so many has no key: where its answer is lost it is never sent again. */
const unkeyedOneIn = 10;
/** One request in so many is sent once more after its answer, as by a client that lost it. */
const repeatedOneIn = 8;
/** One request in so many is sent once more at the very end, as by a client that was away: whoever reads has been replaced since. */
const repeatedLateOneIn = 12;
/** One request in so many is broken off after a few milliseconds, as by a client that is killed, and repeated by its successor. */
const brokenOneIn = 15;

/** Events of a batch that have the same time. */
const sharedBy = 3;

type Form = 'texts' | 'numbers' | 'lines';
const forms: readonly Form[] = ['texts', 'numbers', 'lines'];

interface Batch {
  readonly events: readonly EventId[];
  readonly body: string;
  readonly type: string;
  readonly key: string | undefined;
  readonly random: SeededRandom;
}

/**
 * Sends events in batches, each of them until it is acknowledged, and notes that in the book. What it sends follows from the seed.
 * Repeats carry the key of the original. A batch without a key is sent once: its events may be left without an answer.
 */
export class EventDriver {
  readonly #options: EventDriverOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: senders });
  readonly #startedAt = performance.now();
  #batches = 0;
  #next = 0;
  #repeats = 0;
  #unexpected: string | undefined;
  readonly #late: Batch[] = [];

  constructor(options: EventDriverOptions) {
    this.#options = options;
  }

  /** Requests that were sent more than once. */
  get repeats(): number {
    return this.#repeats;
  }

  /** An answer that a healthy service does not give to these requests. */
  get unexpected(): string | undefined {
    return this.#unexpected;
  }

  /** Sends everything; rejects where the service is away for too long. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all(Array.from({ length: senders }, () => this.#send(signal)));
      for (const batch of this.#late) {
        this.#repeats += 1;
        await this.#post(batch, patienceMs);
      }
    } finally {
      this.#agent.destroy();
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    for (;;) {
      const batch = this.#nextBatch();
      if (batch === undefined) return;
      await this.#keepPace(batch, signal);
      for (const event of batch.events) this.#options.book.send(event);
      await this.#deliver(batch, signal);
    }
  }

  #nextBatch(): Batch | undefined {
    const { events, firstTime, seed } = this.#options;
    const first = this.#next;
    if (first >= events) return undefined;
    const number = this.#batches;
    this.#batches += 1;
    const random = new SeededRandom(derivedSeed(seed, 1000 + number));
    const size = Math.min(events - first, random.oneIn(4) ? random.between(1, 5) : random.between(1, maxBatch));
    this.#next += size;
    const form = forms[random.between(0, forms.length - 1)] ?? 'texts';
    const batch = eventsFrom(firstTime + first, { size, random });
    const key = random.oneIn(unkeyedOneIn) ? undefined : `driver-${seed}-${number}`;
    return { events: batch, body: bodyOf(batch, form), type: form === 'lines' ? 'application/text' : 'application/json', key, random };
  }

  async #keepPace(batch: Batch, signal: AbortSignal): Promise<void> {
    const { events, spreadMs, firstTime } = this.#options;
    const share = ((batch.events[0]?.time ?? 0) - firstTime) / events;
    const aheadMs = share * spreadMs - (performance.now() - this.#startedAt);
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal });
  }

  async #deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const since = performance.now();
    let isBroken = batch.random.oneIn(brokenOneIn);
    for (;;) {
      signal.throwIfAborted();
      const within = isBroken ? batch.random.between(1, 20) : patienceMs;
      isBroken = false;
      if (await this.#post(batch, within)) break;
      if (batch.key === undefined) return;
      if (performance.now() - since > longestOutageMs) throw new Error('the service took nothing for a minute');
      this.#repeats += 1;
      await sleep(pauseMs, undefined, { signal });
    }
    this.#options.book.acknowledge(batch.events);
    if (batch.key === undefined) return;
    if (batch.random.oneIn(repeatedLateOneIn)) this.#late.push(batch);
    if (!batch.random.oneIn(repeatedOneIn)) return;
    this.#repeats += 1;
    await sleep(batch.random.between(0, 2000), undefined, { signal });
    await this.#post(batch, patienceMs);
  }

  /** True: acknowledged. */
  async #post({ body, type, key, events }: Batch, withinMs: number): Promise<boolean> {
    const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...(key && { 'Idempotency-Key': key }) };
    const signal = AbortSignal.timeout(withinMs);
    const outgoing = request(this.#options.url, { method: 'POST', agent: this.#agent, headers, signal });
    outgoing.on('error', () => undefined);
    try {
      outgoing.end(body);
      const [response] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
      const text = (await response.setEncoding('utf8').toArray()).join('');
      const status = response.statusCode ?? 0;
      if (status === 200 && text.includes(`"ingested ${events.length} events"`)) return true;
      if (status !== 503 && status !== 504) this.#unexpected ??= `${status} ${text.slice(0, 300)}`;
      return false;
    } catch {
      return false;
    }
  }
}

/** Some share a millisecond; no two are alike. */
function eventsFrom(time: number, { size, random }: { readonly size: number; readonly random: SeededRandom }): EventId[] {
  const events: EventId[] = [];
  for (let at = 0; at < size; at += 1) {
    const event = { time: time + Math.floor(at / sharedBy), amount: amountOf(random) };
    const isNew = events.slice(-sharedBy).every(({ time: other, amount }) => other !== event.time || amount !== event.amount);
    events.push(isNew ? event : { ...event, amount: event.amount + (1 + at) * 1e-6 });
  }
  return events;
}

/** On every side of the watermarks that a run has, and on them. */
function amountOf(random: SeededRandom): number {
  if (random.oneIn(10)) return random.between(-2, 12);
  return random.oneIn(100) ? random.next() * 1e-9 : random.next() * 10;
}

function bodyOf(events: readonly EventId[], form: Form): string {
  const texts = events.map(({ time, amount }) =>
    form === 'numbers' ? `{"time":${time},"amount":${amount}}` : `{"time":${time},"amount":"${amount}"}`,
  );
  return form === 'lines' ? texts.join('\n') : `[${texts.join(',')}]`;
}
