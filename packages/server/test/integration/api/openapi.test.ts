import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiHarness } from '../../support/api-harness.ts';
import { contractOperations } from '../../support/contract-operations.ts';

/** OpenAPI 3.1 as far as the document uses it; fields that the specification does not have are refused. */
const schemaSchema = z.record(z.string(), z.unknown());
const contentSchema = z.record(z.string().regex(/^[\w*]+\/[\w*+.-]+$/), z.strictObject({ schema: schemaSchema }));
const operationSchema = z.strictObject({
  operationId: z.string().regex(/^[A-Z]\w+$/),
  summary: z.string().regex(/\.$/),
  description: z.string().min(1).optional(),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(
    z.discriminatedUnion('in', [
      z.strictObject({ name: z.string(), in: z.literal('path'), required: z.literal(true), schema: schemaSchema }),
      z.strictObject({ name: z.string(), in: z.literal('query'), required: z.boolean(), schema: schemaSchema }),
    ]),
  ),
  requestBody: z.strictObject({ required: z.boolean().optional(), content: contentSchema }).optional(),
  responses: z.record(
    z.string().regex(/^([1-5]\d\d|default)$/),
    z.strictObject({ description: z.string().min(1), content: contentSchema.optional() }),
  ),
});
const documentSchema = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.strictObject({
    title: z.literal('Stream Service'),
    description: z.string(),
    version: z.literal('1.0'),
    license: z.strictObject({ name: z.literal('Apache 2.0'), url: z.url() }),
  }),
  servers: z.array(z.strictObject({ url: z.url() })).length(1),
  paths: z.record(z.string().startsWith('/'), z.partialRecord(z.enum(['get', 'post', 'patch', 'put', 'delete']), operationSchema)),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[\w.-]+$/), schemaSchema),
    securitySchemes: z.strictObject({
      'storage-api-token': z.strictObject({
        type: z.literal('apiKey'),
        in: z.literal('header'),
        name: z.literal('X-StorageApi-Token'),
        description: z.string(),
      }),
    }),
  }),
  tags: z.array(z.strictObject({ name: z.string() })),
});
type Document = z.infer<typeof documentSchema>;

let api: ApiHarness;
let text = '';
let document: Document;
beforeEach(async () => {
  api = await ApiHarness.open();
  text = (await api.inject('/v1/documentation/openapi3.json')).body;
  document = documentSchema.parse(JSON.parse(text));
});
afterEach(() => api[Symbol.asyncDispose]());

const described = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => (operation ? [{ path, method, operation }] : [])),
  );
type Described = ReturnType<typeof described>[number];

/** The schema with what it refers to, as a validator. */
const compiled = (schema: object): z.ZodType => {
  const rooted: unknown = JSON.parse(
    JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll('#/components/schemas/', '#/$defs/'),
  );
  return z.fromJSONSchema(rooted as Parameters<typeof z.fromJSONSchema>[0]);
};

const schemasOf = ({ operation }: Described) =>
  [
    ...operation.parameters.map(({ schema }) => schema),
    ...[operation.requestBody, ...Object.values(operation.responses)].flatMap((body) =>
      Object.values(body?.content ?? {}).map(({ schema }) => schema),
    ),
  ] as const;

describe('the OpenAPI document', () => {
  it('names each operation once, with the parameters of its path, a tag and a security scheme that it declares', () => {
    const ids = described().map(({ operation }) => operation.operationId);
    expect(ids.length).toBeGreaterThan(30);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { path, operation } of described()) {
      const { operationId, parameters } = operation;
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect([operationId, inPath]).toEqual([operationId, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)]);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect([operationId, new Set(names).size]).toEqual([operationId, names.length]);
      expect(tags).toEqual(expect.arrayContaining(operation.tags));
      const security =
        contractOperations.find(({ id }) => id === operationId)?.access === 'public' ? undefined : [{ 'storage-api-token': [] }];
      expect([operationId, operation.security]).toEqual([operationId, security]);
    }
  });

  it('has every schema that is referred to, and no other', () => {
    const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([\w.-]+)"/g)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(Object.keys(document.components.schemas)));
    expect([...text.matchAll(/"\$ref":"([^"]*)"/g)].length).toBe(names.length);
  });

  it('has schemas that validators take, and operations that say how they end', () => {
    let count = 0;
    for (const shown of described()) {
      expect(Object.keys(shown.operation.responses)).toHaveLength(2);
      expect(shown.operation.responses['default']?.content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Error' });
      for (const schema of schemasOf(shown)) {
        compiled(schema);
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(100);
  });

  const table = { type: 'keboola', tableId: 'in.c-b.t', mapping: { columns: [{ type: 'path', name: 'no', path: 'order.no' }] } };
  const sources = '/v1/branches/default/sources';
  const schemaOf = (path: string, { method = 'get', status = '200' } = {}): z.ZodType => {
    const found = described().find((shown) => shown.path === path && shown.method === method)?.operation.responses[status];
    return compiled(found?.content?.['application/json']?.schema ?? { not: {} });
  };

  it('describes what is answered: validators made of it take the answers, and refuse them where a field lacks or is of another type', async () => {
    await api.create(sources, { type: 'http', name: 's' });
    await api.create(`${sources}/s/sinks`, { type: 'table', name: 'k', table, allowedSignals: ['logs'] });
    await api.change('PUT', `${sources}/s/disable`);
    const source = '/v1/branches/{branchId}/sources/{sourceId}';
    const task = await api.post(sources, { type: 'http', name: 'b' });
    const answers = [
      [schemaOf('/v1/branches/{branchId}/sources'), sources],
      [schemaOf(source), `${sources}/s`],
      [schemaOf(`${source}/sinks`), `${sources}/s/sinks`],
      [schemaOf(`${source}/sinks/{sinkId}`), `${sources}/s/sinks/k`],
      [schemaOf(`${source}/sinks/{sinkId}/versions`), `${sources}/s/sinks/k/versions`],
      [schemaOf(`${source}/settings`), `${sources}/s/settings`],
      [schemaOf('/v1/branches/{branchId}/aggregation/sources'), '/v1/branches/default/aggregation/sources'],
      [schemaOf('/v1/branches/{branchId}/sources', { method: 'post', status: '202' }), `/v1/tasks/${String(task.body['taskId'])}`],
      [schemaOf(source, { status: 'default' }), `${sources}/none`],
    ] as const;
    for (const [schema, url] of answers) {
      const { body } = await api.get(url);
      expect([url, schema.safeParse(body).error]).toEqual([url, undefined]);
      const [first = ''] = Object.keys(body);
      const { [first]: _, ...less } = body;
      expect([url, schema.safeParse(less).success]).toEqual([url, false]);
      expect([url, schema.safeParse({ ...body, [first]: { other: true } }).success]).toEqual([url, false]);
    }
  });
});
