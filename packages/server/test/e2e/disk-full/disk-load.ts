import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const connections = 8;
const bodyBytes = 3000;
const maxWaitMs = 30_000;

/** What the client knows of its events, by number; each is sent once. */
interface Book {
  readonly acknowledged: Set<number>;
  /** Surely not stored, says the service. */
  readonly refused: Set<number>;
  next: number;
}

/** Posts events without a pause until stopped, and notes what was promised. */
export class DiskLoad {
  readonly #url: string;
  readonly #book: Book;
  /** Answers that a full disk does not explain. */
  readonly unexpected: string[] = [];
  /** Answers since the last one of the other kind. */
  readonly inRow = { acknowledged: 0, refused: 0 };
  #loops: Promise<void>[] = [];
  #stopped = false;

  /** Goes on with the book of an earlier load. */
  constructor(url: string, before?: DiskLoad) {
    this.#url = url;
    this.#book = before ? before.#book : { acknowledged: new Set(), refused: new Set(), next: 0 };
  }

  get acknowledged(): ReadonlySet<number> {
    return this.#book.acknowledged;
  }

  get refused(): ReadonlySet<number> {
    return this.#book.refused;
  }

  start(): void {
    this.#loops = Array.from({ length: connections }, () => this.#loop());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async until(condition: (load: DiskLoad) => boolean): Promise<void> {
    const deadline = performance.now() + maxWaitMs;
    while (!condition(this)) {
      if (performance.now() > deadline)
        throw new Error(`not reached: ${JSON.stringify(this.inRow)} ${this.unexpected.slice(0, 3).join('; ')}`);
      await sleep(5);
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const id = this.#book.next;
      this.#book.next += 1;
      // The service may be dead: the event stays without an answer.
      await this.#post(id).catch(() => sleep(20));
    }
  }

  async #post(id: number): Promise<void> {
    const pad = randomBytes(bodyBytes).toString('base64');
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: String(id), pad }),
    });
    const { status, headers } = response;
    const stored = headers.get('x-sluice-stored');
    if (status === 200) {
      this.#book.acknowledged.add(id);
      this.inRow.acknowledged += 1;
      this.inRow.refused = 0;
    } else if (status === 503 && stored === 'none' && Number(headers.get('retry-after')) >= 1) {
      this.#book.refused.add(id);
      this.inRow.refused += 1;
      this.inRow.acknowledged = 0;
    } else this.unexpected.push(`${status} ${stored} ${headers.get('retry-after')} ${await response.text()}`);
    await response.body?.cancel().catch(() => undefined);
  }
}
