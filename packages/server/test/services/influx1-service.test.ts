import { beforeAll, expect, test } from 'vitest';
import { expectAnswer } from '../support/services/expect-answer.ts';
import { influx1Service } from '../support/services/influx1-service.ts';
import { openOwnService } from '../support/services/own-service.ts';
import { sharedService } from '../support/services/shared-services.ts';

const database = `test_${process.pid}_${Date.now()}`;
let url: string;
beforeAll(async () => {
  ({ url } = await sharedService(influx1Service));
  await query(url, `CREATE DATABASE ${database}`);
});

test('points that are written are read back', async () => {
  expect(await write(url, 'amounts,lane=low value=1.5 1000\namounts,lane=low value=-2 2000\n')).toMatchObject({ status: 204 });
  const answer = await expectAnswer(`${url}/query?db=${database}&epoch=ns&q=${encodeURIComponent('SELECT value FROM amounts')}`);
  expect(JSON.parse(answer).results[0].series[0].values).toEqual([
    [1000, 1.5],
    [2000, -2],
  ]);
});

test('a malformed line is refused', async () => {
  const answer = await write(url, 'amounts value=\n');
  expect(answer.status).toBe(400);
  expect(await answer.json()).toHaveProperty('error');
});

test('the version is 1.6, without the paths of version 2', async () => {
  const ping = await fetch(`${url}/ping`);
  expect(ping.headers.get('x-influxdb-version')).toMatch(/^1\.6/);
  expect((await fetch(`${url}/api/v2/write`, { method: 'POST', body: 'a b=1' })).status).toBe(404);
});

test('a killed server comes back at the same address with its points', async () => {
  await using own = await openOwnService(influx1Service);
  await query(own.address.url, `CREATE DATABASE ${database}`);
  await write(own.address.url, 'amounts value=7 1000\n');
  await own.kill();
  await own.start();
  const answer = await expectAnswer(`${own.address.url}/query?db=${database}&q=${encodeURIComponent('SELECT count(value) FROM amounts')}`);
  expect(JSON.parse(answer).results[0].series[0].values[0][1]).toBe(1);
});

const write = (base: string, lines: string): Promise<Response> =>
  fetch(`${base}/write?db=${database}&precision=ns`, { method: 'POST', body: lines });

async function query(base: string, text: string): Promise<void> {
  const answer = await fetch(`${base}/query`, { method: 'POST', body: new URLSearchParams({ q: text }) });
  expect(await answer.text()).not.toContain('error');
}
