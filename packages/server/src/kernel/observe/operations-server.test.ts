import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHttpServerPart } from '../lifecycle/http-server-part.ts';
import { MetricRegistry } from './metrics.ts';
import { createOperationsServer } from './operations-server.ts';
import { createLogger } from './pino-logger.ts';
import { Readiness } from './readiness.ts';

const stop = { controller: new AbortController(), ended: Promise.resolve() };
let base = '';
let readiness = new Readiness();
let metrics = new MetricRegistry();

beforeEach(async () => {
  readiness = new Readiness();
  metrics = new MetricRegistry();
  const logger = createLogger({ level: 'error', name: 'test', destination: { write: () => {} } });
  const server = createOperationsServer({ readiness, metrics, logger });
  const part = await openHttpServerPart({ name: 'operations', server, at: { host: '127.0.0.1', port: 0 } });
  base = `http://127.0.0.1:${part.address.port}`;
  stop.controller = new AbortController();
  stop.ended = part.run(stop.controller.signal);
});

afterEach(async () => {
  stop.controller.abort();
  await stop.ended;
});

test.each(['/health-check', '/healthz', '/health', '/health/live', '/live'])('%s is OK while the process runs', async (path) => {
  readiness.markStopping();
  const response = await fetch(base + path);
  expect([response.status, await response.text()]).toEqual([200, 'OK\n']);
});

test.each(['/readyz', '/health/ready', '/health/startup'])('%s follows the checks', async (path) => {
  const state = { ready: false, detail: 'no lease yet' };
  using check = readiness.add('volume', () => state);
  readiness.add('api', () => ({ ready: true }));
  const waiting = await fetch(`${base}${path}?verbose`);
  expect(waiting.status).toBe(503);
  expect(await waiting.json()).toEqual({
    ready: false,
    checks: { volume: { ready: false, detail: 'no lease yet' }, api: { ready: true } },
  });
  state.ready = true;
  expect((await fetch(base + path)).status).toBe(200);
  state.ready = false;
  check[Symbol.dispose]();
  expect((await fetch(base + path)).status).toBe(200);
  readiness.markStopping();
  expect(await (await fetch(base + path)).json()).toMatchObject({ ready: false, checks: { process: { detail: 'stopping' } } });
});

test('/metrics is the exposition', async () => {
  metrics
    .declare({ rows_total: { type: 'counter', help: 'Rows.', labels: [] } })
    .counter('rows_total', {})
    .inc(3);
  const response = await fetch(`${base}/metrics`);
  expect(response.headers.get('content-type')).toBe(metrics.contentType);
  expect(await response.text()).toContain('rows_total 3\n');
});

test('a failing collection is answered with 500', async () => {
  metrics.declare({ depth: { type: 'gauge', help: 'Depth.', labels: [] } }).gaugeOf('depth', {}, () => {
    throw new Error('queue is gone');
  });
  const response = await fetch(`${base}/metrics`);
  expect([response.status, await response.text()]).toEqual([500, 'queue is gone\n']);
});

test('other paths and methods are refused', async () => {
  expect((await fetch(`${base}/else`)).status).toBe(404);
  const response = await fetch(`${base}/readyz`, { method: 'POST', body: '{}' });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});
