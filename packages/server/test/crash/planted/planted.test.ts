import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { CheckpointName } from '../../../src/kernel/observe/checkpoint.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import type { CrashReport } from '../crash-report.ts';
import type { CrashSuite } from '../crash-suite.ts';
import { runCrashes } from '../run-crashes.ts';
import { type PlantedBug, plantedBugs } from './planted-bugs.ts';

const runner = fileURLToPath(new URL('./run-suite-main.ts', import.meta.url));
const preload = new URL('./plant-main.ts', import.meta.url).href;
const guide = fileURLToPath(new URL('../../../../../docs/guide/guarantees.md', import.meta.url));
// Whole suites run in one test.
vi.setConfig({ testTimeout: 600_000 });

const outcomeSchema = z.object({ tests: z.int(), failed: z.array(z.string()) });

/** For every process of a suite. Without a bug it plants none. */
const environment = (bug: PlantedBug | undefined): Record<string, string> => ({
  PLANTED_BUG: bug?.name ?? '',
  NODE_OPTIONS: `--import=${preload}`,
});

async function runSuite(suite: string, bug: PlantedBug | undefined): Promise<z.infer<typeof outcomeSchema>> {
  const env = { ...process.env, ...environment(bug) };
  const { stdout } = await promisify(execFile)(process.execPath, [runner, suite], { env, maxBuffer: 64 * 1024 ** 2 });
  return outcomeSchema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
}

/** A few rounds that all die at the point, each with a service that has the bug. */
async function crash(point: CheckpointName, bug: PlantedBug | undefined): Promise<CrashReport> {
  const suite: CrashSuite = {
    name: 'planted',
    plan: (_seed, round) => ({ round, kill: { type: 'point', point, hit: 1 }, connections: 24, relapse: undefined, damage: undefined }),
    points: [],
    roundsForAll: 0,
  };
  // The suite keeps the folder of a failure.
  await using folder = await openTempFolder();
  const env: Record<string, string> = { ...environment(bug), TMPDIR: folder.path };
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return await runCrashes(suite, { seed: 1, rounds: 6, say: () => {} });
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

const say = (bug: PlantedBug, suite: string, what: string) => console.log(`planted ${bug.name} caught by ${suite}: ${what}`);

describe.each(plantedBugs)('planted: $name', (bug) => {
  for (const suite of bug.caughtBy) {
    it(`is caught by ${suite}`, async () => {
      const { failed } = await runSuite(suite, bug);
      expect(failed).not.toEqual([]);
      say(bug, suite, failed[0] ?? '');
    });
  }

  const { crashPoint } = bug;
  if (crashPoint) {
    it(`is caught by rounds of the crash suite that die at ${crashPoint}`, async () => {
      const report = await crash(crashPoint, bug);
      expect(report.lost + report.doubled).toBeGreaterThan(0);
      say(bug, 'make crash', `${report.lost} rows lost, ${report.doubled} doubled`);
    });

    it(`passes such rounds when it is not there`, async () => {
      expect(await crash(crashPoint, undefined)).toMatchObject({ problems: [], lost: 0, doubled: 0 });
    });
  }

  it('stands in the guide', async () => {
    expect(await readFile(guide, 'utf8')).toContain(`| ${bug.name} |`);
  });
});

it.each([...new Set(plantedBugs.flatMap(({ caughtBy }) => caughtBy))])('without a bug %s passes', async (suite) => {
  const { tests, failed } = await runSuite(suite, undefined);
  expect(failed).toEqual([]);
  expect(tests).toBeGreaterThan(0);
});
