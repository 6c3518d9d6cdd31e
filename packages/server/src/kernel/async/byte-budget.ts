/** Bounds what requests may hold in memory together, in bytes and in number. Never waits: who gets nothing is refused. */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #maxItems: number;
  #bytes = 0;
  #items = 0;

  constructor({ maxBytes, maxItems }: { maxBytes: number; maxItems: number }) {
    this.#maxBytes = maxBytes;
    this.#maxItems = maxItems;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get items(): number {
    return this.#items;
  }

  /** True: taken, to be given back by `release`. An empty budget takes anything, so nothing is refused for ever. */
  reserve(bytes: number, items: number): boolean {
    const fits = this.#bytes + bytes <= this.#maxBytes && this.#items + items <= this.#maxItems;
    if (!fits && this.#bytes + this.#items > 0) return false;
    this.#bytes += bytes;
    this.#items += items;
    return true;
  }

  release(bytes: number, items: number): void {
    this.#bytes -= bytes;
    this.#items -= items;
  }
}

/** What one holder, such as a request, has reserved of the bytes of a budget. */
export class Reservation {
  readonly #budget: ByteBudget;
  #reserved = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** False: there is no room, and what it has stays. */
  growTo(bytes: number): boolean {
    if (bytes <= this.#reserved) return true;
    if (!this.#budget.reserve(bytes - this.#reserved, 0)) return false;
    this.#reserved = bytes;
    return true;
  }

  readonly release = (): void => {
    this.#budget.release(this.#reserved, 0);
    this.#reserved = 0;
  };
}
