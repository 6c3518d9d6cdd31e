import type { Held } from './batch.ts';
import type { SlabRoom } from './output-ring.ts';
import { slabBytes } from './slab-budget.ts';

/** Bytes that were encoded for framed viewers, of all channels together, counted in whole slabs of the budget. */
export class EncodedMemory {
  readonly #room: SlabRoom;
  #bytes = 0;
  #units = 0;

  constructor(room: SlabRoom) {
    this.#room = room;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Counts until everyone who held it has let it go. Undefined where there is no room. */
  take(bytes: number): Held | undefined {
    const more = Math.ceil((this.#bytes + bytes) / slabBytes) - this.#units;
    if (more > 0 && !this.#room.acquire(more)) return undefined;
    this.#units += Math.max(0, more);
    this.#bytes += bytes;
    let holders = 0;
    return {
      hold: () => {
        holders += 1;
      },
      letGo: () => {
        holders -= 1;
        if (holders === 0) this.#free(bytes);
      },
    };
  }

  #free(bytes: number): void {
    this.#bytes -= bytes;
    const units = Math.ceil(this.#bytes / slabBytes);
    if (units < this.#units) this.#room.release(this.#units - units);
    this.#units = units;
  }
}
