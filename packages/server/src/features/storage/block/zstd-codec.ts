import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BlockCodec } from './block-codec.ts';
import { resized } from './own-memory.ts';

const { ZSTD_c_checksumFlag, ZSTD_c_compressionLevel } = constants;
const maxCheapLevel = 3;

/** zstd (RFC 8878): behind the header, itself a skippable frame, one frame with the length and a checksum of the raw bytes. */
export function createZstdCodec(level: number): BlockCodec {
  const params = { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 };
  return {
    name: 'zstd',
    level,
    container: 'zstd',
    threadBytes: level > maxCheapLevel ? 8 * 1024 : 32 * 1024,
    compress(raw) {
      const chunkSize = Math.max(Buffer.poolSize, raw.length);
      return resized(zstdCompressSync(raw, { params, pledgedSrcSize: raw.length, chunkSize }), { extra: 0, chunkSize });
    },
    decompress: (payload) => zstdDecompressSync(payload),
  };
}
