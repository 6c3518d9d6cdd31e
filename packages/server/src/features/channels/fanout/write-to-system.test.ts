import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { writeToSystem } from './write-to-system.ts';

const opened: { destroy(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.destroy();
});

/** Both ends of a connection; the one that is written to is not read until it is resumed. */
async function connection(): Promise<{ readonly writing: Socket; readonly reading: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const reading = connect({ port: address !== null && typeof address === 'object' ? address.port : 0, host: '127.0.0.1' });
  const [writing] = (await once(server, 'connection')) as [Socket];
  server.close();
  reading.pause().on('error', () => {});
  writing.on('error', () => {});
  opened.push(reading, writing);
  return { writing, reading };
}

test('says within the call that the system has taken the bytes', async () => {
  const { writing, reading } = await connection();
  const said: unknown[] = [];
  writeToSystem(writing, Buffer.from('abc'), (error) => said.push(error));
  expect(said).toEqual([undefined]);
  reading.resume();
  expect(String((await once(reading, 'data'))[0])).toBe('abc');
  expect(said).toHaveLength(1);
});

test('where the system is full, says it once, when all is taken', async () => {
  const { writing, reading } = await connection();
  const said: unknown[] = [];
  const large = Buffer.alloc(32 * 1024 * 1024, 'x');
  writeToSystem(writing, large, (error) => said.push(error));
  await new Promise((resolve) => setImmediate(resolve));
  expect([said, writing.writableLength > 0]).toEqual([[], true]);
  let bytes = 0;
  reading.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  reading.resume();
  await waitFor(
    async () => said.length,
    (count) => count > 0,
  );
  await waitFor(
    async () => bytes,
    (count) => count === large.length,
  );
  expect([said.map((error) => error ?? undefined), bytes]).toEqual([[undefined], large.length]);
});

test('what stands behind bytes that wait is not said before them', async () => {
  const { writing } = await connection();
  writing.write(Buffer.alloc(32 * 1024 * 1024));
  const said: unknown[] = [];
  writeToSystem(writing, Buffer.from('abc'), (error) => said.push(error));
  await new Promise((resolve) => setImmediate(resolve));
  expect(said).toEqual([]);
});

test.each([
  ['a connection that was given up', async ({ writing }) => void writing.destroy()],
  ['a side that was ended', async ({ writing }) => void writing.end()],
  [
    'a connection that was reset',
    async ({ writing, reading }) => {
      reading.resetAndDestroy();
      await new Promise((resolve) => writing.once('close', resolve));
    },
  ],
] as [string, (ends: { readonly writing: Socket; readonly reading: Socket }) => Promise<void>][])(
  '%s: the error, once',
  async (_, breakIt) => {
    const ends = await connection();
    await breakIt(ends);
    const said: unknown[] = [];
    writeToSystem(ends.writing, Buffer.from('abc'), (error) => said.push(error));
    expect(
      await waitFor(
        async () => said.length,
        (count) => count > 0,
      ),
    ).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toEqual([expect.any(Error)]);
  },
);

test('while the system takes no byte of a broken connection, the error comes once', async () => {
  const { writing, reading } = await connection();
  const said: unknown[] = [];
  writeToSystem(writing, Buffer.alloc(32 * 1024 * 1024), (error) => said.push(error));
  reading.resetAndDestroy();
  await waitFor(
    async () => said.length,
    (count) => count > 0,
  );
  expect(said).toEqual([expect.any(Error)]);
});
