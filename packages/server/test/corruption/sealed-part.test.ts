import { expect, test } from 'vitest';
import { corruptionRun, maxRunMs } from './corruption-run.ts';
import { runCorruption } from './run-corruption.ts';

test('sealed: damage anywhere in a part costs the rows of the members that are hit, and no other', { timeout: maxRunMs }, async () => {
  const run = corruptionRun();
  const { problems, ...report } = await runCorruption({ ...run, isSealed: true });
  run.say({ what: 'sealed', ...report });
  expect(problems).toEqual([]);
  expect(report.lost).toBe(0);
  expect(report.members).toBeGreaterThanOrEqual(200);
});
