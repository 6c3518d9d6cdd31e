import { type CheckpointName, checkpointNames } from '../../src/kernel/observe/checkpoint.ts';
import { derivedSeed, SeededRandom } from '../support/seeded-random.ts';

/** How the process of a round ends. */
export type Kill =
  /** By itself, at the given hit of the point after it was armed. */
  | { readonly type: 'point'; readonly point: CheckpointName; readonly hit: number }
  /** By its parent, so many milliseconds after it was armed. */
  | { readonly type: 'random'; readonly afterMs: number };

export interface RoundPlan {
  readonly round: number;
  readonly kill: Kill;
  readonly connections: number;
  /** Kills the next start too, while it recovers: at the first hit of a point, or after a time from its spawn. */
  readonly relapse: Kill | undefined;
  /** What the disk does to a part before the next start. */
  readonly damage: Damage | undefined;
}

export const damageKinds = ['bit', 'zeros', 'cut'] as const;
export interface Damage {
  readonly kind: (typeof damageKinds)[number];
  /** Which of the parts, and where in it: in [0, 1). */
  readonly part: number;
  readonly place: number;
}

/** Rounds that take the named points in turn. */
export const namedRounds = 3 * checkpointNames.length;

/** Points that the recovery after a start passes for sure or often. */
const recoveryPoints = [
  'metadata.beforeCommit',
  'metadata.afterCommit',
  'slice.beforeSeal',
  'slice.afterSeal',
  'upload.afterPut',
  'import.beforeCommit',
  'import.afterCommit',
] as const;
/** Points that are passed for each block or transaction; the others are passed a few times a second. */
const frequent = /^(?:part|metadata)\./;
/** From spawn to a little after the service is ready, ms. */
const startMs = { from: 300, to: 1500 };

export function planRound(seed: number, round: number): RoundPlan {
  const random = new SeededRandom(derivedSeed(seed, round));
  return {
    round,
    kill:
      round < namedRounds
        ? atPoint(random, checkpointNames[round % checkpointNames.length] ?? 'part.afterSync')
        : { type: 'random', afterMs: random.between(0, 800) },
    connections: random.between(24, 64),
    relapse: random.oneIn(4) ? relapse(random) : undefined,
    damage: undefined,
  };
}

/** Sealed parts that are not uploaded yet lie on the disk at these points; at any other moment mostly open ones do. */
const sealedPoints = ['slice.afterSeal', 'upload.beforePut'] as const;

export function planDamageRound(seed: number, round: number): RoundPlan {
  const random = new SeededRandom(derivedSeed(seed, round));
  const point = sealedPoints[random.between(0, 3)];
  return {
    round,
    kill: point ? { type: 'point', point, hit: random.between(1, 3) } : { type: 'random', afterMs: random.between(0, 400) },
    connections: random.between(24, 64),
    relapse: undefined,
    damage: { kind: damageKinds[round % damageKinds.length] ?? 'bit', part: random.next(), place: random.next() },
  };
}

function atPoint(random: SeededRandom, point: CheckpointName): Kill {
  return { type: 'point', point, hit: random.between(1, frequent.test(point) ? 30 : 2) };
}

function relapse(random: SeededRandom): Kill {
  const point = recoveryPoints[random.between(0, 2 * recoveryPoints.length)];
  return point ? { type: 'point', point, hit: 1 } : { type: 'random', afterMs: random.between(startMs.from, startMs.to) };
}

export function describePlan({ kill, damage }: RoundPlan): string {
  const harm = damage ? `, then ${damage.kind} at ${damage.place.toFixed(4)} of part ${damage.part.toFixed(4)}` : '';
  return `kill: ${describeKill(kill)}${harm}`;
}

function describeKill(kill: Kill): string {
  return kill.type === 'point' ? `${kill.point} (hit ${kill.hit})` : `${kill.afterMs} ms after it was armed`;
}
