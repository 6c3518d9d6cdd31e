import { type MemberHeader, memberFlag } from '../block/member-header.ts';
import type { WalkStep } from './part-walk.ts';

/** What a walk found, as far as counts and the upload need it. */
export interface PartSummary {
  readonly goodRows: number;
  readonly damagedRows: number;
  /** Rows were lost and no header says how many. */
  readonly unknownDamage: boolean;
  readonly goodMembers: number;
  /** Bytes of good members, headers included. */
  readonly goodBytes: number;
  readonly rawBytes: number;
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  /** Good members hold bytes that are no UTF-8, or U+0000. */
  readonly invalidUtf8: boolean;
  readonly nul: boolean;
}

export const emptySummary: PartSummary = {
  goodRows: 0,
  damagedRows: 0,
  unknownDamage: false,
  goodMembers: 0,
  goodBytes: 0,
  rawBytes: 0,
  firstAt: undefined,
  lastAt: undefined,
  invalidUtf8: false,
  nul: false,
};

export function addStep(summary: PartSummary, step: WalkStep): PartSummary {
  switch (step.type) {
    case 'good':
      return addGood(summary, step.header);
    case 'bad':
      return { ...summary, damagedRows: summary.damagedRows + step.header.rows };
    case 'unreadable':
      return step.lostRows === undefined
        ? { ...summary, unknownDamage: true }
        : { ...summary, damagedRows: summary.damagedRows + step.lostRows };
  }
}

function addGood(summary: PartSummary, header: MemberHeader): PartSummary {
  return {
    ...summary,
    goodRows: summary.goodRows + header.rows,
    goodMembers: summary.goodMembers + 1,
    goodBytes: summary.goodBytes + header.memberLength,
    rawBytes: summary.rawBytes + header.rawLength,
    firstAt: earliest(summary.firstAt, header.rows > 0 ? header.firstAt : undefined),
    lastAt: latest(summary.lastAt, header.rows > 0 ? header.lastAt : undefined),
    invalidUtf8: summary.invalidUtf8 || (header.flags & memberFlag.invalidUtf8) !== 0,
    nul: summary.nul || (header.flags & memberFlag.nul) !== 0,
  };
}

export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

export function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}
