import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LogFields, Logger } from '../observe/logger.ts';
import { openDataFolder } from './data-folder.ts';
import { warnOfFewFileDescriptors } from './file-descriptors.ts';

const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => logger };
const temporaryFolder = () => mkdtempDisposable(join(tmpdir(), 'folder-'));

/** A process that holds the folder until it is killed. */
async function holdInChild(path: string) {
  const module = new URL('./data-folder.ts', import.meta.url).href;
  const script = `
    const { openDataFolder } = await import(${JSON.stringify(module)});
    const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
    globalThis.held = await openDataFolder({ path: ${JSON.stringify(path)}, logger });
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await once(child.stdout, 'data');
  expect(String(output)).toBe('held');
  return child;
}

test('a new folder gets its identity once', async () => {
  await using temporary = await temporaryFolder();
  const path = join(temporary.path, 'a', 'b');
  const first = await openDataFolder({ path, logger });
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(path, 'secret-key'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(path, 'format'), 'utf8')).toBe('1\n');
  expect(first.secretKey).toHaveLength(32);
  await first[Symbol.asyncDispose]();
  expect((await readdir(path)).toSorted()).toEqual(['format', 'lock.sqlite', 'node-id', 'secret-key']);
  await using again = await openDataFolder({ path, logger });
  expect([again.nodeId, again.secretKey]).toEqual([first.nodeId, first.secretKey]);
  await using other = await openDataFolder({ path: join(temporary.path, 'c'), logger });
  expect(other.nodeId).not.toBe(first.nodeId);
  expect(other.secretKey).not.toEqual(first.secretKey);
});

test('another process is told who holds the folder, and gets it after a kill -9', async () => {
  await using temporary = await temporaryFolder();
  const { path } = temporary;
  const child = await holdInChild(path);
  try {
    await expect(openDataFolder({ path, logger })).rejects.toMatchObject({
      code: 'folderInUse',
      message: expect.stringMatching(new RegExp(`in use: process ${child.pid}, started \\d.*--data-dir.*etcd`)),
    });
    await expect(openDataFolder({ path, logger })).rejects.toMatchObject({ code: 'folderInUse' });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await using held = await openDataFolder({ path, logger });
  expect(held.path).toBe(path);
  expect(await readFile(join(path, 'owner.json'), 'utf8')).toContain(`"pid":${process.pid}`);
});

test('the same process does not get it twice either', async () => {
  await using temporary = await temporaryFolder();
  await using _held = await openDataFolder({ path: temporary.path, logger });
  await expect(openDataFolder({ path: temporary.path, logger })).rejects.toMatchObject({ code: 'folderInUse' });
});

test.each([
  ['2\n', /format 2, this release knows formats up to 1/],
  ['one', /holds "one", which no release writes/],
  ['0\n', /no release writes/],
])('the format %j is refused, and the folder is free again', async (format, message) => {
  await using temporary = await temporaryFolder();
  const { path } = temporary;
  await writeFile(join(path, 'format'), format);
  await expect(openDataFolder({ path, logger })).rejects.toMatchObject({ code: 'folderUnusable', message: expect.stringMatching(message) });
  await writeFile(join(path, 'format'), '1\n');
  await using held = await openDataFolder({ path, logger });
  expect(held.path).toBe(path);
});

test('a damaged key is refused, not replaced', async () => {
  await using temporary = await temporaryFolder();
  const { path } = temporary;
  await writeFile(join(path, 'secret-key'), 'abc');
  await expect(openDataFolder({ path, logger })).rejects.toMatchObject({
    code: 'folderUnusable',
    message: expect.stringContaining('secret-key is damaged'),
  });
  expect(await readFile(join(path, 'secret-key'), 'utf8')).toBe('abc');
});

test('a path that can be no folder is folderUnusable', async () => {
  await using temporary = await temporaryFolder();
  const file = join(temporary.path, 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'below')]) {
    await expect(openDataFolder({ path, logger })).rejects.toMatchObject({
      code: 'folderUnusable',
      message: expect.stringMatching(`^The data folder ${path} cannot be used: .*--data-dir`),
    });
  }
});

test('a lock file that cannot be opened is folderUnusable', async () => {
  await using temporary = await temporaryFolder();
  await mkdir(join(temporary.path, 'lock.sqlite'));
  await expect(openDataFolder({ path: temporary.path, logger })).rejects.toMatchObject({
    code: 'folderUnusable',
    message: expect.stringContaining('unable to open database file'),
  });
});

test('few file descriptors are warned about', async () => {
  await using temporary = await temporaryFolder();
  const warnings: LogFields[] = [];
  const recording = { ...logger, warn: (fields: LogFields) => warnings.push(fields) };
  const limits = join(temporary.path, 'limits');
  for (const soft of ['1024', '4095', '4096', 'unlimited']) {
    await writeFile(
      limits,
      `Max processes             100                  100                  processes\nMax open files            ${soft.padEnd(21)}524288               files\n`,
    );
    await warnOfFewFileDescriptors(recording, limits);
  }
  await warnOfFewFileDescriptors(recording, join(temporary.path, 'none'));
  expect(warnings).toEqual([
    { limit: 1024, wanted: 4096 },
    { limit: 4095, wanted: 4096 },
  ]);
});
