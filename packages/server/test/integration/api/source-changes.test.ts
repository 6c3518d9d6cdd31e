import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DefinitionWriter } from '../../../src/features/definitions/definition-writer.ts';
import type { Sink } from '../../../src/features/definitions/sink.ts';
import { ApiHarness } from '../../support/api-harness.ts';

const sources = '/v1/branches/default/sources';
const web = `${sources}/web`;
const sink = (name: string) => ({
  type: 'table',
  name,
  table: { type: 'keboola', tableId: 'in.c-b.t', mapping: { columns: [{ type: 'body', name: 'b' }] } },
});
const notFound = (sourceId: string) => ({
  statusCode: 404,
  error: 'stream.api.sourceNotFound',
  message: `Source "${sourceId}" not found in the branch.`,
});

describe('changes of a source', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
    await api.create(sources, { type: 'http', name: 'Web', description: 'Clicks.' });
    api.clock.advance(60_000);
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const by = () => `{"type":"user","tokenId":"${api.token.slice(0, 10)}","tokenDesc":"admin token"}`;
  const versions = async (path: string) =>
    ((await api.get(`${path}/versions`)).body as { versions: { number: number; description: string }[] }).versions.map(
      ({ number, description }) => `${number} ${description}`,
    );
  const stored = async (key: string) => {
    const entry = await api.store.get(`definition/${key}`);
    return entry && JSON.parse(entry.value);
  };
  const secretOf = (text: string) => /stream\/1\/web\/(\d{48})"/.exec(text)?.[1] ?? '';
  const hashOf = (text: string) => /"hash":"([0-9a-f]{16})"/.exec(text)?.[1] ?? '';

  it('updates it by a task', async () => {
    const before = await api.get(web);
    const task = await api.call('PATCH', web, {
      payload: { changeDescription: 'Renamed.', name: 'Web Shop', sourceId: 'other', type: 'http' },
    });
    expect(task.status).toBe(202);
    const id = String(task.body['taskId']);
    expect(id).toMatch(/^api\.update\.source\/1\/web\/2026-06-24T10:01:00\.000Z_\d{5}$/);
    const head = `{"taskId":"${id}","type":"api.update.source","url":"https://api.test/v1/tasks/${id}"`;
    expect(task.text).toBe(`${head},"status":"processing","isFinished":false,"createdAt":"2026-06-24T10:01:00.000Z"}\n`);
    expect((await api.finished(task)).text).toBe(
      `${head},"status":"success","isFinished":true,"createdAt":"2026-06-24T10:01:00.000Z","finishedAt":"2026-06-24T10:01:00.000Z",` +
        '"duration":0,"result":"Source has been updated successfully.",' +
        '"outputs":{"url":"https://api.test/v1/branches/1/sources/web","projectId":1,"branchId":1,"sourceId":"web"}}\n',
    );
    const after = await api.get(web);
    expect(after.text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"web","type":"http","name":"Web Shop","description":"Clicks.",' +
        `"http":{"url":"https://in.test/stream/1/web/${secretOf(before.text)}"},` +
        `"version":{"number":2,"hash":"${hashOf(after.text)}","description":"Renamed.","at":"2026-06-24T10:01:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}}}\n`,
    );
    expect(hashOf(after.text)).not.toBe(hashOf(before.text));
  });

  it('makes a version of an update that changes nothing, and clears a text that is empty', async () => {
    const { text } = await api.get(web);
    await api.change('PATCH', web, {});
    expect((await api.get(web)).body).toMatchObject({ name: 'Web', description: 'Clicks.', version: { number: 2, hash: hashOf(text) } });
    await api.change('PATCH', web, { description: '', name: null });
    expect((await api.get(web)).body).toMatchObject({ name: 'Web', description: '', version: { number: 3 } });
    expect(await versions(web)).toEqual(['1 New source.', '2 Updated.', '3 Updated.']);
  });

  it.each<[object, string, string]>([
    [{ type: 'otlp' }, 'badRequest', 'Sources of the type "otlp" are not available yet, please use "http".'],
    [{ type: 'x' }, 'invalidEnumValue', 'Value of body.type must be one of "http", "otlp" but got value "x".'],
    [{ name: '' }, 'invalidLength', 'Length of body.name must be greater or equal than 1 but got value "" (len=0)'],
  ])('refuses the update %j', async (payload, error, message) => {
    expect((await api.call('PATCH', web, { payload })).body).toEqual({ statusCode: 400, error: `stream.api.${error}`, message });
    expect(await versions(web)).toEqual(['1 New source.']);
  });

  it('holds the limit of 1000 versions, except for what only switches it', async () => {
    const writes = Array.from({ length: 999 }, (_, index) => ({
      type: 'put' as const,
      key: `definition/source/version/1/1/web/${String(index + 2).padStart(10, '0')}`,
      value: '{}',
    }));
    for (let from = 0; from < writes.length; from += 100) await api.store.transact({ checks: [], writes: writes.slice(from, from + 100) });
    expect((await api.change('PATCH', web, {})).body['error']).toBe('Version count limit reached in the source, the maximum is 1000.');
    expect((await api.change('PUT', `${web}/disable`)).body['status']).toBe('success');
  });

  it('disables and enables it, with its sinks', async () => {
    for (const name of ['on', 'off']) await api.create(`${web}/sinks`, sink(name));
    await api.change('PUT', `${web}/sinks/off/disable`);
    expect((await api.change('PUT', `${web}/disable`)).body).toMatchObject({
      type: 'api.disable.source',
      result: 'Source has been disabled successfully.',
      outputs: { sourceId: 'web' },
    });
    const disabled = await api.get(web);
    expect(disabled.text).toContain(
      `"version":{"number":2,"hash":"${hashOf(disabled.text)}","description":"Disabled.","at":"2026-06-24T10:01:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}},"disabled":{"at":"2026-06-24T10:01:00.000Z","by":${by()},"reason":"API"}}\n`,
    );
    const on = await api.get(`${web}/sinks/on`);
    expect(on.text).toContain(
      `"disabled":{"at":"2026-06-24T10:01:00.000Z","by":${by()},"reason":"Auto-disabled with the parent source."}}\n`,
    );
    expect(on.body).toMatchObject({ version: { number: 1, description: 'New sink.' } });
    // The record of the version that stays is overwritten in place.
    expect(await stored('sink/version/1/1/web/on/0000000001')).toEqual(await stored('sink/active/1/1/web/on'));
    expect(await stored('sink/active/1/1/web/on')).toMatchObject({ disabled: { directly: false } });
    expect((await api.get(`${web}/sinks/off`)).body).toMatchObject({ version: { number: 2 }, disabled: { reason: 'API' } });

    expect((await api.change('PUT', `${web}/disable`)).body['status']).toBe('success');
    expect((await api.change('PUT', `${web}/sinks/on/enable`)).body['result']).toBe('Sink has been enabled successfully.');
    expect((await api.get(`${web}/sinks/on`)).body).toEqual(on.body);

    expect((await api.change('PUT', `${web}/enable`)).body).toMatchObject({
      type: 'api.enable.source',
      result: 'Source has been enabled successfully.',
    });
    expect((await api.get(web)).body).not.toHaveProperty('disabled');
    expect((await api.get(`${web}/sinks/on`)).body).not.toHaveProperty('disabled');
    expect((await api.get(`${web}/sinks/off`)).body).toMatchObject({ disabled: { reason: 'API' } });
    expect((await api.change('PUT', `${web}/enable`)).body['status']).toBe('success');
    expect(await versions(web)).toEqual(['1 New source.', '2 Disabled.', '3 Enabled.']);
    expect(await versions(`${web}/sinks/on`)).toEqual(['1 New sink.']);
    expect(await versions(`${web}/sinks/off`)).toEqual(['1 New sink.', '2 Disabled.']);
  });

  it('deletes it with its sinks, and keeps the records and versions', async () => {
    for (const name of ['kept', 'gone']) await api.create(`${web}/sinks`, sink(name));
    await api.change('DELETE', `${web}/sinks/gone`);
    expect((await api.change('DELETE', web)).body).toMatchObject({
      type: 'api.delete.source',
      result: 'Source has been deleted successfully.',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web', projectId: 1, branchId: 1, sourceId: 'web' },
    });
    for (const path of ['', '/versions', '/versions/1', '/sinks', '/sinks/kept', '/sinks/kept/versions']) {
      expect((await api.get(web + path)).body).toEqual(notFound('web'));
    }
    expect((await api.get(sources)).body['sources']).toEqual([]);
    expect(await api.store.count('definition/source/active/')).toBe(0);
    expect(await api.store.count('definition/sink/active/')).toBe(0);
    const deleted = { at: '2026-06-24T10:01:00.000Z', by: JSON.parse(by()) };
    expect(await stored('source/deleted/1/1/web')).toMatchObject({ version: { number: 1 }, deleted: { ...deleted, directly: true } });
    expect(await stored('sink/deleted/1/1/web/kept')).toMatchObject({ version: { number: 1 }, deleted: { ...deleted, directly: false } });
    expect(await stored('sink/deleted/1/1/web/gone')).toMatchObject({ deleted: { ...deleted, directly: true } });
    expect(await api.store.count('definition/source/version/1/1/web/')).toBe(1);
  });

  it('revives a deleted one that is created again, without its sinks', async () => {
    await api.create(`${web}/sinks`, sink('s'));
    const before = await api.get(web);
    await api.change('PUT', `${web}/disable`);
    await api.change('DELETE', web);
    api.clock.advance(60_000);
    await api.create(sources, { sourceId: 'web', type: 'http', name: 'New' });
    const after = await api.get(web);
    expect(after.text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"web","type":"http","name":"New","description":"",' +
        `"http":{"url":"https://in.test/stream/1/web/${secretOf(after.text)}"},` +
        `"version":{"number":3,"hash":"${hashOf(after.text)}","description":"New source.","at":"2026-06-24T10:02:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}}}\n`,
    );
    expect(secretOf(after.text)).toHaveLength(48);
    expect(secretOf(after.text)).not.toBe(secretOf(before.text));
    expect(await versions(web)).toEqual(['1 New source.', '2 Disabled.', '3 New source.']);
    expect((await api.get(`${web}/sinks`)).body['sinks']).toEqual([]);
    expect(await stored('source/deleted/1/1/web')).toBeUndefined();
    expect(await stored('sink/deleted/1/1/web/s')).toMatchObject({ deleted: { directly: false } });
  });

  it('reads cascade as a truth value', async () => {
    const answer = await api.call('DELETE', `${web}?cascade=yes`);
    const message = 'Invalid value "yes" for "cascade", must be a boolean.';
    expect(answer.body).toEqual({ statusCode: 400, error: 'stream.api.invalidFieldType', message });
    expect((await api.call('DELETE', `${web}?cascade=False`)).status).toBe(202);
  });

  it('is for admins, and for sources that are there', async () => {
    const operations = [
      ['PATCH', ''],
      ['DELETE', ''],
      ['PUT', '/disable'],
      ['PUT', '/enable'],
    ] as const;
    for (const [method, path] of operations) {
      const payload = method === 'PATCH' ? { payload: {} } : {};
      expect((await api.call(method, `${sources}/none${path}`, payload)).body).toEqual(notFound('none'));
      const refused = await api.call(method, web + path, { ...payload, headers: { 'x-storageapi-token': api.readToken } });
      expect(refused.body).toEqual({
        statusCode: 403,
        error: 'stream.api.forbidden',
        message: 'Only admin token can do write operations on streams.',
      });
    }
    const empty = await api.call('PATCH', web);
    expect(empty.body).toEqual({ statusCode: 400, error: 'stream.api.missingPayload', message: 'Missing required payload.' });
  });
});

describe('a source with 100 sinks', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
    await api.create(sources, { type: 'http', name: 'Web' });
    // As many operations as storage needs to close one file and open another.
    const joined = async ({ sinkId }: Sink) => {
      const key = `file/${sinkId}`;
      const entry = await api.store.get(key);
      const writes = ['', '/slice', '/next', '/next/slice'].map((end) => ({ type: 'put' as const, key: key + end, value: '{}' }));
      return { checks: [{ key, modRevision: entry?.modRevision ?? 0 }], writes };
    };
    Object.assign(api.hooks, { sinkActivated: joined, sinkChanged: joined, sinkDeactivated: joined });
    for (let index = 0; index < 100; index += 1) await api.create(`${web}/sinks`, sink(`s${index}`));
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const active = () => api.store.range({ prefix: 'definition/sink/active/', limit: 1000 });
  const disabledSinks = async () => (await active()).entries.filter(({ value }) => JSON.parse(value).disabled !== undefined).length;

  it('is disabled, enabled and deleted in batches, sinks first; what is cut off is finished by a repeat', async () => {
    const { transact } = api.store;
    let batches = 0;
    const cutAfter = (count: number) => {
      batches = 0;
      api.store.transact = async (transaction) => {
        const isOurs = transaction.writes.some(({ key }) => key.startsWith('definition/sink/'));
        if (isOurs && batches === count) throw new Error('cut off');
        if (isOurs) batches += 1;
        return transact.call(api.store, transaction);
      };
    };
    const failed = { status: 'error', error: 'Unknown error' };
    cutAfter(2);
    expect((await api.change('PUT', `${web}/disable`)).body).toMatchObject(failed);
    const some = await disabledSinks();
    expect(some).toBeGreaterThan(10);
    expect(some).toBeLessThan(50);
    expect((await api.get(web)).body).not.toHaveProperty('disabled');
    cutAfter(100);
    expect((await api.change('PUT', `${web}/disable`)).body['status']).toBe('success');
    expect(await disabledSinks()).toBe(100);
    expect(batches).toBeGreaterThan(4);
    expect((await api.get(web)).body).toMatchObject({ version: { number: 2 }, disabled: { reason: 'API' } });

    cutAfter(3);
    expect((await api.change('PUT', `${web}/enable`)).body).toMatchObject(failed);
    expect((await api.get(web)).body).toHaveProperty('disabled');
    cutAfter(100);
    expect((await api.change('PUT', `${web}/enable`)).body['status']).toBe('success');
    expect(await disabledSinks()).toBe(0);

    cutAfter(3);
    expect((await api.change('DELETE', web)).body).toMatchObject(failed);
    expect((await api.get(web)).status).toBe(200);
    expect((await active()).entries.length).toBeLessThan(80);
    cutAfter(100);
    expect((await api.change('DELETE', web)).body['status']).toBe('success');
    expect((await active()).entries).toEqual([]);
    expect(await api.store.count('definition/sink/deleted/1/1/web/')).toBe(100);
    expect((await api.get(web)).status).toBe(404);
  });

  it('leaves no sink enabled that somebody enables before the last batch', async () => {
    const { transact } = api.store;
    await api.change('PUT', `${web}/sinks/s0/disable`);
    // Of another node, which holds none of this node's locks.
    const other = new DefinitionWriter(api);
    api.store.transact = async (transaction) => {
      if (transaction.writes.some(({ key }) => key === 'definition/source/active/1/1/web')) {
        api.store.transact = transact;
        const stamp = { at: '2026-06-24T10:00:00.000Z', by: { type: 'system' as const } };
        await other.enableSink({ projectId: 1, branchId: 1, sourceId: 'web', sinkId: 's0' }, stamp);
      }
      return transact.call(api.store, transaction);
    };
    expect((await api.change('PUT', `${web}/disable`)).body['status']).toBe('success');
    expect(await disabledSinks()).toBe(100);
    expect((await api.get(`${web}/sinks/s0`)).body).toMatchObject({
      version: { number: 3 },
      disabled: { reason: 'Auto-disabled with the parent source.' },
    });
  });
});
