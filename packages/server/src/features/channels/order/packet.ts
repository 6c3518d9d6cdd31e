/** A packet of one channel. Its payload is `bytes` from `start` to `end`, and is only lent: who keeps it copies it. */
export interface Packet {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Monotonic milliseconds. */
  readonly arrivedAt: number;
}
