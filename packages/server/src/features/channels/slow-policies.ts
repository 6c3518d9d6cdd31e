/**
 * What becomes of a viewer that lags by more than the bound: `drop-oldest` leaves out whole packets, `skip-to-live` all that
 * wait, `disconnect` ends it. `pause` is not bounded by the queue but by the replay ring, and ends beyond it.
 */
export const slowPolicies = ['drop-oldest', 'disconnect', 'skip-to-live', 'pause'] as const;
export type SlowPolicy = (typeof slowPolicies)[number];

export interface Lag {
  /** Bytes of payload between the viewer and the newest packet. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** The viewer stands before the oldest packet that is still there. */
  readonly isOutOfRing: boolean;
}

export type SlowVerdict = 'go on' | 'to the bound' | 'to the live end' | 'end';

export function judgeLag(policy: SlowPolicy, { bytes, maxBytes, isOutOfRing }: Lag): SlowVerdict {
  const isOver = bytes > maxBytes || isOutOfRing;
  switch (policy) {
    case 'drop-oldest':
      return isOver ? 'to the bound' : 'go on';
    case 'skip-to-live':
      return isOver ? 'to the live end' : 'go on';
    case 'disconnect':
      return isOver ? 'end' : 'go on';
    case 'pause':
      return isOutOfRing ? 'end' : 'go on';
  }
}
