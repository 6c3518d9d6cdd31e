import { randomInt } from 'node:crypto';

interface Figures {
  readonly what: string;
  readonly cases: number;
  readonly members: number;
  readonly lost: number;
}

interface CorruptionRun {
  readonly seed: number;
  readonly isLong: boolean;
  say(figures: Figures): void;
}

/** Of a run with LONG=1. */
export const maxRunMs = 3_600_000;

/** `SEED=n` repeats a run, `LONG=1` leaves nothing to chance. */
export function corruptionRun(): CorruptionRun {
  const { SEED, LONG } = process.env;
  const seed = SEED === undefined ? randomInt(1_000_000) : Number(SEED);
  return {
    seed,
    isLong: LONG === '1',
    say: ({ what, cases, members, lost }) =>
      void process.stdout.write(`corruption ${what} cases=${cases} members=${members} seed=${seed} lost=${lost}\n`),
  };
}
