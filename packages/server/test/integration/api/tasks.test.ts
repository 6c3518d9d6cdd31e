import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';

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
