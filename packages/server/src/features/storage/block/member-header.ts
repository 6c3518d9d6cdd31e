import { crc32 } from 'node:zlib';

/**
 * The header of one member. In the container `gzip` it is that of a gzip member (RFC 1952) with Sluice's subfield `SL` in
 * FEXTRA; in `zstd` it is a skippable frame (RFC 8878, 3.1.2), which every reader of zstd passes over. Both have the same
 * length and, from offset 10 on, the same fields.
 *
 * All numbers little-endian; offsets from the start of the member:
 * ```
 *  0  gzip: magic 1f 8b 08 04, mtime 0 (4), xfl 0, os 255
 *     zstd: magic 53 2a 4d 18, length of what follows u32 (= XLEN + 4), 0 (2)
 * 10  XLEN u16; 12 'S' 'L'; 14 length of SL u16 (= 60)
 * 16  format version u8 (1) | 17 flags u8 | 18 reserved u16 (0)
 * 20  nonce of the part (8 bytes)
 * 28  sequence of the member in the part u32, from 0
 * 32  member length u32, this header and the trailer included
 * 36  rows u32 | 40 raw length u32 | 44 CRC-32 of all bytes behind the header u32
 * 48  rows in the part before this member u64
 * 56  first arrival u64 ms | 64 last arrival u64 ms
 * 72  CRC-32 of the header without this field u32
 * 76  further subfields (a sidecar's data), up to XLEN
 * ```
 */
export interface MemberHeader {
  readonly flags: number;
  readonly sequence: number;
  readonly memberLength: number;
  readonly rows: number;
  readonly rawLength: number;
  readonly payloadCrc: number;
  readonly rowsBefore: number;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export const memberFlag = {
  /** Last member of its block. */
  end: 1,
  /** A piece of a row that goes on in the next member. */
  continued: 2,
  /** No rows: data in a further subfield. */
  sidecar: 4,
  /** Some row holds bytes that are no UTF-8. */
  invalidUtf8: 8,
  /** Some row holds U+0000. */
  nul: 16,
} as const;

export const headerLength = 76;
export const nonceLength = 8;
/** Above this a length field is not believed. One row of the largest limit stays far below. */
export const maxMemberLength = 64 * 1024 * 1024;

const formatVersion = 1;
const subfieldLength = headerLength - 16;
/** Where the nonce stands in a header. */
export const nonceOffset = 20;
const crcOffset = 72;
const prefixLength = 10;
const magics = { gzip: Buffer.from([0x1f, 0x8b, 8, 4]), zstd: Buffer.from([0x53, 0x2a, 0x4d, 0x18]) } as const;

/** What stands around header and payload, and so which tools read them. */
export type MemberContainer = keyof typeof magics;

export function encodeMemberHeader(header: MemberHeader, nonce: Buffer, container: MemberContainer): Buffer {
  const bytes = Buffer.alloc(headerLength);
  prefixOf(container, headerLength).copy(bytes);
  bytes.writeUInt16LE(subfieldLength + 4, 10);
  bytes.write('SL', 12, 'latin1');
  bytes.writeUInt16LE(subfieldLength, 14);
  bytes[16] = formatVersion;
  bytes[17] = header.flags;
  nonce.copy(bytes, nonceOffset, 0, nonceLength);
  bytes.writeUInt32LE(header.sequence, 28);
  bytes.writeUInt32LE(header.memberLength, 32);
  bytes.writeUInt32LE(header.rows, 36);
  bytes.writeUInt32LE(header.rawLength, 40);
  bytes.writeUInt32LE(header.payloadCrc, 44);
  writeUInt64(bytes, header.rowsBefore, 48);
  writeUInt64(bytes, header.firstAt, 56);
  writeUInt64(bytes, header.lastAt, 64);
  bytes.writeUInt32LE(headerCrc(bytes, headerLength), crcOffset);
  return bytes;
}

export interface DecodedHeader {
  readonly header: MemberHeader;
  /** Bytes before the compressed payload. */
  readonly length: number;
}

/**
 * Decodes the header at the start of `bytes`. Undefined where it is cut, broken, of another format or of another part:
 * the CRC keeps chance out, the nonce keeps out what a client stored.
 */
export function decodeMemberHeader(bytes: Buffer, nonce: Buffer): DecodedHeader | undefined {
  if (bytes.length < headerLength || !beginsHeader(bytes)) return undefined;
  if (bytes[12] !== 0x53 || bytes[13] !== 0x4c || bytes.readUInt16LE(14) !== subfieldLength || bytes[16] !== formatVersion)
    return undefined;
  const length = announcedHeaderLength(bytes);
  if (length < headerLength || bytes.length < length) return undefined;
  if (!bytes.subarray(nonceOffset, nonceOffset + nonceLength).equals(nonce) || bytes.readUInt32LE(crcOffset) !== headerCrc(bytes, length))
    return undefined;
  const memberLength = bytes.readUInt32LE(32);
  if (memberLength < length || memberLength > maxMemberLength) return undefined;
  const header: MemberHeader = {
    flags: bytes.readUInt8(17),
    sequence: bytes.readUInt32LE(28),
    memberLength,
    rows: bytes.readUInt32LE(36),
    rawLength: bytes.readUInt32LE(40),
    payloadCrc: bytes.readUInt32LE(44),
    rowsBefore: readUInt64(bytes, 48),
    firstAt: readUInt64(bytes, 56),
    lastAt: readUInt64(bytes, 64),
  };
  return { header, length };
}

/** Whether `bytes`, however few, begin as a header does, of whatever part. */
export function beginsHeader(bytes: Buffer): boolean {
  const length = bytes.length < prefixLength + 2 ? headerLength : announcedHeaderLength(bytes);
  const start = bytes.subarray(0, prefixLength);
  return (['gzip', 'zstd'] as const).some((container) => start.equals(prefixOf(container, length).subarray(0, start.length)));
}

/** How many bytes a header needs that starts with `bytes` (at least 12 of them). */
export const announcedHeaderLength = (bytes: Buffer): number => 12 + bytes.readUInt16LE(10);

function prefixOf(container: MemberContainer, length: number): Buffer {
  const prefix = Buffer.alloc(prefixLength);
  magics[container].copy(prefix);
  if (container === 'zstd') prefix.writeUInt32LE(length - 8, 4);
  else prefix[9] = 255;
  return prefix;
}

function headerCrc(bytes: Buffer, length: number): number {
  return crc32(bytes.subarray(crcOffset + 4, length), crc32(bytes.subarray(0, crcOffset)));
}

function writeUInt64(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value % 0x1_0000_0000, offset);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
}

const readUInt64 = (bytes: Buffer, offset: number): number => bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 0x1_0000_0000;
