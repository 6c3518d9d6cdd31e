import { mkdir, mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import { listen } from '../lifecycle/listen.ts';
import type { LogFields, Logger } from '../observe/logger.ts';
import { callAdmin } from './admin-client.ts';
import { AdminCommands } from './admin-commands.ts';
import { openAdminSocket } from './admin-socket.ts';

const temporaryFolder = () => mkdtempDisposable(join(tmpdir(), 'admin-'));

async function serve(folder: string) {
  const errors: LogFields[] = [];
  const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: (fields) => errors.push(fields), child: () => logger };
  const commands = new AdminCommands();
  commands.register({ name: 'double', input: z.object({ value: z.number() }), run: async ({ value }) => ({ doubled: value * 2 }) });
  commands.register({ name: 'nothing', input: z.object({}), run: async () => undefined });
  commands.register({ name: 'refuse', input: z.unknown(), run: () => Promise.reject(new AppError('sinkNotFound', 'No such sink.')) });
  commands.register({ name: 'break', input: z.unknown(), run: () => Promise.reject(new Error('surprise')) });
  const part = await openAdminSocket({ folder, commands, logger });
  const stop = new AbortController();
  const ended = part.run(stop.signal);
  return {
    errors,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

test('commands are answered with their output', async () => {
  await using folder = await temporaryFolder();
  await using _served = await serve(folder.path);
  expect(await callAdmin(folder.path, 'double', { value: 21 })).toEqual({ running: true, output: { doubled: 42 } });
  expect(await callAdmin(folder.path, 'nothing', {})).toEqual({ running: true, output: undefined });
  expect((await stat(join(folder.path, 'admin.sock'))).mode & 0o777).toBe(0o600);
});

test.each([
  ['refuse', {}, 'sinkNotFound', 'No such sink.'],
  ['break', {}, 'internalError', 'surprise'],
  ['unknown', {}, 'endpointNotFound', 'no command "unknown"'],
  ['double', { value: 'x' }, 'badRequest', 'value: '],
  ['double', { value: 1, padding: 'x'.repeat(1024 * 1024) }, 'bodyTooLarge', '1048576'],
])('errors keep their code: %s', async (command, input, code, message) => {
  await using folder = await temporaryFolder();
  await using served = await serve(folder.path);
  await expect(callAdmin(folder.path, command, input)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(served.errors).toHaveLength(command === 'break' ? 1 : 0);
});

test('a folder that nobody serves says so', async () => {
  await using folder = await temporaryFolder();
  expect(await callAdmin(folder.path, 'double', {})).toEqual({ running: false });
  expect(await callAdmin(join(folder.path, 'missing'), 'double', {})).toEqual({ running: false });
  const served = await serve(folder.path);
  await served[Symbol.asyncDispose]();
  expect(await readdir(folder.path)).toEqual([]);
  expect(await callAdmin(folder.path, 'double', {})).toEqual({ running: false });
});

test('a stale socket is replaced', async () => {
  await using folder = await temporaryFolder();
  const dead = createServer();
  const path = join(folder.path, 'admin.sock');
  await listen(dead, { at: path, name: 'dead' });
  await using _served = await serve(folder.path);
  expect(await callAdmin(folder.path, 'double', { value: 1 })).toMatchObject({ running: true });
  dead.close();
});

test('the path of the folder may be longer than a socket path', async () => {
  await using folder = await temporaryFolder();
  const deep = join(folder.path, 'd'.repeat(120), 'é'.repeat(60));
  await mkdir(deep, { recursive: true });
  const served = await serve(deep);
  expect(await callAdmin(deep, 'double', { value: 4 })).toEqual({ running: true, output: { doubled: 8 } });
  expect(await readdir(deep)).toEqual(['admin.sock']);
  await served[Symbol.asyncDispose]();
  expect(await readdir(deep)).toEqual([]);
  expect(await callAdmin(deep, 'double', {})).toEqual({ running: false });
});
