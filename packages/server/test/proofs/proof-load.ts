import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import type { Answer } from './promised-rows.ts';
import { eventId } from './proof-service.ts';

/** One request and its answer. Times by `performance.now()`. */
export interface Exchange {
  readonly event: number;
  readonly sourceId: string;
  /** Sinks of the source whose creation had ended when the request was sent. */
  readonly sinkIds: readonly string[];
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Undefined: the connection broke. */
  readonly answer: Answer | undefined;
  /** As in the shim's log, and which of the answers on it this is, from 0. */
  readonly connection: string;
  readonly index: number;
}

export interface Target {
  readonly sourceId: string;
  readonly url: URL;
  /** Grows while the load runs. */
  readonly sinkIds: string[];
}

/** Sends numbered events, each once, over keep-alive connections, and notes every answer with its place in the shim's log. */
export class ProofLoad implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  readonly #targets: readonly Target[];
  readonly #pauseMs: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #answersOn = new Map<string, number>();
  #nextEvent = 0;
  #stopped = false;
  #loops: Promise<void>[] = [];

  /** @param pauseMs between an answer and the next request of its connection */
  constructor(targets: readonly Target[], { pauseMs }: { pauseMs: number }) {
    this.#targets = targets;
    this.#pauseMs = pauseMs;
  }

  start(connections: number): void {
    this.#stopped = false;
    this.#loops = Array.from({ length: connections }, async () => {
      while (!this.#stopped) {
        await this.send();
        if (this.#pauseMs > 0) await sleep(this.#pauseMs);
      }
    });
  }

  /** Waits for the answers that still come. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  /** One request, to the targets in turn. */
  async send(): Promise<Exchange> {
    const event = this.#nextEvent++;
    const { sourceId, url, sinkIds } = this.#targets[event % this.#targets.length] ?? fail();
    const sent = { event, sourceId, sinkIds: [...sinkIds], sentAt: performance.now() };
    const received = await this.#post(url, bodyOf(event)).catch(() => ({ answer: undefined, connection: '', index: 0 }));
    const exchange = { ...sent, ...received, answeredAt: performance.now() };
    this.exchanges.push(exchange);
    return exchange;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#agent.destroy();
  }

  async #post(url: URL, body: string): Promise<Pick<Exchange, 'answer' | 'connection' | 'index'>> {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request(url, { method: 'POST', agent: this.#agent, headers });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const connection = `${response.socket.remotePort}:${response.socket.localPort}`;
    const index = this.#answersOn.get(connection) ?? 0;
    this.#answersOn.set(connection, index + 1);
    const mark = response.headers['x-sluice-stored'];
    const text = (await response.setEncoding('utf8').toArray()).join('');
    return {
      connection,
      index,
      answer: { status: response.statusCode ?? 0, mark: typeof mark === 'string' ? mark : undefined, body: text },
    };
  }
}

/** Mostly some hundred bytes, now and then 100 kB, which make blocks of several members. Follows from the event's number. */
function bodyOf(event: number): string {
  const random = new SeededRandom(derivedSeed(1, event));
  const size = random.oneIn(40) ? 100_000 : random.between(0, 600);
  return JSON.stringify({ id: eventId(event), pad: 'abcdefgh'.repeat(Math.ceil(size / 8)) });
}

function fail(): never {
  throw new Error('a load without targets');
}
