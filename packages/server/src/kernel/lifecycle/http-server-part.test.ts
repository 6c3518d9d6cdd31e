import { once } from 'node:events';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openHttpServerPart } from './http-server-part.ts';

const at = { host: '127.0.0.1', port: 0 };

/** A server whose answers the test sends. */
async function openHeldServer() {
  const { promise: firstRequest, resolve: onRequest } = Promise.withResolvers<ServerResponse>();
  const part = await openHttpServerPart({ name: 'held', server: createServer((_request, response) => onRequest(response)), at });
  return { part, firstRequest };
}

test('answers what it took, then closes, and takes nothing new', async () => {
  const { part, firstRequest } = await openHeldServer();
  const stop = new AbortController();
  const run = part.run(stop.signal);
  using agent = Object.assign(new Agent({ keepAlive: true }), { [Symbol.dispose]: () => agent.destroy() });
  const { port } = part.address;
  const outgoing = request({ ...at, port, agent }).end();
  const response = await firstRequest;
  await part.stopAccepting();
  const drained = part.drain(20_000);
  const refused = request({ ...at, port }).end();
  await expect(once(refused, 'response')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  response.end('answered');
  const [answer] = await once(outgoing, 'response');
  expect((await Array.fromAsync(answer)).join('')).toBe('answered');
  await drained;
  stop.abort();
  await run;
});

test('a stop cuts off what is still open', async () => {
  const { part, firstRequest } = await openHeldServer();
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const outgoing = request({ ...at, port: part.address.port }).end();
  const cut = once(outgoing, 'response');
  await firstRequest;
  stop.abort();
  await expect(cut).rejects.toMatchObject({ code: 'ECONNRESET' });
  await run;
});

test('a request that comes over an open connection during the drain is answered, and the last one there', async () => {
  const server = createServer();
  const part = await openHttpServerPart({ name: 'held', server, at });
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const socket = connect(part.address.port, at.host);
  const received = text(socket);
  const next = async (path: string): Promise<ServerResponse> => {
    const arrived = once(server, 'request');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: held\r\n\r\n`);
    const [, response] = await arrived;
    return response;
  };
  const first = await next('/first');
  first.writeHead(200).flushHeaders();
  await part.stopAccepting();
  const second = await next('/second');
  first.end('first answer');
  second.end('second answer');
  await part.drain(20_000);
  expect(await received).toMatch(/Connection: keep-alive[\s\S]*first answer[\s\S]*Connection: close[\s\S]*second answer/);
  stop.abort();
  await run;
});

test('a long answer is written out before the drain ends', async () => {
  const { part, firstRequest } = await openHeldServer();
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const outgoing = request({ ...at, port: part.address.port }).end();
  const answered = once(outgoing, 'response');
  const response = await firstRequest;
  const long = Buffer.alloc(20_000_000, 'x');
  response.end(long);
  await part.stopAccepting();
  const [answer] = await answered;
  const drained = part.drain(20_000);
  expect((await buffer(answer)).length).toBe(long.length);
  await drained;
  stop.abort();
  await run;
});

test('an address in use is portUnavailable and says what to do', async () => {
  const { part } = await openHeldServer();
  const taken = { ...at, port: part.address.port };
  await expect(openHttpServerPart({ name: 'api', server: createServer(), at: taken })).rejects.toMatchObject({
    code: 'portUnavailable',
    message: `api cannot listen on 127.0.0.1:${taken.port}: the address is in use; stop the process that uses it, or configure another address.`,
  });
  await part.stopAccepting();
});

test('a host of another machine is portUnavailable', async () => {
  const foreign = { host: '192.0.2.1', port: 0 };
  await expect(openHttpServerPart({ name: 'api', server: createServer(), at: foreign })).rejects.toMatchObject({
    code: 'portUnavailable',
    message: expect.stringContaining('no address of this machine'),
  });
});

test('pipelined requests are all answered: only the last answer announces the end', async () => {
  const server = createServer();
  const part = await openHttpServerPart({ name: 'held', server, at });
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const responses: ServerResponse[] = [];
  const bothArrived = new Promise<void>((resolve) =>
    server.on('request', (_request, response) => {
      if (responses.push(response) === 2) resolve();
    }),
  );
  const socket = connect(part.address.port, at.host);
  const received = text(socket);
  socket.write('GET /1 HTTP/1.1\r\nHost: held\r\n\r\nGET /2 HTTP/1.1\r\nHost: held\r\n\r\n');
  await bothArrived;
  await part.stopAccepting();
  for (const [index, response] of responses.entries()) response.end(`answer ${index + 1}`);
  await part.drain(20_000);
  expect(await received).toMatch(/Connection: keep-alive[\s\S]*answer 1[\s\S]*Connection: close[\s\S]*answer 2/);
  stop.abort();
  await run;
});

test('a request that was on its way when the drain began is answered; an idle connection is closed then', async () => {
  const server = createServer((_request, response) => response.end('late answer'));
  const part = await openHttpServerPart({ name: 'held', server, at });
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const [busy, idle] = [connect(part.address.port, at.host), connect(part.address.port, at.host)];
  await Promise.all([once(busy, 'connect'), once(idle, 'connect')]);
  const received = text(busy);
  const idleEnded = text(idle);
  await part.stopAccepting();
  const drained = part.drain(20_000);
  busy.write('GET / HTTP/1.1\r\nHost: held\r\n\r\n');
  await drained;
  expect(await received).toMatch(/Connection: close[\s\S]*late answer/);
  expect(await idleEnded).toBe('');
  stop.abort();
  await run;
});

test('a client that did not hear of the end has time to send its next request', async () => {
  const server = createServer((_request, response) => response.end('answer'));
  const part = await openHttpServerPart({ name: 'held', server, at });
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const socket = connect(part.address.port, at.host);
  const received = text(socket);
  const ask = () => socket.write('GET / HTTP/1.1\r\nHost: held\r\n\r\n');
  ask();
  await once(socket, 'data');
  await part.stopAccepting();
  const drained = part.drain(20_000);
  await sleep(250);
  ask();
  await drained;
  expect(await received).toMatch(/Connection: keep-alive[\s\S]*answer[\s\S]*Connection: close[\s\S]*answer/);
  stop.abort();
  await run;
});

test('the end is announced only once new connections are refused', async () => {
  const server = createServer((_request, response) => response.end('answer'));
  const part = await openHttpServerPart({ name: 'held', server, at });
  const stop = new AbortController();
  const run = part.run(stop.signal);
  using agent = Object.assign(new Agent({ keepAlive: true }), { [Symbol.dispose]: () => agent.destroy() });
  const { port } = part.address;
  let isStopping: Promise<void> | undefined;
  for (let isLast = false; !isLast; ) {
    const [answer] = await once(request({ ...at, port, agent }).end(), 'response');
    await buffer(answer);
    isLast = answer.headers.connection === 'close';
    isStopping ??= part.stopAccepting();
  }
  await expect(once(request({ ...at, port }).end(), 'response')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await isStopping;
  await part.drain(20_000);
  stop.abort();
  await run;
});

test('clients that hold up a drain are cut off: one that takes no answer, and one whose request never ends', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/long') response.end(Buffer.alloc(50_000_000));
    else request.resume();
  });
  const part = await openHttpServerPart({ name: 'held', server, at });
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const deaf = connect(part.address.port, at.host).pause();
  const slow = connect(part.address.port, at.host);
  for (const socket of [deaf, slow]) socket.on('error', () => {});
  const slowEnded = once(slow.resume(), 'close');
  let requests = 0;
  const bothArrived = new Promise<void>((resolve) => server.on('request', () => (++requests === 2 ? resolve() : undefined)));
  deaf.write('GET /long HTTP/1.1\r\nHost: held\r\n\r\n');
  slow.write('POST / HTTP/1.1\r\nHost: held\r\nContent-Length: 10\r\n\r\nhalf');
  await bothArrived;
  await part.stopAccepting();
  await part.drain(800);
  await slowEnded;
  deaf.destroy();
  stop.abort();
  await run;
});

test('a drain waits for an answer that takes the service long, whatever its looks find', async () => {
  const { part, firstRequest } = await openHeldServer();
  const stop = new AbortController();
  const run = part.run(stop.signal);
  const outgoing = request({ ...at, port: part.address.port }).end();
  const answered = once(outgoing, 'response');
  const response = await firstRequest;
  await part.stopAccepting();
  const drained = part.drain(80);
  // Longer than the looks of this drain, all of them.
  await sleep(200);
  response.end('late');
  const [answer] = await answered;
  expect(await text(answer)).toBe('late');
  await drained;
  stop.abort();
  await run;
});
