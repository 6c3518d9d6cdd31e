import { crc32 } from 'node:zlib';
import { createGzipCodec } from '../../src/features/storage/block/gzip-codec.ts';
import { encodeMemberHeader, headerLength, type MemberHeader, memberFlag } from '../../src/features/storage/block/member-header.ts';
import type { EncodedBlock } from '../../src/features/storage/part-encoder.ts';
import { partNonce } from '../../src/features/storage/part-name.ts';

/** Rows of a member; members of a block; blocks of a part. */
type MemberRows = readonly (string | Buffer)[];
export type PartRows = readonly (readonly MemberRows[])[];

export interface BuiltMember {
  readonly offset: number;
  readonly header: MemberHeader;
  readonly rows: MemberRows;
}

export interface BuiltPart {
  readonly name: string;
  readonly nonce: Buffer;
  readonly bytes: Buffer;
  readonly members: readonly BuiltMember[];
  /** Rows that were written. */
  readonly rows: number;
}

interface BuildOptions {
  /** 0 keeps the rows as they are in the file, so that what they embed stands there literally. */
  readonly level?: number;
  readonly flagsOf?: (rows: MemberRows) => number;
}

/** A part whose members are cut as told, byte for byte as the product writes them. Arrival times count the members. */
export function buildPart(name: string, blocks: PartRows, { level = 1, flagsOf = () => 0 }: BuildOptions = {}): BuiltPart {
  const nonce = partNonce(name);
  const codec = createGzipCodec(level);
  const members: BuiltMember[] = [];
  const buffers: Buffer[] = [];
  let offset = 0;
  let rowsBefore = 0;
  for (const block of blocks) {
    for (const [index, rows] of block.entries()) {
      const raw = Buffer.concat(rows.map((row) => Buffer.from(row)));
      const payload = codec.compress(raw);
      const header: MemberHeader = {
        flags: (index === block.length - 1 ? memberFlag.end : 0) | flagsOf(rows),
        sequence: members.length,
        memberLength: headerLength + payload.length,
        rows: rows.length,
        rawLength: raw.length,
        payloadCrc: crc32(payload),
        rowsBefore,
        firstAt: 1_000 + members.length,
        lastAt: 2_000 + members.length,
      };
      members.push({ offset, header, rows });
      buffers.push(encodeMemberHeader(header, nonce), payload);
      offset += header.memberLength;
      rowsBefore += rows.length;
    }
  }
  return { name, nonce, bytes: Buffer.concat(buffers), members, rows: rowsBefore };
}

/** The bytes as one append would send them. */
export const blockOf = (bytes: Buffer, rows = 1): EncodedBlock => ({
  buffers: [bytes],
  length: bytes.length,
  checksum: crc32(bytes),
  rows,
  rawLength: bytes.length,
  firstAt: 1,
  lastAt: 2,
});
