import { type FileHandle, open } from 'node:fs/promises';
import { measureOpen, measureSealed, type PartDamage, type PartExtent } from './part-extent.ts';
import { lostInTails, tornTailsOf } from './torn-tail.ts';

interface InspectedPart {
  /** Also what was lost in tails that recovery cut off. */
  readonly damage: readonly PartDamage[];
  readonly goodRows: number;
  /** What recovery would cut off, without what it would count as damage. */
  readonly torn: { readonly offset: number; readonly length: number } | undefined;
}

/** What recovery would find in a part that is not sealed; nothing is changed. */
export async function inspectPart(path: string, nonce: Buffer): Promise<InspectedPart> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const { kept, lost } = await inspectOpenPart(file, { path, nonce, size });
  const damage = [...kept.damage, ...(lost ? [lost] : await lostInTails(await tornTailsOf(path), kept, nonce))];
  const offset = kept.length + (lost?.length ?? 0);
  return { damage, goodRows: kept.summary.goodRows, torn: offset < size ? { offset, length: size - offset } : undefined };
}

/** What is bad in a part below its sealed length, and behind it where recovery cut something off. A part that is shorter is damaged at its end. */
export async function inspectSealedPart(
  path: string,
  { nonce, length }: { nonce: Buffer; length: number },
): Promise<Pick<InspectedPart, 'damage' | 'goodRows'>> {
  await using file = await open(path, 'r');
  const sealed = await measureSealed(file, { nonce, limit: length });
  const damage = [...sealed.damage, ...(await lostInTails(await tornTailsOf(path), sealed, nonce))];
  return { damage, goodRows: sealed.summary.goodRows };
}

/** A part that was recovered before keeps at least what it had then, be that less than a whole block. */
export async function inspectOpenPart(
  file: FileHandle,
  { path, nonce, size }: { path: string; nonce: Buffer; size: number },
): Promise<{ kept: PartExtent; lost: PartDamage | undefined }> {
  const recoveredLength = Math.max(0, ...(await tornTailsOf(path)).map(({ offset }) => offset));
  const open = await measureOpen(file, { nonce, limit: size });
  if (open.kept.length >= recoveredLength) return open;
  return { kept: await measureSealed(file, { nonce, limit: recoveredLength }), lost: undefined };
}
