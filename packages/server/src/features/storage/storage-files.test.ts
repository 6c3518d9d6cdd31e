import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openStorageRoom, rotatingSettings } from '../../../test/support/storage-room.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { storageFiles } from './storage-files.ts';

test('open files and slices are listed by their keys until they are imported, and longer where rows are damaged', async () => {
  await using room = await openStorageRoom({ settings: rotatingSettings(4, 4) });
  await using running = await room.start();
  room.tables.fault = new AppError('tablesUnavailable', 'down');
  const { request } = await running.append(['a']);
  await running.until(() => storageFiles(running.view)[0]?.rows === 1);
  const [writing] = storageFiles(running.view);
  expect(writing).toMatchObject({ state: 'writing', damagedRows: 0, slices: [{ slice: request.slice, state: 'writing', rows: 1 }] });
  await running.append(['b', 'c', 'd']);
  await running.until(() => storageFiles(running.view)[0]?.state === 'importing');
  const files = storageFiles(running.view);
  expect(files.map(({ file, state, rows }) => ({ file, state, rows }))).toEqual([
    { file: writing?.file, state: 'importing', rows: 4 },
    { file: expect.any(String), state: 'writing', rows: 0 },
  ]);
  expect((await running.storage.partsOf(files[0]?.slices[0]?.slice ?? '')).length).toBe(1);
  const [part] = await running.storage.partsOf(request.slice);
  await damageByte(part?.path ?? '', 80);
  room.tables.fault = undefined;
  await running.until(() => storageFiles(running.view)[0]?.state === 'imported');
  expect(storageFiles(running.view)).toMatchObject([
    { file: writing?.file, rows: 3, damagedRows: 1, slices: [{ slice: request.slice, state: 'uploaded', rows: 3, damagedRows: 1 }] },
    { state: 'writing' },
  ]);
  await running.append(['e', 'f', 'g', 'h']);
  await running.until(() => [...running.view.files()].filter(({ state }) => state === 'imported').length === 2);
  expect(storageFiles(running.view), 'an imported file without damage').toHaveLength(2);
});

/** In place: the import tries again meanwhile, and must find the rest of the file. */
async function damageByte(path: string, position: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  await file.write(Buffer.of(byte.readUInt8(0) ^ 4), 0, 1, position);
}
