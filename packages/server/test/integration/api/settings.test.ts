import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sink } from '../../../src/features/definitions/sink.ts';
import { ApiHarness } from '../../support/api-harness.ts';

const web = '/v1/branches/default/sources/web';
const orders = `${web}/sinks/orders`;
const wait = 'storage.level.local.encoding.sync.wait';
const interval = 'storage.level.staging.upload.trigger.interval';
const size = 'storage.level.staging.upload.trigger.size';

describe('settings', () => {
  let api: ApiHarness;
  let changed: Sink[];
  beforeEach(async () => {
    api = await ApiHarness.open();
    await api.create('/v1/branches/default/sources', { type: 'http', name: 'Web' });
    const table = { type: 'keboola', tableId: 'in.c-orders.raw', mapping: { columns: [{ type: 'body', name: 'raw' }] } };
    await api.create(`${web}/sinks`, { type: 'table', name: 'Orders', table });
    changed = [];
    api.hooks.sinkChanged = async (sink) => {
      changed.push(sink);
      return { checks: [], writes: [] };
    };
  });
  afterEach(() => api[Symbol.asyncDispose]());

  type Answered = { settings: { key: string; value: unknown; overwritten: boolean }[] };
  const overwritten = async (path: string) => {
    const { settings } = (await api.get(`${path}/settings`)).body as Answered;
    return settings.flatMap(({ key, value, overwritten: isOwn }) => (isOwn ? [[key, value]] : []));
  };
  const versions = async (path: string) =>
    ((await api.get(`${path}/versions`)).body as { versions: { description: string }[] }).versions.map(({ description }) => description);

  it('are the same 27 of sources and sinks, with fields in the order of the contract', async () => {
    const { status, text } = await api.get(`${web}/settings`);
    expect(status).toBe(200);
    expect((await api.get(`${orders}/settings`)).text).toBe(text);
    expect((JSON.parse(text) as Answered).settings).toHaveLength(27);
    expect(text).toContain(
      `{"key":"${interval}","type":"string","description":"Duration from the last slice upload to trigger the next upload.","value":"30s","defaultValue":"30s","overwritten":false,"protected":false,"validation":"required,minDuration=1s,maxDuration=30m"}`,
    );
    expect(text).toMatch(
      new RegExp(
        `"key":"${wait}","type":"bool","description":"[^"]+","value":true,"defaultValue":true,"overwritten":false,"protected":false}`,
      ),
    );
  });

  it('of a sink are overridden by a task, which makes a version and begins a new file, and end with null', async () => {
    const settings = [
      { key: wait, value: false },
      { key: interval, value: '60s' },
    ];
    const end = await api.change('PATCH', `${orders}/settings`, { changeDescription: 'Faster.', settings });
    expect(end.body).toMatchObject({
      type: 'api.update.sinkSettings',
      status: 'success',
      result: 'Sink settings have been updated successfully.',
      outputs: { sourceId: 'web', sinkId: 'orders' },
    });
    expect(await overwritten(orders)).toEqual([
      [wait, false],
      [interval, '1m0s'],
    ]);
    expect(changed.map((sink) => [sink.version.number, sink.settings])).toEqual([[2, settings]]);
    await api.change('PATCH', `${orders}/settings`, { settings: [{ key: wait, value: null }, { key: interval }] });
    await api.change('PATCH', `${orders}/settings`, {});
    expect(await overwritten(orders)).toEqual([]);
    expect(await overwritten(web)).toEqual([]);
    expect(await versions(orders)).toEqual(['New sink.', 'Faster.', 'Updated settings.', 'Updated settings.']);
  });

  it('of a source are overridden by a task, and its sinks do not show them', async () => {
    const end = await api.change('PATCH', `${web}/settings`, { settings: [{ key: size, value: '12MB' }] });
    expect(end.body).toMatchObject({
      type: 'api.update.sourceSettings',
      status: 'success',
      result: 'Source settings have been updated successfully.',
    });
    expect([await overwritten(web), await overwritten(orders), changed]).toEqual([[[size, '12MB']], [], []]);
    expect(await versions(web)).toEqual(['New source.', 'Updated settings.']);
  });

  it('stay when the sink is updated otherwise', async () => {
    await api.change('PATCH', `${orders}/settings`, { settings: [{ key: wait, value: false }] });
    await api.change('PATCH', orders, { name: 'All Orders' });
    expect(await overwritten(orders)).toEqual([[wait, false]]);
  });

  it('are refused with everything that is wrong', async () => {
    const settings = [
      { key: interval, value: 'foo' },
      { key: size, value: 'bar' },
    ];
    const { status, body } = await api.call('PATCH', `${web}/settings`, { payload: { settings } });
    expect([status, body]).toEqual([
      400,
      {
        statusCode: 400,
        error: 'stream.api.badRequest',
        message: `- Invalid "${size}" value "bar": invalid syntax.\n- Invalid "${interval}": time: invalid duration "foo".`,
      },
    ]);
    const mode = { key: 'storage.level.local.encoding.sync.mode', value: 'cache' };
    const refused = await api.call('PATCH', `${orders}/settings`, { payload: { settings: [mode] } });
    expect(refused.body).toEqual({
      statusCode: 403,
      error: 'stream.api.forbidden',
      message: `Cannot modify protected keys: "${mode.key}".`,
    });
    const missing = await api.call('PATCH', `${orders}/settings`, { payload: { settings: [{ value: 1 }] } });
    expect(missing.body).toMatchObject({ statusCode: 400, error: 'stream.api.missingField' });
    expect(await versions(orders)).toEqual(['New sink.']);
    const { token } = await api.tokens.create({ role: 'super' });
    const asSuper = await api.call('PATCH', `${orders}/settings`, {
      payload: { settings: [mode] },
      headers: { 'x-storageapi-token': token },
    });
    expect((await api.finished(asSuper)).body['status']).toBe('success');
    expect(await overwritten(orders)).toEqual([[mode.key, 'cache']]);
  });

  it('are not found without their source or sink, and changed by admins only', async () => {
    const codeOf = async (method: 'GET' | 'PATCH', url: string, headers = {}) => {
      const answer = await api.call(method, url, { headers, ...(method === 'PATCH' && { payload: {} }) });
      return [answer.status, answer.body['error']];
    };
    expect(await codeOf('GET', `${web}-2/settings`)).toEqual([404, 'stream.api.sourceNotFound']);
    expect(await codeOf('PATCH', `${web}-2/settings`)).toEqual([404, 'stream.api.sourceNotFound']);
    expect(await codeOf('GET', `${web}-2/sinks/orders/settings`)).toEqual([404, 'stream.api.sinkNotFound']);
    expect(await codeOf('PATCH', `${orders}-2/settings`)).toEqual([404, 'stream.api.sinkNotFound']);
    expect(await codeOf('PATCH', `${orders}/settings`, { 'x-storageapi-token': api.readToken })).toEqual([403, 'stream.api.forbidden']);
    expect(await codeOf('GET', `${orders}/settings`, { 'x-storageapi-token': api.readToken })).toEqual([200, undefined]);
  });
});
