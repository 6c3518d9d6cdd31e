import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { AppError } from '../errors/app-error.ts';
import { LinkClient } from '../link/link-client.ts';
import type { OpenPort, PortSession } from '../link/port-session.ts';
import { systemClock } from '../time/clock.ts';
import { openEngineSocket } from './engine-socket.ts';

interface Served {
  readonly token?: string;
  readonly answer?: PortSession['answer'];
  readonly onOpen?: (notify: (event: unknown) => void) => void;
  readonly onFreed?: () => void;
}

/** One port, `echo`. */
async function serve(folder: string, { token = '', answer, onOpen, onFreed }: Served = {}) {
  const open: OpenPort = async (notify) => {
    onOpen?.(notify);
    return {
      answer: answer ?? (async (question, { bytes }) => ({ answer: question, bytes: Buffer.from(bytes).reverse() })),
      [Symbol.asyncDispose]: async () => onFreed?.(),
    };
  };
  const part = await openEngineSocket({ folder, token, ports: new Map([['echo', open]]), logger });
  const stop = new AbortController();
  const ended = part.run(stop.signal);
  const { SLUICE_ENGINE_SOCKET: path, SLUICE_ENGINE_TOKEN: given } = part.environment;
  return {
    path,
    token: given,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

const open = ({ path, token }: { path: string; token: string }, onEvent: (port: string, event: unknown) => void = () => {}) =>
  LinkClient.open({ path, token, retryMs: 0, clock: systemClock, logger, onEvent, onLost: () => {}, onGone: () => {} });

test('questions, bytes and events go both ways', async () => {
  await using folder = await openTempFolder();
  await using served = await serve(folder.path, { onOpen: (notify) => notify({ hello: 1 }) });
  const events: unknown[] = [];
  await using client = await open(served, (port, event) => events.push([port, event]));
  const { answer, bytes } = await client.ask({ port: 'echo', question: { a: [1, 'é'] }, bytes: Buffer.from('abc') });
  expect([answer, bytes.toString()]).toEqual([{ a: [1, 'é'] }, 'cba']);
  expect(events).toEqual([['echo', { hello: 1 }]]);
  await expect(client.ask({ port: 'other', question: 1 })).rejects.toMatchObject({ code: 'endpointNotFound' });
  expect((await stat(join(folder.path, 'engine.sock'))).mode & 0o777).toBe(0o600);
});

test('errors keep their codes', async () => {
  await using folder = await openTempFolder();
  const errors = [new AppError('logTopicNotFound', 'No such topic.'), new Error('surprise')];
  await using served = await serve(folder.path, { answer: () => Promise.reject(errors.shift()) });
  await using client = await open(served);
  await expect(client.ask({ port: 'echo', question: 1 })).rejects.toMatchObject({ code: 'logTopicNotFound', message: 'No such topic.' });
  await expect(client.ask({ port: 'echo', question: 1 })).rejects.toMatchObject({ code: 'internalError', message: 'surprise' });
});

test('each start has a token of its own, unless one is given; another is refused', async () => {
  await using folder = await openTempFolder();
  const tokens: string[] = [];
  for (const token of ['', '', 'given-by-the-user']) {
    let opened = 0;
    await using served = await serve(folder.path, { token, onOpen: () => (opened += 1) });
    tokens.push(served.token);
    for (const wrong of ['', 'x', `${served.token}x`]) {
      await expect(open({ ...served, token: wrong }), wrong).rejects.toMatchObject({ code: 'forbidden' });
    }
    expect(opened).toBe(0);
  }
  expect(new Set(tokens).size).toBe(3);
  expect(tokens).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/), 'given-by-the-user']);
});

test.each([
  ['a question before the token', Buffer.concat([Buffer.of(0, 0, 0, 34, 0, 0, 0, 30), Buffer.from('{"id":1,"port":"echo"}')])],
  ['a token without end', Buffer.of(0, 1, 0, 0)],
])('%s opens nothing, and ends the connection', async (_what, bytes) => {
  await using folder = await openTempFolder();
  let opened = 0;
  await using served = await serve(folder.path, { onOpen: () => (opened += 1) });
  const socket = connect(served.path);
  const closed = once(socket, 'close');
  socket.resume().end(bytes);
  await closed;
  expect(opened).toBe(0);
});

test('an abort reaches the owner, and what a connection held is freed at its end', async () => {
  await using folder = await openTempFolder();
  const freed = Promise.withResolvers<void>();
  const answer: PortSession['answer'] = async (question, { signal }) => {
    if (!signal.aborted) await once(signal, 'abort');
    return { answer: [question, 'aborted'] };
  };
  await using served = await serve(folder.path, { answer, onFreed: freed.resolve });
  const client = await open(served);
  const abort = new AbortController();
  const waiting = client.ask({ port: 'echo', question: 1, signal: abort.signal });
  abort.abort();
  expect((await waiting).answer).toEqual([1, 'aborted']);
  expect((await client.ask({ port: 'echo', question: 2, signal: AbortSignal.abort() })).answer).toEqual([2, 'aborted']);
  const lost = expect(client.ask({ port: 'echo', question: 3 })).rejects.toMatchObject({ code: 'ownerUnavailable' });
  await client[Symbol.asyncDispose]();
  await lost;
  await freed.promise;
});

test('a client that reads nothing is asked nothing more', async () => {
  await using folder = await openTempFolder();
  let asked = 0;
  const large = Buffer.alloc(1024 * 1024);
  const first = Promise.withResolvers<void>();
  const answer: PortSession['answer'] = async () => {
    asked += 1;
    first.resolve();
    return { answer: 1, bytes: large };
  };
  await using served = await serve(folder.path, { answer });
  const socket = connect(served.path).on('error', () => {});
  const frame = (content: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    return Buffer.concat([length, content]);
  };
  socket.write(frame(Buffer.from(served.token)));
  socket.pause();
  const question = Buffer.from('{"id":1,"port":"echo","question":1}');
  const content = Buffer.concat([Buffer.of(0, 0, 0, question.length), question]);
  // Each is more than what is read at once.
  const padded = frame(Buffer.concat([content, Buffer.alloc(200_000)]));
  const count = 200;
  for (let index = 0; index < count; index += 1) socket.write(padded);
  await first.promise;
  // Another client is served meanwhile, in turn with the first as long as that is read from.
  await using other = await open(served);
  for (let index = 0; index < 100; index += 1) await other.ask({ port: 'echo', question: 1 });
  expect(asked - 100).toBeLessThan(count / 2);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test('the path of the folder may be longer than a socket path, and a stale socket is replaced', async () => {
  await using folder = await openTempFolder();
  const deep = join(folder.path, 'd'.repeat(120), 'é'.repeat(60));
  await mkdir(deep, { recursive: true });
  for (let round = 0; round < 2; round += 1) {
    await using served = await serve(deep);
    await using client = await open(served);
    expect((await client.ask({ port: 'echo', question: round })).answer).toBe(round);
  }
  expect(await readdir(deep)).toEqual([]);
});
