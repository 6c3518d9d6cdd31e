import type { StreamFrame } from './stream-frame.ts';

/**
 * `frame=v1`: type u8, epoch u64, number u64, length u32, then so many bytes; big-endian.
 *
 * | type | number | bytes |
 * | --- | --- | --- |
 * | 0 hello | next number | none |
 * | 1 data | number | the payload |
 * | 2 gap | first number | last number u64, reason u8 |
 * | 3 epoch | next number | none |
 * | 4 bye | next number | the code, as ASCII |
 */
export const v1HeaderBytes = 21;
export const v1Types = { hello: 0, data: 1, gap: 2, epoch: 3, bye: 4 } as const;
export const v1GapBytes = 9;

const twoTo32 = 2 ** 32;

/** Head, and what follows it. Numbers up to 2^53 - 1. */
export function encodeV1(frame: StreamFrame): readonly Uint8Array[] {
  switch (frame.type) {
    case 'hello':
    case 'epoch':
      return [head(frame, frame.next, 0)];
    case 'data':
      return [head(frame, frame.sequence, frame.payload.length), frame.payload];
    case 'gap': {
      const range = Buffer.allocUnsafe(v1GapBytes);
      writeNumber(range, frame.to, 0);
      range[8] = frame.reason;
      return [head(frame, frame.from, v1GapBytes), range];
    }
    case 'bye': {
      const code = Buffer.from(frame.code, 'ascii');
      return [head(frame, frame.next, code.length), code];
    }
  }
}

function head({ type, epoch }: Pick<StreamFrame, 'type' | 'epoch'>, number: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(v1HeaderBytes);
  bytes[0] = v1Types[type];
  writeNumber(bytes, epoch, 1);
  writeNumber(bytes, number, 9);
  bytes.writeUInt32BE(length, 17);
  return bytes;
}

/** A u64 without a BigInt. */
export function writeNumber(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / twoTo32), at);
  bytes.writeUInt32BE(value % twoTo32, at + 4);
}

/** NaN for a u64 over 2^53 - 1. */
export function readNumber(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32BE(at) * twoTo32 + bytes.readUInt32BE(at + 4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
