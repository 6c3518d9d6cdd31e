/**
 * How a member's rows are stored. A codec turns raw rows into the bytes behind a member header and back;
 * header, sequence and checks are the same for all codecs (member-header.ts).
 */
export interface BlockCodec {
  readonly name: CodecName;
  /** Suffix of part files and staged objects. */
  readonly extension: string;
  /** The bytes behind the header. CPU-bound; callers decide on which thread. */
  compress(raw: Uint8Array): Buffer;
  /** The raw rows of the bytes behind the header. Throws where they are broken. */
  decompress(payload: Uint8Array): Buffer;
}

export type CodecName = 'gzip';
