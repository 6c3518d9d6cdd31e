import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkHistory } from '../../../test/support/storage-history.ts';
import {
  openStorageRoom,
  type RunningStorage,
  rotatingSettings,
  type StorageRoom,
  testSinkKey,
} from '../../../test/support/storage-room.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { File } from './state/file.ts';
import { ledgerIdOf } from './state/ledger-id.ts';
import { fileKeyText, sliceFolder, storagePrefix } from './state/storage-keys.ts';
import { storageStatus } from './storage-status.ts';

const settings = rotatingSettings(2, 4);
let room: StorageRoom;
beforeEach(async () => {
  room = await openStorageRoom({ settings });
});
afterEach(() => room[Symbol.asyncDispose]());

const refused = new AppError('importRejected', 'a row is refused');
const rowsOf = ({ view }: RunningStorage) => storageStatus(view)[0]?.rows;

/** Fills a file and waits until the engine has refused it. */
async function quarantined(running: RunningStorage, rows = ['a', 'b', 'c', 'd']): Promise<File> {
  room.tables.fault = refused;
  await running.append(rows);
  await running.until(() => storageStatus(running.view)[0]?.quarantined.length === 1);
  room.tables.fault = undefined;
  const file = [...running.view.files()].find((one) => 'quarantine' in one);
  if (!file) throw new Error('no file is in quarantine');
  return file;
}

test('the list names what an operator decides about, by the beginning of the key', async () => {
  await using running = await room.start();
  const file = await quarantined(running);
  const { quarantine } = running.storage;
  const [entry] = quarantine.list('');
  expect(entry).toMatchObject({ file: fileKeyText(file), sourceId: 'source', sinkId: 'sink', rows: 4, reason: 'a row is refused' });
  expect(entry).toMatchObject({ tableId: 'in.c-bucket.table', isDiscarding: false });
  expect(quarantine.list('1/1/')).toEqual([entry]);
  expect(quarantine.list('1/2/')).toEqual([]);
  expect(quarantine.describe()).toBe('files that the table engine refuses: 1 of 1/1/source/sink; see `sluice quarantine list`');
  await quarantine.retry(entry?.file ?? '');
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(quarantine.describe()).toBeUndefined();
});

test('retry stages and imports again; what is refused again is in quarantine again', async () => {
  await using running = await room.start();
  const key = fileKeyText(await quarantined(running));
  room.tables.fault = new AppError('tableMismatch', 'still wrong');
  expect(await running.storage.quarantine.retry(key)).toEqual({ file: key, rows: 4, state: 'importing' });
  await running.until(() => storageStatus(running.view)[0]?.quarantined[0]?.reason === 'still wrong');
  room.tables.fault = undefined;
  await running.storage.quarantine.retry(key);
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(room.tables.rows.flat()).toEqual(['a', 'b', 'c', 'd']);
  expect(room.tables.attempts, 'two before the quarantine, one for each retry').toBe(4);
  await expect(running.storage.quarantine.retry(key)).rejects.toMatchObject({ code: 'quarantinedFileNotFound' });
  await checkHistory(room.metadata);
});

test('discarded rows are counted, also when everything of the file is gone, and never imported', async () => {
  await using running = await room.start(undefined, { settings: { ...settings, dataRetentionMs: 0, recordRetentionMs: 0 } });
  const file = await quarantined(running);
  const slices = running.view.slicesOf(fileKeyText(file));
  expect(await running.storage.quarantine.discard(fileKeyText(file))).toMatchObject({ rows: 4, state: 'discarded' });
  await running.until(() => running.view.sinkSum(testSinkKey).discardedRows === 4);
  expect(rowsOf(running)).toEqual({ local: 0, staged: 0, quarantined: 0, imported: 0, damaged: 0, discarded: 4 });
  expect((await room.objects.list({ prefix: '', limit: 10 })).objects).toEqual([]);
  expect(room.tables.ledger.size).toBe(0);
  expect(await room.metadata.count(storagePrefix.fileSlice)).toBe(1);
  for (const slice of slices) expect(existsSync(join(room.volume.path, sliceFolder(slice)))).toBe(false);
  // Imported rows join the same sum.
  await running.append(['e', 'f', 'g', 'h']);
  await running.until(() => running.view.sinkSum(testSinkKey).goodRows === 4);
  expect(rowsOf(running)).toMatchObject({ imported: 4, discarded: 4 });
  expect(room.tables.rows.flat()).toEqual(['e', 'f', 'g', 'h']);
  await checkHistory(room.metadata);
});

test('an importer that runs while the file is discarded finds its id burnt', async () => {
  await using running = await room.start();
  const file = await quarantined(running);
  const { figures, columns, tableId } = file as File & { state: 'importing' };
  await running.storage.quarantine.discard(fileKeyText(file));
  const late = room.tables.importFile(
    {
      importId: ledgerIdOf(file),
      columns,
      table: { project: '1', schema: '', name: tableId },
      rows: figures.goodRows,
      checksum: 'checksum' in file ? file.checksum : '',
      maxRowBytes: 1000,
      objects: [],
    },
    new AbortController().signal,
  );
  await expect(late).rejects.toMatchObject({ code: 'importMismatch' });
  expect(room.tables.rows).toEqual([]);
});

test('a discard that an importer was faster than tells that the rows are in the table', async () => {
  await using running = await room.start();
  const file = await quarantined(running);
  // What another coordinator committed between the quarantine and the discard.
  if (!('checksum' in file)) throw new Error('not importing');
  room.tables.ledger.set(ledgerIdOf(file), { rows: file.figures.goodRows, checksum: file.checksum });
  expect(await running.storage.quarantine.discard(fileKeyText(file))).toMatchObject({ state: 'imported' });
  await running.until(() => rowsOf(running)?.imported === 4);
  expect(rowsOf(running)).toMatchObject({ discarded: 0, quarantined: 0 });
});

test('a discard that the engine does not answer is still a quarantine, and is ended by the coordinator of a later start', async () => {
  let key = '';
  {
    await using running = await room.start();
    key = fileKeyText(await quarantined(running));
    room.tables.isDown = true;
    expect(await running.storage.quarantine.discard(key)).toMatchObject({ state: 'discarding' });
    await running.until(() => running.storage.quarantine.list('')[0]?.isDiscarding === true);
    expect(rowsOf(running)).toMatchObject({ quarantined: 4, discarded: 0 });
    await expect(running.storage.quarantine.retry(key)).rejects.toMatchObject({ code: 'quarantinedFileNotFound' });
  }
  room.tables.isDown = false;
  await using running = await room.start();
  await running.until(() => rowsOf(running)?.discarded === 4);
  expect(running.view.file(key)?.state).toBe('discarded');
  expect(rowsOf(running)?.quarantined).toBe(0);
});

test('a key of nothing in quarantine is told', async () => {
  await using running = await room.start();
  const { quarantine } = running.storage;
  for (const decide of [quarantine.retry, quarantine.discard]) {
    await expect(decide.call(quarantine, 'no/such/file')).rejects.toMatchObject({ code: 'quarantinedFileNotFound' });
    const writing = fileKeyText([...running.view.files()][0]!);
    await expect(decide.call(quarantine, writing)).rejects.toMatchObject({ code: 'quarantinedFileNotFound' });
  }
});
