/** `order`: packets that wait for their turn. `replay`: what was delivered and may be asked for again. */
export type SlabUse = 'order' | 'replay';

interface SlabBudgetOptions {
  /** All slabs together; rounded down to whole ones. */
  readonly maxBytes: number;
  readonly slabBytes?: number;
}

const defaultSlabBytes = 256 * 1024;
/** Free slabs that are kept for the next use; they count as allocated, never beyond the budget. */
const maxSpares = 16;

/**
 * The payload memory of all channels, given out in slabs. Every bound of the channels counts slabs: a slice of a thin packet pins the whole
 * memory that it lies in, so bytes of payload would say little.
 *
 * Replay may have three quarters, so that order always finds a quarter: what waits leaves within the reorder timeout, what is kept for
 * replay does not. Never waits: who gets nothing gives something up.
 */
export class SlabBudget {
  readonly slabBytes: number;
  readonly maxSlabs: number;
  readonly #spares: Uint8Array[] = [];
  readonly #slabs = { order: 0, replay: 0 };

  constructor({ maxBytes, slabBytes = defaultSlabBytes }: SlabBudgetOptions) {
    this.slabBytes = slabBytes;
    this.maxSlabs = Math.floor(maxBytes / slabBytes);
  }

  /** Slabs that are held; larger ones count as often as they fill one. */
  held(use: SlabUse): number {
    return this.#slabs[use];
  }

  /** Slabs in memory: held ones and spares. Never more than `maxSlabs`. */
  get allocated(): number {
    return this.#total() + this.#spares.length;
  }

  /** Less than a sixteenth is left. Packets that wait hold three sixteenths or more then, and soon leave: sources are not read until then. */
  get isShort(): boolean {
    return this.#total() > (this.maxSlabs * 15) / 16;
  }

  /** Memory for at least `bytes`, a multiple of `slabBytes`, with any content; undefined where the budget has no room for it. */
  acquire(use: SlabUse, bytes: number = this.slabBytes): Uint8Array | undefined {
    const slabs = Math.max(1, Math.ceil(bytes / this.slabBytes));
    if (!this.#reserve(use, slabs)) return undefined;
    const spare = slabs === 1 ? this.#spares.pop() : undefined;
    if (spare) return spare;
    this.#forgetSpares();
    return Buffer.allocUnsafeSlow(slabs * this.slabBytes);
  }

  /** One slab more, of memory that the caller makes; false where the budget has no room for it. */
  take(use: SlabUse): boolean {
    if (!this.#reserve(use, 1)) return false;
    this.#forgetSpares();
    return true;
  }

  /** For what `take` counted. */
  give(use: SlabUse): void {
    this.#slabs[use] -= 1;
  }

  /** For what `acquire` gave. `reuse`: nobody reads it any more; `forget`: a write of it may still be on its way. */
  release(use: SlabUse, slab: Uint8Array, then: 'reuse' | 'forget' = 'reuse'): void {
    this.#slabs[use] -= slab.length / this.slabBytes;
    if (then === 'reuse' && slab.length === this.slabBytes && this.#spares.length < maxSpares) this.#spares.push(slab);
  }

  #reserve(use: SlabUse, slabs: number): boolean {
    if (this.#total() + slabs > this.maxSlabs) return false;
    if (use === 'replay' && (this.#slabs.replay + slabs) * 4 > this.maxSlabs * 3) return false;
    this.#slabs[use] += slabs;
    return true;
  }

  /** Spares count too. */
  #forgetSpares(): void {
    while (this.allocated > this.maxSlabs) this.#spares.pop();
  }

  #total(): number {
    return this.#slabs.order + this.#slabs.replay;
  }
}
