import { crc32 } from 'node:zlib';
import type { BlockCodec } from '../../src/features/storage/block/block-codec.ts';
import { createCodec } from '../../src/features/storage/block/create-codec.ts';
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
  readonly codec?: BlockCodec;
  readonly flagsOf?: (rows: MemberRows) => number;
}

const maxZstdBlockBytes = 128 * 1024;
/** As `none` is to gzip: zstd frames whose rows stand in the file as they are, and so does what they embed. */
export const rawZstdCodec: BlockCodec = {
  ...createCodec('zstd'),
  compress: (raw) => {
    // Magic, then: one segment, and its length in 4 bytes.
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
    header.writeUInt32LE(raw.length, 5);
    const pieces = [header];
    for (let at = 0; at === 0 || at < raw.length; at += maxZstdBlockBytes) {
      const piece = raw.subarray(at, at + maxZstdBlockBytes);
      const blockHeader = Buffer.alloc(3);
      blockHeader.writeUIntLE((piece.length << 3) | (at + piece.length === raw.length ? 1 : 0), 0, 3);
      pieces.push(blockHeader, Buffer.from(piece));
    }
    return Buffer.concat(pieces);
  },
};

/** The product's codecs, and one more whose rows can embed what they like. */
export const codecsUnderTest: readonly (readonly [string, BlockCodec])[] = [
  ['gzip', createCodec('gzip')],
  ['none', createCodec('none')],
  ['zstd', createCodec('zstd')],
  ['zstd, raw', rawZstdCodec],
];

/** A part whose members are cut as told, byte for byte as the product writes them. Arrival times count the members. */
export function buildPart(
  name: string,
  blocks: PartRows,
  { codec = createCodec('gzip'), flagsOf = () => 0 }: BuildOptions = {},
): BuiltPart {
  const nonce = partNonce(name);
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
      buffers.push(encodeMemberHeader(header, nonce, codec.container), payload);
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
