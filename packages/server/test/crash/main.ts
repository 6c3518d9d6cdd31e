/**
 * `make crash [SEED=n] [ROUNDS=n] [LONG=1] [ONLY=suite]`: kills the service again and again, and destroys bytes of what it
 * leaves, and looks for rows that are lost or doubled. The suites of the events' lane run once each, or with LONG=1 for twenty seeds.
 */
import { randomInt } from 'node:crypto';
import * as eventsReport from '../events-crash/events-crash-report.ts';
import { runEmbeddedCrash } from '../events-crash/run-embedded-crash.ts';
import { runEventsCrash } from '../events-crash/run-events-crash.ts';
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
const say = (line: string): void => console.error(line);
const isChosen = (suite: string): boolean => ONLY === undefined || ONLY === suite;

for (const suite of [killSuite, damageSuite]) {
  if (!isChosen(suite.name)) continue;
  const report = await runCrashes(suite, { seed, rounds, say });
  conclude(report.problems, { line: reportLine(report), isGood: hasPassed(report) });
}

const eventSuites = { events: runEventsCrash, 'events-embedded': runEmbeddedCrash };
for (const [name, run] of Object.entries(eventSuites)) {
  if (!isChosen(name)) continue;
  for (let each = seed; each < seed + (LONG === '1' ? 20 : 1); each += 1) {
    const report = await run({ seed: each, events: 100_000, spreadMs: 60_000, say });
    conclude(report.problems, { line: eventsReport.reportLine(report), isGood: eventsReport.hasPassed(report) });
  }
}

function conclude(problems: readonly string[], { line, isGood }: { readonly line: string; readonly isGood: boolean }): void {
  for (const problem of problems) console.error(problem);
  console.log(line);
  if (!isGood) process.exitCode = 1;
}
