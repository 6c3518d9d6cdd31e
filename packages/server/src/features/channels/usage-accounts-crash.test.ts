import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { openUsageStore } from '../../engines/usage/registry.ts';
import { hourMs } from '../../engines/usage/usage-store.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { systemClock } from '../../kernel/time/clock.ts';
import { systemTimer } from '../../kernel/time/start-timer.ts';
import { UsageAccounts } from './usage-accounts.ts';
import { createUsageMeter, usageMetricTable } from './usage-metrics.ts';
import { verifyUsage } from './verify-usage.ts';

const program = fileURLToPath(new URL('../../../test/support/bill-until-killed.ts', import.meta.url));
const never = new AbortController().signal;

/** What the process has said until it was killed, by session. */
async function runUntilKilled(folder: string, runName: string, args: readonly string[]) {
  const child = spawn(process.execPath, [program, folder, runName, ...args], { stdio: 'inherit' });
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
  const said = await readFile(join(folder, `${runName}.said`), 'utf8');
  const last = (word: string) =>
    new Map([...said.matchAll(new RegExp(`^${word} (\\S+) (\\d+)$`, 'gm'))].map(([, session = '', packets]) => [session, Number(packets)]));
  return { delivered: last('delivered'), kept: last('kept') };
}

it('bills what was flushed exactly once, wherever the process is killed', { timeout: 60_000 }, async () => {
  await using folder = await openTempFolder();
  const bounds = new Map<string, { readonly least: number; readonly most: number }>();
  for (let index = 0; index < 10; index += 1) {
    const [flushes, point] = [String((index >> 1) * 2 + 1), index % 2 === 0 ? 'before' : 'after'];
    const { delivered, kept } = await runUntilKilled(folder.path, `run${index}`, [flushes, point]);
    for (const [session, most] of delivered) bounds.set(session, { least: kept.get(session) ?? 0, most });
  }
  await using store = await openUsageStore({ kind: 'sqlite', file: join(folder.path, 'usage.db') });
  {
    await using _accounts = await UsageAccounts.open({
      ...{ store, journalFile: join(folder.path, 'journal.json'), flushMs: 5, packetMsOf: () => 20, packetLog: 'off' },
      ...{ clock: systemClock, startTimer: systemTimer, logger: silentLogger },
      meter: createUsageMeter(new MetricRegistry().declare(usageMetricTable)),
    });
  }
  const now = systemClock.now();
  const { rows } = await store.listSessions({ user: 'user-1', fromMs: now - 3 * hourMs, toMs: now + hourMs, limit: 1000 }, never);
  const billed = new Map<string, number>();
  for (const { sessionId, packets } of rows) billed.set(sessionId, (billed.get(sessionId) ?? 0) + packets);
  expect(billed.size).toBe(20);
  for (const [session, { least, most }] of bounds) {
    expect(least).toBeGreaterThan(0);
    expect(billed.get(session)).toBeGreaterThanOrEqual(least);
    expect(billed.get(session)).toBeLessThanOrEqual(most);
  }
  expect(await verifyUsage({ store, provenFromMs: 0, signal: never })).toMatchObject({ problems: 0, found: [] });
});
