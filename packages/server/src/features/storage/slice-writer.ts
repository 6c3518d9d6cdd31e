import type { CodecName } from './block/block-codec.ts';
import type { EncodedBlock } from './part-encoder.ts';

/**
 * The append protocol (record path 4): from a source to the writer that owns the slice's volume.
 * In one process the writer is called directly; the cluster's transport implements the same interface.
 */
export interface SliceWriter {
  /** Repeating a call with the same part, offset and block is safe at any time. Once it has answered, the block is the caller's again. */
  append(request: AppendRequest): Promise<AppendResult>;
}

export interface AppendRequest {
  /** Text of the slice key. */
  readonly slice: string;
  /** Name of the part (part-name.ts). */
  readonly part: string;
  readonly offset: number;
  readonly block: EncodedBlock;
  readonly sinkVersion: number;
  readonly codec: CodecName;
}

export type AppendResult =
  /** The block and the way to it are durable, or written where the slice's sync mode asks for no more: offset + length <= watermark. */
  | { readonly type: 'durable'; readonly watermark: number }
  /** The slice takes nothing more and the block is not in it; the successor takes it. */
  | { readonly type: 'sealed'; readonly sealedLength: number }
  /** The offset lies beyond the part's end. The part is finished for the source. */
  | { readonly type: 'gap'; readonly watermark: number }
  /** The offset holds other bytes. The part is finished; a bug, alarmed. */
  | { readonly type: 'conflict' }
  /** The slice has another sink version or codec. Nothing was stored. */
  | { readonly type: 'mismatch'; readonly sinkVersion: number; readonly codec: CodecName }
  /** This writer does not have the slice (yet, or any more). Nothing was stored. */
  | { readonly type: 'unknownSlice' }
  /** The volume has no room. Nothing was stored. */
  | { readonly type: 'full'; readonly retryAfterSeconds?: number }
  /** The write or sync failed and the part takes no more appends. Stored or not: only known if not `inDoubt`. */
  | { readonly type: 'failed'; readonly inDoubt: boolean; readonly reason: string };
