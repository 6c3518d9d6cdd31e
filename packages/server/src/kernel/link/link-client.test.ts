import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ManualTimers } from '../../../test/support/manual-timers.ts';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { LinkClient } from './link-client.ts';

const token = 'a token of this test';
const script = fileURLToPath(new URL('../../../test/support/serve-echo.ts', import.meta.url));

async function startOwner(folder: string) {
  const child = spawn(process.execPath, [script, folder, token], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Also where the test waits for what never comes: nobody else ends a frozen process.
  onTestFinished(() => void child.kill('SIGKILL'));
  const [path] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, path: String(path) };
}

/** Settles once the system has stopped every thread of it. */
async function freeze(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  const state = async () => (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ')[1]?.[0];
  expect(await waitFor(state, (found) => found === 'T')).toBe('T');
}

test('a frozen owner is lost, and found again when it goes on', async () => {
  await using folder = await openTempFolder();
  const owner = await startOwner(folder.path);
  const clock = new TestClock();
  const timers = new ManualTimers(clock);
  const lost = Promise.withResolvers<void>();
  const options = { path: owner.path, token, retryMs: 60_000, clock, logger, onEvent: () => {}, onGone: () => {} };
  await using client = await LinkClient.open({ ...options, startTimer: timers.start, onLost: lost.resolve });
  const ask = (question: string) => client.ask({ port: 'echo', question });
  // Of an owner that answers, the time alone does not make a lost one: each of its answers is a sign of life.
  for (let round = 0; round < 10; round += 1) {
    timers.advance(15_000);
    expect((await ask(`round ${round}`)).answer).toBe(`round ${round}`);
  }
  await freeze(owner.child);
  const asked = expect(ask('frozen')).rejects.toMatchObject({
    code: 'ownerUnavailable',
    message: expect.stringContaining('no sign of life for 15000 ms'),
  });
  timers.advance(20_000);
  await lost.promise;
  await asked;
  await expect(ask('lost')).rejects.toMatchObject({ code: 'ownerUnavailable' });
  owner.child.kill('SIGCONT');
  await client.connected();
  expect((await ask('thawed')).answer).toBe('thawed');
  await client[Symbol.asyncDispose]();
  expect(timers.pending).toBe(0);
});
