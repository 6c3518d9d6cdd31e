import type { GapReason } from '../ordered-output.ts';

/** Hears of what is rare. Calls are synchronous. */
export interface OrderObserver {
  /** A packet has waited that long for its turn. */
  waited(ms: number): void;
  gap(from: number, to: number, reason: GapReason): void;
  epoch(epoch: number, next: number): void;
}
