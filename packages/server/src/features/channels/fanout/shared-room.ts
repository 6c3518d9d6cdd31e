import type { Clock } from '../../../kernel/time/clock.ts';
import type { ChannelOutput } from './channel-output.ts';
import type { SlabRoom } from './output-ring.ts';
import type { SlabBudget } from './slab-budget.ts';

interface SharedRoomOptions {
  readonly budget: SlabBudget;
  readonly outputs: () => Iterable<ChannelOutput>;
  /** Nothing is left but what writes hold: one that does not end must be ended. Its memory comes back later. */
  readonly cutLongestWrite: () => void;
  readonly clock: Clock;
}

/** A channel with a single slab that got nothing for so long gives it up before any other. */
const idleMs = 1000;

/**
 * The slabs of all outputs. Where the budget has none left, channels that got a few packets and then nothing give theirs up,
 * the longest idle first; then the channel with the most slabs gives up its oldest one. So neither one channel nor a thousand
 * garbage ones live at the cost of the others.
 */
export class SharedRoom implements SlabRoom {
  readonly #options: SharedRoomOptions;
  #units = 0;

  constructor(options: SharedRoomOptions) {
    this.#options = options;
  }

  get units(): number {
    return this.#units;
  }

  acquire(units: number): boolean {
    let taken = 0;
    while (taken < units && this.#acquireOne()) taken += 1;
    this.#units += taken;
    if (taken === units) return true;
    this.release(taken);
    this.#options.cutLongestWrite();
    return false;
  }

  release(units: number): void {
    this.#units -= units;
    for (let left = units; left > 0; left -= 1) this.#options.budget.release();
  }

  #acquireOne(): boolean {
    do {
      if (this.#options.budget.acquire()) return true;
    } while (this.giveUpOne());
    return false;
  }

  /** False where no output can free anything at once. */
  giveUpOne(): boolean {
    const before = this.#units;
    for (const output of this.#options.outputs()) output.forgetBatches();
    while (this.#units === before) {
      const victim = this.#victim();
      if (victim === undefined) return false;
      victim.dropOldest();
    }
    return true;
  }

  #victim(): ChannelOutput | undefined {
    const idleSince = this.#options.clock.monotonic() - idleMs;
    let largest: ChannelOutput | undefined;
    let idle: ChannelOutput | undefined;
    for (const output of this.#options.outputs()) {
      if (output.units > (largest?.units ?? 0)) largest = output;
      if (output.units === 1 && output.lastArrival < (idle?.lastArrival ?? idleSince)) idle = output;
    }
    return idle ?? largest;
  }
}
