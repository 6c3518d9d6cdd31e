import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';

const table = (columns: object[], tableId = 'in.c-orders.raw') => ({ type: 'keboola', tableId, mapping: { columns } });
const orders = { type: 'table', name: 'Orders', table: table([{ type: 'body', name: 'raw' }]) };

describe('sinks', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
    await api.create('/v1/branches/default/sources', { type: 'http', name: 'Web' });
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });
  const sinks = '/v1/branches/default/sources/web/sinks';

  it('creates one by a task and shows it', async () => {
    const columns = [
      { name: 'id', type: 'uuid', path: 'dropped' },
      { rawString: true, type: 'path', name: 'order_id', path: 'order.id', defaultValue: '' },
      { type: 'path', name: 'all', path: '' },
    ];
    const created = await api.post(sinks, { ...orders, allowedSignals: ['logs', 'traces'], table: table(columns) });
    expect(created.status).toBe(202);
    const id = String(created.body['taskId']);
    expect(id).toMatch(/^api\.create\.sink\/1\/web\/orders\/2026-06-24T10:00:00\.000Z_\d{5}$/);
    const end = await api.finished(created);
    expect(end.body).toMatchObject({ result: 'Sink has been created successfully.' });
    expect(end.text).toContain(
      '"outputs":{"url":"https://api.test/v1/branches/1/sources/web/sinks/orders","projectId":1,"branchId":1,"sourceId":"web","sinkId":"orders"}',
    );
    const by = `{"type":"user","tokenId":"${api.token.slice(0, 10)}","tokenDesc":"admin token"}`;
    const shown = await api.get(`${sinks}/orders`);
    const [, hash = ''] = /"hash":"([0-9a-f]{16})"/.exec(shown.text) ?? [];
    const sink =
      '{"projectId":1,"branchId":1,"sourceId":"web","sinkId":"orders","type":"table","name":"Orders","description":"",' +
      '"allowedSignals":["logs","traces"],"table":{"type":"keboola","tableId":"in.c-orders.raw","mapping":{"columns":[' +
      '{"type":"uuid","name":"id"},{"type":"path","name":"order_id","path":"order.id","defaultValue":"","rawString":true},' +
      '{"type":"path","name":"all","path":"","rawString":false}]}},' +
      `"version":{"number":1,"hash":"${hash}","description":"New sink.","at":"2026-06-24T10:00:00.000Z","by":${by}},` +
      `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by}}}`;
    expect(shown.text).toBe(`${sink}\n`);
    expect((await api.get(sinks)).text).toBe(
      `{"projectId":1,"branchId":1,"sourceId":"web","page":{"limit":100,"totalCount":1,"afterId":"","lastId":"orders"},"sinks":[${sink}]}\n`,
    );
  });

  it.each([
    [
      'a template with an unknown variable',
      table([{ type: 'template', name: 'jsonnet', template: { language: 'jsonnet', content: 'Invalid' } }]),
      'Column "jsonnet" template is invalid: 1:1-8 Unknown variable: Invalid.',
    ],
    [
      'a template that is no Jsonnet',
      table([{ type: 'template', name: 't', template: { language: 'jsonnet', content: "Body('a') +" } }]),
      'Column "t" template is invalid: 1:12 Unexpected end of file.',
    ],
    ['a template column without template', table([{ type: 'template', name: 't' }]), 'Column "t" is missing template.'],
    ['a path column without path', table([{ type: 'path', name: 'p' }]), 'Column "p" is missing path.'],
    [
      'columns equal but for case',
      table([
        { type: 'uuid', name: 'ID' },
        { type: 'uuid', name: 'id' },
      ]),
      'Columns "ID" and "id" differ only in case, a table cannot hold both.',
    ],
    [
      'a table id of two parts',
      table([{ type: 'body', name: 'b' }], 'in.bucket'),
      'Invalid "tableId" value "in.bucket": expected "<stage>.<bucket>.<table>", found 2 parts.',
    ],
    [
      'an unknown stage',
      table([{ type: 'body', name: 'b' }], 'x.b.t'),
      'Invalid "tableId" value "x.b.t": stage must be one of "in", "out", "sys", found "x".',
    ],
    ['no table', undefined, '"table" must be configured for the "table" sink type.'],
  ])('refuses %s', async (_name, given, message) => {
    const answer = await api.post(sinks, { type: 'table', name: 'Orders', ...(given !== undefined && { table: given }) });
    expect(answer.body).toEqual({ statusCode: 400, error: 'stream.api.badRequest', message });
  });

  it.each([
    ['invalidEnumValue', { language: 'x', content: '1' }, 'Value of TEMPLATE.language must be one of "jsonnet" but got value "x".'],
    ['missingField', { content: '1' }, '"language" is missing from TEMPLATE.'],
    ['missingField', { language: 'jsonnet' }, '"content" is missing from TEMPLATE.'],
    [
      'invalidLength',
      { language: 'jsonnet', content: '' },
      'Length of TEMPLATE.content must be greater or equal than 1 but got value "" (len=0)',
    ],
    [
      'invalidLength',
      { language: 'jsonnet', content: '1'.repeat(4097) },
      `Length of TEMPLATE.content must be lesser or equal than 4096 but got value "${'1'.repeat(4097)}" (len=4097)`,
    ],
  ])('refuses the form of a template as %s: %#', async (error, template, message) => {
    const answer = await api.post(sinks, { type: 'table', name: 'Orders', table: table([{ type: 'template', name: 't', template }]) });
    const where = 'body.table.mapping.columns[0].template';
    expect(answer.body).toEqual({ statusCode: 400, error: `stream.api.${error}`, message: message.replace('TEMPLATE', where) });
  });

  it('shows a template as it was given', async () => {
    const template = { content: "Body('order.total', 0)", language: 'jsonnet' };
    await api.create(sinks, { type: 'table', name: 'Orders', table: table([{ type: 'template', name: 'total', template }]) });
    expect((await api.get(`${sinks}/orders`)).text).toContain(
      '{"type":"template","name":"total","rawString":false,"template":{"language":"jsonnet","content":"Body(\'order.total\', 0)"}}',
    );
  });

  it('names the place of what is wrong', async () => {
    const mistakes = { ...orders, allowedSignals: ['x'], table: { mapping: { columns: [{ name: 'a', type: 'id' }, { type: 'body' }] } } };
    const types = '"uuid", "datetime", "ip", "body", "headers", "path", "template"';
    expect((await api.post(sinks, mistakes)).body['message']).toBe(
      'Value of body.allowedSignals[0].allowedSignals[*] must be one of "logs", "metrics", "traces" but got value "x"; ' +
        '"type" is missing from body.table; "tableId" is missing from body.table; ' +
        `value of body.table.mapping.columns[0].type must be one of ${types} but got value "id"; ` +
        '"name" is missing from body.table.mapping.columns[1]',
    );
    const none = await api.post(sinks, { ...orders, table: table([]) });
    expect(none.body['message']).toBe('Length of body.table.mapping.columns must be greater or equal than 1 but got value [...] (len=0)');
  });

  it('tells a wrong mapping before a missing source', async () => {
    const missing = '/v1/branches/default/sources/none/sinks';
    expect((await api.post(missing, { ...orders, table: table([{ type: 'path', name: 'p' }]) })).status).toBe(400);
    const message = 'Source "none" not found in the branch.';
    expect((await api.post(missing, orders)).body).toEqual({ statusCode: 404, error: 'stream.api.sourceNotFound', message });
    expect((await api.get(missing)).status).toBe(404);
    expect((await api.get(`${sinks}/none`)).body).toEqual({
      statusCode: 404,
      error: 'stream.api.sinkNotFound',
      message: 'Sink "none" not found in the source.',
    });
  });

  it('names a sink that is just being created by its whole key', async () => {
    const task = await api.post(sinks, orders);
    const expected = (name: string) => ({
      statusCode: 409,
      error: 'stream.api.sinkAlreadyExists',
      message: `Sink "${name}" already exists in the source.`,
    });
    expect((await api.post(sinks, orders)).body).toEqual(expected('1/1/web/orders'));
    await api.finished(task);
    expect((await api.post(sinks, orders)).body).toEqual(expected('1/1/web/orders'));
    for (const { fire } of api.timers.filter(({ delayMs }) => delayMs === 500)) fire();
    expect((await api.post(sinks, orders)).body).toEqual(expected('orders'));
  });

  it('prepares the target first, and creates nothing where that fails', async () => {
    api.hooks.prepareTarget = async () => {
      throw new Error('secret detail');
    };
    const end = await api.finished(await api.post(sinks, orders));
    expect(end.body).toMatchObject({ status: 'error', error: 'Unknown error' });
    expect((await api.get(`${sinks}/orders`)).status).toBe(404);
  });

  it('lets the hook write into the same transaction, and repeats it after a conflict', async () => {
    let calls = 0;
    api.hooks.sinkActivated = async ({ sinkId }) => {
      calls += 1;
      const slice = await api.store.get('slice');
      // Somebody else is faster twice.
      if (calls <= 2) await api.store.transact({ checks: [], writes: [{ type: 'put', key: 'slice', value: String(calls) }] });
      return {
        checks: [{ key: 'slice', modRevision: slice?.modRevision ?? 0 }],
        writes: [{ type: 'put', key: `first/${sinkId}`, value: '' }],
      };
    };
    await api.create(sinks, orders);
    expect(calls).toBe(3);
    const revisions = await Promise.all(
      ['first/orders', 'definition/sink/active/1/1/web/orders', 'definition/sink/version/1/1/web/orders/0000000001'].map(
        async (key) => (await api.store.get(key))?.modRevision,
      ),
    );
    expect(new Set(revisions).size).toBe(1);
    expect(revisions[0]).toBeGreaterThan(0);
  });

  it('creates the sinks of one source one at a time, and answers all requests at once', async () => {
    let active = 0;
    let most = 0;
    api.hooks.prepareTarget = async () => {
      active += 1;
      most = Math.max(most, active);
      await api.store.revision();
      active -= 1;
    };
    const tasks = await Promise.all(Array.from({ length: 10 }, (_, index) => api.post(sinks, { ...orders, name: `S ${index}` })));
    expect(tasks.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    const ends = await Promise.all(tasks.map((task) => api.finished(task)));
    expect(ends.every(({ body }) => body['status'] === 'success')).toBe(true);
    expect(most).toBe(1);
  });

  it('pages versions by their number', async () => {
    await api.create(sinks, orders);
    const version = { number: 1, hash: 'a', description: 'd', at: '2026-06-24T10:00:00.000Z', by: { type: 'system' } };
    for (const entity of ['source', 'sink']) {
      const prefix = `definition/${entity}/version/1/1/web/${entity === 'sink' ? 'orders/' : ''}`;
      const writes = [2, 3].map(
        (number) =>
          ({ type: 'put', key: `${prefix}000000000${number}`, value: JSON.stringify({ version: { ...version, number } }) }) as const,
      );
      await api.store.transact({ checks: [], writes });
    }
    const pageOf = async (path: string) => (await api.get(path)).body['page'];
    const ofSource = '/v1/branches/default/sources/web/versions';
    expect(await pageOf(ofSource)).toEqual({ limit: 100, totalCount: 3, afterId: '', lastId: '0000000003' });
    expect(await pageOf(`${ofSource}?limit=2`)).toEqual({ limit: 2, totalCount: 3, afterId: '', lastId: '0000000002' });
    expect(await pageOf(`${ofSource}?afterId=2`)).toEqual({ limit: 100, totalCount: 1, afterId: '2', lastId: '0000000003' });
    expect(await pageOf(`${sinks}/orders/versions?afterId=2`)).toEqual({
      limit: 100,
      totalCount: 1,
      afterId: '0000000002',
      lastId: '0000000003',
    });
    expect(await pageOf(`${ofSource}?afterId=0000000003`)).toEqual({ limit: 100, totalCount: 0, afterId: '0000000003', lastId: '' });
    expect((await api.get(`${ofSource}/2`)).text).toBe(`${JSON.stringify({ ...version, number: 2 })}\n`);
    expect((await api.get(`${ofSource}/12345`)).body['message']).toBe('Source version "web/0000012345" not found in the branch.');
    expect((await api.get(`${sinks}/orders/versions/12345`)).body).toEqual({
      statusCode: 404,
      error: 'stream.api.sinkVersionNotFound',
      message: 'Sink version "orders/0000012345" not found in the source.',
    });
    expect(Object.keys((await api.get(`${sinks}/orders/versions`)).body)).toEqual(['versions', 'page']);
  });
});
