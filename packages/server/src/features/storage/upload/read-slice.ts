import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type BlockCodec, extensionOf } from '../block/block-codec.ts';
import { encodeMemberHeader, headerLength, type MemberHeader, memberFlag } from '../block/member-header.ts';
import { addStep, emptySummary } from '../part/part-summary.ts';
import { walkPart } from '../part/part-walk.ts';
import { partNonce } from '../part-name.ts';
import { addFigures, type Figures, figuresOf, zeroFigures } from '../state/figures.ts';
import type { SealedPart, Slice } from '../state/slice.ts';
import { sliceFolder } from '../state/storage-keys.ts';
import { importableText } from './importable-text.ts';
import { type PartRange, reencodeParts } from './reencode-parts.ts';

interface ReadSliceOptions {
  readonly slice: Slice & { readonly parts: readonly SealedPart[] };
  readonly volumePath: string;
  /** Of the slice. */
  readonly codec: BlockCodec;
  readonly nulInText: boolean;
  /** Slices of small blocks are encoded anew, in large ones. */
  readonly reencode: boolean;
}

/** Above this mean the better compression is not worth its CPU time. */
const smallBlockRawBytes = 4096;

export interface SliceReading {
  /** Parts whose files are gone: their rows are not among the figures. */
  readonly missingParts: number;
  /** Of the good members. */
  readonly figures: Figures;
  /** Path of the file that is the whole upload as it stands, if one is. */
  readonly wholeFile: string | undefined;
  /** Rows of that file. */
  readonly wholeFileRows: number;
  /**
   * The bytes to upload: good members only, texts that the target cannot hold rewritten.
   * `onSent` hears the rows of what was taken.
   */
  content(onSent: (rows: number) => void): AsyncIterable<Uint8Array>;
}

/** Consecutive good bytes of a part that are uploaded as they are, or one member that has to be rewritten. */
interface Piece {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly rows: number;
  readonly rewrite: { readonly header: MemberHeader; readonly headerLength: number; readonly nonce: Buffer } | undefined;
}

/** Walks and verifies the slice's sealed parts and says what is to be uploaded. Memory: a few bytes for each damaged or rewritten member. */
export async function readSlice({ slice, volumePath, codec, nulInText, reencode }: ReadSliceOptions): Promise<SliceReading> {
  const folder = join(volumePath, sliceFolder(slice));
  const pieces: Piece[] = [];
  const ranges: PartRange[] = [];
  let figures = zeroFigures;
  let members = 0;
  let missingParts = 0;
  let wholeFile: string | undefined;
  for (const part of slice.parts) {
    const path = join(folder, part.name + extensionOf(codec.name));
    const read = await readPart(path, part, nulInText);
    if (read.members > 0) ranges.push({ path, nonce: partNonce(part.name), length: part.length });
    members += read.members;
    if (read.isMissing) missingParts += 1;
    for (const piece of read.pieces) pieces.push(piece);
    figures = addFigures(figures, read.figures);
    wholeFile = read.isWhole && slice.parts.length === 1 ? path : undefined;
  }
  if (reencode && members > 1 && figures.rawBytes / members < smallBlockRawBytes) {
    const rows = figures.goodRows;
    const content = (onSent: (rows: number) => void) => reencodeParts(ranges, { codec, nulInText, rows, onSent });
    return { missingParts, figures, wholeFile: undefined, wholeFileRows: 0, content };
  }
  const wholeFileRows = wholeFile === undefined ? 0 : pieces.reduce((sum, { rows }) => sum + rows, 0);
  return { missingParts, figures, wholeFile, wholeFileRows, content: (onSent) => contentOf(pieces, { codec, nulInText, onSent }) };
}

interface PartReading {
  readonly pieces: Piece[];
  readonly figures: Figures;
  readonly members: number;
  readonly isWhole: boolean;
  readonly isMissing: boolean;
}

async function readPart(path: string, part: SealedPart, nulInText: boolean): Promise<PartReading> {
  const file = await openIfThere(path);
  if (!file) return { pieces: [], figures: zeroFigures, members: 0, isWhole: false, isMissing: true };
  await using handle = file;
  const nonce = partNonce(part.name);
  const pieces: Piece[] = [];
  let summary = emptySummary;
  for await (const step of walkPart(handle, { nonce, limit: part.length })) {
    summary = addStep(summary, step);
    if (step.type !== 'good') continue;
    const { offset, header } = step;
    if (needsRewrite(header, nulInText)) {
      pieces.push({
        path,
        offset,
        length: header.memberLength,
        rows: header.rows,
        rewrite: { header, headerLength: step.headerLength, nonce },
      });
      continue;
    }
    const last = pieces.at(-1);
    if (last && !last.rewrite && last.offset + last.length === offset)
      pieces[pieces.length - 1] = { ...last, length: last.length + header.memberLength, rows: last.rows + header.rows };
    else pieces.push({ path, offset, length: header.memberLength, rows: header.rows, rewrite: undefined });
  }
  const [first] = pieces;
  const isWhole = pieces.length === 1 && first?.rewrite === undefined && first?.length === (await handle.stat()).size;
  return { pieces, figures: figuresOf(summary), members: summary.goodMembers, isWhole, isMissing: false };
}

/** A part that is gone is damage, reported by the row count, and no reason to keep the other parts from the table. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

const needsRewrite = ({ flags }: MemberHeader, nulInText: boolean): boolean =>
  (flags & memberFlag.invalidUtf8) !== 0 || (!nulInText && (flags & memberFlag.nul) !== 0);

interface Rewriting {
  readonly codec: BlockCodec;
  readonly nulInText: boolean;
}

interface Sending extends Rewriting {
  readonly onSent: (rows: number) => void;
}

async function* contentOf(pieces: readonly Piece[], { onSent, ...rewriting }: Sending): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    const chunks = createReadStream(piece.path, { start: piece.offset, end: piece.offset + piece.length - 1 });
    if (!piece.rewrite) yield* chunks;
    else yield rewriteMember(Buffer.concat(await Array.fromAsync(chunks)), piece.rewrite, rewriting);
    onSent(piece.rows);
  }
}

function rewriteMember(member: Buffer, rewrite: NonNullable<Piece['rewrite']>, { codec, nulInText }: Rewriting): Buffer {
  const raw = importableText(codec.decompress(member.subarray(rewrite.headerLength)), nulInText);
  const payload = codec.compress(raw);
  const header = {
    ...rewrite.header,
    flags: rewrite.header.flags & ~(memberFlag.invalidUtf8 | memberFlag.nul),
    memberLength: headerLength + payload.length,
    rawLength: raw.length,
    payloadCrc: crc32(payload),
  };
  return Buffer.concat([encodeMemberHeader(header, rewrite.nonce, codec.container), payload]);
}
