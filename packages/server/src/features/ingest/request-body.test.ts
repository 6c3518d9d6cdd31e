import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { ByteBudget } from '../../kernel/async/byte-budget.ts';
import { listen } from '../../kernel/lifecycle/listen.ts';
import { type BodyResult, readBody } from './request-body.ts';

const maxBytes = 1000;
const budgetOf = (bytes: number) => new ByteBudget({ maxBytes: bytes, maxItems: 10 });

interface Scenario {
  readonly headers: readonly string[];
  readonly parts: readonly (string | Uint8Array)[];
  readonly budget?: ByteBudget;
  readonly limit?: number;
  /** What happens between the headers and the reading. */
  readonly before?: (request: IncomingMessage, connection: RawConnection) => Promise<unknown>;
  /** The client goes away behind the parts. */
  readonly leaves?: boolean;
}

/** What reading a request gives, and what it holds of the budget then. */
async function read({ headers, parts, budget = budgetOf(10_000), limit = maxBytes, before, leaves = false }: Scenario) {
  const server = createServer();
  const { port } = await listen(server, { at: { host: '127.0.0.1', port: 0 }, name: 'bodies' });
  await using connection = await RawConnection.open(`http://127.0.0.1:${port}`);
  connection.write(`POST / HTTP/1.1\r\nHost: x\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`);
  const [request] = await once(server, 'request');
  await before?.(request, connection);
  const reading = readBody(request, { maxBytes: limit, budget });
  for (const part of parts) connection.write(part);
  if (leaves) connection.socket.end();
  const result: BodyResult = await reading;
  const held = budget.bytes;
  if (result.type === 'body') result.release();
  server.close();
  server.closeAllConnections();
  return { type: result.type, body: result.type === 'body' ? result.body.toString() : undefined, held, left: budget.bytes };
}

const length = (bytes: number) => `Content-Length: ${bytes}`;
const chunked = 'Transfer-Encoding: chunked';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const last = '0\r\n\r\n';

test.each([
  ['a length', [length(5)], ['12', '345'], '12345', 5],
  ['no length', [], [], '', 0],
  ['a length of 0', [length(0)], [], '', 0],
  ['chunks', [chunked], [chunk('12'), chunk('345'), last], '12345', 5],
  ['the limit, announced', [length(maxBytes)], ['x'.repeat(maxBytes)], 'x'.repeat(maxBytes), maxBytes],
  ['the limit in chunks', [chunked], [chunk('x'.repeat(maxBytes)), last], 'x'.repeat(maxBytes), maxBytes],
  ['identity', [length(2), 'Content-Encoding: identity'], ['ab'], 'ab', 2],
])('a body with %s', async (_name, headers, parts, body, held) => {
  expect(await read({ headers, parts })).toEqual({ type: 'body', body, held, left: 0 });
});

test.each([
  ['announced', [length(maxBytes + 1)], []],
  ['in chunks', [chunked], [chunk('x'.repeat(maxBytes)), chunk('x')]],
])('a body over the limit, %s', async (_name, headers, parts) => {
  expect(await read({ headers, parts })).toEqual({ type: 'tooLarge', body: undefined, held: 0, left: 0 });
});

test.each([
  ['a length', (text: string) => ({ headers: [length(text.length)], parts: [text] })],
  ['chunks', (text: string) => ({ headers: [chunked], parts: [chunk(text), last] })],
])('a large body with %s comes whole, and its chunks keep no memory', async (_name, requestOf) => {
  const text = randomBytes(500_000).toString('hex');
  const chunks: Buffer[] = [];
  const before: Scenario['before'] = async (request) => request.on('data', (data: Buffer) => chunks.push(data));
  const { body } = await read({ ...requestOf(text), budget: budgetOf(2_000_000), limit: 1_000_000, before });
  expect(body === text).toBe(true);
  expect(chunks.length).toBeGreaterThan(1);
  expect(Math.max(...chunks.map((data) => data.length))).toBeLessThan(32 * 1024);
});

test('gzip, alone and in members; its unpacked size is limited and reserved', async () => {
  const packed = (body: Buffer) => ({ headers: [length(body.length), 'Content-Encoding: X-GZip'], parts: [body] });
  const members = Buffer.concat([gzipSync('ab'), gzipSync('cd')]);
  expect(await read(packed(members))).toEqual({ type: 'body', body: 'abcd', held: members.length + maxBytes, left: 0 });
  expect(await read(packed(gzipSync('x'.repeat(maxBytes))))).toMatchObject({ type: 'body', left: 0 });
  expect(await read(packed(gzipSync('x'.repeat(maxBytes + 1))))).toMatchObject({ type: 'tooLarge', left: 0 });
  expect(await read(packed(Buffer.from('no gzip')))).toMatchObject({ type: 'undecodable', left: 0 });
  expect(await read({ ...packed(gzipSync('x')), headers: [length(21), 'Content-Encoding: zstd'] })).toMatchObject({
    type: 'undecodable',
    left: 0,
  });
  expect(await read({ ...packed(gzipSync('x')), budget: budgetOf(maxBytes) })).toMatchObject({ type: 'overloaded', left: 0 });
});

test('a node without room refuses at the announcement, or when the bytes come', async () => {
  const budget = budgetOf(100);
  budget.reserve(50, 0);
  expect(await read({ headers: [length(60)], parts: [], budget })).toMatchObject({ type: 'overloaded', left: 50 });
  expect(await read({ headers: [chunked], parts: [chunk('x'.repeat(60))], budget })).toMatchObject({ type: 'overloaded', left: 50 });
  expect(await read({ headers: [length(50)], parts: ['x'.repeat(50)], budget })).toMatchObject({ type: 'body', held: 100, left: 50 });
});

test('a client that leaves in the middle, or before the reading began, holds nothing', async () => {
  expect(await read({ headers: [length(10)], parts: ['12345'], leaves: true })).toEqual({
    type: 'aborted',
    body: undefined,
    held: 0,
    left: 0,
  });
  const before: Scenario['before'] = async (request, connection) => {
    const closed = new Promise((resolve) => request.once('close', resolve));
    await connection[Symbol.asyncDispose]();
    await closed;
  };
  expect(await read({ headers: [length(10)], parts: [], before })).toEqual({ type: 'aborted', body: undefined, held: 0, left: 0 });
});
