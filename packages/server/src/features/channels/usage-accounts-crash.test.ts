import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
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
async function runUntilKilled(folder: string, args: readonly string[]) {
  const child = spawn(process.execPath, [program, folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(signal).toBe('SIGKILL');
  const last = (word: string) =>
    new Map([...said.matchAll(new RegExp(`^${word} (\\S+) (\\d+)$`, 'gm'))].map(([, session = '', packets]) => [session, Number(packets)]));
  return { delivered: last('delivered'), kept: last('kept') };
}

it('bills what was flushed exactly once, wherever the process is killed', { timeout: 60_000 }, async () => {
  await using folder = await openTempFolder();
  const bounds = new Map<string, { readonly least: number; readonly most: number }>();
  for (const [index, [flushes, point]] of (
    [
      ['1', 'before'],
      ['1', 'after'],
      ['3', 'before'],
      ['3', 'after'],
      ['7', 'before'],
    ] as const
  ).entries()) {
    const { delivered, kept } = await runUntilKilled(folder.path, [`run${index}`, flushes, point]);
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
  expect(billed.size).toBe(10);
  for (const [session, { least, most }] of bounds) {
    expect(least).toBeGreaterThan(0);
    expect(billed.get(session)).toBeGreaterThanOrEqual(least);
    expect(billed.get(session)).toBeLessThanOrEqual(most);
  }
  expect(await verifyUsage({ store, provenFromMs: 0, signal: never })).toMatchObject({ problems: 0, found: [] });
});
