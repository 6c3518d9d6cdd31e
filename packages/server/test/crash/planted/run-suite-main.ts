/** Runs one test file with the bug PLANTED_BUG in it, and in every process that it starts; prints the names of the tests that failed. */
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';
import { plant, plantedBug } from './planted-bugs.ts';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const bug = plantedBug();
const [suite = ''] = process.argv.slice(2);
const vitest = await startVitest(
  'test',
  [],
  {
    root,
    config: false,
    watch: false,
    // What the bug made of a file must not reach a later run.
    fsModuleCache: false,
    reporters: [{}],
    include: [`packages/server/${suite}`],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // One test that fails is enough.
    bail: bug ? 1 : 0,
  },
  {
    plugins: [
      {
        name: 'planted-bug',
        enforce: 'pre',
        transform: (source: string, id: string) => (bug ? plant(bug, id.split('?')[0] ?? id, source) : undefined),
      },
    ],
  },
);
const failed: string[] = [];
let tests = 0;
for (const module of vitest.state.getTestModules()) {
  if (module.errors().length > 0) failed.push(`${suite}: ${module.errors()[0]?.message}`);
  for (const test of module.children.allTests()) {
    tests += 1;
    if (test.result().state === 'failed') failed.push(`${test.fullName}: ${test.result().errors?.[0]?.message}`);
  }
}
await vitest.close();
process.stdout.write(`\n${JSON.stringify({ tests, failed })}\n`, () => process.exit(0));
