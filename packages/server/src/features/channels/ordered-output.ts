/**
 * Where the order of one channel goes: the calls of a channel come one after the other, in the order of delivery.
 * Within an epoch the numbers rise strictly; `gap` names what will never come, `epoch` begins again at any number.
 * Calls are synchronous and never wait for a viewer.
 */
export interface OrderedOutput {
  /** The packet `sequence`. Its payload is `bytes` from `start` to `end`, to be copied before the call returns. */
  data(sequence: number, bytes: Uint8Array, start: number, end: number): void;
  /** The numbers `from` to `to`, both included, are passed over. */
  gap(from: number, to: number, reason: GapReason): void;
  /** A new count begins; its first number is `next`. Epochs of a channel count from 1, the first one is told too. */
  epoch(epoch: number, next: number): void;
}

/** `timeout`: waited for too long; `window`: too many numbers or bytes waited behind it. */
export type GapReason = 'timeout' | 'window';

/** Opens the output of a channel at its first packet. */
export type OpenOutput = (channel: string) => OrderedOutput;
