import { gunzipSync } from 'node:zlib';
import { decodeMemberHeader, memberFlag } from '../../src/features/storage/block/member-header.ts';
import { importableText } from '../../src/features/storage/upload/importable-text.ts';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';
import { type DamageCase, planDamage } from './damage-plan.ts';
import { type DamagedOutcome, DamagedVolume, type SealedAs } from './damaged-volume.ts';
import { applyDamage, describeDamage, placeOfDamage } from './disk-damage.ts';
import { expectedRows, rowsOf } from './expected-rows.ts';
import { buildMixedPart, type MixedPart, type PartMember } from './mixed-part.ts';

interface CorruptionOptions {
  readonly seed: number;
  readonly isLong: boolean;
  readonly isSealed: boolean;
}

export interface CorruptionReport {
  readonly cases: number;
  readonly members: number;
  /** Rows of members that no damage hit, and that did not arrive. */
  readonly lost: number;
  readonly problems: readonly string[];
}

const batchSize = 24;
/** While one waits for the disk the other works. */
const lanes = 2;
/** One problem mostly comes a hundred times. */
const maxProblems = 10;

/** Damages a part in one place at a time, takes it through the product, and compares what arrives with what was written. */
export async function runCorruption({ seed, isLong, isSealed }: CorruptionOptions): Promise<CorruptionReport> {
  const part = await buildMixedPart(new SeededRandom(seed));
  const cases = [...planDamage(part, { random: new SeededRandom(derivedSeed(seed, isSealed ? 1 : 2)), isLong })].flatMap(placed);
  await using volume = await DamagedVolume.open();
  const whole = await wholeParts(volume, [part, ...cases.map((one) => one.part)]);
  const [uploaded] = whole.values();
  const check = new CorruptionCheck(uploadedMembers(part, uploaded?.object), isSealed);
  check.expectWhole(part, uploaded?.object);
  const batches = Array.from({ length: Math.ceil(cases.length / batchSize) }, (_, index) =>
    cases.slice(index * batchSize, (index + 1) * batchSize),
  ).values();
  const lane = async (): Promise<void> => {
    await using own = await DamagedVolume.open();
    for (const batch of batches) {
      if (check.problems.length >= maxProblems) return;
      const outcomes = await own.take(
        batch.map((one) => ({
          part: one.part,
          content: applyDamage(one.part.bytes, one.damage),
          sealedAs: isSealed ? sealedAs(whole.get(one.part.bytes.length)) : undefined,
        })),
      );
      for (const [index, one] of batch.entries()) check.take(one, outcomes[index]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { cases: cases.length, members: part.members.length, lost: check.lost, problems: check.problems };
}

interface PlacedCase extends DamageCase {
  readonly place: { readonly from: number; readonly to: number };
}

/** Without those that change nothing: zeros over zeros. */
function placed(one: DamageCase): PlacedCase[] {
  const { bytes } = one.part;
  const place = placeOfDamage(bytes, applyDamage(bytes, one.damage), one.damage);
  return place ? [{ ...one, place }] : [];
}

/** The undamaged parts on the same way, by their lengths. */
async function wholeParts(volume: DamagedVolume, parts: readonly MixedPart[]): Promise<ReadonlyMap<number, DamagedOutcome>> {
  const distinct = [...new Map(parts.map((part) => [part.bytes.length, part])).values()];
  const outcomes = new Map<number, DamagedOutcome>();
  for (let from = 0; from < distinct.length; from += batchSize) {
    const batch = distinct.slice(from, from + batchSize);
    const taken = await volume.take(batch.map((part) => ({ part, content: part.bytes, sealedAs: undefined })));
    for (const [index, outcome] of taken.entries()) outcomes.set(batch[index]?.bytes.length ?? 0, outcome);
  }
  return outcomes;
}

function sealedAs(whole: DamagedOutcome | undefined): SealedAs {
  if (!whole) throw new Error('the whole part was not taken');
  return { parts: whole.slice.parts, figures: whole.slice.figures };
}

/** What stands in the object for each member: those with texts that no table can hold are rewritten. */
function uploadedMembers(part: MixedPart, object: Buffer | undefined): readonly Buffer[] {
  const members: Buffer[] = [];
  for (let offset = 0; object && offset < object.length; ) {
    const header = decodeMemberHeader(object.subarray(offset), part.nonce)?.header;
    if (!header) throw new Error(`the object has no member at ${offset}`);
    members.push(object.subarray(offset, offset + header.memberLength));
    offset += header.memberLength;
  }
  return members;
}

class CorruptionCheck {
  readonly problems: string[] = [];
  lost = 0;
  readonly #uploaded: readonly Buffer[];
  readonly #isSealed: boolean;

  constructor(uploaded: readonly Buffer[], isSealed: boolean) {
    this.#uploaded = uploaded;
    this.#isSealed = isSealed;
  }

  /** The reference of all cases: each row as it was given to the encoder, in order. */
  expectWhole({ members }: MixedPart, object: Buffer | undefined): void {
    const rows = members.map(({ raw, header }) => ((header.flags & memberFlag.invalidUtf8) === 0 ? raw : importableText(raw, true)));
    if (!object || !gunzipSync(object).equals(Buffer.concat(rows)))
      this.problems.push('the undamaged part does not arrive as it was written');
  }

  take({ part, damage, place }: PlacedCase, outcome: DamagedOutcome | undefined): void {
    const fail = (problem: string) =>
      this.problems.push(
        `${this.#isSealed ? 'sealed' : 'unsealed'} part of ${part.bytes.length} bytes, ${describeDamage(damage)}: ${problem}`,
      );
    if (!outcome) return void fail('it was not taken');
    const { slice, object, recovered, findingsBefore, findingsAfter, path } = outcome;
    const { arriving, damagedRows, isUnknown, isTraceless } = expectedRows(part, damage, this.#isSealed);
    if (!this.#bytesOf(arriving).equals(object ?? Buffer.alloc(0))) {
      const arrived = object ? membersIn(part, object) : new Set<number>();
      const missing = arriving.filter(({ header }) => !arrived.has(header.sequence));
      this.lost += rowsOf(missing);
      const expected = new Set(arriving.map(({ header }) => header.sequence));
      const extra = [...arrived].filter((sequence) => !expected.has(sequence));
      fail(`other bytes arrive: missing members ${missing.map(({ header }) => header.sequence)}, more ${extra}`);
    }
    const counted = { good: slice.figures.goodRows, damaged: slice.figures.damagedRows, sent: slice.sentRows };
    const expected = { good: rowsOf(arriving), damaged: damagedRows, sent: rowsOf(arriving) };
    if (JSON.stringify(counted) !== JSON.stringify(expected))
      fail(`counts ${JSON.stringify(counted)}, expected ${JSON.stringify(expected)}`);
    if (slice.acceptedRows !== expected.good + expected.damaged) fail(`accepted ${slice.acceptedRows} rows`);
    if (recovered) {
      const { goodRows, damagedRows: recoveredDamage, unknownDamage } = recovered.summary;
      if (goodRows !== expected.good || recoveredDamage !== damagedRows)
        fail(`the first recovery counted ${goodRows} and ${recoveredDamage}`);
      if (unknownDamage !== isUnknown) fail(`unknown damage is ${unknownDamage}`);
      const length = slice.parts[0]?.length ?? 0;
      if (length !== recovered.length) fail(`recovered again to ${length} instead of ${recovered.length}`);
    }
    const names = findingsBefore.some(
      ({ path: named, offset = 0, length = 0 }) => named === path && offset <= place.to && place.from <= offset + length,
    );
    if (names === isTraceless) fail(`before the start fsck names ${JSON.stringify(findingsBefore)}`);
    const damageNamed = findingsAfter.filter(({ type }) => type === 'damagedMember');
    if (damageNamed.length < findingsAfter.length) fail(`after the start fsck names ${JSON.stringify(findingsAfter)}`);
    const isDamaged = damagedRows > 0 || isUnknown;
    if (damageNamed.some((one) => one.path === path) !== isDamaged)
      fail(`fsck names ${damageNamed.length} damaged members after the start`);
    const sumNamed = damageNamed.reduce((sum, { rows = 0 }) => sum + rows, 0);
    if (!this.#isSealed && sumNamed !== damagedRows) fail(`fsck names ${sumNamed} damaged rows`);
    if (!this.#isSealed && damageNamed.some(({ rows }) => rows === undefined) !== isUnknown)
      fail('fsck and the count differ in what is unknown');
  }

  #bytesOf(members: readonly PartMember[]): Buffer {
    return Buffer.concat(members.map(({ header }) => this.#uploaded[header.sequence] ?? Buffer.alloc(0)));
  }
}

/** Sequences of the members that stand in the object, as far as it can be read. */
function membersIn({ nonce }: MixedPart, object: Buffer): ReadonlySet<number> {
  const found = new Set<number>();
  for (let offset = 0; offset < object.length; ) {
    const header = decodeMemberHeader(object.subarray(offset), nonce)?.header;
    if (!header) break;
    found.add(header.sequence);
    offset += header.memberLength;
  }
  return found;
}
