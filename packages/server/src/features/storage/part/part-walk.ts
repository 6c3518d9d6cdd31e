import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  announcedHeaderLength,
  beginsHeader,
  type DecodedHeader,
  decodeMemberHeader,
  headerLength,
  type MemberHeader,
  nonceOffset,
} from '../block/member-header.ts';
import { FileWindow } from './file-window.ts';

/** What a walk meets, in file order, without gaps: the steps cover every byte up to the limit. */
export type WalkStep =
  /** A member whose header and payload are as written. */
  | { readonly type: 'good'; readonly offset: number; readonly header: MemberHeader; readonly headerLength: number }
  /** The header is as written, the payload is not. `length`: the bytes it takes in the file as it is. */
  | { readonly type: 'bad'; readonly offset: number; readonly length: number; readonly header: MemberHeader }
  /**
   * Bytes that hold no intact header of this part, or a last member that the limit cuts.
   * `lostRows`: what that member's header, or the next intact one, proves to be missing.
   */
  | { readonly type: 'unreadable'; readonly offset: number; readonly length: number; readonly lostRows: number | undefined };

export interface WalkOptions {
  readonly nonce: Buffer;
  /** Bytes of the file that belong to the part. */
  readonly limit: number;
  /** What lies before the file's first byte, where the file is a cut-off tail. */
  readonly after?: PartPosition;
}

export interface PartPosition {
  readonly nextSequence: number;
  readonly rows: number;
}

export const partStart: PartPosition = { nextSequence: 0, rows: 0 };

/**
 * Walks a part from header to header up to `limit` bytes and verifies every checksum, without inflating.
 * Behind a broken header or payload the file is searched for the next header of this part (its nonce, a higher sequence);
 * a member with a broken payload is passed by its length where none stands before.
 */
export async function* walkPart(file: FileHandle, { nonce, limit, after = partStart }: WalkOptions): AsyncGenerator<WalkStep> {
  const window = new FileWindow(file, limit);
  let offset = 0;
  let { nextSequence, rows } = after;
  while (offset < limit) {
    const found = await headerAt(window, { offset, nonce, nextSequence });
    if (!found) {
      const behind = await searchHeader(window, { from: offset + 1, nonce, nextSequence });
      const next = behind === undefined ? undefined : await headerAt(window, { offset: behind, nonce, nextSequence });
      const lostRows = next && Math.max(0, next.header.rowsBefore - rows);
      yield { type: 'unreadable', offset, length: (behind ?? limit) - offset, lostRows };
      rows += lostRows ?? 0;
      offset = behind ?? limit;
      continue;
    }
    const { header } = found;
    // An intact header may still miss rows before it: a member that was cut out of the file.
    if (header.rowsBefore > rows) yield { type: 'unreadable', offset, length: 0, lostRows: header.rowsBefore - rows };
    rows = header.rowsBefore + header.rows;
    nextSequence = header.sequence + 1;
    const end = offset + header.memberLength;
    const payload = await window.read(offset + found.length, header.memberLength - found.length);
    if (end <= limit && payload.length === header.memberLength - found.length && crc32(payload) === header.payloadCrc) {
      yield { type: 'good', offset, header, headerLength: found.length };
      offset = end;
      continue;
    }
    // Where bytes are missing inside this member, the next one stands before the end that the length tells.
    const behind = await searchHeader(window, { from: offset + found.length, nonce, nextSequence });
    const next = Math.min(behind ?? end, end, limit);
    if (behind === undefined && end > limit) yield { type: 'unreadable', offset, length: next - offset, lostRows: header.rows };
    else yield { type: 'bad', offset, length: next - offset, header };
    offset = next;
  }
}

interface HeaderQuery {
  readonly offset: number;
  readonly nonce: Buffer;
  readonly nextSequence: number;
}

async function headerAt(window: FileWindow, { offset, nonce, nextSequence }: HeaderQuery): Promise<DecodedHeader | undefined> {
  const start = await window.read(offset, headerLength);
  if (start.length < headerLength || !beginsHeader(start)) return undefined;
  const length = announcedHeaderLength(start);
  const found = decodeMemberHeader(length <= start.length ? start : await window.read(offset, length), nonce);
  return found && found.header.sequence >= nextSequence ? found : undefined;
}

/** By the nonce: it is random, and the same in the headers of every codec. */
async function searchHeader(
  window: FileWindow,
  { from, nonce, nextSequence }: { from: number; nonce: Buffer; nextSequence: number },
): Promise<number | undefined> {
  for (let at = await window.indexOf(nonce, from + nonceOffset); at !== undefined; at = await window.indexOf(nonce, at + 1)) {
    const offset = at - nonceOffset;
    if (await headerAt(window, { offset, nonce, nextSequence })) return offset;
  }
  return undefined;
}
