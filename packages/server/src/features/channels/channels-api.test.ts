import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryUsage, MemoryUsageStore } from '../../../test/support/memory-usage-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { testRange } from '../../engines/usage/usage-store.conformance.ts';
import { dayMs, hourMs, type UsageRange } from '../../engines/usage/usage-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { listen } from '../../kernel/lifecycle/listen.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { type ChannelsApiOptions, createChannelsApi } from './channels-api.ts';
import type { ChannelsView, LiveMount, SessionStatistics } from './channels-view.ts';
import { RegisteredUsersCache } from './registered-users-cache.ts';
import { createUsageMeter, usageMetricTable } from './usage-metrics.ts';

const never = new AbortController().signal;

const session = (sessionId: string, user = 'user-1'): SessionStatistics => ({
  ...{ sessionId, user, channel: 'zato01', openedAtMs: Date.UTC(2026, 5, 24, 10), peer: '127.0.0.1:5' },
  ...{ packets: 1, bytes: 2, dropped: 0, queuedBytes: 0 },
});

/** The API on a port of its own, over a store in memory. */
class Bench implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly usage = new MemoryUsage();
  readonly sessions = new Map(['s2', 's1', 's3'].map((id) => [id, session(id, id === 's3' ? 'user-3' : 'user-1')]));
  step: () => Promise<void> = () => Promise.resolve();
  readonly store = new MemoryUsageStore({ usage: this.usage, step: () => this.step() });
  #server: ReturnType<typeof createChannelsApi> | undefined;
  #port = 0;

  async listen(given: Partial<ChannelsApiOptions> = {}): Promise<this> {
    const meter = createUsageMeter(new MetricRegistry().declare(usageMetricTable));
    const { clock, store, sessions } = this;
    const view: ChannelsView = {
      channels: () => [
        { id: 'zato02', epoch: 1, rate: 50, next: 7, buffered: 2, gaps: 1, gapPackets: 3, viewers: 0 },
        { id: 'zato01', epoch: 2, rate: 49.5, next: undefined, buffered: 0, gaps: 0, gapPackets: 0, viewers: 3 },
      ],
      sessions: () => sessions.values(),
      closeSession: (id) => sessions.delete(id),
      closeUser: (user) => [...sessions.values()].filter((one) => one.user === user && sessions.delete(one.sessionId)).length,
    };
    this.#server = createChannelsApi({
      ...{ store, clock, view, meter, users: new RegisteredUsersCache({ store, clock, meter }), logger: silentLogger },
      ...{ packetMsOf: () => 20, compat: 'truncate', token: '', certificate: undefined },
      settings: { maxHeaderBytes: 16_384, headerTimeoutMs: 5000, requestTimeoutMs: 5000, idleTimeoutMs: 5000, maxConnections: 100 },
      ...given,
    });
    ({ port: this.#port } = await listen(this.#server, { at: { host: '127.0.0.1', port: 0 }, name: 'channels' }));
    return this;
  }

  /** All bytes of the answer, and no more than the first one. */
  async raw(request: string): Promise<string> {
    const socket = createConnection({ host: '127.0.0.1', port: this.#port });
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.write(request);
    await once(socket, 'close');
    return Buffer.concat(pieces).toString();
  }

  async ask(path: string, options: RequestInit = {}) {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, { redirect: 'manual', ...options });
    return { status: answer.status, type: answer.headers.get('content-type'), headers: answer.headers, body: await answer.text() };
  }

  async json(path: string, options: RequestInit = {}) {
    const { status, body } = await this.ask(path, options);
    return { status, ...JSON.parse(body) };
  }

  write(...ranges: UsageRange[]): Promise<void> {
    return this.store.writeRanges(ranges, never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}

let bench: Bench;
beforeEach(async () => {
  bench = await new Bench().listen();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** One range of so many packets. */
function packets(count: number, given: Partial<UsageRange> = {}): UsageRange {
  const figures = { packets: count, bytes: count * 1316, mediaMs: count * 20, dropped: 0 };
  const range = testRange(1);
  return { ...range, to: count - 1, ...figures, total: { ...range.total, ...figures }, ...given };
}

const h0 = testRange(1).hourMs;
const empty = { type: null, body: '' };

describe('the routes of the original system', () => {
  it('answer to the byte', async () => {
    const post = (body: string, rest = '') =>
      bench.raw(`POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\nConnection: close\r\n${rest}\r\n${body}`);
    expect(await post('user-1')).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    expect(await post('')).toBe('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    await bench.write(packets(1550), packets(1550, { channel: 'zato02' }));
    expect(await bench.raw('GET /usage/user-1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toBe(
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 39\r\nConnection: close\r\n\r\n' +
        '{"sessions":{"zato01":31,"zato02":31}}\n',
    );
  });

  it('register the first line of a body, whatever its type, again and again', async () => {
    const register = (body: string | Uint8Array<ArrayBuffer>) => bench.ask('/register', { method: 'POST', body });
    for (const body of ['user-1', 'user-1\n', 'user-1\r\nuser-2', `user-1\n${'x'.repeat(100_000)}`])
      expect(await register(body)).toMatchObject({ status: 200, ...empty });
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect(await bench.ask('/register', { method: 'POST', body: 'user+4', headers: form })).toMatchObject({ status: 200 });
    expect([...bench.usage.users.keys()]).toEqual(['user-1', 'user+4']);
    expect(bench.usage.users.get('user-1')?.registeredAtMs).toBe(bench.clock.now());
  });

  it('refuse what is no id, and say why only in JSON', async () => {
    const bad = ['\nuser-1', 'user 1', ' user', 'a\tb', 'a\0b', 'x'.repeat(129), 'y'.repeat(5000), Buffer.from([0xff, 0xfe])];
    for (const body of bad)
      expect(await bench.ask('/register', { method: 'POST', body: new Uint8Array(Buffer.from(body)) })).toMatchObject({
        status: 400,
        ...empty,
      });
    const told = await bench.ask('/register', { method: 'POST', body: '', headers: { Accept: 'application/json' } });
    expect(told).toMatchObject({ status: 400, type: 'application/json; charset=utf-8' });
    expect(JSON.parse(told.body)).toEqual({ error: 'badRequest', message: 'An id has 1 to 128 characters without blanks.' });
    for (const path of ['/usage/a%20b', '/usage/%', '/usage/%ff', '/usage/a%00'])
      expect(await bench.ask(path)).toMatchObject({ status: 400, ...empty });
    expect(bench.usage.users.size).toBe(0);
  });

  it('take no other methods and paths', async () => {
    const cases: [string, string, number, string][] = [
      ['PUT', '/register', 405, 'POST'],
      ['GET', '/register', 405, 'POST'],
      ['POST', '/usage/user-1', 405, 'GET'],
      ['DELETE', '/usage/', 405, 'GET'],
      ['GET', '/usage/', 500, ''],
      ['GET', '/usage', 301, ''],
    ];
    for (const [method, path, status, allow] of cases) {
      const { headers, ...answer } = await bench.ask(path, { method });
      expect(answer, `${method} ${path}`).toEqual({ status, ...empty });
      expect(headers.get('allow') ?? '').toBe(allow);
      expect(headers.get('location')).toBe(status === 301 ? '/usage/' : null);
    }
    for (const path of ['/', '/register/', '/metrics', '/readyz', '/healthz', '/usage2', '/users', '/users/', '/sessions/a/b/']) {
      const { status } = await bench.ask(path, { method: 'PATCH' });
      expect([404, 405], path).toContain(status);
    }
    expect(await bench.ask('/register/')).toMatchObject({ status: 404, body: '404 page not found\n' });
    expect(await bench.ask('/health-check')).toMatchObject({ status: 200, body: 'ok' });
  });

  it('add first and divide last, over hours, sessions, and the counters of the original', async () => {
    // 49 packets are no second; twice 49 are one.
    await bench.write(packets(49), packets(49, { sessionId: 's2', hourMs: h0 - hourMs }), packets(10, { channel: 'zato02' }));
    bench.usage.legacy.push({ user: 'user-1', hourMs: h0, channel: 'zato02', packets: 42 });
    bench.usage.legacy.push({ user: 'user-1', hourMs: h0, channel: '<a&b>', packets: 50 });
    expect((await bench.ask('/usage/user-1')).body).toBe('{"sessions":{"\\u003ca\\u0026b\\u003e":1,"zato01":1,"zato02":1}}\n');
    expect((await bench.ask('/usage/nobody')).body).toBe('{"sessions":{}}\n');
  });

  it('tell the last 24 hours, the hour that began before them included', async () => {
    const at = (hours: number) => packets(50, { hourMs: h0 + hours * hourMs, sessionId: `s${hours}` });
    await bench.write(at(-25), at(-24), at(-1), at(0), at(1));
    bench.clock.advance(hourMs / 2);
    expect((await bench.ask('/usage/user-1')).body).toBe('{"sessions":{"zato01":3}}\n');
  });

  it('read counters of the hour that the original calls the next one where they are told to', async () => {
    await using compat = await new Bench().listen({ compat: 'nearest-hour' });
    for (const one of [bench, compat])
      for (const hour of [0, 1]) one.usage.legacy.push({ user: 'user-1', hourMs: h0 + hour * hourMs, channel: 'zato01', packets: 50 });
    expect((await bench.ask('/usage/user-1')).body).toBe('{"sessions":{"zato01":1}}\n');
    expect((await compat.ask('/usage/user-1')).body).toBe('{"sessions":{"zato01":2}}\n');
  });

  it('decode ids, keep slashes in them, and answer JSON where it is asked for', async () => {
    await bench.write(packets(50, { user: 'a/b%ü' }));
    const answer = await bench.ask('/usage/a/b%25%C3%BC', { headers: { Accept: 'text/html, application/json;q=0.9' } });
    expect(answer).toMatchObject({ status: 200, type: 'application/json; charset=utf-8', body: '{"sessions":{"zato01":1}}\n' });
  });

  it('answer 500 while the store is away', async () => {
    bench.step = () => Promise.reject(new AppError('usageUnavailable', 'the store is away'));
    expect(await bench.ask('/register', { method: 'POST', body: 'user-1' })).toMatchObject({ status: 500, ...empty });
    expect(await bench.ask('/usage/user-1')).toMatchObject({ status: 500, ...empty });
    const told = await bench.json('/usage/user-1', { headers: { Accept: 'application/json' } });
    expect(told).toEqual({ status: 500, error: 'usageUnavailable', message: 'the store is away' });
    expect(await bench.json('/users/user-1')).toMatchObject({ status: 503, error: 'usageUnavailable' });
  });
});

describe('the routes beside them', () => {
  it('show and remove a user, and close its sessions', async () => {
    await bench.ask('/register', { method: 'POST', body: 'user-1' });
    expect(await bench.json('/users/user-1')).toEqual({ status: 200, user: 'user-1', registeredAt: '2026-06-24T10:00:00.000Z' });
    expect(await bench.ask('/users/user-1', { method: 'DELETE' })).toMatchObject({ status: 204, ...empty });
    expect([...bench.sessions.keys()]).toEqual(['s3']);
    expect(await bench.json('/users/user-1')).toMatchObject({ status: 404, error: 'userNotFound' });
    expect(await bench.json('/users/user-1', { method: 'DELETE' })).toMatchObject({ status: 404, error: 'userNotFound' });
  });

  it('list channels and sessions, in pages, and close a session', async () => {
    const { channels } = await bench.json('/channels');
    expect(channels).toEqual([
      { id: 'zato01', epoch: 2, rate: 49.5, buffered: 0, gaps: 0, gapPackets: 0, viewers: 3 },
      { id: 'zato02', epoch: 1, rate: 50, next: 7, buffered: 2, gaps: 1, gapPackets: 3, viewers: 0 },
    ]);
    const first = await bench.json('/sessions?limit=2');
    expect([first.sessions.map((one: { session: string }) => one.session), first.next]).toEqual([['s1', 's2'], 's2']);
    const rest = await bench.json('/sessions?limit=2&after=s2');
    expect(rest).toEqual({
      status: 200,
      sessions: [
        {
          ...{ session: 's3', user: 'user-3', channel: 'zato01', peer: '127.0.0.1:5', packets: 1, bytes: 2, dropped: 0, queuedBytes: 0 },
          opened: '2026-06-24T10:00:00.000Z',
        },
      ],
    });
    expect((await bench.json('/sessions?user=user-3&channel=zato01')).sessions).toHaveLength(1);
    expect((await bench.json('/sessions?channel=zato02')).sessions).toEqual([]);
    expect(await bench.ask('/sessions/s2', { method: 'DELETE' })).toMatchObject({ status: 204 });
    expect(await bench.json('/sessions/s2', { method: 'DELETE' })).toMatchObject({ status: 404, error: 'sessionNotFound' });
  });

  it('tell usage of other hours, by the hour, and with its sessions in pages', async () => {
    await bench.write(packets(120), packets(30, { sessionId: 's2' }), packets(50, { hourMs: h0 - 5 * dayMs, sessionId: 's0' }));
    const from = h0 - 6 * dayMs;
    const told = await bench.json(`/usage/user-1?from=${from}&to=2026-06-24T10:30:00Z&step=hour&detail=1&limit=2`);
    const figures = (count: number) => ({ packets: count, bytes: count * 1316, mediaMs: count * 20, dropped: 0 });
    const [old, now] = ['2026-06-19T10:00:00.000Z', '2026-06-24T10:00:00.000Z'];
    expect(told).toMatchObject({
      ...{ status: 200, user: 'user-1', from: '2026-06-18T10:00:00.000Z', to: '2026-06-24T11:00:00.000Z', sessions: { zato01: 4 } },
      hours: [
        { hour: old, channel: 'zato01', seconds: 1, ...figures(50) },
        { hour: now, channel: 'zato01', seconds: 3, ...figures(150) },
      ],
      detail: [
        { session: 's0', channel: 'zato01', hour: old, ...figures(50) },
        { session: 's1', channel: 'zato01', hour: now, start: '2026-06-24T10:00:01.000Z', ...figures(120) },
      ],
    });
    const rest = await bench.json(`/usage/user-1?from=${from}&detail=1&limit=2&after=${told.next}`);
    expect(rest.detail).toMatchObject([{ session: 's2', ...figures(30) }]);
    expect(rest).not.toHaveProperty('next');
    expect(rest).not.toHaveProperty('hours');
  });

  it('tell packets of a user by time, in pages', async () => {
    const run = { user: 'user-1', channel: 'zato01', sessionId: 's1', epoch: 1, from: 1, to: 2, packets: 2, bytes: 9 };
    await bench.store.logPackets(
      [1, 2, 3].map((ms) => ({ ...run, atMs: h0 - ms })),
      never,
    );
    const first = await bench.json('/packets/user-1?limit=2');
    expect(first.packets.map(({ at }: { at: string }) => at)).toEqual(['2026-06-24T09:59:59.997Z', '2026-06-24T09:59:59.998Z']);
    expect(first.packets[0]).toEqual({
      ...{ at: '2026-06-24T09:59:59.997Z', session: 's1', channel: 'zato01', epoch: 1, from: 1, to: 2, packets: 2, bytes: 9 },
    });
    const rest = await bench.json(`/packets/user-1?limit=2&from=${first.next}`);
    expect(rest.packets).toHaveLength(1);
    expect(rest).not.toHaveProperty('next');
  });

  it('refuse parameters that are wrong, with a sentence', async () => {
    const paths = [
      '/usage/user-1?from=yesterday',
      '/usage/user-1?from=0',
      '/usage/user-1?from=2026-06-24T10:00:00Z&to=2026-06-23T10:00:00Z',
      '/usage/user-1?step=day',
      '/usage/user-1?detail=2',
      '/usage/user-1?limit=0',
      '/usage/user-1?limit=5001',
      '/usage/user-1?after=nothing',
      '/usage/user-1?other=1',
      '/usage/user-1?detail=1&detail=0',
      '/packets/user-1?from=0',
      '/packets/user-1?step=hour',
      '/sessions?user=a%20b',
      '/channels?limit=1',
      '/packets/a%20b',
    ];
    for (const path of paths) {
      const told = await bench.json(path);
      expect(told, path).toMatchObject({ status: 400, error: 'badRequest' });
      expect(told.message, path).toMatch(/\.$/);
    }
    expect(await bench.json('/channels', { method: 'POST' })).toMatchObject({ status: 405, error: 'methodNotAllowed' });
  });
});

describe('who may use them', () => {
  const protectedPaths = ['/channels', '/sessions', '/users/user-1', '/packets/user-1', '/usage/user-1?detail=1'];

  it('is programs of this machine that speak for nobody else, where there is no token', async () => {
    for (const path of protectedPaths) {
      expect((await bench.ask(path)).status, path).not.toBe(403);
      for (const header of ['Origin', 'X-Forwarded-For', 'Forwarded', 'Via'])
        expect(await bench.json(path, { headers: { [header]: 'http://evil.example' } }), `${path} ${header}`).toMatchObject({
          status: 403,
          error: 'forbidden',
        });
    }
    expect((await bench.ask('/usage/user-1', { headers: { Origin: 'http://evil.example' } })).status).toBe(200);
  });

  it('is whoever sends the token, where there is one', async () => {
    await using guarded = await new Bench().listen({ token: 'the-token' });
    for (const path of protectedPaths) {
      for (const given of [undefined, 'the-tokex', 'the-token-and-more', ''])
        expect(
          await guarded.json(path, { headers: given === undefined ? {} : { Authorization: `Bearer ${given}` } }),
          `${path} ${given}`,
        ).toMatchObject({ status: 401, error: 'tokenInvalid' });
      const may = await guarded.ask(path, { headers: { Authorization: 'Bearer the-token', Origin: 'http://somewhere.example' } });
      expect([200, 404], path).toContain(may.status);
    }
    expect((await guarded.ask('/sessions/s1', { method: 'DELETE' })).status).toBe(401);
    expect(guarded.sessions.size).toBe(3);
    expect((await guarded.ask('/register', { method: 'POST', body: 'user-1' })).status).toBe(200);
  });
});

describe('what is mounted', () => {
  it('gets the requests that are no routes of the original, and upgrades', async () => {
    const live: LiveMount = {
      serve: (request, response) => {
        if (!request.url?.startsWith('/channels/zato01/')) return false;
        response.end('live');
        return true;
      },
      upgrade: (request, socket) => {
        if (request.url !== '/live') return false;
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        return true;
      },
    };
    await using mounted = await new Bench().listen({ live });
    expect((await mounted.ask('/channels/zato01/events')).body).toBe('live');
    expect((await mounted.json('/channels')).channels).toHaveLength(2);
    expect((await mounted.ask('/channels/zato02/events')).status).toBe(404);
    const upgrade = (path: string) => mounted.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    expect(await upgrade('/live')).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    expect(await upgrade('/other')).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
  });
});
