import { expect, it } from 'vitest';
import { checkpointNames } from '../../src/kernel/observe/checkpoint.ts';
import { namedRounds, planDamageRound, planRound } from './round-plan.ts';

const rounds = Array.from({ length: 200 }, (_, round) => round);

it('takes every named point three times, then random moments', () => {
  const points = rounds.flatMap((round) => {
    const { kill } = planRound(7, round);
    return kill.type === 'point' ? [kill.point] : [];
  });
  expect(points).toEqual([...checkpointNames, ...checkpointNames, ...checkpointNames]);
  expect(points).toHaveLength(namedRounds);
});

it.each([planRound, planDamageRound])('makes the same choices for the same seed, others for another', (plan) => {
  const choices = (seed: number) => rounds.map((round) => plan(seed, round));
  expect(choices(7)).toEqual(choices(7));
  expect(choices(8)).not.toEqual(choices(7));
});
