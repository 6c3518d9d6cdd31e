import type { SlabBudget } from '../../src/features/channels/fanout/slab-budget.ts';
import type { FanoutMeter } from '../../src/features/channels/fanout-metrics.ts';

export interface CountedBudget extends SlabBudget {
  readonly used: number;
}

/** So many slabs and no more. */
export function countedBudget(slabs: number): CountedBudget {
  let used = 0;
  return {
    get used() {
      return used;
    },
    acquire: () => {
      if (used >= slabs) return false;
      used += 1;
      return true;
    },
    release: () => {
      used -= 1;
      if (used < 0) throw new Error('A slab was released that was not acquired.');
    },
  };
}

export const silentFanoutMeter: FanoutMeter = {
  delivered: () => {},
  dropped: () => {},
  refused: () => {},
  sessionEnded: () => {},
  handshakeFailed: () => {},
  watch: () => {},
};
