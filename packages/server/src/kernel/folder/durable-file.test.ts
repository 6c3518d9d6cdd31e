import { mkdir, mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectoryDurable, writeFileDurably } from './durable-file.ts';

test('replaces content and leaves no temporary file', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'durable-'));
  const path = join(folder.path, 'key');
  await writeFileDurably(path, 'old');
  await writeFileDurably(path, Buffer.from('new'));
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder.path)).toEqual(['key']);
});

test('a failed write leaves nothing behind', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'durable-'));
  const path = join(folder.path, 'occupied');
  await mkdir(path);
  await expect(writeFileDurably(path, 'text')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(await readdir(folder.path)).toEqual(['occupied']);
});

test('makes directories below an ancestor only', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'durable-'));
  const deep = join(folder.path, 'a', 'b', 'c');
  await makeDirectoryDurable(deep, folder.path);
  await makeDirectoryDurable(deep, folder.path);
  expect((await stat(deep)).isDirectory()).toBe(true);
  await expect(makeDirectoryDurable(join(folder.path, 'd'), deep)).rejects.toThrow('no ancestor');
});
