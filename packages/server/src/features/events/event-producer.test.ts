import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { seededNumbers } from '../../kernel/codec/seeded-numbers.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { systemClock as clock } from '../../kernel/time/clock.ts';
import { EventProducer, type ProducerSettings } from './event-producer.ts';
import { createAmounts } from './producer/amounts.ts';
import { BatchJournal } from './producer/batch-journal.ts';
import { producerMetricTable } from './producer-metrics.ts';

interface Received {
  readonly key: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}
/** What an API answers; `hang up` ends the connection instead. */
type Answer = { readonly status: number; readonly body?: string } | 'hang up';

let folder: string;
const cleanups: (() => Promise<unknown> | unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-producer-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(folder, { recursive: true });
});

async function openApi(answer: (received: Received, place: number) => Answer) {
  const received: Received[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const one = {
      key: request.headers['idempotency-key']?.toString(),
      type: request.headers['content-type'],
      body: await text(request),
    };
    received.push(one);
    const given = answer(one, received.length - 1);
    if (given === 'hang up') request.socket.destroy();
    else response.writeHead(given.status).end(given.body ?? '{"message":"ingested"}');
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received };
}

async function openProducer(settings: Partial<ProducerSettings> & { url: string }) {
  const registry = new MetricRegistry();
  const done = Promise.withResolvers<void>();
  const producer = await EventProducer.open({
    settings: {
      form: 'json',
      isDisabled: false,
      rate: 1000,
      batchIntervalMs: 10,
      maxBatch: 10_000,
      maxBuffer: 100_000,
      timeoutMs: 2000,
      count: 20,
      ...settings,
    },
    amounts: { distribution: 'uniform', min: 0, max: 10, random: seededNumbers(7) },
    folder: join(folder, 'producer'),
    metrics: registry.declare(producerMetricTable),
    logger,
    clock,
    onDone: done.resolve,
  });
  const stop = new AbortController();
  const running = producer.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  cleanups.push(end);
  const metric = async (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(await registry.text())?.[1]);
  return { producer, done: done.promise, end, metric };
}

const amountsOf = ({ body }: Received): number[] => {
  const events = (body.startsWith('[') ? JSON.parse(body) : body.split('\n').map((line) => JSON.parse(line))) as { amount: string }[];
  return events.map(({ amount }) => Number(amount));
};
const firstAmounts = (count: number) => {
  const next = createAmounts({ distribution: 'uniform', min: 0, max: 10, random: seededNumbers(7) });
  return Array.from({ length: count }, () => next());
};
const journalFiles = async () => (await readdir(join(folder, 'producer'))).filter((name) => /^\d/.test(name));

describe('sends', () => {
  test.each([
    ['json', 'application/json', /^\[\{"time":\d+,"amount":"[\d.e-]+"\}/],
    ['text', 'application/text', /^\{"time":\d+,"amount":"[\d.e-]+"\}\n\{.*\}$/s],
  ] as const)('every event once, in order, as %s, and ends', async (form, type, shape) => {
    const api = await openApi(() => ({ status: 200 }));
    const { done, metric } = await openProducer({ url: api.url, form });
    await done;
    expect(api.received.flatMap(amountsOf)).toEqual(firstAmounts(20));
    for (const received of api.received) expect(received).toMatchObject({ type, key: expect.stringMatching(/^[0-9A-Z]{26}$/) });
    expect(api.received.some(({ body }) => shape.test(body))).toBe(true);
    expect(new Set(api.received.map(({ key }) => key)).size).toBe(api.received.length);
    expect(await metric('sluice_producer_acknowledged_total')).toBe(20);
    expect(await journalFiles()).toEqual([]);
  });

  test('no more events in a request than allowed', async () => {
    const api = await openApi(() => ({ status: 200 }));
    await (await openProducer({ url: api.url, maxBatch: 3 })).done;
    expect(api.received.flatMap(amountsOf)).toEqual(firstAmounts(20));
    expect(Math.max(...api.received.map((received) => amountsOf(received).length))).toBe(3);
  });

  test('again under the same key, whatever went wrong', async () => {
    const troubles: Answer[] = [{ status: 503 }, 'hang up', { status: 404 }];
    const api = await openApi((_, place) => troubles[place] ?? { status: 200 });
    await (await openProducer({ url: api.url, rate: 100_000, count: 5 })).done;
    const attempts = api.received.slice(0, 4);
    expect(new Set(attempts.map(({ key }) => key)).size).toBe(1);
    expect(new Set(attempts.map(({ body }) => body)).size).toBe(1);
    expect(api.received.slice(3).flatMap(amountsOf)).toEqual(firstAmounts(5));
  });
});

test('events that are refused are found by halves, and the others are taken', async () => {
  const bad = new Set([3, 4, 11].map((place) => firstAmounts(12)[place]));
  const api = await openApi((received) => ({ status: amountsOf(received).some((amount) => bad.has(amount)) ? 400 : 200 }));
  const { done, metric } = await openProducer({ url: api.url, rate: 100_000, count: 12 });
  await done;
  const taken = api.received.filter((received) => !amountsOf(received).some((amount) => bad.has(amount)));
  expect(taken.flatMap(amountsOf)).toEqual(firstAmounts(12).filter((amount) => !bad.has(amount)));
  const letters = (await readFile(join(folder, 'producer', 'dead-letters.jsonl'), 'utf8')).trim().split('\n');
  const dead = letters.map((line) => JSON.parse(line) as { event: string; reason: string });
  expect(new Set(dead.map(({ event }) => Number((JSON.parse(event) as { amount: string }).amount)))).toEqual(bad);
  expect(dead[0]?.reason).toContain('400');
  expect(await metric('sluice_producer_dead_letters_total')).toBe(3);
  expect(await metric('sluice_producer_acknowledged_total')).toBe(9);
  expect(new Set(api.received.map(({ key }) => key)).size).toBe(api.received.length);
});

test('events that an API names as refused are buried, and not sent again', async () => {
  const api = await openApi(() => ({
    status: 200,
    body: '{"message":"ingested 1 events","accepted":1,"rejected":1,"errors":[{"index":1,"reason":"why"}]}',
  }));
  const { done, metric } = await openProducer({ url: api.url, rate: 100_000, count: 2 });
  await done;
  expect(api.received).toHaveLength(1);
  expect(await metric('sluice_producer_acknowledged_total')).toBe(1);
  expect(await readFile(join(folder, 'producer', 'dead-letters.jsonl'), 'utf8')).toContain('"reason":"why"');
});

test('what an earlier run did not bring to an end is sent first, under its keys', async () => {
  const journal = await BatchJournal.open(join(folder, 'producer'));
  await journal.add('KEY', ['{"time":1,"amount":"1"}', '{"time":2,"amount":"2"}', '{"time":3,"amount":"3"}']);
  await journal.add('NEXT', ['{"time":4,"amount":"4"}']);
  await journal.splitFirst();
  await writeFile(join(folder, 'producer', '000000000009.tmp'), 'half');
  const api = await openApi(() => ({ status: 200 }));
  await (await openProducer({ url: api.url, rate: 100_000, count: 1 })).done;
  expect(api.received.slice(0, 3).map(({ key, body }) => [key, body])).toEqual([
    ['KEY.0', '[{"time":1,"amount":"1"},{"time":2,"amount":"2"}]'],
    ['KEY.1', '[{"time":3,"amount":"3"}]'],
    ['NEXT', '[{"time":4,"amount":"4"}]'],
  ]);
  expect(api.received).toHaveLength(4);
  expect(await readdir(join(folder, 'producer'))).toEqual([]);
});

test('parked, it makes events and drops them', async () => {
  const { done, metric } = await openProducer({ url: 'http://127.0.0.1:1/', isDisabled: true });
  await done;
  expect(await metric('sluice_producer_generated_total')).toBe(20);
  expect(await metric('sluice_producer_dropped_total{reason="disabled"}')).toBe(20);
  expect(await metric('sluice_producer_acknowledged_total')).toBe(0);
});

test('a full buffer drops its oldest events, and counts them', async () => {
  const api = await openApi(() => ({ status: 200 }));
  const { done, metric } = await openProducer({ url: api.url, rate: 1_000_000, count: 1000, maxBuffer: 100, batchIntervalMs: 300 });
  await done;
  expect(await metric('sluice_producer_dropped_total{reason="buffer"}')).toBe(900);
  expect(api.received.flatMap(amountsOf)).toEqual(firstAmounts(1000).slice(900));
});

test('at the end everything that was made is sent', async () => {
  const api = await openApi(() => ({ status: 200 }));
  const { producer, end, metric } = await openProducer({ url: api.url, count: 0, batchIntervalMs: 60_000, rate: 500 });
  await expect.poll(() => metric('sluice_producer_generated_total')).toBeGreaterThan(20);
  expect(api.received).toEqual([]);
  await producer.stopAccepting();
  await producer.drain(5000);
  const made = await metric('sluice_producer_generated_total');
  await end();
  expect(api.received.flatMap(amountsOf)).toEqual(firstAmounts(made));
  expect(await journalFiles()).toEqual([]);
});

test('and what nobody takes stays in the journal', async () => {
  const api = await openApi(() => ({ status: 503 }));
  const { producer, end, metric } = await openProducer({ url: api.url, count: 0, rate: 500 });
  const made = () => metric('sluice_producer_generated_total');
  await expect.poll(() => api.received.length).toBeGreaterThan(0);
  const before = await made();
  await expect.poll(made).toBeGreaterThan(before + 20);
  await producer.stopAccepting();
  await producer.drain(50);
  await end();
  const journal = await BatchJournal.open(join(folder, 'producer'));
  expect(journal.events).toBe(await made());
});

/** Shares of the middle fifth, and of the fifths around a quarter and three quarters. */
test.each([
  ['uniform', 0.2, 0.4],
  ['normal', 0.45, 0.33],
  ['bimodal', 0.01, 0.77],
] as const)('amounts of the distribution %s lie as they should', (distribution, middle, quarters) => {
  const amounts = () => createAmounts({ distribution, min: -10, max: 30, random: seededNumbers(3) });
  const next = amounts();
  const again = amounts();
  const made = Array.from({ length: 20_000 }, () => next());
  expect(Array.from({ length: 20_000 }, () => again())).toEqual(made);
  expect(made.every((amount) => amount >= -10 && amount < 30)).toBe(true);
  const share = (from: number, to: number) => made.filter((amount) => amount >= from && amount < to).length / made.length;
  expect(Math.abs(share(6, 14) - middle)).toBeLessThan(0.03);
  expect(Math.abs(share(-4, 4) + share(16, 24) - quarters)).toBeLessThan(0.03);
});
