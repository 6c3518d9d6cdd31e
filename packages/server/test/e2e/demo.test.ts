import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

test('the demo brings every event of the data set into its table', () => {
  const run = spawnSync(process.execPath, ['tools/demo-ingest.ts'], { cwd: root, encoding: 'utf8' });
  expect(run.stdout.trimEnd().split('\n').at(-1), `${run.stdout}${run.stderr}`.slice(-5000)).toMatch(/^demo ingest ok [1-9]\d{3}$/);
  expect(run.status).toBe(0);
});
