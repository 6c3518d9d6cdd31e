import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import type { EventBook } from './event-book.ts';

interface EventLoadOptions {
  readonly url: URL;
  readonly book: EventBook;
  readonly connections: number;
  readonly seed: number;
}

/** From so many acknowledged events on each connection pauses between requests: more rows would only cost time. */
const plentyOfRows = 2500;
const pauseMs = 25;
/** One event of so many lacks a value that one of the two sinks needs, so that both must refuse it. */
const faultyOneIn = 50;

/** Events over keep-alive connections from `start` to `stop`, each sent once; answers are noted in the book. */
export class EventLoad {
  readonly #options: EventLoadOptions;
  readonly #agent: Agent;
  readonly #enough = Promise.withResolvers<void>();
  readonly #padding: string;
  readonly #wanted: number;
  /** Answers that a healthy service under this load does not give, by status, with the first body. */
  readonly #unexpected = new Map<number, { count: number; body: string }>();
  #acknowledged = 0;
  #stopped = false;
  #loops: Promise<void>[] = [];

  /** @param wanted `enough` resolves after so many acknowledged events */
  constructor(options: EventLoadOptions, wanted: number) {
    this.#options = options;
    this.#wanted = wanted;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
    const random = new SeededRandom(options.seed);
    this.#padding = Buffer.from(Array.from({ length: 96_000 }, () => random.between(0, 255))).toString('base64');
  }

  /** Of this load. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get enough(): Promise<void> {
    return this.#enough.promise;
  }

  get unexpected(): ReadonlyMap<number, { readonly count: number; readonly body: string }> {
    return this.#unexpected;
  }

  start(): void {
    this.#loops = Array.from({ length: this.#options.connections }, () => this.#loop());
  }

  /** Waits for the answers that still come. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const event = this.#options.book.send();
      try {
        await this.#post(event);
        if (this.#acknowledged > plentyOfRows) await sleep(pauseMs);
      } catch {
        // The service is dead: the event stays without an answer, and is never sent again.
        await sleep(pauseMs);
      }
    }
  }

  async #post(event: number): Promise<void> {
    const { url } = this.#options;
    const body = this.#body(event);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request(url, { method: 'POST', agent: this.#agent, headers });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const status = response.statusCode ?? 0;
    this.#note(event, response);
    const answer = await response.setEncoding('utf8').toArray();
    if (status !== 200 && status !== 422)
      this.#unexpected.set(status, { count: (this.#unexpected.get(status)?.count ?? 0) + 1, body: answer.join('') });
  }

  #note(event: number, { statusCode = 0, headers }: IncomingMessage): void {
    const { book } = this.#options;
    if (statusCode === 200) {
      book.acknowledge(event);
      this.#acknowledged += 1;
      if (this.#acknowledged === this.#wanted) this.#enough.resolve();
    } else if (statusCode < 500 || headers['x-sluice-stored'] === 'none') book.refuse(event);
  }

  /** Mostly some hundred bytes, now and then 100 kB. Follows from the seed and the number of the event. */
  #body(event: number): string {
    const random = new SeededRandom(derivedSeed(this.#options.seed, event));
    const kind = random.next();
    const size = kind < 0.004 ? 100_000 : random.between(0, kind < 0.1 ? 10_000 : 600);
    const from = random.between(0, this.#padding.length - size);
    const pad = this.#padding.slice(from, from + size);
    return JSON.stringify(random.oneIn(faultyOneIn) ? { id: `e${event}`, pad } : { id: `e${event}`, size, pad });
  }
}
