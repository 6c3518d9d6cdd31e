import { once } from 'node:events';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { LogEngine, StoredRecord } from '../../../src/engines/log/log-engine.ts';
import { EventAppender } from '../../../src/features/events/event-appender.ts';
import type { EventRules } from '../../../src/features/events/event-request-options.ts';
import { EventTopic } from '../../../src/features/events/event-topic.ts';
import { createEventsApi } from '../../../src/features/events/events-api.ts';
import { createEventsMeter, eventsMetricTable } from '../../../src/features/events/events-metrics.ts';
import { recordOrigin } from '../../../src/features/events/record-headers.ts';
import { presetRoutes } from '../../../src/features/events/routes.ts';
import { RoutesLog } from '../../../src/features/events/routes-log.ts';
import { ByteBudget } from '../../../src/kernel/async/byte-budget.ts';
import { AppError } from '../../../src/kernel/errors/app-error.ts';
import { openHttpServerPart } from '../../../src/kernel/lifecycle/http-server-part.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { RateLimitedLog } from '../../../src/kernel/observe/rate-limited-log.ts';
import { systemTimer } from '../../../src/kernel/time/start-timer.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';
import { TestClock } from '../../support/test-clock.ts';

const rules: EventRules = {
  maxBodyBytes: 100_000,
  maxEvents: 1000,
  onInvalid: 'reject',
  amountEncoding: 'string',
  textPassthrough: false,
  compatStatus: false,
  maxFutureSkewMs: 86_400_000,
};

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface StageOptions {
  readonly rules?: Partial<EventRules>;
  readonly partitions?: number;
  readonly disabled?: boolean;
  readonly maxBuffered?: number;
  readonly timeoutMs?: number;
  /** In the place of the log's own methods. */
  readonly faults?: Partial<LogEngine>;
}

async function openApi({ partitions = 1, disabled = false, maxBuffered = 10_000_000, timeoutMs = 5000, ...options }: StageOptions = {}) {
  const clock = new TestClock();
  const memory = new MemoryLog({ clock });
  const log: LogEngine = Object.assign(memory, options.faults);
  const topic = new EventTopic({ log, spec: { name: 'events', partitions }, logger });
  const stop = new AbortController();
  const watching = topic.run(stop.signal);
  cleanups.push(async () => {
    stop.abort();
    await watching;
  });
  await topic.looked;
  const metrics = new MetricRegistry();
  const budget = new ByteBudget({ maxBytes: maxBuffered, maxItems: Number.POSITIVE_INFINITY });
  const target = {
    appender: new EventAppender({ log, topic, timeoutMs, startTimer: systemTimer }),
    trouble: () => (topic.current ? undefined : topic.check().detail),
    currentRoutes: async () => (await RoutesLog.open({ log, topic: await topic.known, clock, logger })).current,
  };
  const server = createEventsApi({
    rules: { ...rules, ...options.rules },
    target: disabled ? 'disabled' : target,
    budget,
    meter: createEventsMeter(metrics.declare(eventsMetricTable), budget),
    rejections: new RateLimitedLog({ logger, linesPerMinute: 10 }),
    logger,
    clock,
    certificate: undefined,
    settings: {
      maxHeaderBytes: 16_384,
      headerTimeoutMs: 5000,
      requestTimeoutMs: 5000,
      idleTimeoutMs: 5000,
      maxConnections: 100,
    },
  });
  const part = await openHttpServerPart({ name: 'event-api', server, at: { host: '127.0.0.1', port: 0 } });
  const serving = part.run(stop.signal);
  cleanups.push(async () => {
    stop.abort();
    await serving;
  });
  const url = `http://127.0.0.1:${part.address.port}`;
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    send('/', { method: 'POST', body: body as string, headers: { 'Content-Type': 'application/json', ...headers } });
  const records = async (): Promise<readonly StoredRecord[][]> => {
    const made = await memory.topic('events');
    if (!made) return [];
    const read = (partition: number) => memory.read({ topic: made, partition, offset: 0, maxRecords: 1e6, maxBytes: 1e9, waitMs: 0 });
    return (await Promise.all(Array.from({ length: made.partitions }, (_, partition) => read(partition)))).map((batch) => [
      ...batch.records,
    ]);
  };
  const values = async () => (await records()).flat().map(({ value }) => String(value));
  return { url, send, post, records, values, clock, log, memory, topic, metrics, budget, part };
}

const one = '{"time":1795232693264,"amount":"6.046602879796196"}';
const two = '{"time":1000,"amount":"5"}';

describe('answers', () => {
  test('an array, as the original producer sends it', async () => {
    const api = await openApi({ rules: { maxFutureSkewMs: 1e12 } });
    const { status, headers, text } = await api.post(`[${one},${two}]`);
    expect([status, text]).toEqual([200, '{"message":"ingested 2 events"}\n']);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await api.values()).toEqual([one, two]);
    for (const { headers: own, key } of (await api.records()).flat()) expect([own, key]).toEqual([[], null]);
  });

  test.each(['application/text', 'application/x-ndjson', 'text/plain; charset=utf-8', 'APPLICATION/TEXT'])('lines as %s', async (type) => {
    const api = await openApi();
    const { status, text } = await api.post(`${two}\n\n  {"amount":-1,"time":2} \r\n`, { 'Content-Type': type });
    expect([status, text]).toEqual([200, '{"message":"ingested 2 events"}\n']);
    expect(await api.values()).toEqual([two, '{"time":2,"amount":"-1"}']);
  });

  test.each([
    ['[]', '{"message":"ingested 0 events"}\n'],
    ['null', '{"message":"ingested 0 events"}\n'],
    ['{"amount": 7.3}', '{"message":"ingested 1 events"}\n'],
  ])('%s', async (body, answer) => {
    const api = await openApi();
    expect(await api.post(body, { 'Content-Type': 'Application/JSON; charset=utf-8' })).toMatchObject({ status: 200, text: answer });
  });

  test('an event without a time gets that of its arrival', async () => {
    const api = await openApi();
    await api.post('{"amount": 7.3}');
    expect(await api.values()).toEqual([`{"time":${api.clock.now()},"amount":"7.3"}`]);
  });

  test.each([
    ['', 'EOF'],
    [`[${two}`, 'unexpected EOF'],
    ['[{"amount":05}]', 'event 0 is not valid JSON'],
    ['7', 'the body must be an array of events, or one event'],
  ])('%j is refused', async (body, message) => {
    const api = await openApi();
    expect(await api.post(body)).toMatchObject({ status: 400, text: `{"message":"${message}"}\n` });
    expect(await api.values()).toEqual([]);
  });

  test('a request with an event that is not valid is refused as a whole, and the event named', async () => {
    const api = await openApi();
    const { status, text } = await api.post(`[${two},{"amount":null},{"time":1}]`);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({
      message: '2 events are not valid: event 1: amount is null',
      accepted: 0,
      rejected: 2,
      errors: [
        { index: 1, reason: 'amount is null' },
        { index: 2, reason: 'amount is missing' },
      ],
    });
    expect(await api.values()).toEqual([]);
  });

  test('or all others are taken', async () => {
    const api = await openApi({ rules: { onInvalid: 'skip' } });
    const { status, text } = await api.post(`[${two},{"amount":null},${two}]`, { 'Idempotency-Key': 'k' });
    expect([status, text]).toEqual([
      200,
      '{"message":"ingested 2 events","accepted":2,"rejected":1,"errors":[{"index":1,"reason":"amount is null"}]}\n',
    ]);
    expect((await api.records()).flat().map((record) => recordOrigin(record)?.index)).toEqual([0, 2]);
  });

  test('a content type that is not taken', async () => {
    const text = '{"message":"unsupported content type image/png"}\n';
    expect(await (await openApi()).post('x', { 'Content-Type': 'image/png' })).toMatchObject({ status: 415, text });
    const compat = await openApi({ rules: { compatStatus: true } });
    expect(await compat.post('x', { 'Content-Type': 'image/png' })).toMatchObject({ status: 400, text });
  });

  test('paths and methods', async () => {
    const { send } = await openApi();
    expect(await send('/')).toMatchObject({ status: 200, text: 'ok' });
    expect((await send('/')).headers.get('content-type')).toMatch(/^text\/plain/);
    for (const path of ['/healthz', '/health-check', '/?x=1']) expect(await send(path)).toMatchObject({ status: 200, text: 'ok' });
    expect(await send('/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect(await send('/', { method })).toMatchObject({ status: 405, text: '' });
    expect(await send('/explain')).toMatchObject({ status: 405, text: '' });
    expect(await send('/other', { method: 'POST', body: 'x' })).toMatchObject({ status: 404, text: '404 page not found\n' });
  });

  test('parked, it says so whatever comes, and stays healthy', async () => {
    const { post, send, values } = await openApi({ disabled: true });
    const text = '{"message":"processing disabled, did nothing"}\n';
    expect(await post('nonsense', { 'Content-Type': 'image/png' })).toMatchObject({ status: 200, text });
    expect(await post(`[${two}]`)).toMatchObject({ status: 200, text });
    expect(await send('/')).toMatchObject({ status: 200, text: 'ok' });
    expect(await values()).toEqual([]);
  });
});

describe('limits', () => {
  test('bytes, announced and not', async () => {
    const api = await openApi({ rules: { maxBodyBytes: 100 } });
    const text = '{"message":"the body is over the maximum of 100B"}\n';
    expect(await api.post(`[${two},${two},${two},${two}]`)).toMatchObject({ status: 413, text });
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from(`[${two},${two},${two}`));
        controller.enqueue(Buffer.from(`,${two}]`));
        controller.close();
      },
    });
    const init = { method: 'POST', body: stream, duplex: 'half', headers: { 'Content-Type': 'application/json' } };
    expect(await api.send('/', init as RequestInit)).toMatchObject({ status: 413, text });
    const packed = gzipSync(`[${Array.from({ length: 50 }, () => two).join(',')}]`);
    expect(packed.length).toBeLessThan(100);
    expect(await api.post(packed, { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 413, text });
    expect(await api.values()).toEqual([]);
    expect(api.budget.bytes).toBe(0);
  });

  test('events', async () => {
    const api = await openApi({ rules: { maxEvents: 2 } });
    expect(await api.post(`[${two},${two}]`)).toMatchObject({ status: 200 });
    const text = '{"message":"the body has more than 2 events"}\n';
    expect(await api.post(`[${two},${two},${two}]`)).toMatchObject({ status: 413, text });
  });

  test('memory of all requests together', async () => {
    const held = Promise.withResolvers<never>();
    const api = await openApi({ maxBuffered: 20_000, timeoutMs: 300, faults: { append: () => held.promise } });
    const first = api.post(`[${two}]`);
    await expect.poll(() => api.budget.bytes).toBeGreaterThan(5000);
    const body = `[${Array.from({ length: 500 }, () => two).join(',')}]`;
    const refused = await api.post(body);
    expect(refused).toMatchObject({ status: 503, text: '{"message":"the node holds as many events as it may; try again"}\n' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await first).status).toBe(504);
    // The log may still read the events: they are given back only when it is done.
    expect(api.budget.bytes).toBeGreaterThan(5000);
    held.reject(new Error('gone'));
    await expect.poll(() => api.budget.bytes).toBe(0);
  });
});

test('a compressed body is unpacked, and a broken one refused', async () => {
  const api = await openApi();
  expect(await api.post(gzipSync(`[${two}]`), { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 200 });
  expect(await api.values()).toEqual([two]);
  expect(await api.post('no gzip', { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 400 });
  expect(await api.post('x', { 'Content-Encoding': 'br' })).toMatchObject({ status: 415 });
});

test('a client that asks before it sends its body is told to go on, or why not', async () => {
  const ask = async (url: string) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': two.length, Expect: '100-continue' };
    const asked = request(url, { method: 'POST', headers });
    asked.flushHeaders();
    const isTold = await new Promise<boolean>((resolve) => {
      asked.once('continue', () => resolve(true));
      asked.once('response', () => resolve(false));
    });
    if (!isTold) {
      asked.destroy();
      return 'refused';
    }
    asked.end(two);
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode;
  };
  const api = await openApi();
  expect(await ask(api.url)).toBe(200);
  expect(await api.values()).toEqual([two]);
  const away = await openApi({ faults: { topic: () => Promise.reject(new AppError('logUnavailable', 'no broker yet')) } });
  expect(await ask(away.url)).toBe('refused');
});

test('25,000 events are appended in three pieces under one answer', async () => {
  const sizes: number[] = [];
  const api = await openApi({ rules: { maxBodyBytes: 10_000_000, maxEvents: 500_000 } });
  api.log.append = (batch) => {
    sizes.push(batch.records.length);
    return MemoryLog.prototype.append.call(api.memory, batch);
  };
  const body = `[${Array.from({ length: 25_000 }, (_, index) => `{"time":${index},"amount":1}`).join(',')}]`;
  expect(await api.post(body, { 'Idempotency-Key': 'batch' })).toMatchObject({
    status: 200,
    text: '{"message":"ingested 25000 events"}\n',
  });
  expect(sizes).toEqual([10_000, 10_000, 5000]);
  const records = (await api.records()).flat();
  expect(records.every((record, index) => recordOrigin(record)?.index === index)).toBe(true);
  expect(String(records.at(-1)?.value)).toBe('{"time":24999,"amount":"1"}');
});

describe('partitions', () => {
  test('a key decides, and is in the headers', async () => {
    const api = await openApi({ partitions: 4 });
    for (const key of ['a', 'b', 'c', 'd', 'c', 'a', 'a', 'b']) await api.post(`[${two},${two}]`, { 'Idempotency-Key': key });
    const byKey = new Map<string, Set<number>>();
    for (const [partition, list] of (await api.records()).entries())
      for (const record of list) {
        const key = String(recordOrigin(record)?.key);
        byKey.set(key, (byKey.get(key) ?? new Set()).add(partition));
      }
    expect([...byKey.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect([...byKey.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...byKey.values()].flatMap((set) => [...set])).size).toBeGreaterThan(1);
  });

  test('without a key they take turns, and a request stays together', async () => {
    const api = await openApi({ partitions: 3 });
    for (let count = 0; count < 6; count += 1) await api.post(`[${two},${two}]`);
    expect((await api.records()).map(({ length }) => length)).toEqual([4, 4, 4]);
  });

  test.each(['', 'x'.repeat(256), 'é'])('the key %j is refused', async (key) => {
    const api = await openApi();
    expect(await api.post(`[${two}]`, { 'Idempotency-Key': key })).toMatchObject({ status: 400 });
    expect(await api.values()).toEqual([]);
  });
});

describe('a log in trouble', () => {
  const failing = (code: 'logUnavailable' | 'logInDoubt' | 'overloaded' | 'logTopicNotFound') =>
    openApi({ faults: { append: () => Promise.reject(new AppError(code, 'the broker is away')) } });

  test.each([
    ['logUnavailable', 'none'],
    ['overloaded', 'none'],
    ['logTopicNotFound', 'none'],
    ['logInDoubt', 'unknown'],
  ] as const)('%s is 503 and says that %s of the events is stored', async (code, stored) => {
    const { status, headers, text } = await (await failing(code)).post(`[${two}]`);
    expect([status, headers.get('x-sluice-stored'), headers.get('retry-after')]).toEqual([503, stored, '1']);
    expect(text).toContain('the broker is away');
  });

  test('a failure between two pieces is partial', async () => {
    let calls = 0;
    const api = await openApi({
      rules: { maxBodyBytes: 10_000_000, maxEvents: 500_000 },
      faults: {
        append: () => {
          calls += 1;
          return calls === 1 ? Promise.resolve({ partition: 0, offset: 0 }) : Promise.reject(new AppError('logUnavailable', 'away'));
        },
      },
    });
    const { status, headers, text } = await api.post(`[${Array.from({ length: 10_001 }, () => '{"amount":1}').join(',')}]`);
    expect([status, headers.get('x-sluice-stored')]).toEqual([503, 'partial']);
    expect(text).toBe('{"message":"away: 10000 of 10001 events are stored"}\n');
  });

  test('one that never answered refuses before the body is read, and is not ready', async () => {
    const topic = () => Promise.reject(new AppError('logUnavailable', 'no broker yet'));
    const api = await openApi({ faults: { topic } });
    expect(api.topic.check()).toEqual({ ready: false, detail: 'no broker yet' });
    expect(await api.post('nonsense')).toMatchObject({ status: 503, text: '{"message":"nothing can be stored: no broker yet"}\n' });
    expect(await api.send('/')).toMatchObject({ status: 200 });
  });
});

test('explains which routes take an event, and what would be written', async () => {
  const api = await openApi();
  const ask = async (body: string) => {
    const { status, text } = await api.send('/explain', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    return { status, answer: JSON.parse(text) as unknown };
  };
  expect(await ask('{"time":1000,"amount":"5.0"}')).toMatchObject({ status: 200, answer: { version: null, events: [{ routes: [] }] } });
  await (await RoutesLog.open({ log: api.log, topic: await api.topic.known, clock: api.clock, logger })).ensure(presetRoutes(5));
  expect(await ask('[{"time":1000,"amount":"5.0","id":"a"},{"amount":"x"},{"time":2000,"amount":5.1}]')).toEqual({
    status: 200,
    answer: {
      version: 1,
      watermark: 5,
      events: [
        {
          index: 0,
          record: '{"time":1000,"amount":"5","id":"a"}',
          row: { time: '1970-01-01T00:00:01.000Z', amount: 5, id: 'a' },
          routes: ['low'],
        },
        { index: 2, record: '{"time":2000,"amount":"5.1"}', row: { time: '1970-01-01T00:00:02.000Z', amount: 5.1 }, routes: ['high'] },
      ],
      errors: [{ index: 1, reason: 'amount "x" is no decimal number' }],
    },
  });
  expect(await api.values()).toEqual([]);
});

test('what it answers and takes is counted', async () => {
  const api = await openApi({ rules: { onInvalid: 'skip' } });
  await api.post(`[${two},${two},7]`);
  await api.post('x');
  await api.send('/healthz');
  const text = await api.metrics.text();
  for (const line of [
    'sluice_events_requests_total{status="200"} 2',
    'sluice_events_requests_total{status="400"} 1',
    'sluice_events_accepted_total 2',
    'sluice_events_rejected_total 1',
    'sluice_events_append_seconds_count 1',
    'sluice_events_pending_bytes 0',
  ])
    expect(text.split('\n')).toContain(line);
});
