type Json = { readonly [name: string]: unknown };

/**
 * An OpenAPI document of `openApiDocument` as Swagger 2.0, for tools that read nothing newer. Schemas lose what that version cannot say:
 * of alternatives only the type that they share is left, beside them as `x-anyOf`.
 */
export function swaggerDocument({ info, servers, paths, components, tags }: Json): Json {
  const { schemas, securitySchemes } = objectOf(components);
  const [server] = listOf(servers).map(objectOf);
  const { protocol, host, pathname } = new URL(String(server?.['url']));
  return {
    swagger: '2.0',
    info,
    host,
    basePath: pathname,
    schemes: [protocol.slice(0, -1)],
    consumes: ['application/json'],
    produces: ['application/json'],
    paths: mapValues(objectOf(paths), (methods) => mapValues(objectOf(methods), (operation) => operationOf(objectOf(operation)))),
    definitions: mapValues(objectOf(schemas), schemaOf),
    securityDefinitions: securitySchemes,
    tags,
  };
}

function operationOf({ parameters, requestBody, responses, ...rest }: Json): Json {
  return {
    ...rest,
    ...mediaTypes('consumes', [requestBody]),
    ...mediaTypes('produces', Object.values(objectOf(responses))),
    parameters: [...listOf(parameters).map((parameter) => parameterOf(objectOf(parameter))), ...bodyOf(requestBody)],
    responses: mapValues(objectOf(responses), (response) => {
      const { content, ...described } = objectOf(response);
      const [media] = Object.values(objectOf(content)).map(objectOf);
      return { ...described, ...(media && { schema: schemaOf(media['schema']) }) };
    }),
  };
}

/** Only where they are others than those of the whole document. */
function mediaTypes(name: 'consumes' | 'produces', bodies: readonly unknown[]): Json {
  const types = bodies.flatMap((body) => Object.keys(objectOf(objectOf(body)['content'])));
  return types.every((type) => type === 'application/json') ? {} : { [name]: [...new Set(types)] };
}

/** Constraints of parameters stand beside the name. */
function parameterOf({ schema, ...rest }: Json): Json {
  return { ...rest, ...objectOf(schemaOf(schema)) };
}

function bodyOf(requestBody: unknown): readonly Json[] {
  if (requestBody === undefined) return [];
  const { required = false, content } = objectOf(requestBody);
  const [media] = Object.values(objectOf(content)).map(objectOf);
  return [{ name: 'body', in: 'body', required, schema: schemaOf(media?.['schema']) }];
}

function schemaOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(schemaOf);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { anyOf, oneOf, const: only, type, properties, propertyNames: _, $ref, ...rest } = objectOf(schema);
  if ($ref !== undefined) return { $ref: String($ref).replace('#/components/schemas/', '#/definitions/') };
  const alternatives = [...listOf(anyOf), ...listOf(oneOf)].map(objectOf);
  if (alternatives.length > 0) return { ...rest, ...alternativesOf(alternatives) };
  return {
    ...(type !== undefined && { type }),
    ...(only !== undefined && { enum: [only] }),
    ...mapValues(rest, (value, name) => (name === 'items' ? schemaOf(value) : value)),
    ...(properties !== undefined && { properties: mapValues(objectOf(properties), schemaOf) }),
  };
}

function alternativesOf(alternatives: readonly Json[]): Json {
  const some = alternatives.filter(({ type }) => type !== 'null');
  const nullable = some.length < alternatives.length ? { 'x-nullable': true } : {};
  const [first, ...more] = some;
  if (first !== undefined && more.length === 0) {
    const only = objectOf(schemaOf(first));
    // Beside a reference nothing counts.
    return '$ref' in only ? { allOf: [only], ...nullable } : { ...only, ...nullable };
  }
  const types = [...new Set(some.map(({ type }) => type))];
  return { ...(types.length === 1 && types[0] !== undefined && { type: types[0] }), ...nullable, 'x-anyOf': schemaOf(some) };
}

const objectOf = (value: unknown): Json => (typeof value === 'object' && value !== null ? { ...value } : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const mapValues = (object: Json, map: (value: unknown, name: string) => unknown): Json =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value, name)]));
