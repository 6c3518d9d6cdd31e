import type { Packet } from '../order/packet.ts';

/** The header of a frame: prefix, channel, sequence, length of the payload. Numbers are big-endian. */
export const prefixBytes = 5;
const channelBytes = 6;
export const headerBytes = 23;
export const channelAt = 5;
export const sequenceAt = 11;
export const lengthAt = 19;

/** The frame that a parser has just read; one object for all frames of a parser. */
export class Frame implements Packet {
  /** The six bytes of the channel as a number. */
  channelId = 0;
  sequence = 0;
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  arrivedAt = 0;
}

/** The text of a channel id without the zeros and blanks behind it. What is no plain word is written as twelve hexadecimal digits. */
export function channelNameOf(channelId: number): string {
  const bytes = new Uint8Array(channelBytes);
  for (let at = channelBytes - 1, rest = channelId; at >= 0; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  const end = bytes.findLastIndex((byte) => byte !== 0 && byte !== blank) + 1;
  const word = bytes.subarray(0, end);
  if (end > 0 && word.every((byte) => byte > blank && byte < 0x7f)) return Buffer.from(word).toString('latin1');
  return Buffer.from(bytes.fill(0, end)).toString('hex');
}

const blank = 0x20;

interface FrameContent {
  /** `prefixBytes` long. */
  readonly prefix: Uint8Array;
  /** At most `channelBytes` of ASCII. */
  readonly channel: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export function encodeFrame({ prefix, channel, sequence, payload }: FrameContent): Buffer {
  const frame = Buffer.alloc(headerBytes + payload.length);
  frame.set(prefix, 0);
  frame.write(channel.slice(0, channelBytes), channelAt, 'latin1');
  frame.writeBigUInt64BE(BigInt(sequence), sequenceAt);
  frame.writeUInt32BE(payload.length, lengthAt);
  frame.set(payload, headerBytes);
  return frame;
}
