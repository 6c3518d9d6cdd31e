import { crc32 } from 'node:zlib';
import type { BlockCodec } from './block/block-codec.ts';
import type { Compressor } from './block/compressor.ts';
import { encodeMemberHeader, headerLength, memberFlag } from './block/member-header.ts';
import { partNonce } from './part-name.ts';

/** A rendered row on its way into a block. */
export interface BlockRow {
  readonly bytes: Buffer;
  readonly invalidUtf8: boolean;
  readonly nul: boolean;
  /** Arrival, milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** Rows committed together: the bytes that one append writes. */
export interface EncodedBlock {
  readonly buffers: readonly Buffer[];
  readonly length: number;
  /** CRC-32 of all bytes; with offset and length it tells a repeat from a conflict. */
  readonly checksum: number;
  readonly rows: number;
  readonly rawLength: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A block takes rows until it holds this much, or one row. */
export const maxBlockRawBytes = 1024 * 1024;
/** A member is cut at the row boundary behind this much. */
const memberRawBytes = 256 * 1024;

/**
 * Encodes the blocks of one part, in order. Sequence and row count advance with every call, so a block that was encoded
 * but not stored ends the part: the caller opens the next one.
 */
export class PartEncoder {
  readonly #nonce: Buffer;
  readonly #codec: BlockCodec;
  readonly #compressor: Compressor;
  #sequence = 0;
  #rowsBefore = 0;

  constructor(partName: string, { codec, compressor }: { codec: BlockCodec; compressor: Compressor }) {
    this.#nonce = partNonce(partName);
    this.#codec = codec;
    this.#compressor = compressor;
  }

  /** Copies the rows before it returns. `rows` must not be empty, and hold at most `maxBlockRawBytes` together or be one row. */
  async encode(rows: readonly BlockRow[]): Promise<EncodedBlock> {
    const members = cutMembers(rows);
    const raws = members.map((member) => Buffer.concat(member.map((row) => row.bytes)));
    const rawLengths = raws.map((raw) => raw.length);
    const payloads = await Promise.all(raws.map((raw) => this.#compressor.compress(this.#codec, raw)));
    const buffers: Buffer[] = [];
    for (const [index, member] of members.entries()) {
      const payload = payloads[index];
      const rawLength = rawLengths[index];
      if (payload && rawLength !== undefined) {
        buffers.push(this.#header(member, { rawLength, payload, last: index === members.length - 1 }), payload);
      }
    }
    // The rows themselves may have been given back meanwhile.
    const rawLength = rawLengths.reduce((sum, length) => sum + length, 0);
    return { buffers, ...writtenFigures(buffers), rows: rows.length, rawLength, ...arrivals(rows) };
  }

  #header(rows: readonly BlockRow[], { rawLength, payload, last }: { rawLength: number; payload: Buffer; last: boolean }): Buffer {
    const { firstAt, lastAt } = arrivals(rows);
    let flags = last ? memberFlag.end : 0;
    if (rows.some((row) => row.invalidUtf8)) flags |= memberFlag.invalidUtf8;
    if (rows.some((row) => row.nul)) flags |= memberFlag.nul;
    const header = {
      flags,
      sequence: this.#sequence,
      memberLength: headerLength + payload.length,
      rows: rows.length,
      rawLength,
      payloadCrc: crc32(payload),
      rowsBefore: this.#rowsBefore,
      firstAt,
      lastAt,
    };
    this.#sequence += 1;
    this.#rowsBefore += rows.length;
    return encodeMemberHeader(header, this.#nonce, this.#codec.container);
  }
}

/** How many items from the front of a queue make the next block. */
export function nextBlockRows<T>(queue: readonly T[], rawBytesOf: (item: T) => number): number {
  let bytes = 0;
  let count = 0;
  for (const item of queue) {
    bytes += rawBytesOf(item);
    if (count > 0 && bytes > maxBlockRawBytes) break;
    count += 1;
  }
  return count;
}

function cutMembers(rows: readonly BlockRow[]): BlockRow[][] {
  const members: BlockRow[][] = [];
  let member: BlockRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (bytes >= memberRawBytes) {
      members.push(member);
      member = [];
      bytes = 0;
    }
    member.push(row);
    bytes += row.bytes.length;
  }
  members.push(member);
  return members;
}

function writtenFigures(buffers: readonly Buffer[]): Pick<EncodedBlock, 'length' | 'checksum'> {
  let length = 0;
  let checksum = 0;
  for (const buffer of buffers) {
    length += buffer.length;
    checksum = crc32(buffer, checksum);
  }
  return { length, checksum };
}

function arrivals(rows: readonly BlockRow[]): { firstAt: number; lastAt: number } {
  let firstAt = Number.POSITIVE_INFINITY;
  let lastAt = 0;
  for (const { receivedAt } of rows) {
    if (receivedAt < firstAt) firstAt = receivedAt;
    if (receivedAt > lastAt) lastAt = receivedAt;
  }
  return { firstAt, lastAt };
}
