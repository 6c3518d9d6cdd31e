import { headerLength } from '../../src/features/storage/block/member-header.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { DiskDamage } from './disk-damage.ts';
import { type MixedPart, type PartMember, partUpTo } from './mixed-part.ts';

export interface DamageCase {
  /** As it was before the damage. */
  readonly part: MixedPart;
  readonly damage: DiskDamage;
}

const lastBlockRounds = 12;

interface PlanOptions {
  readonly random: SeededRandom;
  /** Everything instead of a sample: each kind at each place, each byte of some headers, each block as the last one. */
  readonly isLong: boolean;
}

/** A bit and a cut at each edge between members, some kind a byte before and behind it and inside each header and payload. */
export function* planDamage(part: MixedPart, options: PlanOptions): Generator<DamageCase> {
  for (const member of part.members) {
    for (const damage of atEdge(part, member, options)) yield { part, damage };
    for (const damage of inside(part, member, options)) yield { part, damage };
    const asLast = member.endsBlock && (options.isLong || options.random.oneIn(8));
    if (asLast) yield* inLastBlock(partUpTo(part, member), options);
  }
  for (let round = 0; round < lastBlockRounds; round += 1) yield* inLastBlock(part, options);
}

function* atEdge(part: MixedPart, { offset }: PartMember, options: PlanOptions): Generator<DiskDamage> {
  const { random, isLong } = options;
  yield { kind: 'flip', at: offset, bit: random.between(0, 7) };
  yield { kind: 'cut', at: offset };
  if (isLong) yield* [overwritten(random, offset), removed(part, random, offset)];
  for (const at of [offset - 1, offset + 1]) if (at >= 0) yield* ofSomeKind(part, at, options);
}

function* inside(part: MixedPart, { offset, end }: PartMember, options: PlanOptions): Generator<DiskDamage> {
  const { random } = options;
  yield* ofSomeKind(part, offset + random.between(2, headerLength - 1), options);
  yield* ofSomeKind(part, random.between(offset + headerLength, end - 1), options);
}

function ofSomeKind(part: MixedPart, at: number, { random, isLong }: PlanOptions): DiskDamage[] {
  const kinds: readonly (() => DiskDamage)[] = [
    () => ({ kind: 'flip', at, bit: random.between(0, 7) }),
    () => ({ kind: 'cut', at }),
    () => overwritten(random, at),
    () => removed(part, random, at),
  ];
  const from = random.between(0, kinds.length - 1);
  return (isLong ? kinds : kinds.slice(from, from + 1)).map((make) => make());
}

function* inLastBlock(part: MixedPart, options: PlanOptions): Generator<DamageCase> {
  const { random } = options;
  const members = part.members.slice(part.members.at(-1)?.blockFrom);
  const member = members[random.between(0, members.length - 1)];
  if (!member) return;
  for (const damage of inside(part, member, options)) yield { part, damage };
  yield { part, damage: { kind: 'flip', at: part.bytes.length - 1, bit: random.between(0, 7) } };
  yield { part, damage: { kind: 'cut', at: part.bytes.length - 1 } };
}

/** Bytes by chance, or zeros as of a sector that was never written. */
function overwritten(random: SeededRandom, at: number): DiskDamage {
  const bytes = Buffer.alloc(random.between(1, 200));
  if (random.oneIn(2)) for (let index = 0; index < bytes.length; index += 1) bytes[index] = random.between(0, 255);
  return { kind: 'overwrite', at, bytes };
}

/** Bytes up to the end of the part are no stretch of it but a cut. */
const removed = (part: MixedPart, random: SeededRandom, at: number): DiskDamage => {
  const length = random.between(1, 200);
  return at + length < part.bytes.length ? { kind: 'remove', at, length } : { kind: 'cut', at };
};
