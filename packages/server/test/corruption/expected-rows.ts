import { beginsHeader, headerLength } from '../../src/features/storage/block/member-header.ts';
import { applyDamage, type DiskDamage } from './disk-damage.ts';
import type { MixedPart, PartMember } from './mixed-part.ts';

export interface ExpectedRows {
  /** Members whose rows reach the table, in order. */
  readonly arriving: readonly PartMember[];
  /** Rows that count as damaged. */
  readonly damagedRows: number;
  /** Rows may be lost that no header tells of. */
  readonly isUnknown: boolean;
  /** Nothing in the part shows that there ever was more. */
  readonly isTraceless: boolean;
}

/**
 * What the promises allow after one damage, told from the part as it was written (I3): the members that are hit, and no other.
 * The exception is an unsealed part that ends within a block: that is what a torn write looks like, and the whole block goes.
 */
export function expectedRows(part: MixedPart, damage: DiskDamage, isSealed: boolean): ExpectedRows {
  const { members } = part;
  const damaged = applyDamage(part.bytes, damage);
  const hit = new Set(members.filter((member) => !standsIn(part, { damage, damaged, from: member.offset, to: member.end })));
  if (isSealed) {
    const arriving = members.filter((member) => !hit.has(member));
    return { arriving, damagedRows: part.rows - rowsOf(arriving), isUnknown: false, isTraceless: false };
  }
  const last = members.findLast(({ offset }) => standsIn(part, { damage, damaged, from: offset, to: offset + headerLength }));
  const lastAt = last && placeOf(part, { damage, damaged, from: last.offset, to: last.offset + headerLength });
  const lastEnd = last && lastAt !== undefined ? lastAt + last.header.memberLength : 0;
  const behind = damaged.subarray(lastEnd);
  const isTorn = last !== undefined && (lastEnd > damaged.length || (isHeaderStart(behind) && !last.endsBlock));
  const acceptedTo = isTorn ? members[last.blockFrom] : undefined;
  const arriving = members.filter((member) => !hit.has(member) && (!acceptedTo || member.offset < acceptedTo.offset));
  const accepted = acceptedTo?.header.rowsBefore ?? (last ? last.header.rowsBefore + last.header.rows : 0);
  return {
    arriving,
    damagedRows: accepted - rowsOf(arriving),
    isUnknown: !isTorn && !isHeaderStart(behind),
    isTraceless: damage.kind === 'cut' && !isTorn && behind.length === 0,
  };
}

export const rowsOf = (members: readonly PartMember[]): number => members.reduce((sum, { header }) => sum + header.rows, 0);

interface Stretch {
  readonly damage: DiskDamage;
  readonly damaged: Buffer;
  readonly from: number;
  readonly to: number;
}

const standsIn = (part: MixedPart, stretch: Stretch): boolean => placeOf(part, stretch) !== undefined;

/** Where the bytes stand, all of them: what moved up may happen to be what was removed. */
function placeOf({ bytes }: MixedPart, { damage, damaged, from, to }: Stretch): number | undefined {
  const written = bytes.subarray(from, to);
  const places = damage.kind === 'remove' ? [from, Math.max(0, from - damage.length)] : [from];
  return places.find((at) => written.equals(damaged.subarray(at, at + written.length)));
}

/** Nothing, or what a torn write leaves of a member whose header did not get to the disk. */
function isHeaderStart(bytes: Buffer): boolean {
  const written = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
  return written.length <= headerLength && beginsHeader(written);
}
