import { AppError } from '../../../kernel/errors/app-error.ts';

/** Points and buckets are three numbers each; as doubles none of them loses a bit, and a sum may be infinite, which JSON cannot say. */
type Row = readonly [number, number, number];

const doubleBytes = 8;
export const rowBytes = 3 * doubleBytes;
const relativeBytes = 4;

export function encodeRows<T>(values: readonly T[], rowOf: (value: T) => Row): Buffer {
  const bytes = Buffer.allocUnsafe(rowBytes * values.length);
  let at = 0;
  for (const value of values) for (const number of rowOf(value)) at = bytes.writeDoubleLE(number, at);
  return bytes;
}

/** `badRequest` where the bytes are not so many rows. */
export function decodeRows<T>(bytes: Buffer, { count, toValue }: { readonly count: number; readonly toValue: (row: Row) => T }): T[] {
  assertBytes(bytes, count * rowBytes);
  return Array.from({ length: count }, (_, index) => {
    const at = index * rowBytes;
    return toValue([bytes.readDoubleLE(at), bytes.readDoubleLE(at + doubleBytes), bytes.readDoubleLE(at + 2 * doubleBytes)]);
  });
}

/** Each less than 2^32 behind `from`. */
export function encodeOffsets(offsets: readonly number[], from: number): Buffer {
  const bytes = Buffer.allocUnsafe(relativeBytes * offsets.length);
  let at = 0;
  for (const offset of offsets) at = bytes.writeUInt32LE(offset - from, at);
  return bytes;
}

export function decodeOffsets(bytes: Buffer, from: number): number[] {
  const count = Math.floor(bytes.length / relativeBytes);
  return Array.from({ length: count }, (_, index) => from + bytes.readUInt32LE(relativeBytes * index));
}

function assertBytes(bytes: Buffer, length: number): void {
  if (bytes.length !== length) throw new AppError('badRequest', `${bytes.length} bytes came with numbers that have ${length}.`);
}
