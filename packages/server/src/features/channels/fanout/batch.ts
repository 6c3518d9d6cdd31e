import type { DeliveredRange } from '../session-account.ts';

/** What needs memory until a write has ended. */
export interface Held {
  hold(): void;
  letGo(): void;
}

/** Entries of an output that go out in one write, made once for all viewers that stand at `from`. */
export interface Batch {
  /** May be empty: marks that the form leaves out. */
  readonly bytes: Buffer;
  /** Entries `from` to `to`, the latter not included. */
  readonly from: number;
  readonly to: number;
  /** Bytes of payload and packets of the channel before `to`. */
  readonly toByte: number;
  readonly toPacket: number;
  /** Epoch and number behind the last entry. */
  readonly toEpoch: number;
  readonly toNext: number;
  /** Its packets; undefined where there is none. Of one epoch. */
  readonly range: DeliveredRange | undefined;
  readonly memory: Held;
}
