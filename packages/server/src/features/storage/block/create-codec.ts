import type { BlockCodec, CodecName } from './block-codec.ts';
import { createGzipCodec, noneCodec } from './gzip-codec.ts';
import { createZstdCodec } from './zstd-codec.ts';

/** How hard members are compressed, 1 (fastest) to 9. What was written at one level is read at any. */
export interface CodecLevels {
  readonly gzip: number;
  readonly zstd: number;
}

export type BlockCodecs = Readonly<Record<CodecName, BlockCodec>>;

export function createCodec(name: CodecName, level = 1): BlockCodec {
  switch (name) {
    case 'gzip':
      return createGzipCodec(level);
    case 'zstd':
      return createZstdCodec(level);
    case 'none':
      return noneCodec;
  }
}

export const createCodecs = ({ gzip, zstd }: CodecLevels): BlockCodecs => ({
  gzip: createCodec('gzip', gzip),
  zstd: createCodec('zstd', zstd),
  none: createCodec('none'),
});
