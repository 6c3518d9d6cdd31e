import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkHistory } from '../../../../test/support/storage-history.ts';
import {
  openStorageRoom,
  quietSettings,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  startStorage,
  testSink,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import type { MetadataStore } from '../../../engines/metadata/metadata-store.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type Clock, systemClock } from '../../../kernel/time/clock.ts';
import { definitionPrefix } from '../../definitions/keys.ts';
import type { File, FileState } from '../state/file.ts';
import { storageStatus } from '../storage-status.ts';

let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings: rotatingSettings(2, 4) });
});
afterEach(() => room[Symbol.asyncDispose]());

const files = ({ view }: RunningStorage, state: FileState): File[] => [...view.files()].filter((file) => file.state === state);
const imported = (running: RunningStorage): number => storageStatus(running.view)[0]?.rows.imported ?? 0;
const values = () => room.tables.rows.flat();
const down = new AppError('tablesUnavailable', 'down');

/** Appends rows one by one, each after the view shows the one before, so that the triggers see every row. */
async function appendSlowly(running: RunningStorage, rows: readonly string[]): Promise<void> {
  for (const row of rows) {
    const { request } = await running.append([row]);
    const shown = () => running.view.slice(request.slice)?.state !== 'writing' || running.view.figures(request.slice).goodRows > 0;
    await running.until(shown);
  }
}

test('rows rotate slice by slice and file by file into the table, each once, and no state ever breaks a rule', async () => {
  await using running = await room.start();
  const rows = Array.from({ length: 12 }, (_, index) => `row ${index}`);
  await appendSlowly(running, rows);
  await running.until(() => imported(running) >= 8);
  expect(new Set(values()).size).toBe(values().length);
  expect(values().every((value) => rows.includes(value))).toBe(true);
  await running.until(() => Object.values(storageStatus(running.view)[0]?.rows ?? {}).reduce((sum, count) => sum + count, 0) === 12);
  await checkHistory(room.metadata);
});

test('times only grow, although the wall clock steps back and forth; ages do not follow it', async () => {
  let shift = 0;
  const clock: Clock = { now: () => Date.now() + shift, monotonic: systemClock.monotonic };
  await using running = await room.start(undefined, { clock });
  for (const step of [-3_600_000, 7_200_000, -86_400_000, 0]) {
    shift += step;
    const before = running.view.writingSlice(testSinkKey)?.key;
    await running.append(['a', 'b']);
    await running.until(() => running.view.writingSlice(testSinkKey)?.key !== before);
  }
  await running.until(() => imported(running) >= 8);
  await checkHistory(room.metadata);
});

test('an idle service leaves metadata alone', async () => {
  let calls = 0;
  const counted = new Set(['get', 'range', 'count', 'transact', 'revision', 'grantLease']);
  const metadata = new Proxy<MetadataStore>(room.metadata, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (counted.has(String(name))) calls += 1;
        return value.apply(target, args);
      };
    },
  });
  const settings = { ...rotatingSettings(2, 4), statisticsIntervalMs: 10 };
  const engines = { ...room, metadata, volumes: [room.volume] };
  await using running = await startStorage(engines, ['coordinator', 'writer', 'statistics', 'uploader'], { settings });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => imported(running) === 4);
  await running.append(['e']);
  await running.until(() => storageStatus(running.view)[0]?.rows.local === 1);
  // What followed from the last change has settled once nothing came for a while.
  for (let before = -1; before !== calls; await new Promise((resolve) => setTimeout(resolve, 100))) before = calls;
  calls = 0;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(calls).toBe(0);
});

test('a successor opens in the transaction that closes the file, unless the sink is gone', async () => {
  await using running = await room.start();
  const key = definitionPrefix.activeSink + testSinkKey;
  await room.metadata.transact({ checks: [], writes: [{ type: 'delete', key }] });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => imported(running) === 4);
  expect(files(running, 'writing')).toEqual([]);
  expect(running.view.writingSlice(testSinkKey)).toBeUndefined();
});

test('the file that follows has the mapping that the sink has then', async () => {
  await using running = await room.start();
  const table = { ...testSink.table, mapping: { columns: [...testSink.table.mapping.columns, { type: 'ip', name: 'ip' }] } };
  const sink = { ...testSink, table, version: { ...testSink.version, number: 2 } };
  await room.metadata.transact({
    checks: [],
    writes: [{ type: 'put', key: definitionPrefix.activeSink + testSinkKey, value: JSON.stringify(sink) }],
  });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => imported(running) === 4);
  expect(files(running, 'imported')[0]).toMatchObject({ sinkVersion: 1, columns: ['body'] });
  expect(files(running, 'writing')[0]).toMatchObject({ sinkVersion: 2, columns: ['body', 'ip'] });
  expect(running.view.writingSlice(testSinkKey)?.slice.sinkVersion).toBe(2);
});

test('what is refused for good, and once more after it was staged again, is in quarantine: kept, shown, not tried again; others go on', async () => {
  await using running = await room.start();
  room.tables.fault = new AppError('importRejected', 'a row is refused');
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => storageStatus(running.view)[0]?.quarantined.length === 1);
  expect(room.tables.attempts).toBe(2);
  room.tables.fault = undefined;
  await running.append(['e', 'f', 'g', 'h']);
  await running.until(() => imported(running) === 4);
  expect(room.tables.attempts).toBe(3);
  expect(storageStatus(running.view)[0]).toMatchObject({
    rows: { quarantined: 4, imported: 4, staged: 0, local: 0, damaged: 0 },
    quarantined: [{ reason: 'a row is refused' }],
  });
});

test('a fault that may pass is tried again, not before its time', async () => {
  await using running = await room.start();
  room.tables.fault = down;
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => (files(running, 'importing')[0]?.retry?.attempt ?? 0) >= 2);
  expect(room.tables.attempts).toBe(2);
  const retry = files(running, 'importing')[0]?.retry;
  expect(Date.parse(retry!.lastFailedAt) - Date.parse(retry!.firstFailedAt)).toBeGreaterThanOrEqual(990);
  expect(storageStatus(running.view)[0]).toMatchObject({ retrying: 1, retryReasons: ['down'], rows: { staged: 4 } });
  room.tables.fault = undefined;
  await running.until(() => imported(running) === 4);
  expect(files(running, 'imported')[0]?.retry).toBeUndefined();
});

/** Delays never pass: only a forgiven file is tried again. */
const standingClock: Clock = { now: systemClock.now, monotonic: () => 0 };

test('the first success forgives the delays of all that failed', async () => {
  await using running = await room.start(undefined, { clock: standingClock });
  room.tables.fault = down;
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => files(running, 'importing')[0]?.retry !== undefined);
  room.tables.fault = undefined;
  await running.append(['e', 'f', 'g', 'h']);
  await running.until(() => imported(running) === 8);
  expect(room.tables.attempts).toBe(3);
});

test('an engine that was down forgives by answering a probe; one that answers while imports fail does not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await using running = await room.start(undefined, { clock: standingClock });
    room.tables.fault = down;
    await running.append(['a', 'b', 'c', 'd']);
    await running.until(() => files(running, 'importing')[0]?.retry !== undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    expect([room.tables.probes, room.tables.attempts], 'probed once, in vain').toEqual([1, 1]);
    room.tables.isDown = true;
    await running.append(['e', 'f', 'g', 'h']);
    await running.until(() => files(running, 'importing').filter(({ retry }) => retry).length === 2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(room.tables.attempts).toBe(2);
    expect(room.tables.probes).toBeGreaterThan(3);
    room.tables.isDown = false;
    room.tables.fault = undefined;
    await vi.advanceTimersByTimeAsync(2000);
    await running.until(() => imported(running) === 8);
  } finally {
    vi.useRealTimers();
  }
});

test('a probe that fails after the disposal of its coordinator is the last one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const answer = Promise.withResolvers<void>();
    const probe = vi.spyOn(room.tables, 'probe').mockImplementation(() => answer.promise);
    {
      await using running = await room.start();
      room.tables.fault = down;
      await running.append(['a', 'b', 'c', 'd']);
      await running.until(() => files(running, 'importing')[0]?.retry !== undefined);
      await vi.advanceTimersByTimeAsync(2000);
    }
    answer.reject(down);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(probe.mock.calls.length).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test('a row of the largest size whose bytes are all rewritten is imported', async () => {
  await using running = await room.start();
  const huge = Buffer.alloc(quietSettings.file.maxRowBytes - 4, 0xff);
  await running.append([huge, 'b', 'c', 'd']);
  await running.until(() => imported(running) === 4);
  expect(values()).toContain('\uFFFD'.repeat(huge.length));
});
