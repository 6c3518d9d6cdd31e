import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { openVolumes } from './open-volumes.ts';

let temp: Awaited<ReturnType<typeof openTempFolder>>;
let folder: string;
beforeEach(async () => {
  temp = await openTempFolder();
  folder = join(temp.path, 'volumes');
});
afterEach(() => temp[Symbol.asyncDispose]());

const volumeId = (path: string): string => join(path, 'volume-id');

test('the first start makes one volume, later ones find it with the same id', async () => {
  const [volume, ...others] = await openVolumes(folder);
  expect(others).toEqual([]);
  expect(volume).toMatchObject({ type: 'default', label: '001', path: join(folder, 'default/001') });
  expect(volume?.id).toMatch(/^[0-9a-zA-Z]{10}$/);
  expect((await readFile(volumeId(volume!.path), 'utf8')).trim()).toBe(volume?.id);
  expect(await openVolumes(folder)).toEqual([volume]);
});

test('every folder of a type is a volume of its own', async () => {
  for (const path of ['fast/a', 'fast/b', 'Slow/c']) await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, 'note'), 'no folder');
  const volumes = await openVolumes(folder);
  expect(volumes.map(({ type, label }) => `${type}/${label}`)).toEqual(['slow/c', 'fast/a', 'fast/b']);
  expect(new Set(volumes.map(({ id }) => id)).size).toBe(3);
});

test('what a file system keeps for itself is no volume', async () => {
  await mkdir(join(folder, 'lost+found'), { recursive: true });
  await mkdir(join(folder, 'fast/lost+found'), { recursive: true });
  await mkdir(join(folder, 'fast/a'));
  await chmod(join(folder, 'lost+found'), 0);
  expect((await openVolumes(folder)).map(({ label }) => label)).toEqual(['a']);
});

test('a copied volume, and an id that is none, are refused with the file to look at', async () => {
  const [volume] = await openVolumes(folder);
  await mkdir(join(folder, 'default/002'));
  await writeFile(volumeId(join(folder, 'default/002')), volume!.id);
  await expect(openVolumes(folder)).rejects.toMatchObject({ code: 'folderUnusable', message: expect.stringContaining(folder) });
  await writeFile(volumeId(join(folder, 'default/002')), '');
  await expect(openVolumes(folder)).rejects.toMatchObject({ code: 'folderUnusable', message: expect.stringContaining('002/volume-id') });
});
