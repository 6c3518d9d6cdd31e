import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsyncDirectory } from '../../../kernel/folder/durable-file.ts';
import { headerLength, memberFlag } from '../block/member-header.ts';
import { addStep, emptySummary, type PartSummary } from './part-summary.ts';
import { type PartPosition, partStart, type WalkStep, walkPart } from './part-walk.ts';

export interface RecoveredPart {
  /** Bytes up to the end of the last good block: the part's length from now on. */
  readonly length: number;
  readonly summary: PartSummary;
  /** Bytes that were cut off and kept beside the part as `*.torn`. */
  readonly tornBytes: number;
}

/**
 * Recovers a part that was not sealed when its writer died: makes what is there durable, keeps everything up to the last
 * good member that ends a block, and cuts the rest off. The rest is a torn write that nobody was promised, unless it is a
 * whole block whose bytes are bad: then its rows count as damaged.
 */
export async function recoverPart(path: string, nonce: Buffer): Promise<RecoveredPart> {
  await using file = await open(path, 'r+');
  await file.sync();
  await fsyncDirectory(dirname(path));
  const { size } = await file.stat();
  const kept = await findLastGoodBlock(walkPart(file, { nonce, limit: size }));
  if (kept.length < size) await cutTail(file, { path, from: kept.length, size });
  // From the file beside the part, so that a second recovery, which finds nothing to cut, counts the same.
  const lost = await damageInTail(`${path}.torn`, nonce, kept.position);
  const summary = {
    ...kept.summary,
    damagedRows: kept.summary.damagedRows + lost.rows,
    unknownDamage: kept.summary.unknownDamage || lost.unknown,
  };
  return { length: kept.length, summary, tornBytes: size - kept.length };
}

/** Summary of a part below its sealed length, where everything bad is damage. */
export async function summarizePart(path: string, { nonce, length }: { nonce: Buffer; length: number }): Promise<PartSummary> {
  await using file = await open(path, 'r');
  let summary = emptySummary;
  for await (const step of walkPart(file, { nonce, limit: length })) summary = addStep(summary, step);
  return summary;
}

interface KeptPart {
  readonly length: number;
  readonly summary: PartSummary;
  readonly position: PartPosition;
}

async function findLastGoodBlock(steps: AsyncIterable<WalkStep>): Promise<KeptPart> {
  let kept: KeptPart = { length: 0, summary: emptySummary, position: partStart };
  let running = emptySummary;
  for await (const step of steps) {
    running = addStep(running, step);
    if (step.type === 'good' && stepEndsBlock(step)) {
      const { header, offset } = step;
      const position = { nextSequence: header.sequence + 1, rows: header.rowsBefore + header.rows };
      kept = { length: offset + header.memberLength, summary: running, position };
    }
  }
  return kept;
}

/**
 * Rows of whole blocks in a cut-off tail: up to the last bad member that ends a block. What follows was torn;
 * but where no header is left of it, it may have been a whole block too.
 */
async function damageInTail(path: string, nonce: Buffer, after: PartPosition): Promise<{ rows: number; unknown: boolean }> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return { rows: 0, unknown: false };
  await using tail = file;
  const steps = await Array.fromAsync(walkPart(tail, { nonce, limit: (await tail.stat()).size, after }));
  const lost = lostSteps(steps);
  return {
    rows: lost.reduce((sum, step) => sum + (step.type === 'unreadable' ? (step.lostRows ?? 0) : step.header.rows), 0),
    unknown: (await isHeaderless(tail, steps.at(-1))) || lost.some((step) => step.type === 'unreadable' && step.lostRows === undefined),
  };
}

/** The steps behind the last good block that are whole blocks, and so may have been acknowledged. */
export const lostSteps = (tail: readonly WalkStep[]): readonly WalkStep[] =>
  tail.slice(0, tail.findLastIndex((step) => step.type === 'bad' && stepEndsBlock(step)) + 1);

/**
 * Whether a tail ends with bytes that a torn write does not explain: it begins with a header, and where that is not
 * whole, nothing or zeros follow.
 */
export async function isHeaderless(tail: FileHandle, last: WalkStep | undefined): Promise<boolean> {
  if (last?.type !== 'unreadable' || last.lostRows !== undefined || last.length <= headerLength) return false;
  for await (const chunk of tail.createReadStream({ start: last.offset + headerLength, autoClose: false })) {
    if (Buffer.from(chunk).some((byte) => byte !== 0)) return true;
  }
  return false;
}

export const stepEndsBlock = (step: Exclude<WalkStep, { type: 'unreadable' }>): boolean => (step.header.flags & memberFlag.end) !== 0;

async function cutTail(file: FileHandle, { path, from, size }: { path: string; from: number; size: number }): Promise<void> {
  const temporary = `${path}.torn.tmp`;
  {
    await using torn = await open(temporary, 'w', 0o640);
    const chunk = Buffer.allocUnsafe(256 * 1024);
    for (let offset = from; offset < size; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - offset), offset);
      if (bytesRead === 0) break;
      await torn.writeFile(chunk.subarray(0, bytesRead));
      offset += bytesRead;
    }
    await torn.sync();
  }
  await rename(temporary, `${path}.torn`);
  await fsyncDirectory(dirname(path));
  await file.truncate(from);
  await file.sync();
}
