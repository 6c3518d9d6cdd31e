/** Why numbers are passed over, as the frame of a gap says it. */
export const gapReasons = { timeout: 1, window: 2, memory: 3, slow: 4, replay: 5, epoch: 6 } as const;
export type GapReasonName = keyof typeof gapReasons;

/**
 * What a viewer in a framed mode hears, in the order of the channel.
 * `hello`: once, first; `next` is the number that comes first where nothing is missing, 0 in epoch 0 of a channel without a packet.
 * `gap`: the numbers `from` to `to`, both included, never come. `epoch`: numbers begin again at `next`. `bye`: the last one.
 */
export type StreamFrame =
  | { readonly type: 'hello'; readonly epoch: number; readonly next: number }
  | { readonly type: 'data'; readonly epoch: number; readonly sequence: number; readonly payload: Uint8Array }
  | { readonly type: 'gap'; readonly epoch: number; readonly from: number; readonly to: number; readonly reason: number }
  | { readonly type: 'epoch'; readonly epoch: number; readonly next: number }
  | { readonly type: 'bye'; readonly epoch: number; readonly next: number; readonly code: string };

/** Name of a reason on the wire; `unknown` for one of a later version. */
export function gapReasonName(reason: number): GapReasonName | 'unknown' {
  for (const [name, code] of Object.entries(gapReasons)) if (code === reason) return isReason(name) ? name : 'unknown';
  return 'unknown';
}

const isReason = (name: string): name is GapReasonName => name in gapReasons;
