import type { FileHandle } from 'node:fs/promises';
import { beginsHeader, headerLength, type MemberHeader, memberFlag } from '../block/member-header.ts';
import { FileWindow } from './file-window.ts';
import { addStep, emptySummary, type PartSummary } from './part-summary.ts';
import { type PartPosition, partStart, type WalkOptions, type WalkStep, walkPart } from './part-walk.ts';

/** Bytes whose rows are lost; `rows` is undefined where no header tells how many. */
export interface PartDamage {
  readonly offset: number;
  readonly length: number;
  readonly rows: number | undefined;
}

/** What stands in a part up to a length. */
export interface PartExtent {
  readonly length: number;
  readonly summary: PartSummary;
  readonly damage: readonly PartDamage[];
  /** What the walk of the bytes behind begins with. */
  readonly position: PartPosition;
}

interface OpenEnd {
  readonly kept: PartExtent;
  /** At the beginning of what is not kept: may have been acknowledged. */
  readonly lost: PartDamage | undefined;
}

const chunkBytes = 256 * 1024;

const startOf = (position: PartPosition): PartExtent => ({ length: 0, summary: emptySummary, damage: [], position });

/** Below a sealed length everything is kept, and what is bad or missing is damage. */
export async function measureSealed(file: FileHandle, options: WalkOptions): Promise<PartExtent> {
  let extent = startOf(options.after ?? partStart);
  for await (const step of walkPart(file, options)) extent = extend(extent, step);
  return extent;
}

/**
 * What is to be kept of bytes that were not sealed: all but a torn last block, or bytes that cannot be read and have nothing behind.
 * A block is whole where the member that ends it has an intact header and all its bytes, be they bad or good.
 */
export async function measureOpen(file: FileHandle, options: WalkOptions): Promise<OpenEnd> {
  let whole = startOf(options.after ?? partStart);
  let kept = whole;
  /** Behind the last whole block. */
  let tail: WalkStep[] = [];
  for await (const step of walkPart(file, options)) {
    whole = extend(whole, step);
    tail.push(step);
    if (!endsBlock(step)) continue;
    kept = whole;
    tail = [];
  }
  const end = await endOfRows(file, tail);
  return { kept: tail.slice(0, end.index).reduce(extend, kept), lost: end.lost && damageOf(end.lost) };
}

/**
 * Where the rows end that may have been acknowledged, as index into the steps behind the last whole block.
 * A source appends one block at a time, so only the last can be torn. A header that is gone may have ended a block:
 * then what stands before it was acknowledged, and it was itself.
 */
async function endOfRows(file: FileHandle, tail: readonly WalkStep[]): Promise<{ index: number; lost: WalkStep | undefined }> {
  const last = tail.at(-1);
  if (last?.type === 'unreadable' && last.lostRows === undefined && !(await isTorn(file, last))) {
    return { index: tail.length - 1, lost: last };
  }
  const hole = tail.findLastIndex((step, index) => step.type === 'unreadable' && index < tail.length - 1);
  return { index: Math.max(0, hole), lost: tail[hole] };
}

/** Whether a torn write explains the bytes: they begin as a header does, and where that is not whole, nothing or zeros follow. */
async function isTorn(file: FileHandle, { offset, length }: WalkStep & { type: 'unreadable' }): Promise<boolean> {
  const window = new FileWindow(file, offset + length);
  for (let at = headerLength; at < length; at += chunkBytes) {
    if ((await window.read(offset + at, chunkBytes)).some((byte) => byte !== 0)) return false;
  }
  const start = await window.read(offset, headerLength);
  return beginsHeader(start.subarray(0, start.findLastIndex((byte) => byte !== 0) + 1));
}

function extend(extent: PartExtent, step: WalkStep): PartExtent {
  const { position, summary, damage } = extent;
  return {
    length: step.offset + lengthOf(step),
    summary: addStep(summary, step),
    damage: step.type === 'good' ? damage : [...damage, damageOf(step)],
    position: step.type === 'unreadable' ? { ...position, rows: position.rows + (step.lostRows ?? 0) } : positionBehind(step.header),
  };
}

const positionBehind = ({ sequence, rowsBefore, rows }: MemberHeader): PartPosition => ({
  nextSequence: sequence + 1,
  rows: rowsBefore + rows,
});

const endsBlock = (step: WalkStep): boolean => step.type !== 'unreadable' && (step.header.flags & memberFlag.end) !== 0;

const damageOf = (step: WalkStep): PartDamage => ({
  offset: step.offset,
  length: lengthOf(step),
  rows: step.type === 'unreadable' ? step.lostRows : step.header.rows,
});

const lengthOf = (step: WalkStep): number => (step.type === 'good' ? step.header.memberLength : step.length);
