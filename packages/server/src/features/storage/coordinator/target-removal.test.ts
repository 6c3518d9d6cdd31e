import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  openStorageRoom,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  testSink,
  testSinkKey,
} from '../../../../test/support/storage-room.ts';
import { TestClock } from '../../../../test/support/test-clock.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { definitionPrefix } from '../../definitions/keys.ts';
import { StorageStore } from '../state/storage-store.ts';
import { TargetRemoval } from './target-removal.ts';

let room: StorageRoom;
/** Tables that were dropped, with the rows that were imported by then. */
let dropped: [string, number][];
beforeEach(async () => {
  room = await openStorageRoom();
  dropped = [];
  room.tables.dropTable = async ({ schema, name }) => void dropped.push([`${schema}.${name}`, room.tables.rows.length]);
});
afterEach(() => room[Symbol.asyncDispose]());

const never = new AbortController().signal;
const other = { ...testSink, sinkId: 'other', table: { ...testSink.table, tableId: 'in.c-bucket.other' } };

async function deleteSink(running: RunningStorage): Promise<void> {
  const { checks, writes } = await running.storage.definitionHooks.sinkDeactivated(testSink);
  const key = definitionPrefix.activeSink + testSinkKey;
  expect((await room.metadata.transact({ checks, writes: [...writes, { type: 'delete', key }] })).committed).toBe(true);
}

test('a table is dropped once all rows of its sinks are imported, and no import comes after it', async () => {
  await using running = await room.start();
  for (const row of ['a', 'b', 'c']) await running.append([row]);
  await deleteSink(running);
  const twin = { ...testSink, sinkId: 'twin' };
  await running.storage.definitionHooks.dropTargets([twin, testSink, other], never);
  expect(dropped).toEqual([
    ['in.c-bucket.table', 3],
    ['in.c-bucket.other', 3],
  ]);
  expect([room.tables.attempts, room.tables.ledger.size]).toEqual([1, 1]);
});

test('every file is waited for, however many pages of them there are', async () => {
  await using rotating = await openStorageRoom({ settings: rotatingSettings(1, 1) });
  rotating.tables.dropTable = async ({ schema, name }) => void dropped.push([`${schema}.${name}`, rotating.tables.rows.length]);
  await using running = await rotating.start();
  const states = () => [...running.view.files()].map(({ state }) => state);
  await running.append(['a']);
  await running.until(() => states().includes('imported'));
  rotating.tables.fault = new AppError('tablesUnavailable', 'down');
  await running.append(['b']);
  await running.until(() => states().includes('importing'));
  await rotating.metadata.transact(await running.storage.definitionHooks.sinkDeactivated(testSink));
  const { range } = rotating.metadata;
  rotating.metadata.range = (query) => range.call(rotating.metadata, { ...query, limit: 1 });
  const removed = running.storage.definitionHooks.dropTargets([testSink], never);
  rotating.tables.fault = undefined;
  await removed;
  expect(dropped).toEqual([['in.c-bucket.table', 2]]);
});

test('a table whose rows are in quarantine stays, and the others go', async () => {
  await using running = await room.start();
  room.tables.fault = new AppError('importRejected', 'a row is refused');
  await running.append(['a']);
  const [file] = running.view.filesOf(testSinkKey);
  await deleteSink(running);
  await expect(running.storage.definitionHooks.dropTargets([testSink, other], never)).rejects.toMatchObject({
    code: 'tablesNotDropped',
    message:
      'The source is deleted, but not these tables: "in.c-bucket.table" ' +
      `(the file ${testSinkKey}/${file?.openedAt} is in quarantine, retry or discard it first).`,
  });
  expect(dropped).toEqual([['in.c-bucket.other', 0]]);
});

test('nobody waits for rows for more than a minute, nor when the task is ended', async () => {
  // Nothing uploads.
  await using running = await room.start(['writer', 'coordinator']);
  await running.append(['a']);
  await deleteSink(running);
  let fire = (): void => {};
  const removal = new TargetRemoval({
    store: new StorageStore(room.metadata, new TestClock()),
    view: running.view,
    tables: room.tables,
    startTimer: (delayMs, onTime) => {
      expect(delayMs).toBe(60_000);
      fire = onTime;
      return () => {};
    },
  });
  const late = removal.drop([testSink], never);
  fire();
  const left = 'The source is deleted, but not these tables: "in.c-bucket.table"';
  await expect(late).rejects.toMatchObject({ message: `${left} (its rows were not imported within 60 s).` });
  const stop = new AbortController();
  const ended = removal.drop([testSink], stop.signal);
  stop.abort(new AppError('shutdown', 'The service stopped before the task was finished.'));
  await expect(ended).rejects.toMatchObject({ message: `${left} (The service stopped before the task was finished).` });
  expect(dropped).toEqual([]);
});
