import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TaskRunner } from '../../../src/features/definitions/task-runner.ts';
import { sweepTasks } from '../../../src/features/definitions/task-sweep.ts';
import { ApiHarness } from '../../support/api-harness.ts';
import { countingIds } from '../../support/counting-ids.ts';
import { silentLogger } from '../../support/silent-logger.ts';

describe('tasks', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  it('are found by their project only', async () => {
    const task = await api.post('/v1/branches/default/sources', { type: 'http', name: 'Orders' });
    const id = String(task.body['taskId']);
    const { token } = await api.tokens.create({ role: 'admin', projectId: 2 });
    const answer = await api.call('GET', `/v1/tasks/${id}`, { headers: { 'x-storageapi-token': token } });
    const message = `Task "${id}" not found in the project.`;
    expect(answer.body).toEqual({ statusCode: 404, error: 'stream.api.taskNotFound', message });
    expect((await api.get(`/v1/tasks/${id}`)).status).toBe(200);
    expect((await api.get(`/v1/tasks/${id.split('/').map(encodeURIComponent).join('/')}`)).body['taskId']).toBe(id);
    expect((await api.get('/v1/tasks/unknown')).status).toBe(404);
  });

  it('end as an error where their process died', async () => {
    const { store, clock } = api;
    const { transact } = store;
    const died = Promise.withResolvers<void>();
    store.transact = async (transaction) => {
      if (transaction.writes.some(({ key }) => key.startsWith('definition/source/active/'))) await died.promise;
      return transact.call(store, transaction);
    };
    const task = await api.post('/v1/branches/default/sources', { type: 'http', name: 'Orders' });
    const path = `/v1/tasks/${String(task.body['taskId'])}`;
    clock.advance(1500);
    expect((await api.get(path)).text).toBe(task.text);
    await new TaskRunner({ store, clock, logger: silentLogger, randomId: countingIds(), nodeId: 'node-1' }).recover();
    const ended = await api.get(path);
    died.resolve();
    expect(ended.text).toBe(
      task.text
        .replace('"processing","isFinished":false', '"error","isFinished":true')
        .replace(
          '}\n',
          ',"finishedAt":"2026-06-24T10:00:01.500Z","duration":1500,"error":"The service stopped before the task was finished."}\n',
        ),
    );
  });

  it('are kept for an hour, failed ones for two days', async () => {
    const { store, clock } = api;
    const sources = '/v1/branches/default/sources';
    await api.create(sources, { type: 'http', name: 'web' });
    api.hooks.prepareTarget = async () => {
      throw new Error('no target');
    };
    const table = { type: 'keboola', tableId: 'in.c-b.t', mapping: { columns: [{ type: 'body', name: 'b' }] } };
    const failed = await api.change('POST', `${sources}/web/sinks`, { type: 'table', name: 'sink', table });
    const done = await api.change('PUT', `${sources}/web/disable`);
    expect([done.body['status'], failed.body['status']]).toEqual(['success', 'error']);
    const statusAfter = async (ms: number) => {
      clock.advance(ms);
      await sweepTasks({ store, clock });
      const answers = [done, failed].map(({ body }) => api.get(`/v1/tasks/${String(body['taskId'])}`));
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    const hour = 3_600_000;
    expect(await statusAfter(hour)).toEqual([200, 200]);
    expect(await statusAfter(1)).toEqual([404, 200]);
    expect(await statusAfter(47 * hour - 1)).toEqual([404, 200]);
    expect(await statusAfter(1)).toEqual([404, 404]);
  });

  it('have no address with a trailing slash', async () => {
    expect((await api.get('/v1/tasks/')).status).toBe(404);
  });
});

describe('OpenAPI document', () => {
  it('describes every operation, with schemas that all exist', async () => {
    await using api = await ApiHarness.open();
    const answer = await api.inject('/v1/documentation/openapi3.json');
    const document = answer.json();
    const operations = Object.values<object>(document.paths).flatMap((path) =>
      Object.values<{ operationId: string; security?: unknown }>(path as never),
    );
    expect(operations.map(({ operationId }) => operationId)).toEqual([
      'ApiRootIndex',
      'ApiVersionIndex',
      'OpenapiJson',
      'OpenapiYaml',
      'Openapi3Json',
      'Openapi3Yaml',
      'AggregationSources',
      'ListSources',
      'CreateSource',
      'GetSource',
      'UpdateSource',
      'DeleteSource',
      'DisableSource',
      'EnableSource',
      'GetSourceSettings',
      'UpdateSourceSettings',
      'GetSinkSettings',
      'UpdateSinkSettings',
      'ListSourceVersions',
      'SourceVersionDetail',
      'ListSinkVersions',
      'SinkVersionDetail',
      'ListSinks',
      'CreateSink',
      'GetSink',
      'UpdateSink',
      'DeleteSink',
      'DisableSink',
      'EnableSink',
      'ListDeletedSources',
      'ListDeletedSinks',
      'UndeleteSource',
      'RollbackSourceVersion',
      'UndeleteSink',
      'RollbackSinkVersion',
      'RotateSourceSecret',
      'TestSource',
      'GetTask',
    ]);
    const open = operations.filter(({ security }) => security === undefined).map(({ operationId }) => operationId);
    expect(open).toEqual(['ApiRootIndex', 'ApiVersionIndex', 'OpenapiJson', 'OpenapiYaml', 'Openapi3Json', 'Openapi3Yaml']);
    expect(document.components.securitySchemes['storage-api-token']).toMatchObject({
      type: 'apiKey',
      in: 'header',
      name: 'X-StorageApi-Token',
    });
    const refs = [...answer.body.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(refs.length).toBeGreaterThan(20);
    for (const name of new Set(refs)) expect(document.components.schemas).toHaveProperty(name!);
    expect(answer.body).not.toContain('$defs');
    expect(document.components.schemas.CreateSourceRequest).toMatchObject({
      properties: { name: { type: 'string', minLength: 1, maxLength: 40 } },
      required: ['type', 'name'],
    });
    const { delete: deletion, patch } = document.paths['/v1/branches/{branchId}/sources/{sourceId}'];
    expect(deletion.parameters.at(-1)).toEqual({
      name: 'cascade',
      in: 'query',
      required: false,
      schema: { type: 'boolean' },
    });
    expect(patch.requestBody.content['application/json'].schema).toEqual({ $ref: '#/components/schemas/UpdateSourceRequest' });
    expect(document.components.schemas.UpdateSourceRequest).not.toHaveProperty('required');
  });
});
