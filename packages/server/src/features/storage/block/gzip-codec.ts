import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { BlockCodec } from './block-codec.ts';

const trailerLength = 8;

/** gzip (RFC 1952): behind the header a deflate stream, CRC-32 and length of the raw bytes. */
export function createGzipCodec(level = 1): BlockCodec {
  return {
    name: 'gzip',
    extension: '.csv.gz',
    compress(raw) {
      const deflated = deflateRawSync(raw, { level });
      const payload = Buffer.allocUnsafeSlow(deflated.length + trailerLength);
      deflated.copy(payload);
      payload.writeUInt32LE(crc32(raw), deflated.length);
      payload.writeUInt32LE(raw.length % 0x1_0000_0000, deflated.length + 4);
      return payload;
    },
    decompress(payload) {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const raw = inflateRawSync(bytes.subarray(0, bytes.length - trailerLength));
      if (crc32(raw) !== bytes.readUInt32LE(bytes.length - trailerLength))
        throw new Error('the member is broken: CRC-32 of its rows differs');
      return raw;
    },
  };
}
