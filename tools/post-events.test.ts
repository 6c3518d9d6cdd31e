import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { postEvents } from './post-events.ts';

const events = Array.from({ length: 20 }, (_, index) => JSON.stringify({ index }));

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

const ok: Answer = { status: 200, body: 'OK' };
const surelyNotStored: Answer = { status: 503, headers: { 'X-Sluice-Stored': 'none' }, body: 'full' };

/** A source that answers as told by event and attempt; `stored` are the events that it acknowledged. */
async function openSource(answerTo: (event: string, attempt: number) => Answer) {
  const stored: string[] = [];
  const attempts = new Map<string, number>();
  let connections = 0;
  const listener: RequestListener = async (request, response) => {
    const event = await text(request);
    const attempt = (attempts.get(event) ?? 0) + 1;
    attempts.set(event, attempt);
    const { status, headers, body } = answerTo(event, attempt);
    if (status === 200) stored.push(event);
    response.writeHead(status, headers).end(body);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  server.on('connection', () => {
    connections += 1;
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const post = () =>
    postEvents({ url, events, connections: 3, retryPauseMs: 0, onAcknowledged: () => undefined, signal: AbortSignal.timeout(20_000) });
  return {
    stored,
    post,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

test('sends every event once, over connections that are kept', async () => {
  await using source = await openSource(() => ok);
  await expect(source.post()).resolves.toBe(events.length);
  expect(source.stored).toHaveLength(events.length);
  expect(new Set(source.stored)).toEqual(new Set(events));
  expect(source.connections()).toBeLessThanOrEqual(3);
});

test('an event that is surely not stored is sent again', async () => {
  await using source = await openSource((_, attempt) => (attempt < 3 ? surelyNotStored : ok));
  await expect(source.post()).resolves.toBe(events.length);
  expect(source.stored).toHaveLength(events.length);
  expect(new Set(source.stored)).toEqual(new Set(events));
});

test.each<{ name: string; answer: Answer }>([
  { name: 'in doubt', answer: { status: 503, headers: { 'X-Sluice-Stored': 'unknown' }, body: 'who knows' } },
  { name: 'refused', answer: { status: 422, body: 'no such column' } },
  { name: 'never stored', answer: surelyNotStored },
  { name: 'another 200', answer: { status: 200, body: 'hello' } },
])('an event that is $name ends it with the reason', async ({ answer }) => {
  await using source = await openSource((event) => (event === events[7] ? answer : ok));
  await expect(source.post()).rejects.toThrow(`status ${answer.status}, ${answer.body}`);
});
