import { WaiterList } from './waiter-list.ts';

export interface BoundedQueueOptions<T> {
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly bytesOf: (item: T) => number;
  /** What a full queue does with a new item. `wait` asks the producer to wait in `push`. */
  readonly whenFull: 'refuse' | 'drop-oldest' | 'wait';
}

/**
 * A first-in first-out queue bounded in items and bytes. An item that is larger than `maxBytes` is always refused.
 * Closing it refuses new items; the ones inside are still handed out.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #options: BoundedQueueOptions<T>;
  readonly #producers = new WaiterList<Entry<T>, boolean>();
  readonly #consumers = new WaiterList<undefined, Entry<T> | undefined>();
  /** Ring without wrap: taken slots before `#head` are empty until they are cut off. */
  readonly #entries: (Entry<T> | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #drops = 0;
  #refusals = 0;
  #state: 'open' | 'closed' = 'open';

  constructor(options: BoundedQueueOptions<T>) {
    this.#options = options;
  }

  /** Items inside. */
  get depth(): number {
    return this.#entries.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Items thrown out by newer ones so far. */
  get drops(): number {
    return this.#drops;
  }

  /** Items not taken in so far. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Without waiting: true if the item was taken in. A queue that would have to wait refuses. */
  offer(item: T): boolean {
    const entry = { item, bytes: this.#options.bytesOf(item) };
    const taken = this.#acceptable(entry) && this.#makeRoom(entry);
    if (taken) this.#put(entry);
    else this.#refusals += 1;
    return taken;
  }

  /** As `offer`, but under `wait` it waits for room; false if refused, closed or aborted. */
  async push(item: T, signal?: AbortSignal): Promise<boolean> {
    const entry = { item, bytes: this.#options.bytesOf(item) };
    const mustWait = this.#options.whenFull === 'wait' && this.#acceptable(entry) && !this.#makeRoom(entry);
    if (!mustWait) return this.offer(item);
    const taken = await this.#producers.wait(entry, signal);
    if (taken !== true) this.#refusals += 1;
    return taken === true;
  }

  /** The oldest item; waits for one. Undefined once the queue is closed and empty, or when the signal aborts. */
  async take(signal?: AbortSignal): Promise<T | undefined> {
    const entry = this.#shift();
    if (entry) return entry.item;
    if (this.#state === 'closed') return undefined;
    const taken = await this.#consumers.wait(undefined, signal);
    return taken === 'aborted' ? undefined : taken?.item;
  }

  close(): void {
    this.#state = 'closed';
    while (this.#producers.size > 0) this.#producers.settleFirst(false);
    while (this.#consumers.size > 0) this.#consumers.settleFirst(undefined);
  }

  /** Ends when the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const entry = this.#shift() ?? (this.#state === 'closed' ? undefined : await this.#consumers.wait(undefined, undefined));
      if (entry === undefined || entry === 'aborted') return;
      yield entry.item;
    }
  }

  #acceptable({ bytes }: Entry<T>): boolean {
    return this.#state === 'open' && bytes <= this.#options.maxBytes;
  }

  #fits({ bytes }: Entry<T>): boolean {
    return this.depth < this.#options.maxItems && this.#bytes + bytes <= this.#options.maxBytes;
  }

  #makeRoom(entry: Entry<T>): boolean {
    if (this.#options.whenFull === 'drop-oldest') {
      while (!this.#fits(entry)) {
        if (!this.#shift()) return false;
        this.#drops += 1;
      }
    }
    // A newcomer does not overtake producers that wait.
    return this.#producers.size === 0 && this.#fits(entry);
  }

  #put(entry: Entry<T>): void {
    if (this.#consumers.size > 0) {
      this.#consumers.settleFirst(entry);
      return;
    }
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
  }

  #shift(): Entry<T> | undefined {
    const entry = this.#entries[this.#head];
    if (!entry) return undefined;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#entries.length || this.#head === 1024) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    this.#bytes -= entry.bytes;
    this.#admitProducers();
    return entry;
  }

  #admitProducers(): void {
    for (let first = this.#producers.first(); first && this.#fits(first); first = this.#producers.first()) {
      this.#put(first);
      this.#producers.settleFirst(true);
    }
  }
}

interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
}
