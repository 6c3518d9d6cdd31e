import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsyncDirectory } from '../../../kernel/folder/durable-file.ts';
import { inspectOpenPart } from './inspect-part.ts';
import { measureSealed } from './part-extent.ts';
import type { PartSummary } from './part-summary.ts';
import { cutTail, lostInTails, tornTailsOf } from './torn-tail.ts';

export interface RecoveredPart {
  /** The part's length from now on. */
  readonly length: number;
  /** Of what is kept, and of what was lost behind it. */
  readonly summary: PartSummary;
  /** Bytes that were cut off and are kept beside the part. */
  readonly tornBytes: number;
}

/**
 * Recovers a part that was not sealed when its writer died: makes what is there durable and cuts off what `part-extent.ts` does
 * not keep. May be cut off anywhere and repeated: what was kept once is never judged as a tear later, and what a tail lost is
 * read from the file beside the part each time.
 */
export async function recoverPart(path: string, nonce: Buffer): Promise<RecoveredPart> {
  await using file = await open(path, 'r+');
  await file.sync();
  await fsyncDirectory(dirname(path));
  const { size } = await file.stat();
  const { kept } = await inspectOpenPart(file, { path, nonce, size });
  const { length } = kept;
  if (length < size) await cutTail(file, { path, from: length, size });
  let { summary } = kept;
  for (const { rows } of await lostInTails(await tornTailsOf(path), kept, nonce)) {
    summary = { ...summary, damagedRows: summary.damagedRows + (rows ?? 0), unknownDamage: summary.unknownDamage || rows === undefined };
  }
  return { length, summary, tornBytes: Math.max(0, size - length) };
}

/** Summary of a part below its sealed length, where everything bad is damage. */
export async function summarizePart(path: string, { nonce, length }: { nonce: Buffer; length: number }): Promise<PartSummary> {
  await using file = await open(path, 'r');
  return (await measureSealed(file, { nonce, limit: length })).summary;
}
