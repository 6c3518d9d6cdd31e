import { seededNumbers } from '../../../kernel/codec/seeded-numbers.ts';

export interface PayloadOptions {
  readonly seed: number;
  readonly bytes: number;
  /** Sent in pieces of `bytes`, from its begin again after its end. Undefined: made-up bytes. */
  readonly input: Uint8Array | undefined;
}

const transportPacketBytes = 188;
const syncByte = 0x47;
const sequenceAt = 4;
const sequenceBytes = 8;

/** The payload of each packet of a channel: it follows from seed, channel and number alone, so the truth can be made anywhere. */
export function createPayloads(channel: string, { seed, bytes, input }: PayloadOptions): (sequence: number) => Buffer {
  if (input && input.length > 0) {
    const pieces = Math.ceil(input.length / bytes);
    return (sequence) => {
      const from = (sequence % pieces) * bytes;
      return Buffer.from(input.subarray(from, from + bytes));
    };
  }
  const channelSeed = seedOf(channel, seed);
  return (sequence) => {
    const payload = Buffer.alloc(bytes);
    const random = seededNumbers((channelSeed + Math.imul(sequence | 0, 0x9e3779b1)) >>> 0);
    for (let at = 0; at < bytes; at += 4)
      payload.writeUIntBE(Math.floor(random() * 2 ** 32) % 2 ** (8 * Math.min(4, bytes - at)), at, Math.min(4, bytes - at));
    if (bytes >= sequenceAt + sequenceBytes) payload.writeBigUInt64BE(BigInt(sequence), sequenceAt);
    if (bytes % transportPacketBytes === 0) for (let at = 0; at < bytes; at += transportPacketBytes) payload[at] = syncByte;
    return payload;
  };
}

/** The number that a made-up payload of twelve bytes or more is of. */
export const sequenceOfPayload = (payload: Buffer): number => Number(payload.readBigUInt64BE(sequenceAt));

/** Other seeds for other channels (FNV-1a). */
export function seedOf(channel: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const byte of Buffer.from(channel)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
