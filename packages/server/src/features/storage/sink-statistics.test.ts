import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  openStorageRoom,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  testSinkKey,
} from '../../../test/support/storage-room.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { ConservationView } from './conservation.ts';
import { fileStatistics, newestFiles, type StatisticsReset, sinkTotal, targetFigures } from './sink-statistics.ts';
import { zeroFigures } from './state/figures.ts';
import type { File } from './state/file.ts';
import { storageStatus } from './storage-status.ts';

const settings = rotatingSettings(2, 4);
let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings });
});
afterEach(() => room[Symbol.asyncDispose]());

const sinkOf = ({ view }: RunningStorage, reset?: StatisticsReset) => ({ sink: testSinkKey, files: view.filesOf(testSinkKey), reset });
const totalIn = (running: RunningStorage, reset?: StatisticsReset) => sinkTotal(running.view, sinkOf(running, reset));
const countsIn = (running: RunningStorage, reset?: StatisticsReset) => {
  const { total, levels } = totalIn(running, reset);
  return [total.recordsCount, ...(['local', 'staging', 'target'] as const).map((name) => levels[name]?.recordsCount)];
};
/** The same of the status: quarantined rows are staged ones. */
const statusCounts = ({ view }: RunningStorage) => {
  const { local = 0, staged = 0, quarantined = 0, imported = 0 } = storageStatus(view)[0]?.rows ?? {};
  const levels = [local, staged + quarantined, imported];
  return [levels.reduce((sum, rows) => sum + rows, 0), ...levels.map((rows) => (rows > 0 ? rows : undefined))];
};

test('without records the total is zero and no level is told', async () => {
  await using running = await room.start([]);
  expect(JSON.stringify(totalIn(running))).toBe('{"total":{"recordsCount":0,"compressedSize":0,"uncompressedSize":0},"levels":{}}');
  expect(JSON.stringify(fileStatistics(running.view, sinkOf(running), false).map(({ statistics }) => statistics))).toBe(
    '[{"total":null,"levels":{}}]',
  );
});

test('records move from level to level, as the status has them, and first and last arrival go with them', async () => {
  {
    await using running = await room.start(['coordinator', 'writer', 'statistics']);
    await running.append(['a', 'b', 'c', 'd', 'e']);
    await running.until(() => countsIn(running)[1] === 5);
    const { total, levels } = totalIn(running);
    expect(levels.local).toEqual(total);
    expect(Object.keys(total)).toEqual(['firstRecordAt', 'lastRecordAt', 'recordsCount', 'compressedSize', 'uncompressedSize']);
    expect(total).toMatchObject({ uncompressedSize: 20, firstRecordAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.{12}Z$/) });
    expect(countsIn(running)).toEqual(statusCounts(running));
  }
  room.tables.fault = new AppError('importRejected', 'a row is refused');
  {
    await using running = await room.start();
    await running.until(() => storageStatus(running.view)[0]?.quarantined.length === 1);
    expect(countsIn(running)).toEqual([5, undefined, 5, undefined]);
    expect(countsIn(running)).toEqual(statusCounts(running));
    expect(fileStatistics(running.view, sinkOf(running), true)).toMatchObject([
      { state: 'importing', retryAttempt: 1, retryReason: 'a row is refused', retryAfter: expect.any(String) },
    ]);
    room.tables.fault = undefined;
    const [file] = running.storage.quarantine.list('');
    await running.storage.quarantine.retry(file?.file ?? '');
    await running.until(() => countsIn(running)[3] === 5);
    expect(countsIn(running)).toEqual(statusCounts(running));
    expect(fileStatistics(running.view, sinkOf(running), true)).toEqual([]);
  }
});

test('imported records are counted also when their files are cleaned up; a reset takes away what was imported by then', async () => {
  await using running = await room.start(undefined, { settings: { ...settings, dataRetentionMs: 0, recordRetentionMs: 0 } });
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => running.view.sinkSum(testSinkKey).goodRows === 4);
  expect(countsIn(running)).toEqual([4, undefined, undefined, 4]);
  const reset = { at: '', figures: targetFigures(running.view, sinkOf(running)) };
  expect(JSON.stringify(totalIn(running, reset))).toBe('{"total":{"recordsCount":0,"compressedSize":0,"uncompressedSize":0},"levels":{}}');
  await running.append(['e', 'f', 'g', 'h', 'i']);
  await running.until(() => countsIn(running, reset)[3] === 5);
  expect(countsIn(running, reset)).toEqual([5, undefined, undefined, 5]);
  // A reset that has seen more than the view shows.
  const far = { at: '', figures: { ...zeroFigures, goodRows: 100, compressedBytes: 1e9, rawBytes: 1e9 } };
  expect(countsIn(running, far)).toEqual([0, undefined, undefined, undefined]);
  const heavy = { at: '', figures: { ...far.figures, goodRows: 1 } };
  expect(totalIn(running, heavy).total).toMatchObject({ recordsCount: 8, compressedSize: 0, uncompressedSize: 0 });
});

test('discarded records are nowhere, and their files are left out', async () => {
  await using running = await room.start(undefined, { settings: { ...settings, dataRetentionMs: 0, recordRetentionMs: 0 } });
  room.tables.fault = new AppError('importRejected', 'no');
  await running.append(['a', 'b', 'c', 'd']);
  await running.until(() => storageStatus(running.view)[0]?.quarantined.length === 1);
  room.tables.fault = undefined;
  await running.storage.quarantine.discard(running.storage.quarantine.list('')[0]?.file ?? '');
  expect(countsIn(running)).toEqual([0, undefined, undefined, undefined]);
  expect(fileStatistics(running.view, sinkOf(running), false).map(({ state }) => state)).not.toContain('importing');
  await running.until(() => running.view.sinkSum(testSinkKey).discardedRows === 4);
  expect(running.view.sinkSum(testSinkKey)).toMatchObject({ goodRows: 0, compressedBytes: 0, rawBytes: 0 });
  expect(running.view.sinkSum(testSinkKey)).not.toHaveProperty('firstAt');
});

const day = (number: number) => `2026-06-0${number}T00:00:00.000Z`;
const retry = { attempt: 2, reason: 'network problem', firstFailedAt: day(1), lastFailedAt: day(1), after: day(9) };
const common = {
  sink: { projectId: 1, branchId: 1, sourceId: 'source', sinkId: 'sink' },
  sinkVersion: 1,
  tableId: 'in.c-bucket.table',
  columns: ['a'],
  codec: 'gzip' as const,
  settings: settings.file,
  importId: 'id',
};
const figures = { goodRows: 10, damagedRows: 0, compressedBytes: 200, rawBytes: 900, firstAt: 0, lastAt: 59_000 };
const files: File[] = [
  { ...common, state: 'closing', openedAt: day(1), closingAt: day(2), retry },
  { ...common, state: 'writing', openedAt: day(5) },
  { ...common, state: 'closing', openedAt: day(4), closingAt: day(5) },
  { ...common, state: 'imported', openedAt: day(6), closingAt: day(7), importingAt: day(8), importedAt: day(9), importedRows: 10, figures },
  { ...common, state: 'imported', openedAt: day(2), closingAt: day(3), importedAt: day(4), importedRows: 0, figures: zeroFigures },
];
const view: ConservationView = { slicesOf: () => [], figures: () => zeroFigures, sinkSum: () => zeroFigures };
const listed = (reset?: StatisticsReset, failedOnly = false) => fileStatistics(view, { sink: '', files, reset }, failedOnly);

test('files: imported ones first, failing ones last, each in order of opening, with fields in the order of the contract', () => {
  expect(listed().map(({ openedAt }) => openedAt)).toEqual([day(2), day(6), day(4), day(5), day(1)]);
  const level = `{"firstRecordAt":"1970-01-01T00:00:00.000Z","lastRecordAt":"1970-01-01T00:00:59.000Z","recordsCount":10,"compressedSize":200,"uncompressedSize":900}`;
  expect(JSON.stringify(listed()[1])).toBe(
    `{"state":"imported","openedAt":"${day(6)}","closingAt":"${day(7)}","importingAt":"${day(8)}","importedAt":"${day(9)}","statistics":{"total":${level},"levels":{"target":${level}}}}`,
  );
  expect(JSON.stringify(listed(undefined, true))).toBe(
    `[{"state":"closing","openedAt":"${day(1)}","closingAt":"${day(2)}","retryAttempt":2,"retryReason":"network problem","retryAfter":"${day(9)}","statistics":{"total":null,"levels":{}}}]`,
  );
});

test('after a reset only files that were opened behind it are listed', () => {
  expect(listed({ at: day(3), figures: zeroFigures }).map(({ openedAt }) => openedAt)).toEqual([day(6), day(4), day(5)]);
});

test('newest first: all files but discarded ones, each as it is listed elsewhere', () => {
  const [closing] = files;
  const discarded: File = { ...common, state: 'discarded', openedAt: day(3), closingAt: day(4), discardedAt: day(5), rows: 1 } as never;
  const newest = newestFiles(view, [...files, discarded]);
  expect(newest.map(({ openedAt }) => openedAt)).toEqual([day(6), day(5), day(4), day(2), day(1)]);
  expect(newest.at(-1)).toEqual(fileStatistics(view, { sink: '', files: closing ? [closing] : [] }, false)[0]);
});

test('a slice that cannot be uploaded makes its file a failing one', () => {
  const slice = { sink: common.sink, volumeId: 'v', openedAt: day(1), file: '', sinkVersion: 1, codec: 'gzip' as const, closingAt: day(2) };
  const held: ConservationView = { ...view, slicesOf: () => [{ ...slice, state: 'closing', retry }] };
  const [answer] = fileStatistics(held, { sink: '', files: files.slice(2, 3) }, true);
  expect(answer).toMatchObject({ state: 'closing', retryAttempt: 2, retryReason: 'network problem' });
});
