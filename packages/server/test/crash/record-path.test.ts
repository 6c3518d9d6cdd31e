import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { damageSuite, killSuite } from './crash-suite.ts';
import { runCrashes } from './run-crashes.ts';

it.each([
  { suite: killSuite, rounds: 40 },
  { suite: damageSuite, rounds: 10 },
])('$suite.name: loses and doubles no acknowledged event in $rounds rounds', async ({ suite, rounds }) => {
  const report = await runCrashes(suite, { seed: randomInt(1_000_000), rounds, say: () => {} });
  expect(report).toMatchObject({ problems: [], lost: 0, doubled: 0, rounds });
});
