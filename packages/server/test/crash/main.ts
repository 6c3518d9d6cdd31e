/**
 * `make crash [SEED=n] [ROUNDS=n] [LONG=1] [ONLY=suite]`: kills the service again and again, and destroys bytes of what it
 * leaves, and looks for rows that are lost or doubled.
 */
import { randomInt } from 'node:crypto';
import { hasPassed, reportLine } from './crash-report.ts';
import { damageSuite, killSuite } from './crash-suite.ts';
import { runCrashes } from './run-crashes.ts';

const { SEED, ROUNDS, LONG, ONLY } = process.env;
const seed = SEED === undefined ? randomInt(1_000_000) : Number(SEED);
const rounds = ROUNDS === undefined ? (LONG === '1' ? 1000 : 200) : Number(ROUNDS);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`SEED=${SEED} ROUNDS=${ROUNDS}: both must be whole numbers.`);
  process.exit(64);
}

for (const suite of [killSuite, damageSuite]) {
  if (ONLY !== undefined && ONLY !== suite.name) continue;
  const report = await runCrashes(suite, { seed, rounds, say: (line) => console.error(line) });
  for (const problem of report.problems) console.error(problem);
  console.log(reportLine(report));
  if (!hasPassed(report)) process.exitCode = 1;
}
