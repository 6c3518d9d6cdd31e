/** What all channels may hold in memory together, counted in slabs. Never waits. */
export interface SlabBudget {
  /** One slab more; false where there is none left. */
  acquire(): boolean;
  /** One slab that was acquired is free again. */
  release(): void;
}

/** Bytes of payload in a slab. */
export const slabBytes = 256 * 1024;
