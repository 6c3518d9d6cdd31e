import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openUsageStore } from '../../src/engines/usage/registry.ts';
import type { UsageStore } from '../../src/engines/usage/usage-store.ts';
import { UsageAccounts } from '../../src/features/channels/usage-accounts.ts';
import { createUsageMeter, usageMetricTable } from '../../src/features/channels/usage-metrics.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { systemClock } from '../../src/kernel/time/clock.ts';
import { systemTimer } from '../../src/kernel/time/start-timer.ts';
import { silentLogger } from './silent-logger.ts';

/**
 * A process that counts what two sessions of one user are handed, and kills itself at a point of its `flushes`-th flush: `before` the
 * store has it, or `after`. Lines of the file `<run>.said`: `delivered <session> <packets>` after each count, `kept <session> <packets>` once
 * the journal has a batch.
 */
const [, , folder = '', run = '', flushesText = '', point = ''] = process.argv;
const said = openSync(join(folder, `${run}.said`), 'w');
const say = (line: string): void => void writeSync(said, `${line}\n`);
const store = await openUsageStore({ kind: 'sqlite', file: join(folder, 'usage.db') });
let left = Number(flushesText);
const kept = new Map<string, number>();

const write = store.writeRanges.bind(store);
store.writeRanges = async (...[ranges, signal]: Parameters<UsageStore['writeRanges']>) => {
  const own = ranges.filter(({ sessionId }) => sessionId.startsWith(`${run}-`));
  if (own.length > 0) left -= 1;
  for (const { sessionId, packets } of own) kept.set(sessionId, (kept.get(sessionId) ?? 0) + packets);
  for (const [sessionId, packets] of kept) say(`kept ${sessionId} ${packets}`);
  if (left === 0 && point === 'before') process.kill(process.pid, 'SIGKILL');
  await write(ranges, signal);
  if (left === 0 && point === 'after') process.kill(process.pid, 'SIGKILL');
};

const accounts = await UsageAccounts.open({
  ...{ store, journalFile: join(folder, 'journal.json'), flushMs: 5, packetMsOf: () => 20, packetLog: 'off' },
  ...{ clock: systemClock, startTimer: systemTimer, logger: silentLogger },
  meter: createUsageMeter(new MetricRegistry().declare(usageMetricTable)),
});
const sessions = ['a', 'b'].map((name) => ({ sessionId: `${run}-${name}`, user: 'user-1', channel: 'zato01' }));
const open = sessions.map((session) => ({ session, account: accounts.open(session), next: 0 }));
setInterval(() => {
  for (const one of open) {
    one.account.delivered({ epoch: 1, from: one.next, to: one.next + 9, packets: 10, bytes: 13_160 });
    one.next += 10;
    say(`delivered ${one.session.sessionId} ${one.next}`);
  }
}, 1);
