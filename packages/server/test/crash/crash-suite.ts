import { checkpointNames } from '../../src/kernel/observe/checkpoint.ts';
import { damageKinds, namedRounds, planDamageRound, planRound, type RoundPlan } from './round-plan.ts';

export interface CrashSuite {
  readonly name: string;
  readonly plan: (seed: number, round: number) => RoundPlan;
  /** What must have happened at least once after so many rounds. */
  readonly points: readonly string[];
  readonly roundsForAll: number;
}

/** The service dies at every named point, and at random moments. */
export const killSuite: CrashSuite = { name: 'record-path', plan: planRound, points: checkpointNames, roundsForAll: namedRounds };
/** The service dies, and the disk destroys bytes of what it left. */
export const damageSuite: CrashSuite = {
  name: 'record-path-damage',
  plan: planDamageRound,
  points: damageKinds,
  roundsForAll: 8 * damageKinds.length,
};
