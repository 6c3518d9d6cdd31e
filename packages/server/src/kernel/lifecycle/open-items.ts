interface Place<T> {
  readonly item: T;
  index: number;
}

/**
 * Items that come and go all the time, in no order: requests that are served.
 *
 * Not a `Set`: V8 gives one that changes a new table now and then, and the old table refers to the new one. Once a single old table has
 * reached the old generation, everything that is ever in the set survives until the next full collection (80 MB of requests, measured).
 */
export class OpenItems<T> {
  readonly #places: Place<T>[] = [];

  get size(): number {
    return this.#places.length;
  }

  /** Returns what takes the item out; to be called once. */
  add(item: T): () => void {
    const place = { item, index: this.#places.length };
    this.#places.push(place);
    return () => {
      const last = this.#places.pop();
      if (last === undefined || last === place) return;
      this.#places[place.index] = last;
      last.index = place.index;
    };
  }

  /** Those of now: a copy, which later changes leave alone. */
  list(): readonly T[] {
    return this.#places.map(({ item }) => item);
  }
}
