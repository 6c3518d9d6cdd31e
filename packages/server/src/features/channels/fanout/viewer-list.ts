/** Items in an array, so that walking through all of them is cheap; a place is given up by the last item moving in. */
export class ViewerList<T extends object> {
  readonly #items: T[] = [];
  readonly #indexes = new Map<T, number>();

  #version = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Another one after each item that comes or goes: halves are others then. */
  get version(): number {
    return this.#version;
  }

  add(item: T): void {
    this.#version += 1;
    this.#indexes.set(item, this.#items.length);
    this.#items.push(item);
  }

  delete(item: T): void {
    const index = this.#indexes.get(item);
    if (index === undefined) return;
    this.#version += 1;
    this.#indexes.delete(item);
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[index] = last;
    this.#indexes.set(last, index);
  }

  /** The visited one may be deleted meanwhile, and no other. */
  forEach(visit: (item: T) => void): void {
    this.#visit(0, this.#items.length, visit);
  }

  /** Half of the items; the two calls visit all of them, as long as none is added or deleted in between. */
  forEachOfHalf(half: 'first' | 'second', visit: (item: T) => void): void {
    if (half === 'first') this.#visit(0, this.#middle, visit);
    else this.#visit(this.#middle, this.#items.length, visit);
  }

  ofHalf(half: 'first' | 'second'): readonly T[] {
    return half === 'first' ? this.#items.slice(0, this.#middle) : this.#items.slice(this.#middle);
  }

  get #middle(): number {
    return this.#items.length >>> 1;
  }

  /** Backwards, for the deletion. */
  #visit(from: number, to: number, visit: (item: T) => void): void {
    for (let index = to - 1; index >= from; index -= 1) {
      const item = this.#items[index];
      if (item !== undefined) visit(item);
    }
  }

  list(): readonly T[] {
    return [...this.#items];
  }
}
