import { open } from 'node:fs/promises';
import { type WalkStep, walkPart } from './part-walk.ts';
import { isHeaderless, lostSteps, stepEndsBlock } from './recover-part.ts';

/** Bytes whose rows are lost; `rows` is undefined where no header tells how many. */
export interface PartDamage {
  readonly offset: number;
  readonly length: number;
  readonly rows: number | undefined;
}

interface InspectedPart {
  readonly damage: readonly PartDamage[];
  readonly goodRows: number;
  /** What recovery would cut off, without what it would count as damage. */
  readonly torn: { readonly offset: number; readonly length: number } | undefined;
}

/** What recovery would find in a part that is not sealed; nothing is changed. */
export async function inspectPart(path: string, nonce: Buffer): Promise<InspectedPart> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const damage: PartDamage[] = [];
  let goodRows = 0;
  /** Since the last good block. */
  let tail: WalkStep[] = [];
  for await (const step of walkPart(file, { nonce, limit: size })) {
    tail.push(step);
    if (step.type !== 'good' || !stepEndsBlock(step)) continue;
    for (const one of tail) {
      if (one.type === 'good') goodRows += one.header.rows;
      else damage.push(damageOf(one));
    }
    tail = [];
  }
  const lost = lostSteps(tail);
  const last = tail.at(-1);
  damage.push(...lost.map(damageOf));
  const isLastDamaged = last !== undefined && lost.length < tail.length && (await isHeaderless(file, last));
  if (isLastDamaged) damage.push(damageOf(last));
  const torn = tail.slice(lost.length, isLastDamaged ? -1 : undefined);
  const length = torn.reduce((sum, step) => sum + lengthOf(step), 0);
  return { damage, goodRows, torn: torn[0] && length > 0 ? { offset: torn[0].offset, length } : undefined };
}

/** What is bad in a part below its sealed length. A part that is shorter is damaged at its end. */
export async function inspectSealedPart(
  path: string,
  { nonce, length }: { nonce: Buffer; length: number },
): Promise<Pick<InspectedPart, 'damage' | 'goodRows'>> {
  await using file = await open(path, 'r');
  const damage: PartDamage[] = [];
  let goodRows = 0;
  for await (const step of walkPart(file, { nonce, limit: length })) {
    if (step.type === 'good') goodRows += step.header.rows;
    else damage.push(damageOf(step));
  }
  return { damage, goodRows };
}

const damageOf = (step: WalkStep): PartDamage => ({
  offset: step.offset,
  length: lengthOf(step),
  rows: step.type === 'unreadable' ? step.lostRows : step.header.rows,
});

const lengthOf = (step: WalkStep): number => (step.type === 'good' ? step.header.memberLength : step.length);
