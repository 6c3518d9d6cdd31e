import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ApiHarness } from '../../support/api-harness.ts';

const folder = '/v1/documentation';
let api: ApiHarness;
beforeEach(async () => {
  api = await ApiHarness.open();
});
afterEach(() => api[Symbol.asyncDispose]());

const documentSchema = z.object({
  swagger: z.string().optional(),
  host: z.string().optional(),
  basePath: z.string().optional(),
  schemes: z.array(z.string()).optional(),
  paths: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))),
  definitions: z.record(z.string(), z.unknown()).optional(),
});
const documentAt = async (name: string) => documentSchema.parse((await api.inject(`${folder}/${name}`)).json());
const operationIds = ({ paths }: z.infer<typeof documentSchema>) =>
  Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));

describe('the document', () => {
  it.each(['openapi', 'openapi3'])('%s is the same in YAML and JSON', async (name) => {
    const yaml = await api.inject(`${folder}/${name}.yaml`);
    const json = await api.inject(`${folder}/${name}.json`);
    expect([yaml.statusCode, yaml.headers['content-type']]).toEqual([200, 'application/yaml']);
    expect([json.statusCode, json.headers['content-type']]).toEqual([200, 'application/json']);
    expect(parse(yaml.body)).toEqual(json.json());
    // No anchors: many readers of YAML do not know them.
    expect(yaml.body).not.toMatch(/: [&*]\w/);
  });

  it('says in each form the same operations, and where they are', async () => {
    const swagger = await documentAt('openapi.json');
    expect(swagger).toMatchObject({ swagger: '2.0', host: 'api.test', basePath: '/', schemes: ['https'] });
    expect(operationIds(swagger)).toEqual(operationIds(await documentAt('openapi3.json')));
    expect(swagger.paths['/']).toMatchObject({
      get: { operationId: 'ApiRootIndex', responses: { 301: { description: 'It is elsewhere.' } } },
    });
  });
});

/** What a schema of Swagger 2.0 may have, beside extensions. */
const schemaWords = new Set(
  'type format title description default enum minimum maximum minLength maxLength pattern minItems maxItems items properties required allOf'.split(
    ' ',
  ),
);

function problemsOf(schema: unknown, at: string): string[] {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [`${at} is no schema`];
  const words: Record<string, unknown> = { ...schema };
  if ('$ref' in words)
    return Object.keys(words).length === 1 && String(words['$ref']).startsWith('#/definitions/') ? [] : [`${at} is no reference`];
  const unknown = Object.keys(words).filter((word) => !schemaWords.has(word) && !word.startsWith('x-'));
  const own = unknown.map((word) => `${at} has ${word}`);
  if (words['type'] !== undefined && typeof words['type'] !== 'string') own.push(`${at} has several types`);
  if (words['type'] === 'array' && words['items'] === undefined) own.push(`${at} is a list of nothing`);
  const below = Object.entries(Object(words['properties'])).flatMap(([name, field]) => problemsOf(field, `${at}.${name}`));
  const parts = Array.isArray(words['allOf']) ? words['allOf'].flatMap((part: unknown) => problemsOf(part, at)) : [];
  return [...own, ...below, ...parts, ...(words['items'] === undefined ? [] : problemsOf(words['items'], `${at}[]`))];
}

const swaggerOperation = z.object({
  parameters: z.array(z.object({ name: z.string(), in: z.string(), type: z.string().optional(), schema: z.unknown().optional() })),
  responses: z.record(z.string(), z.object({ description: z.string(), schema: z.unknown().optional(), content: z.undefined().optional() })),
  requestBody: z.undefined().optional(),
});

it('as Swagger 2.0 has nothing that this version does not know', async () => {
  const { paths, definitions = {} } = await documentAt('openapi.json');
  const problems = Object.entries(definitions).flatMap(([name, schema]) => problemsOf(schema, name));
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, declared] of Object.entries(methods)) {
      const { parameters, responses } = swaggerOperation.parse(declared);
      for (const { name, in: place, type, schema } of parameters) {
        const at = `${method} ${path} ${name}`;
        if (place === 'body') problems.push(...problemsOf(schema, at));
        else if (type === undefined || schema !== undefined) problems.push(`${at} has no type of its own`);
      }
      for (const [status, { schema }] of Object.entries(responses)) {
        if (schema !== undefined) problems.push(...problemsOf(schema, `${method} ${path} ${status}`));
      }
    }
  }
  expect(problems).toEqual([]);
  const { body } = await api.inject(`${folder}/openapi.json`);
  const names = [...body.matchAll(/"\$ref":"#\/definitions\/(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(new Set(names).difference(new Set(Object.keys(definitions)))).toEqual(new Set());
  expect(body).not.toContain('#/components');
});

it('as Swagger 2.0 keeps what clients send and get', async () => {
  const { paths, definitions = {} } = await documentAt('openapi.json');
  const create = paths['/v1/branches/{branchId}/sources']?.['post'];
  expect(create).toMatchObject({
    parameters: [
      { name: 'branchId', in: 'path', required: true, type: 'string' },
      { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/CreateSourceRequest' } },
    ],
    responses: { 202: { schema: { $ref: '#/definitions/Task' } }, default: { schema: { $ref: '#/definitions/Error' } } },
  });
  expect(create).not.toHaveProperty('consumes');
  expect(paths['/v1/branches/{branchId}/sources']?.['get']).toMatchObject({
    parameters: expect.arrayContaining([
      expect.objectContaining({ name: 'limit', in: 'query', type: 'integer', minimum: 1, maximum: 100 }),
    ]),
  });
  expect(paths['/v1/branches/{branchId}/sources/{sourceId}/test']?.['post']).toMatchObject({ consumes: ['*/*'] });
  expect(paths[`${folder}/openapi.yaml`]?.['get']).toMatchObject({ produces: ['application/yaml', 'application/json'] });
  expect(definitions['SinkFile']).toMatchObject({
    type: 'object',
    properties: { statistics: { properties: { total: { allOf: [{ $ref: '#/definitions/Level' }], 'x-nullable': true } } } },
  });
});
