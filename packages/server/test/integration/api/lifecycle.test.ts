import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiHarness } from '../../support/api-harness.ts';
import { openLifecycleTree, orders, recordOf, sinkBody, sources, stateOf, versionsOf, web } from '../../support/lifecycle-tree.ts';

type Api = ApiHarness;
let api: Api;
beforeEach(async () => {
  api = await openLifecycleTree();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const put = (path: string) => async (given: Api) => void (await given.change('PUT', path));
const patch = (path: string, payload: object) => async (given: Api) => void (await given.change('PATCH', path, payload));
const remove = (path: string) => async (given: Api) => void (await given.change('DELETE', path));
const post = (path: string, payload: object) => (given: Api) => given.create(path, payload);
const key = 'storage.level.staging.upload.trigger.count';
const settings = { settings: [{ key, value: 5 }] };
const webBody = { type: 'http', name: 'web' };

interface VersionRow {
  readonly row: string;
  readonly acts: readonly ((api: Api) => Promise<void>)[];
  readonly source?: readonly string[];
  readonly sink?: readonly string[];
}

describe('what makes a version', () => {
  const first = { source: ['1 New source.'], sink: ['1 New sink.'] };
  it.each<VersionRow>([
    { row: 'create', acts: [], ...first },
    {
      row: 'create again after a deletion',
      acts: [remove(web), post(sources, webBody), post(`${web}/sinks`, sinkBody('orders'))],
      source: ['1 New source.', '2 New source.'],
      sink: ['1 New sink.', '2 New sink.'],
    },
    {
      row: 'update',
      acts: [
        patch(web, { name: 'a' }),
        patch(web, { changeDescription: 'Why.' }),
        patch(orders, {}),
        patch(orders, { changeDescription: 'So.' }),
      ],
      source: ['1 New source.', '2 Updated.', '3 Why.'],
      sink: ['1 New sink.', '2 Updated.', '3 So.'],
    },
    {
      row: 'settings',
      acts: [
        patch(`${web}/settings`, settings),
        patch(`${web}/settings`, { ...settings, changeDescription: 'More.' }),
        patch(`${orders}/settings`, settings),
      ],
      source: ['1 New source.', '2 Updated settings.', '3 More.'],
      sink: ['1 New sink.', '2 Updated settings.'],
    },
    {
      row: 'rotate secret',
      acts: [async (given) => void (await given.call('POST', `${web}/rotate-secret`))],
      source: ['1 New source.', '2 Rotated secret.'],
      sink: first.sink,
    },
    {
      row: 'disable and enable directly',
      acts: [put(`${orders}/disable`), put(`${orders}/enable`), put(`${web}/disable`), put(`${web}/enable`)],
      source: ['1 New source.', '2 Disabled.', '3 Enabled.'],
      sink: ['1 New sink.', '2 Disabled.', '3 Enabled.'],
    },
    { row: 'disable via the parent', acts: [put(`${web}/disable`)], sink: first.sink },
    { row: 'enable via the parent', acts: [put(`${web}/disable`), put(`${web}/enable`)], sink: first.sink },
    { row: 'disable what is disabled, enable what is enabled', acts: [put(`${web}/enable`), put(`${orders}/enable`)], ...first },
    {
      row: 'undelete directly',
      acts: [patch(orders, {}), remove(orders), put(`${orders}/undelete`), remove(web), put(`${web}/undelete`)],
      source: ['1 New source.', '2 Undeleted to version "1".'],
      sink: ['1 New sink.', '2 Updated.', '3 Undeleted to version "2".'],
    },
    { row: 'undelete via the parent', acts: [remove(web), put(`${web}/undelete`)], sink: first.sink },
    {
      row: 'rollback to n',
      acts: [
        patch(web, { name: 'a' }),
        put(`${web}/versions/1/rollback`),
        put(`${web}/versions/3/rollback`),
        patch(orders, { name: 'a' }),
        put(`${orders}/versions/1/rollback`),
      ],
      source: ['1 New source.', '2 Updated.', '3 Rollback to version "1".', '4 Rollback to version "3".'],
      sink: ['1 New sink.', '2 Updated.', '3 Rollback to version "1".'],
    },
    {
      row: 'cascade delete, then create',
      acts: [patch(web, {}), remove(`${web}?cascade=true`), post(sources, webBody), post(`${web}/sinks`, sinkBody('orders'))],
      ...first,
    },
  ])('$row', async ({ acts, source, sink }) => {
    for (const act of acts) await act(api);
    if (source) expect(await versionsOf(api, web)).toEqual(source);
    if (sink) expect(await versionsOf(api, orders)).toEqual(sink);
  });

  it.each([
    ['source', web, 'source/version/1/1/web/'],
    ['sink', orders, 'sink/version/1/1/web/orders/'],
  ])('delete of a %s makes none and keeps the history', async (_kind, path, prefix) => {
    await api.change('PATCH', path, {});
    await api.change('DELETE', path);
    expect(await api.store.count(`definition/${prefix}`)).toBe(2);
    await api.change('PUT', `${path}/undelete`);
    expect((await versionsOf(api, path)).at(-1)).toBe('3 Undeleted to version "2".');
  });

  it('overwrites the record of the version where the parent switches or restores it', async () => {
    const version = () => recordOf(api, 'sink/version/1/1/web/orders/0000000001');
    await api.change('PUT', `${web}/disable`);
    expect(await version()).toMatchObject({ disabled: { directly: false, reason: 'Auto-disabled with the parent source.' } });
    await api.change('PUT', `${web}/enable`);
    expect(await version()).not.toHaveProperty('disabled');
    await api.change('DELETE', web);
    await api.change('PUT', `${web}/undelete`);
    expect(await version()).toEqual(await recordOf(api, 'sink/active/1/1/web/orders'));
    expect(await version()).not.toHaveProperty('deleted');
  });
});

interface StateRow {
  readonly before: readonly string[];
  readonly between: string;
  readonly after: string;
}

describe('a sink when its source is disabled and enabled', () => {
  it.each<StateRow & { readonly version: number }>([
    { before: [], between: 'active, disabled with its source', after: 'active', version: 1 },
    { before: ['disable'], between: 'active, disabled directly', after: 'active, disabled directly', version: 2 },
  ])('before: $before, then $between, then $after', async ({ before, between, after, version }) => {
    for (const act of before) await api.change('PUT', `${orders}/${act}`);
    await api.change('PUT', `${web}/disable`);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe(between);
    expect((await api.get(orders)).body).toMatchObject({ version: { number: version } });
    await api.change('PUT', `${web}/enable`);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe(after);
    expect((await api.get(orders)).body).toMatchObject({ version: { number: version } });
  });

  it('is not touched where the source is disabled already', async () => {
    await api.change('PUT', `${web}/disable`);
    await api.create(`${web}/sinks`, sinkBody('late'));
    expect((await api.change('PUT', `${web}/disable`)).body['status']).toBe('success');
    // A sink may be made under a disabled source, and is enabled.
    expect(await stateOf(api, 'sink', 'web/late')).toBe('active');
    await api.change('PUT', `${web}/enable`);
    expect(await stateOf(api, 'sink', 'web/late')).toBe('active');
  });

  it('cannot be enabled by itself where it was disabled with its source', async () => {
    await api.change('PUT', `${web}/disable`);
    expect((await api.change('PUT', `${orders}/enable`)).body['result']).toBe('Sink has been enabled successfully.');
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('active, disabled with its source');
  });
});

describe('a sink when its source is deleted and undeleted', () => {
  it.each<StateRow & { readonly version: number }>([
    { before: [], between: 'deleted with its source', after: 'active', version: 1 },
    { before: ['DELETE'], between: 'deleted directly', after: 'deleted directly', version: 1 },
    {
      before: ['disable'],
      between: 'deleted with its source, disabled directly',
      after: 'active, disabled directly',
      version: 2,
    },
  ])('before: $before, then $between, then $after', async ({ before, between, after, version }) => {
    for (const act of before) await (act === 'DELETE' ? api.change('DELETE', orders) : api.change('PUT', `${orders}/${act}`));
    await api.change('DELETE', web);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe(between);
    expect(await stateOf(api, 'source', 'web')).toBe('deleted directly');
    await api.change('PUT', `${web}/undelete`);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe(after);
    expect(await stateOf(api, 'source', 'web')).toBe('active');
    const record = await recordOf(api, `sink/${after.startsWith('active') ? 'active' : 'deleted'}/1/1/web/orders`);
    expect(record).toMatchObject({ version: { number: version } });
  });

  it('keeps a source disabled that was so before', async () => {
    await api.change('PUT', `${web}/disable`);
    await api.change('DELETE', web);
    await api.change('PUT', `${web}/undelete`);
    expect(await stateOf(api, 'source', 'web')).toBe('active, disabled directly');
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('active, disabled with its source');
  });

  it('is out of sight of everything but the deleted lists and undelete', async () => {
    await api.change('DELETE', orders);
    const sinkMissing = { statusCode: 404, error: 'stream.api.sinkNotFound', message: 'Sink "orders" not found in the source.' };
    for (const path of ['', '/versions', '/versions/1', '/settings']) expect((await api.get(orders + path)).body).toEqual(sinkMissing);
    const requests = [
      ['PATCH', ''],
      ['PATCH', '/settings'],
      ['PUT', '/disable'],
      ['PUT', '/enable'],
      ['PUT', '/versions/1/rollback'],
      ['DELETE', ''],
    ] as const;
    for (const [method, path] of requests) {
      const payload = method === 'PATCH' ? { payload: {} } : {};
      expect((await api.call(method, orders + path, payload)).body).toEqual(sinkMissing);
    }
    await api.change('DELETE', web);
    const sourceMissing = { statusCode: 404, error: 'stream.api.sourceNotFound', message: 'Source "web" not found in the branch.' };
    for (const [method, path] of requests) {
      const payload = method === 'PATCH' ? { payload: {} } : {};
      expect((await api.call(method, web + path, payload)).body).toEqual(sourceMissing);
    }
    expect((await api.call('POST', `${web}/rotate-secret`)).body).toEqual(sourceMissing);
    expect((await api.get(`${web}/sinks/deleted`)).body).toEqual(sourceMissing);
    expect((await api.call('PUT', `${orders}/undelete`)).body).toEqual(sourceMissing);
  });

  it('comes back by itself only where it was deleted by itself', async () => {
    await api.create(`${web}/sinks`, sinkBody('other'));
    await api.change('DELETE', `${web}/sinks/other`);
    await api.change('DELETE', web);
    await api.create(sources, webBody);
    expect((await api.change('PUT', `${orders}/undelete`)).body['result']).toBe('Sink has been undeleted successfully.');
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted with its source');
    await api.change('PUT', `${web}/sinks/other/undelete`);
    expect(await stateOf(api, 'sink', 'web/other')).toBe('active');
  });
});

describe('create over a deleted entity', () => {
  it('goes on with the history of the source, and takes everything else from the request', async () => {
    await api.change('PATCH', web, { description: 'old' });
    await api.change('PATCH', `${web}/settings`, settings);
    await api.change('PUT', `${web}/disable`);
    const before = (await api.get(web)).body;
    await api.change('DELETE', web);
    await api.create(sources, { ...webBody, name: 'Web' });
    const after = (await api.get(web)).body;
    expect(after).toMatchObject({ name: 'Web', description: '', version: { number: 5, description: 'New source.' } });
    expect(after['created']).toEqual(before['created']);
    expect(after).not.toHaveProperty('disabled');
    expect(after['http']).not.toEqual(before['http']);
    expect((await api.get(`${web}/settings`)).body['settings']).not.toContainEqual(expect.objectContaining({ overwritten: true }));
    expect(await stateOf(api, 'source', 'web')).toBe('active');
    // Sinks that went with it stay deleted.
    expect((await api.get(`${web}/sinks`)).body['sinks']).toEqual([]);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted with its source, disabled with its source');
  });

  it('goes on with the history of a sink, however it was deleted', async () => {
    await api.change('PATCH', `${orders}/settings`, settings);
    const { created } = (await api.get(orders)).body;
    await api.change('DELETE', web);
    await api.create(sources, webBody);
    await api.create(`${web}/sinks`, { ...sinkBody('orders'), description: 'new' });
    expect((await api.get(orders)).body).toMatchObject({ description: 'new', created, version: { number: 3, description: 'New sink.' } });
    expect((await api.get(`${orders}/settings`)).body['settings']).not.toContainEqual(expect.objectContaining({ overwritten: true }));
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('active');
  });
});

describe('rollback', () => {
  it('takes the content of the version, and keeps what is disabled', async () => {
    const secretOf = async () => (await api.get(web)).body['http'];
    const first = await secretOf();
    await api.change('PATCH', web, { name: 'Other', description: 'd' });
    await api.change('PATCH', `${web}/settings`, settings);
    await api.call('POST', `${web}/rotate-secret`);
    expect(await secretOf()).not.toEqual(first);
    await api.change('PUT', `${web}/disable`);
    api.clock.advance(1000);
    const { created, disabled } = (await api.get(web)).body;
    const task = await api.change('PUT', `${web}/versions/1/rollback`);
    expect(task.body).toMatchObject({
      type: 'api.rollback.sourceVersion',
      result: 'Source version was rolled back successfully.',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web', projectId: 1, branchId: 1, sourceId: 'web' },
    });
    expect((await api.get(web)).body).toMatchObject({ name: 'web', description: '', http: first, created, disabled });
    expect((await api.get(web)).body).toMatchObject({ version: { number: 6, at: '2026-06-24T10:01:01.000Z' } });
    expect((await api.get(`${web}/settings`)).body['settings']).not.toContainEqual(expect.objectContaining({ overwritten: true }));
    // Nor does a rollback to a disabled version disable anything.
    await api.change('PUT', `${web}/enable`);
    await api.change('PUT', `${web}/versions/5/rollback`);
    expect((await api.get(web)).body).toMatchObject({ name: 'Other', version: { number: 8 } });
    expect((await api.get(web)).body).not.toHaveProperty('disabled');
    // The hash is that of the content.
    const hashes = (await api.get(`${web}/versions`)).body as { versions: { hash: string }[] };
    expect(hashes.versions[5]?.hash).toBe(hashes.versions[0]?.hash);
    expect(hashes.versions[7]?.hash).toBe(hashes.versions[4]?.hash);
  });

  it('of a sink prepares the target of the version, and rotates its file only while it is enabled', async () => {
    const calls: string[] = [];
    api.hooks.prepareTarget = async ({ table, version }) => void calls.push(`prepared ${version.number} ${table.tableId}`);
    api.hooks.sinkChanged = async ({ version }) => {
      calls.push(`changed ${version.number}`);
      return { checks: [], writes: [] };
    };
    await api.change('PATCH', orders, { table: { tableId: 'in.c-web.two' } });
    const task = await api.change('PUT', `${orders}/versions/1/rollback`);
    expect(task.body).toMatchObject({
      type: 'api.rollback.sinkVersion',
      result: 'Sink version was rolled back successfully.',
      outputs: { sourceId: 'web', sinkId: 'orders' },
    });
    expect((await api.get(orders)).body).toMatchObject({ table: { tableId: 'in.c-web.orders' }, version: { number: 3 } });
    await api.change('PUT', `${orders}/disable`);
    await api.change('PUT', `${orders}/versions/2/rollback`);
    expect((await api.get(orders)).body).toMatchObject({ table: { tableId: 'in.c-web.two' }, disabled: { reason: 'API' } });
    expect(calls).toEqual(['prepared 2 in.c-web.two', 'changed 2', 'prepared 3 in.c-web.orders', 'changed 3', 'prepared 5 in.c-web.two']);
  });

  it('needs a version that is there', async () => {
    expect((await api.call('PUT', `${web}/versions/12345/rollback`)).body).toEqual({
      statusCode: 404,
      error: 'stream.api.sourceVersionNotFound',
      message: 'Source version "web/0000012345" not found in the branch.',
    });
    expect((await api.call('PUT', `${orders}/versions/2/rollback`)).body).toEqual({
      statusCode: 404,
      error: 'stream.api.sinkVersionNotFound',
      message: 'Sink version "orders/0000000002" not found in the source.',
    });
    expect((await api.call('PUT', `${web}/versions/x/rollback`)).body).toEqual({
      statusCode: 400,
      error: 'stream.api.invalidFieldType',
      message: 'Invalid value "x" for "versionNumber", must be a integer; versionNumber must be greater or equal than 1 but got value 0.',
    });
  });
});
