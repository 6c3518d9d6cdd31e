import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sink } from '../../../src/features/definitions/sink.ts';
import { ApiHarness } from '../../support/api-harness.ts';

const web = '/v1/branches/default/sources/web';
const sinks = `${web}/sinks`;
const orders = `${sinks}/orders`;
const table = (columns: object[], tableId = 'in.c-orders.raw') => ({ type: 'keboola', tableId, mapping: { columns } });
const body = { type: 'body', name: 'raw' };
const notFound = { statusCode: 404, error: 'stream.api.sinkNotFound', message: 'Sink "orders" not found in the source.' };

describe('changes of a sink', () => {
  let api: ApiHarness;
  /** The hooks that were called, with the version they got. */
  let calls: string[];
  beforeEach(async () => {
    api = await ApiHarness.open();
    await api.create('/v1/branches/default/sources', { type: 'http', name: 'Web' });
    await api.create(sinks, { type: 'table', name: 'Orders', allowedSignals: ['logs'], table: table([body]) });
    api.clock.advance(60_000);
    calls = [];
    const noted = (name: string) => async (sink: Sink) => {
      calls.push(`${name} ${sink.version.number}`);
      return { checks: [], writes: [{ type: 'put' as const, key: `joined/${name}`, value: '' }] };
    };
    Object.assign(api.hooks, {
      sinkActivated: noted('activated'),
      sinkChanged: noted('changed'),
      sinkDeactivated: noted('deactivated'),
      prepareTarget: async (sink: Sink) => void calls.push(`prepared ${sink.version.number}`),
    });
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const by = () => `{"type":"user","tokenId":"${api.token.slice(0, 10)}","tokenDesc":"admin token"}`;
  const hashOf = (text: string) => /"hash":"([0-9a-f]{16})"/.exec(text)?.[1] ?? '';
  const revisionsOf = async (...keys: string[]) =>
    new Set(await Promise.all(keys.map(async (key) => (await api.store.get(key))?.modRevision)));
  const versions = async () =>
    ((await api.get(`${orders}/versions`)).body as { versions: { number: number; description: string }[] }).versions.map(
      ({ number, description }) => `${number} ${description}`,
    );

  it('updates it by a task, and prepares the target for what is new in it', async () => {
    const payload = {
      changeDescription: 'More columns.',
      name: 'All Orders',
      description: 'd',
      allowedSignals: ['traces', 'traces'],
      table: {
        type: 'keboola',
        tableId: 'out.c-x.y',
        mapping: {
          columns: [
            { type: 'uuid', name: 'id' },
            { type: 'path', name: 'p', path: 'a' },
          ],
        },
      },
      sinkId: 'other',
    };
    const task = await api.call('PATCH', orders, { payload });
    expect(task.status).toBe(202);
    const id = String(task.body['taskId']);
    expect(id).toMatch(/^api\.update\.sink\/1\/web\/orders\/2026-06-24T10:01:00\.000Z_\d{5}$/);
    expect((await api.finished(task)).text).toBe(
      `{"taskId":"${id}","type":"api.update.sink","url":"https://api.test/v1/tasks/${id}","status":"success","isFinished":true,` +
        '"createdAt":"2026-06-24T10:01:00.000Z","finishedAt":"2026-06-24T10:01:00.000Z","duration":0,"result":"Sink has been updated successfully.",' +
        '"outputs":{"url":"https://api.test/v1/branches/1/sources/web/sinks/orders","projectId":1,"branchId":1,"sourceId":"web","sinkId":"orders"}}\n',
    );
    const shown = await api.get(orders);
    expect(shown.text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"web","sinkId":"orders","type":"table","name":"All Orders","description":"d",' +
        '"allowedSignals":["traces"],"table":{"type":"keboola","tableId":"out.c-x.y","mapping":{"columns":[' +
        '{"type":"uuid","name":"id"},{"type":"path","name":"p","path":"a","rawString":false}]}},' +
        `"version":{"number":2,"hash":"${hashOf(shown.text)}","description":"More columns.","at":"2026-06-24T10:01:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}}}\n`,
    );
    expect(calls).toEqual(['prepared 2', 'changed 2']);
    const keys = ['definition/sink/active/1/1/web/orders', 'definition/sink/version/1/1/web/orders/0000000002', 'joined/changed'];
    expect((await revisionsOf(...keys)).size).toBe(1);
  });

  it('leaves what is not named as it is', async () => {
    const { body: before, text } = await api.get(orders);
    await api.change('PATCH', orders, { allowedSignals: null, table: { tableId: null } });
    expect((await api.get(orders)).body).toEqual({
      ...before,
      version: { number: 2, hash: hashOf(text), description: 'Updated.', at: '2026-06-24T10:01:00.000Z', by: JSON.parse(by()) },
    });
    await api.change('PATCH', orders, { table: { mapping: { columns: [{ type: 'path', name: 'raw', path: 'x' }] } } });
    expect((await api.get(orders)).body).toMatchObject({
      allowedSignals: ['logs'],
      table: table([{ type: 'path', name: 'raw', path: 'x', rawString: false }]),
    });
    // The same columns of the same table: it is prepared already.
    expect(calls).toEqual(['changed 2', 'changed 3']);
    await api.change('PATCH', orders, { allowedSignals: [], table: { tableId: 'in.c-orders.other' } });
    expect((await api.get(orders)).body).not.toHaveProperty('allowedSignals');
    expect((await api.get(orders)).body).toMatchObject({ table: { tableId: 'in.c-orders.other', mapping: { columns: [{ path: 'x' }] } } });
    expect(calls.slice(2)).toEqual(['prepared 4', 'changed 4']);
  });

  it.each<[object, string, string]>([
    [
      { table: { tableId: 'in.orders' } },
      'badRequest',
      'Invalid "tableId" value "in.orders": expected "<stage>.<bucket>.<table>", found 2 parts.',
    ],
    [{ table: { mapping: { columns: [{ type: 'path', name: 'p' }] } } }, 'badRequest', 'Column "p" is missing path.'],
    [
      { table: { mapping: { columns: [{ type: 'template', name: 't', template: { language: 'jsonnet', content: 'Ip() + x' } }] } } },
      'badRequest',
      'Column "t" template is invalid: 1:8-9 Unknown variable: x.',
    ],
    [{ table: { mapping: {} } }, 'missingField', '"columns" is missing from body.table.mapping.'],
    [
      { table: { mapping: { columns: [] } } },
      'invalidLength',
      'Length of body.table.mapping.columns must be greater or equal than 1 but got value [...] (len=0)',
    ],
    [
      { allowedSignals: ['x'] },
      'invalidEnumValue',
      'Value of body.allowedSignals[0].allowedSignals[*] must be one of "logs", "metrics", "traces" but got value "x".',
    ],
    [{ type: 'file' }, 'invalidEnumValue', 'Value of body.type must be one of "table" but got value "file".'],
  ])('refuses the update %j at once', async (payload, error, message) => {
    expect((await api.call('PATCH', orders, { payload })).body).toEqual({ statusCode: 400, error: `stream.api.${error}`, message });
    expect(await versions()).toEqual(['1 New sink.']);
  });

  it('changes nothing where the target cannot be prepared', async () => {
    api.hooks.prepareTarget = async () => {
      throw new Error('detail');
    };
    const payload = { table: { mapping: { columns: [body, { type: 'uuid', name: 'id' }] } } };
    expect((await api.change('PATCH', orders, payload)).body).toMatchObject({ status: 'error', error: 'Unknown error' });
    expect((await api.get(orders)).body).toMatchObject({ version: { number: 1 }, table: table([body]) });
    expect(calls).toEqual([]);
  });

  it('applies the update to what the sink is when it is its turn', async () => {
    const { transact } = api.store;
    api.store.transact = async (transaction) => {
      if (transaction.writes.some(({ key }) => key === 'joined/changed')) {
        api.store.transact = transact;
        const entry = await api.store.get('definition/sink/active/1/1/web/orders');
        const sink = JSON.parse(entry!.value);
        const faster = { ...sink, description: 'by another node', version: { ...sink.version, number: 7 } };
        await api.store.transact({ checks: [], writes: [{ type: 'put', key: entry!.key, value: JSON.stringify(faster) }] });
      }
      return transact.call(api.store, transaction);
    };
    await api.change('PATCH', orders, { name: 'Mine' });
    expect((await api.get(orders)).body).toMatchObject({ name: 'Mine', description: 'by another node', version: { number: 8 } });
  });

  it('disables and enables it', async () => {
    const { text } = await api.get(orders);
    expect((await api.change('PUT', `${orders}/disable`)).body).toMatchObject({
      type: 'api.disable.sink',
      result: 'Sink has been disabled successfully.',
      outputs: { sourceId: 'web', sinkId: 'orders' },
    });
    const disabled = await api.get(orders);
    expect(disabled.text).toContain(
      `"version":{"number":2,"hash":"${hashOf(text)}","description":"Disabled.","at":"2026-06-24T10:01:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}},"disabled":{"at":"2026-06-24T10:01:00.000Z","by":${by()},"reason":"API"}}\n`,
    );
    expect((await api.change('PUT', `${orders}/disable`)).body['status']).toBe('success');
    expect((await api.change('PATCH', orders, { name: 'Off' })).body['status']).toBe('success');
    expect((await api.get(orders)).body).toMatchObject({ name: 'Off', version: { number: 3 }, disabled: { reason: 'API' } });
    // The update of a disabled sink opens no file.
    expect(calls).toEqual(['deactivated 1']);
    expect((await api.change('PUT', `${orders}/enable`)).body).toMatchObject({
      type: 'api.enable.sink',
      result: 'Sink has been enabled successfully.',
    });
    expect((await api.get(orders)).body).not.toHaveProperty('disabled');
    expect((await api.change('PUT', `${orders}/enable`)).body['status']).toBe('success');
    expect(calls).toEqual(['deactivated 1', 'prepared 4', 'activated 4']);
    expect(await versions()).toEqual(['1 New sink.', '2 Disabled.', '3 Updated.', '4 Enabled.']);
  });

  it('deletes it, and revives it when it is created again', async () => {
    expect((await api.change('DELETE', orders)).body).toMatchObject({
      type: 'api.delete.sink',
      result: 'Sink has been deleted successfully.',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web/sinks/orders', sinkId: 'orders' },
    });
    expect((await api.get(orders)).body).toEqual(notFound);
    expect((await api.get(`${orders}/versions`)).body).toEqual(notFound);
    expect(await api.store.count('definition/sink/active/')).toBe(0);
    expect(JSON.parse((await api.store.get('definition/sink/deleted/1/1/web/orders'))!.value)).toMatchObject({
      version: { number: 1 },
      deleted: { directly: true, at: '2026-06-24T10:01:00.000Z', by: JSON.parse(by()) },
    });
    expect((await revisionsOf('definition/sink/deleted/1/1/web/orders', 'joined/deactivated')).size).toBe(1);

    for (const { fire } of api.timers.filter(({ delayMs }) => delayMs === 500)) fire();
    api.clock.advance(60_000);
    await api.create(sinks, { type: 'table', name: 'Orders', table: table([{ type: 'uuid', name: 'id' }]) });
    const shown = await api.get(orders);
    expect(shown.text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"web","sinkId":"orders","type":"table","name":"Orders","description":"",' +
        '"table":{"type":"keboola","tableId":"in.c-orders.raw","mapping":{"columns":[{"type":"uuid","name":"id"}]}},' +
        `"version":{"number":2,"hash":"${hashOf(shown.text)}","description":"New sink.","at":"2026-06-24T10:02:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}}}\n`,
    );
    expect(await api.store.count('definition/sink/deleted/')).toBe(0);
    expect(await versions()).toEqual(['1 New sink.', '2 New sink.']);
    expect(calls).toEqual(['deactivated 1', 'prepared 1', 'activated 2']);
  });

  it('deletes a disabled one without asking storage', async () => {
    await api.change('PUT', `${orders}/disable`);
    await api.change('DELETE', orders);
    expect(calls).toEqual(['deactivated 1']);
  });

  it('is for admins, and for sinks that are there', async () => {
    const operations = [
      ['PATCH', ''],
      ['DELETE', ''],
      ['PUT', '/disable'],
      ['PUT', '/enable'],
    ] as const;
    const missing = (sinkId: string) => ({ ...notFound, message: `Sink "${sinkId}" not found in the source.` });
    for (const [method, path] of operations) {
      const payload = method === 'PATCH' ? { payload: {} } : {};
      expect((await api.call(method, `${sinks}/none${path}`, payload)).body).toEqual(missing('none'));
      const elsewhere = await api.call(method, `/v1/branches/default/sources/x/sinks/orders${path}`, payload);
      // An update does not look for the source.
      const ofSource = { statusCode: 404, error: 'stream.api.sourceNotFound', message: 'Source "x" not found in the branch.' };
      expect(elsewhere.body).toEqual(method === 'PATCH' ? missing('orders') : ofSource);
      const refused = await api.call(method, orders + path, { ...payload, headers: { 'x-storageapi-token': api.readToken } });
      expect([refused.status, refused.body['error']]).toEqual([403, 'stream.api.forbidden']);
    }
    expect(calls).toEqual([]);
  });
});
