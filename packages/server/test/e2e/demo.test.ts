import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

function run(demo: string) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [`tools/${demo}.ts`], { cwd: root, encoding: 'utf8' });
  return { last: stdout.trimEnd().split('\n').at(-1), status, said: `${stdout}${stderr}`.slice(-5000) };
}

test('the demo brings every event of the data set into its table', () => {
  const { last, status, said } = run('demo-ingest');
  expect(last, said).toMatch(/^demo ingest ok [1-9]\d{3}$/);
  expect(status).toBe(0);
});

test('the demo of the events lane brings every acknowledged event into one of its stores', () => {
  const { last, status, said } = run('demo-events');
  expect(last, said).toBe('demo events ok 6000');
  expect(status).toBe(0);
});

test('the demo of the channels lane shows five viewers what the source sent, and bills them that', () => {
  const { last, status, said } = run('demo-channels');
  expect(last, said).toMatch(/^demo channels ok [1-9]\d{3}$/);
  expect(status).toBe(0);
});
