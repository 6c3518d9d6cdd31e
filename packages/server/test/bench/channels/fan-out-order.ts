import type { OrderedOutput } from '../../../src/features/channels/ordered-output.ts';

/** What brings packets that arrive in any order into the order of an output. */
export interface PacketOrder {
  packet(sequence: number, payload: Buffer): void;
}

/** Packets that are in order already. */
export const alreadyOrdered = (output: OrderedOutput): PacketOrder => ({
  packet: (sequence, payload) => output.data(sequence, payload, 0, payload.length),
});

/** The order that shuffled packets go through; undefined: the figures of shuffled packets are left out. */
export const reordering: ((output: OrderedOutput) => PacketOrder) | undefined = undefined;
