import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { openUsageStore } from '../registry.ts';
import type { UsageConfig } from '../usage-config.ts';
import { describeUsageStore, testRange } from '../usage-store.conformance.ts';
import { dayMs, hourMs, type UsageStore } from '../usage-store.ts';

const never = new AbortController().signal;
const h0 = testRange(1).hourMs;
const window = { user: 'user-1', fromMs: h0 - 48 * hourMs, toMs: h0 + 48 * hourMs };

const open = (folder: string, given: Partial<Extract<UsageConfig, { kind: 'sqlite' }>> = {}): Promise<UsageStore> =>
  openUsageStore({ kind: 'sqlite', file: join(folder, 'usage.db'), ...given });

describeUsageStore('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-usage-'));
  let store = await open(folder);
  return {
    get store() {
      return store;
    },
    get other() {
      return store;
    },
    async reopen() {
      await store[Symbol.asyncDispose]();
      store = await open(folder);
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
});

it('forgets ranges and packets that are older than they are kept, and keeps totals', async () => {
  await using folder = await openTempFolder();
  await using store = await open(folder.path, { rangesMs: dayMs, packetsMs: 2 * dayMs });
  const hours = [-30, -25, -24, 0].map((hour) => h0 + hour * hourMs);
  await store.writeRanges(
    hours.map((hour) => testRange(1, { hour })),
    never,
  );
  const runs = [-3, -2, -1, 0].map((day) => ({
    ...{ user: 'user-1', atMs: h0 + day * dayMs, channel: 'zato01', sessionId: 's1', epoch: 1 },
    ...{ from: 1, to: 1, packets: 1, bytes: 5 },
  }));
  await store.logPackets(runs, never);
  await store.forgetExpired(h0 + 1, never);
  const { rows } = await store.listRanges({ ...window, limit: 100 }, never);
  expect(rows.map(({ hourMs: hour }) => hour)).toEqual(hours.slice(2));
  expect(await store.sumUsage(window, never)).toHaveLength(4);
  const logged = await store.listPackets({ user: 'user-1', afterMs: h0 - 9 * dayMs, toMs: h0 + 1, limit: 10 }, never);
  expect(logged.rows).toEqual(runs.slice(1));
});

it('says that the file cannot be used, and opens it once it can', async () => {
  await using folder = await openTempFolder();
  const file = join(folder.path, 'usage.db');
  await writeFile(file, 'this is no database, and longer than a header of SQLite would have to be to be taken for one by mistake');
  await using store = await open(folder.path);
  const unavailable = { code: 'usageUnavailable', message: expect.stringContaining(`${file} cannot be opened: file is not a database`) };
  await expect(store.probe(never)).rejects.toMatchObject(unavailable);
  await rm(file);
  await store.probe(never);
});

it('is one process only', async () => {
  await using folder = await openTempFolder();
  await using store = await open(folder.path);
  await using second = await open(folder.path);
  await store.probe(never);
  await expect(second.probe(never)).rejects.toMatchObject({ code: 'usageUnavailable', message: expect.stringContaining('locked') });
});

it('touches nothing before the first call', async () => {
  await using folder = await openTempFolder();
  await using store = await open(join(folder.path, 'missing'));
  await expect(store.probe(never)).rejects.toMatchObject({ code: 'usageUnavailable' });
});

it('gives up at the end of its time', async () => {
  await using folder = await openTempFolder();
  const config = { kind: 'sqlite', file: join(folder.path, 'usage.db'), timeoutMs: 77 } as const;
  const startTimer = (delayMs: number, fire: () => void) => {
    expect(delayMs).toBe(77);
    fire();
    return () => {};
  };
  await using store = await openUsageStore(config, { startTimer });
  await expect(store.findUser('user-1', never)).rejects.toMatchObject({
    code: 'usageUnavailable',
    message: expect.stringContaining('no answer in 77 ms'),
  });
});
