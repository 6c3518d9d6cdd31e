import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { summaryAnswerSchema } from '@sluice/contract/event-series';
import { afterEach, describe, expect, test } from 'vitest';
import { type AggregatorRules, createAggregator } from '../../../src/features/events/aggregator.ts';
import { aggregatorMetricTable, createAggregatorMeter } from '../../../src/features/events/aggregator-metrics.ts';
import { openHttpServerPart } from '../../../src/kernel/lifecycle/http-server-part.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { AggregatorFixture } from '../../support/aggregator-fixture.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { rawExchange } from '../../support/raw-http.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';
import { StreamReader } from '../../support/stream-sink.ts';
import { waitFor } from '../../support/wait-for.ts';

const rules: AggregatorRules = {
  rangeMs: 20_000,
  stepMs: 10_000,
  maxPoints: 5000,
  alignment: 'start',
  partialMessage: 'partial',
  storeTimeoutMs: 1500,
  cacheMs: 1000,
  pollMs: 1000,
  maxStreams: 2,
  heartbeatMs: 15_000,
  maxBlockedMs: 30_000,
  maxFutureSkewMs: 86_400_000,
};

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openAggregator({ disabled = false, given = {} }: { disabled?: boolean; given?: Partial<AggregatorRules> } = {}) {
  const fixture = new AggregatorFixture();
  const { clock, timers, stores } = fixture;
  const log = new MemoryLog({ clock });
  const metrics = new MetricRegistry();
  const aggregator = createAggregator({
    rules: { ...rules, ...given },
    target: disabled ? 'disabled' : { stores, log, topic: 'events', groupOf: (type) => type },
    meter: createAggregatorMeter(metrics.declare(aggregatorMetricTable)),
    clock,
    startTimer: timers.start,
    logger,
    settings: { maxHeaderBytes: 16_384, headerTimeoutMs: 5000, requestTimeoutMs: 5000, idleTimeoutMs: 5000, maxConnections: 100 },
    certificate: undefined,
  });
  const stop = new AbortController();
  const server = await openHttpServerPart({ name: 'aggregator', server: aggregator.server, at: { host: '127.0.0.1', port: 0 } });
  const running = [server, ...aggregator.parts].map((part) => part.run(stop.signal));
  cleanups.push(async () => {
    stop.abort();
    timers.advance(2000);
    await Promise.all(running);
  });
  const url = `http://127.0.0.1:${server.address.port}`;
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const follow = async (path: string, headers: Record<string, string> = {}) => {
    const sent = request(url + path, { headers });
    sent.end();
    const [response]: [IncomingMessage] = await new Promise((resolve) => sent.once('response', (one) => resolve([one])));
    const reader = new StreamReader();
    response.setEncoding('utf8').on('error', () => {});
    response.on('data', (text: string) => reader.read(text));
    cleanups.push(async () => void sent.destroy());
    const until = async (isThere: () => boolean) => {
      while (!isThere()) await once(response, 'data');
    };
    return { response, reader, until, leave: () => sent.destroy() };
  };
  const drain = async () => {
    for (const part of [server, ...aggregator.parts]) await part.stopAccepting?.();
    await server.drain(5000);
  };
  return { ...fixture, fixture, url, get, follow, drain, metrics, aggregator, log };
}

const text = 'text/plain; charset=utf-8';
const json = 'application/json; charset=utf-8';

describe('answers', () => {
  test.each([
    ['/', 200, text, 'ok'],
    ['/healthz', 200, text, 'ok'],
    ['/health-check', 200, text, 'ok'],
    ['/nothing', 404, text, '404 page not found\n'],
    ['/api/', 404, text, '404 page not found\n'],
  ])('GET %s is %i', async (path, status, type, body) => {
    const { get } = await openAggregator();
    const answer = await get(path);
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([status, type, body]);
  });

  test('/api is the series as JSON, at the same starts for both', async () => {
    const { fixture, get } = await openAggregator();
    const now = fixture.clock.now();
    fixture.add('low', now - 1);
    const { status, headers, text: body } = await get('/api');
    expect([status, headers.get('content-type')]).toEqual([200, json]);
    expect(body).toBe(
      `{"message":"ok","points":[{"time":${now - 20_000},"count":0,"type":"low"},{"time":${now - 20_000},"count":0,"type":"high"},` +
        `{"time":${now - 10_000},"count":1,"type":"low"},{"time":${now - 10_000},"count":0,"type":"high"}]}\n`,
    );
  });

  test('a client that has the answer is told so', async () => {
    const { fixture, get } = await openAggregator();
    const { headers } = await get('/api');
    const etag = headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const known of [etag, `"x", W/${etag}`, '*']) {
      const again = await get('/api', { headers: { 'If-None-Match': known } });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    fixture.add('low', fixture.clock.now() - 1);
    fixture.clock.advance(1000);
    expect((await get('/api', { headers: { 'If-None-Match': etag } })).status).toBe(200);
  });

  test('everything that is wrong with a request is told at once', async () => {
    const { get } = await openAggregator();
    const { status, headers, text: body } = await get('/api?step=0s&fn=median');
    expect([status, headers.get('content-type')]).toEqual([400, json]);
    const problems = [
      'fn must be one of count, sum, avg, min, max, not "median"',
      'step must be a time of at least 1ms, as 10s, 5m or 24h, not "0s"',
    ];
    expect(JSON.parse(body)).toEqual({ message: problems.join('; '), problems });
    for (const path of ['/api/stream?from=1', '/api/summary?step=1s', '/api/compare?x=1']) expect((await get(path)).status).toBe(400);
  });

  test('other methods are not there, HEAD is', async () => {
    const { get } = await openAggregator();
    for (const path of ['/', '/api', '/api/stream']) {
      const answer = await get(path, { method: 'POST' });
      expect([answer.status, answer.headers.get('allow'), answer.text]).toEqual([405, 'GET, HEAD', '']);
      const head = await get(path, { method: 'HEAD' });
      expect([head.status, head.text]).toEqual([200, '']);
    }
  });

  test('what is no request is answered, too', async () => {
    const { url } = await openAggregator();
    expect(await rawExchange(url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatchObject([{ status: 400 }]);
    expect(await rawExchange(url, 'nonsense\r\n\r\n')).toMatchObject([
      { status: 400, headers: { 'content-type': json }, body: '{"message":"the request is no valid HTTP/1.1"}\n' },
    ]);
  });

  test('of a parked aggregator say so, and nothing is read', async () => {
    const { get, calls, aggregator, timers } = await openAggregator({ disabled: true });
    for (const path of ['/api', '/api?step=x', '/api/stream', '/api/summary', '/api/compare']) {
      const { status, text: body } = await get(path);
      expect([status, body]).toEqual([200, '{"message":"processing disabled, did nothing","points":null}\n']);
    }
    expect((await get('/')).text).toBe('ok');
    timers.advance(60_000);
    expect(calls).toEqual([]);
    expect(aggregator.check()).toEqual({ ready: true, detail: 'disabled' });
  });

  test('a store that is down is named; with both down there is no answer, but a word on when to ask again', async () => {
    const { fixture, get } = await openAggregator({ given: { cacheMs: 0 } });
    fixture.states.high = 'down';
    expect(JSON.parse((await get('/api')).text)).toMatchObject({ message: 'partial', errors: [{ type: 'high' }] });
    fixture.states.low = 'down';
    const { status, headers, text: body } = await get('/api');
    expect([status, headers.get('retry-after'), headers.get('content-type')]).toEqual([503, '1', json]);
    expect(JSON.parse(body)).toMatchObject({ message: 'no store answered', points: null });
    expect((await get('/api/summary')).status).toBe(503);
  });

  test('/api/summary adds up a window', async () => {
    const { fixture, get } = await openAggregator();
    const now = fixture.clock.now();
    for (const [ago, amount] of [
      [1, 2],
      [20_000, 4],
      [20_001, 100],
      [0, 100],
    ] as const)
      fixture.add('low', now - ago, amount);
    const { status, text: body } = await get('/api/summary');
    expect(status).toBe(200);
    expect(summaryAnswerSchema.parse(JSON.parse(body))).toEqual({
      message: 'ok',
      from: now - 20_000,
      to: now,
      types: [
        { type: 'low', count: 2, perSecond: 0.1, sum: 6, avg: 3, min: 2, max: 4 },
        { type: 'high', count: 0, perSecond: 0, sum: 0, avg: null, min: null, max: null },
      ],
    });
  });

  test('/api/compare needs the topic of the log', async () => {
    const { get } = await openAggregator();
    const { status, text: body } = await get('/api/compare');
    expect([status, body]).toEqual([404, '{"message":"There is no topic events yet."}\n']);
  });
});

describe('readiness', () => {
  test('is there while one store answers; the detail names the other', async () => {
    const { fixture, aggregator, timers, metrics } = await openAggregator();
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    await settled();
    expect(aggregator.check()).toEqual({ ready: true });
    fixture.states.high = 'down';
    timers.advance(2000);
    await settled();
    expect(aggregator.check()).toEqual({ ready: true, detail: 'high: The store of high is down.' });
    expect(await metrics.text()).toMatch(/sluice_aggregator_store_up\{type="high"\} 0\n/);
    fixture.states.low = 'down';
    timers.advance(2000);
    await settled();
    expect(aggregator.check()).toMatchObject({ ready: false });
  });
});

describe('/api/stream', () => {
  test('sends the window, then what changes; who comes back gets what it lacks', async () => {
    const { fixture, follow, timers } = await openAggregator();
    const first = await follow('/api/stream');
    expect(first.response.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
    await first.until(() => first.reader.events === 6);
    fixture.add('high', fixture.clock.now() - 15_000);
    timers.advance(1000);
    await first.until(() => first.reader.events === 7);
    expect(first.reader.statuses).toEqual([{ message: 'ok', range: 20_000, step: 10_000, fn: 'count' }]);
    first.leave();
    const again = await follow('/api/stream', { 'Last-Event-ID': first.reader.lastEventId ?? '' });
    fixture.add('low', fixture.clock.now() - 15_000);
    timers.advance(1000);
    await again.until(() => again.reader.events > 0);
    expect([...again.reader.buckets.values()]).toMatchObject([{ type: 'low', count: 1, rev: 8 }]);
  });

  test('is for so many clients only', async () => {
    const { get, follow, metrics, timers } = await openAggregator();
    const first = await follow('/api/stream');
    await follow('/api/stream?type=low');
    const refused = await get('/api/stream');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await metrics.text()).toContain('sluice_aggregator_streams 2\n');
    first.leave();
    // Less than it takes to the next heartbeat.
    let seconds = 0;
    await waitFor(
      async () => {
        seconds += 1;
        if (seconds < 10) timers.advance(1000);
        return await metrics.text();
      },
      (now) => now.includes('sluice_aggregator_streams 1\n'),
    );
    const { response } = await follow('/api/stream');
    expect(response.statusCode).toBe(200);
  });

  test('ends when the process stops, at once', async () => {
    const { follow, drain } = await openAggregator();
    const { response, reader, until } = await follow('/api/stream');
    await until(() => reader.events === 6);
    const ended = once(response, 'end');
    await drain();
    await ended;
    expect(response.complete).toBe(true);
  });
});
