import type { EpochHistory } from './epoch-history.ts';
import type { StreamFrame } from './stream-frame.ts';

interface Stand {
  readonly epoch: number;
  readonly next: number;
}

interface Missed {
  /** What the viewer expected, and what it gets now. */
  readonly from: Stand;
  readonly to: Stand;
  readonly reason: number;
}

/** What a viewer is told that is moved on: a gap for each epoch it missed something of, and the epochs that began meanwhile. */
export function missedFrames(history: EpochHistory, { from, to, reason }: Missed): readonly StreamFrame[] {
  if (from.epoch === to.epoch) return gap(from, to.next - 1, reason);
  const frames = [...gap(from, (history.find(from.epoch)?.next ?? from.next) - 1, reason)];
  for (const { epoch, first, next } of history.between(from.epoch, to.epoch)) {
    frames.push({ type: 'epoch', epoch, next: first });
    frames.push(...gap({ epoch, next: first }, (epoch === to.epoch ? to.next : next) - 1, reason));
  }
  return frames;
}

function gap({ epoch, next }: Stand, to: number, reason: number): readonly StreamFrame[] {
  return to < next ? [] : [{ type: 'gap', epoch, from: next, to, reason }];
}
