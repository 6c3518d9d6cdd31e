import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { BlockCodec } from './block-codec.ts';
import { resized } from './own-memory.ts';

const trailerLength = 8;
const maxCheapLevel = 3;

/** gzip (RFC 1952): behind the header a deflate stream, CRC-32 and length of the raw bytes. */
export function createGzipCodec(level: number): BlockCodec {
  return {
    name: 'gzip',
    level,
    container: 'gzip',
    threadBytes: level > maxCheapLevel ? 8 * 1024 : 16 * 1024,
    compress(raw) {
      // One chunk takes it all, but for what does not get smaller; it is none of the pool.
      const chunkSize = Math.max(Buffer.poolSize, raw.length);
      const payload = resized(deflateRawSync(raw, { level, chunkSize }), { extra: trailerLength, chunkSize });
      writeTrailer(payload, raw);
      return payload;
    },
    decompress: inflatePayload,
  };
}

const maxStoredBytes = 0xffff;
const storedHeaderLength = 5;

/** gzip whose deflate stream is stored blocks (RFC 1951, 3.2.4): the rows as they are, for hardly more than a copy. */
export const noneCodec: BlockCodec = {
  name: 'none',
  level: 0,
  container: 'gzip',
  threadBytes: Number.POSITIVE_INFINITY,
  compress(raw) {
    const blocks = Math.max(1, Math.ceil(raw.length / maxStoredBytes));
    const payload = Buffer.allocUnsafeSlow(raw.length + blocks * storedHeaderLength + trailerLength);
    let at = 0;
    for (let block = 0; block < blocks; block += 1) {
      const stored = raw.subarray(block * maxStoredBytes, (block + 1) * maxStoredBytes);
      payload[at] = block === blocks - 1 ? 1 : 0;
      payload.writeUInt16LE(stored.length, at + 1);
      payload.writeUInt16LE(stored.length ^ 0xffff, at + 3);
      payload.set(stored, at + storedHeaderLength);
      at += storedHeaderLength + stored.length;
    }
    writeTrailer(payload, raw);
    return payload;
  },
  decompress: inflatePayload,
};

function writeTrailer(payload: Buffer, raw: Uint8Array): void {
  payload.writeUInt32LE(crc32(raw), payload.length - trailerLength);
  payload.writeUInt32LE(raw.length % 0x1_0000_0000, payload.length - 4);
}

function inflatePayload(payload: Uint8Array): Buffer {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const raw = inflateRawSync(bytes.subarray(0, bytes.length - trailerLength));
  if (crc32(raw) !== bytes.readUInt32LE(bytes.length - trailerLength)) throw new Error('the member is broken: CRC-32 of its rows differs');
  return raw;
}
