import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openOwnService } from '../support/services/own-service.ts';
import { postgresService } from '../support/services/postgres-service.ts';
import { waitFor } from '../support/wait-for.ts';

const support = fileURLToPath(new URL('../support/services', import.meta.url));
/** Starts a PostgreSQL, which has a user of its own where this is root, and prints its process. */
const owner = `
const { openOwnService } = await import('${support}/own-service.ts');
const { postgresService } = await import('${support}/postgres-service.ts');
const own = await openOwnService(postgresService);
console.log(own.pid());
setInterval(() => undefined, 1000);
`;

test('an own service ends with the process that opened it, however that ends', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  onTestFinished(() => rm(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  // The user of the service has to get through it.
  await chmod(temporary, 0o755);
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, ['--input-type=module', '-e', owner], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const [line] = await once(child.stdout, 'data');
  const pid = Number(line);
  expect(isThere(pid)).toBe(true);
  child.kill('SIGKILL');
  expect(await isGone(pid)).toBe(true);
});

test('it is stopped, started and disposed of', async () => {
  await using own = await openOwnService(postgresService);
  const first = own.pid();
  await own.stop();
  expect(await isGone(first)).toBe(true);
  await own.start();
  const second = own.pid();
  expect(isThere(second)).toBe(true);
  await own[Symbol.asyncDispose]();
  expect(await isGone(second)).toBe(true);
});

/** A process that has ended is there until somebody has taken note of its end. */
const isGone = (pid: number): Promise<boolean> =>
  waitFor(
    async () => !isThere(pid),
    (gone) => gone,
  );

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
