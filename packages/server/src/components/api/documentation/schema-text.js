/**
 * JSON schemas as people read them: `schemaText` like a type, `exampleOf` as a first body to change.
 * References are `#/components/schemas/<name>`; one that leads to itself is named and not followed.
 */

const refName = (schema) => schema.$ref?.split('/').at(-1);

function resolve(schema, schemas, seen) {
  const name = refName(schema);
  if (name === undefined) return { schema, seen };
  return seen.includes(name) ? undefined : { schema: schemas[name] ?? {}, seen: [...seen, name] };
}

export function schemaText(given, schemas, { indent = '', seen = [] } = {}) {
  const found = resolve(given, schemas, seen);
  if (!found) return refName(given);
  const { schema } = found;
  const text = (child, deeper = indent) => schemaText(child, schemas, { indent: deeper, seen: found.seen });
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map((option) => text(option)).join(' | ');
  if (schema.type === 'array') return `[${text(schema.items ?? {})}]`;
  if (schema.properties) {
    const inner = `${indent}  `;
    const lines = Object.entries(schema.properties).map(
      ([name, child]) => `${inner}${name}${schema.required?.includes(name) ? '' : '?'}: ${text(child, inner)}`,
    );
    return lines.length > 0 ? `{\n${lines.join('\n')}\n${indent}}` : '{}';
  }
  if (schema.type === undefined) return 'any';
  return `${schema.type}${limitsText(schema)}`;
}

function limitsText({ format, minLength, maxLength, minimum, maximum }) {
  const least = minLength ?? minimum;
  const most = maxLength ?? maximum;
  const range = least === undefined && most === undefined ? undefined : `${least ?? ''}..${most ?? ''}`;
  const limits = [format, range].filter((part) => part !== undefined);
  return limits.length > 0 ? ` (${limits.join(', ')})` : '';
}

/** Required properties only; the shortest value of each type. */
export function exampleOf(given, schemas, seen = []) {
  const found = resolve(given, schemas, seen);
  if (!found) return null;
  const { schema } = found;
  if ('const' in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return exampleOf(options[0], schemas, found.seen);
  switch (schema.type) {
    case 'object': {
      const names = (schema.required ?? []).filter((name) => schema.properties?.[name]);
      return Object.fromEntries(names.map((name) => [name, exampleOf(schema.properties[name], schemas, found.seen)]));
    }
    case 'array':
      return schema.minItems > 0 ? [exampleOf(schema.items ?? {}, schemas, found.seen)] : [];
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    case 'string':
      return '';
    default:
      return null;
  }
}
