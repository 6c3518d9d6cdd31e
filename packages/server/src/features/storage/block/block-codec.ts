import type { MemberContainer } from './member-header.ts';

/**
 * How a member's rows are stored. A codec turns raw rows into the bytes behind a member header and back;
 * header, sequence and checks are the same for all codecs (member-header.ts).
 */
export interface BlockCodec {
  readonly name: CodecName;
  /** 1 (fastest) to 9; 0 where there is nothing to choose. */
  readonly level: number;
  readonly container: MemberContainer;
  /** From so many bytes on the way to a thread and back costs less than compressing at once. */
  readonly threadBytes: number;
  /** The bytes behind the header. CPU-bound; callers decide on which thread. */
  compress(raw: Uint8Array): Buffer;
  /** The raw rows of the bytes behind the header. Throws where they are broken. */
  decompress(payload: Uint8Array): Buffer;
}

/** `none`: gzip that is not compressed, so that every tool that reads gzip reads it. */
export const codecNames = ['gzip', 'zstd', 'none'] as const;
export type CodecName = (typeof codecNames)[number];

/** The format of part files and staged objects, for whoever reads them whole. */
export const containerOf = (codec: CodecName): MemberContainer => (codec === 'zstd' ? 'zstd' : 'gzip');

/** Suffix of part files and staged objects. */
export const extensionOf = (codec: CodecName): string => (containerOf(codec) === 'zstd' ? '.csv.zst' : '.csv.gz');
