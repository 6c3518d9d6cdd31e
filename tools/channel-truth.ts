import { planChannel, slotsOf } from '../packages/server/src/features/channels/simulator/channel-plan.ts';
import { createPayloads, sequenceOfPayload } from '../packages/server/src/features/channels/simulator/payloads.ts';
import { planOf, type StreamOptions } from '../packages/server/src/features/channels/simulator/source-stream.ts';

interface WatchedPackets {
  readonly packets: number;
  /** Number of the first one; -1 without any. */
  readonly first: number;
}

/** The plan is made from its begin on, up to the first number. */
const maxNumber = 100_000;

/**
 * What a viewer received of a channel against what the made-up source sent of it: from the number at which the viewer joined, every one in
 * order, byte for byte. The stream may have ended within a shuffled block; then the truth is what had been sent of it. Throws where they differ.
 */
export function compareWithSource(channel: string, received: Buffer, stream: StreamOptions): WatchedPackets {
  const { bytes } = stream.payload;
  const packets = received.length / bytes;
  if (!Number.isInteger(packets)) throw new Error(`${channel}: ${received.length} bytes are no whole packets of ${bytes} bytes`);
  if (packets === 0) return { packets, first: -1 };
  const first = sequenceOfPayload(received.subarray(0, bytes));
  if (first > maxNumber) throw new Error(`${channel}: begins with number ${first}, which is never reached`);
  const payload = createPayloads(channel, stream.payload);
  for (const [index, sequence] of sentFrom(channel, { stream, first, packets }).entries()) {
    const at = index * bytes;
    if (!received.subarray(at, at + bytes).equals(payload(sequence)))
      throw new Error(`${channel}: packet ${index + 1} of ${packets} should be number ${sequence}, from ${first} on`);
  }
  return { packets, first };
}

interface Sent {
  readonly stream: StreamOptions;
  readonly first: number;
  readonly packets: number;
}

/** The numbers from `first` on that were sent until there were so many of them, in order. */
function sentFrom(channel: string, { stream, first, packets }: Sent): number[] {
  const numbers = new Set<number>();
  // A first number that was never sent would make this endless.
  let slotsLeft = first + 2 * packets + 2 * stream.plan.reorderWindow;
  for (const slot of slotsOf(planChannel(planOf(channel, stream)))) {
    for (const number of slot) if (number >= first) numbers.add(number);
    slotsLeft -= 1;
    if (numbers.size >= packets || slotsLeft <= 0) break;
  }
  return [...numbers].toSorted((one, other) => one - other).slice(0, packets);
}
