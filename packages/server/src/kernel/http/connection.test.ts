import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Connection } from './connection.ts';

/** A connection as the server sees it, with one request that is not answered yet. */
async function openConnection() {
  const server = createServer();
  const connections: { connection: Connection; socket: Socket }[] = [];
  server.on('connection', (socket: Socket) => connections.push({ connection: new Connection(socket), socket }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = connect(address.port, '127.0.0.1').pause();
  client.on('error', () => {});
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  const arrived: Promise<[IncomingMessage, ServerResponse]> = new Promise((resolve) =>
    server.once('request', (request, response) => resolve([request, response])),
  );
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [request, response] = await arrived;
  const [opened] = connections;
  if (!opened) throw new Error('no connection');
  opened.connection.take(request, response);
  return { ...opened, response, client };
}

test('a quiet connection whose client waits for its answer stays', async () => {
  const { connection, socket, response, client } = await openConnection();
  connection.onQuiet();
  expect(socket.destroyed).toBe(false);
  response.end('answer');
  expect(String((await once(client.resume(), 'data'))[0])).toContain('200 OK');
});

test('a quiet connection without a request ends', async () => {
  const { connection, socket, response } = await openConnection();
  const written = once(response, 'close');
  response.end('answer');
  await written;
  connection.onQuiet();
  expect(socket.destroyed).toBe(true);
});

test('a quiet connection whose client takes no answer ends', async () => {
  const { connection, socket, response } = await openConnection();
  response.end(Buffer.alloc(50_000_000));
  expect(socket.writableLength).toBeGreaterThan(0);
  connection.onQuiet();
  expect(socket.destroyed).toBe(true);
});
