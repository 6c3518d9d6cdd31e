import type { ChannelOutput } from './channel-output.ts';
import type { Place } from './output-ring.ts';
import { gapReasons, type StreamFrame } from './stream-frame.ts';

/** Where a viewer asks to begin; `from` of the handshake. */
export type StartRequest =
  | { readonly at: 'live' }
  /** Behind what it has: the first number that it lacks. Without an epoch: of the present one. */
  | { readonly at: 'number'; readonly epoch: number | undefined; readonly sequence: number }
  | { readonly at: 'ago'; readonly ms: number };

export interface Start {
  readonly place: Place;
  /** Hello, and at most one gap. */
  readonly frames: readonly StreamFrame[];
  /** Numbers of the epoch of `place` below it are not sent: the viewer has them. */
  readonly skipBelow: number;
}

/** Numbers that lie further ahead than this are of another count: the viewer asks for what another service gave it. */
const maxAhead = 4096;

/** Undefined: the channel has no packet yet, and what was asked for can only be judged by the first one. */
export function startAt(request: StartRequest, output: ChannelOutput, now: number): Start | undefined {
  switch (request.at) {
    case 'live':
      return begin(output.end);
    case 'ago':
      return output.epochNumber === 0 ? undefined : begin(output.placeSince(now - request.ms));
    case 'number':
      return output.epochNumber === 0 ? undefined : resume(request, output);
  }
}

/**
 * Behind the number where the ring has all since then, also where the epoch began behind it. Otherwise one gap of all that was
 * missed, and the live end.
 */
function resume({ epoch, sequence }: Extract<StartRequest, { at: 'number' }>, output: ChannelOutput): Start {
  const { end } = output;
  const { first } = output.epochs.current ?? { first: end.next };
  if ((epoch !== undefined && epoch !== end.epoch) || sequence > end.next + maxAhead)
    return begin(end, { from: first, reason: gapReasons.epoch });
  if (sequence >= end.next) return { ...begin({ ...end, next: sequence }), skipBelow: sequence };
  const place = output.placeAt(end.epoch, sequence);
  if (place.next <= sequence) return begin({ ...place, next: sequence });
  return begin(place.next === first ? place : end, { from: sequence, reason: gapReasons.replay });
}

interface Missed {
  readonly from: number;
  readonly reason: number;
}

function begin(place: Place, missed?: Missed): Start {
  const { epoch, next } = place;
  if (missed === undefined || missed.from >= next) return { place, frames: [{ type: 'hello', epoch, next }], skipBelow: 0 };
  return {
    place,
    frames: [
      { type: 'hello', epoch, next: missed.from },
      { type: 'gap', epoch, from: missed.from, to: next - 1, reason: missed.reason },
    ],
    skipBelow: 0,
  };
}
