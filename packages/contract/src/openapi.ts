import { z } from 'zod';
import { errorBodySchema } from './error-body.ts';
import type { Operation } from './operation.ts';

interface OpenApiOptions {
  readonly operations: readonly Operation[];
  /** Public base URL of the API. */
  readonly apiUrl: string;
}

type Json = Record<string, unknown>;

/** OpenAPI 3.1 document of the given operations. */
export function openApiDocument({ operations, apiUrl }: OpenApiOptions): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = operation.path.replace('...}', '}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationObject(operation, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Stream Service',
      description: 'Configuration of sources and sinks. Writes answer with a task; poll it until it is finished.',
      version: '1.0',
      license: { name: 'Apache 2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0.html' },
    },
    servers: [{ url: apiUrl }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        'storage-api-token': { type: 'apiKey', in: 'header', name: 'X-StorageApi-Token', description: 'Token of the project.' },
      },
    },
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
  };
}

function operationObject(operation: Operation, schemas: Json): Json {
  const { id, summary, tag, access, params, query, body, rawBody, status, answer, answerType, errors } = operation;
  const errorNames =
    errors.length > 0 ? `Beyond the errors of every operation: ${errors.map((name) => `\`${name}\``).join(', ')}.` : undefined;
  return {
    operationId: id,
    summary,
    ...(errorNames !== undefined && { description: errorNames }),
    tags: [tag],
    ...(access !== 'public' && { security: [{ 'storage-api-token': [] }] }),
    parameters: [...parameters(params, { place: 'path', schemas }), ...parameters(query, { place: 'query', schemas })],
    ...(body !== undefined && { requestBody: { required: true, content: jsonContent(schemaObject(body, { io: 'input', schemas })) } }),
    ...(rawBody === true && { requestBody: { content: { '*/*': { schema: {} } } } }),
    responses: {
      [String(status)]: {
        description: descriptions[status],
        ...(!(answer instanceof z.ZodUndefined) && {
          content: { [answerType ?? 'application/json']: { schema: schemaObject(answer, { io: 'output', schemas }) } },
        }),
      },
      default: { description: 'The operation failed.', content: jsonContent(schemaObject(errorBodySchema, { io: 'output', schemas })) },
    },
  };
}

const descriptions = { 200: 'Done.', 202: 'The task is started.', 301: 'It is elsewhere.' } as const;

const jsonContent = (schema: unknown): Json => ({ 'application/json': { schema } });

function parameters(schema: z.ZodType, { place, schemas }: { readonly place: 'path' | 'query'; readonly schemas: Json }): Json[] {
  const shape = schema instanceof z.ZodObject ? schema.shape : {};
  return Object.entries<z.ZodType>(shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path',
    schema: schemaObject(field, { io: 'input', schemas }),
  }));
}

/** The JSON schema; named schemas go to `schemas` and are referred to. */
function schemaObject(schema: z.ZodType, { io, schemas }: { readonly io: 'input' | 'output'; readonly schemas: Json }): unknown {
  const { properties, $defs } = z.toJSONSchema(z.object({ root: schema }), {
    io,
    // Clients must accept fields that later versions add.
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties;
    },
  });
  Object.assign(schemas, withComponentRefs($defs ?? {}));
  return withComponentRefs(properties?.['root'] ?? {});
}

function withComponentRefs(value: object | boolean): object {
  const rewritten: unknown = JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
  return typeof rewritten === 'object' && rewritten !== null ? rewritten : {};
}
