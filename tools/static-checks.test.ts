import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What needs no running code, as tests, so that one summary counts everything. */
test.each([
  { name: 'format and lint', command: ['biome', 'ci', '--error-on-warnings', '--colors=off', '.'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'types of the contract in a browser', command: ['tsc', '-p', 'packages/contract'] },
  { name: 'boundaries', command: ['node', 'tools/check-boundaries.ts'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'generated docs', command: ['node', 'tools/generate-docs.ts', '--check'] },
])('$name', ({ command: [program = '', ...args] }) => {
  const run = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env['PATH']}` },
  });
  expect(run.status, `${run.stdout}${run.stderr}`.slice(-20_000)).toBe(0);
});
