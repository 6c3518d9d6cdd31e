import { z } from 'zod';
import { AppError } from '../errors/app-error.ts';

/** Environment names begin with it. */
export const envPrefix = 'SLUICE_';

/** One leaf of the configuration schema, with all its names. */
export interface Setting {
  readonly path: readonly string[];
  /** `source.http.listen`: its name in messages and, as nesting, in the file. */
  readonly key: string;
  /** Without dashes: `source-http-listen`. */
  readonly flag: string;
  /** `SLUICE_SOURCE_HTTP_LISTEN` and then the aliases of `.meta({ env })`; an earlier name wins. */
  readonly env: readonly string[];
  readonly kind: SettingKind;
  /** What may be written, for help and messages: "duration", "true or false", "one of a, b". */
  readonly form: string;
  /** The text form of the default. */
  readonly defaultText: string | undefined;
  readonly required: boolean;
  readonly secret: boolean;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** How a text becomes the input of the schema. `coded` values are texts in the file too. */
type SettingKind = 'boolean' | 'number' | 'list' | 'text' | 'coded';

/**
 * The settings of a configuration schema: a tree of z.object with a leaf for each setting, in its order.
 * Leaves may be wrapped in optional, default, prefault; `.describe()` and `.meta({ secret, env })` are read from them.
 * A leaf must be encodable (z.codec, never .transform), so that the configuration can be shown.
 */
export function describeConfig(schema: z.ZodObject): readonly Setting[] {
  const settings = leavesOf(schema, []);
  const names = settings.flatMap(({ flag, env }) => [flag, ...env]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new AppError('invariantBroken', `Two settings have the name ${twice}.`);
  return settings;
}

/** The flag that names the file; it is no part of the schema. */
export const configFileSetting: Setting = settingOf(
  ['configFile'],
  z.string().optional().meta({ form: 'path', description: 'YAML file with settings.' }),
);

function leavesOf(schema: z.ZodObject, path: readonly string[]): Setting[] {
  return Object.entries(schema.shape).flatMap(([name, child]) => {
    if (child instanceof z.ZodObject) return leavesOf(child, [...path, name]);
    if (child instanceof z.ZodType) return [settingOf([...path, name], child)];
    throw new AppError('invariantBroken', `Setting ${[...path, name].join('.')} is not a zod type.`);
  });
}

function settingOf(path: readonly string[], schema: z.ZodType): Setting {
  const { core, meta, defaultValue } = unwrap(schema);
  const words = path.flatMap((name) => name.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  const aliases = Array.isArray(meta['env']) ? meta['env'].map(String) : [];
  return {
    path,
    key: path.join('.'),
    flag: words.join('-'),
    env: [`${envPrefix}${words.join('_').toUpperCase()}`, ...aliases],
    kind: kindOf(core),
    form: typeof meta['form'] === 'string' ? meta['form'] : formOf(core),
    defaultText: defaultValue === undefined ? undefined : settingText(defaultValue),
    required: !schema.safeParse(undefined).success,
    secret: meta['secret'] === true,
    description: typeof meta['description'] === 'string' ? meta['description'] : '',
    schema,
  };
}

/** A value of the input form as one would write it in a flag. */
export function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface Unwrapped {
  readonly core: z.ZodType;
  readonly meta: Readonly<Record<string, unknown>>;
  /** In the input form. */
  readonly defaultValue: unknown;
}

function unwrap(schema: z.ZodType): Unwrapped {
  const meta = schema.meta() ?? {};
  const isDefault = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  if (!isDefault && !(schema instanceof z.ZodOptional || schema instanceof z.ZodNullable))
    return { core: schema, meta, defaultValue: undefined };
  const wrapped = schema.unwrap();
  if (!(wrapped instanceof z.ZodType)) throw new AppError('invariantBroken', 'A setting wraps something that is no zod type.');
  const inner = unwrap(wrapped);
  return { core: inner.core, meta: { ...inner.meta, ...meta }, defaultValue: isDefault ? schema.def.defaultValue : inner.defaultValue };
}

function kindOf(core: z.ZodType): SettingKind {
  if (core instanceof z.ZodBoolean) return 'boolean';
  if (core instanceof z.ZodNumber) return 'number';
  if (core instanceof z.ZodArray) return 'list';
  return core instanceof z.ZodCodec ? 'coded' : 'text';
}

function formOf(core: z.ZodType): string {
  if (core instanceof z.ZodEnum) return `one of ${core.options.join(', ')}`;
  switch (kindOf(core)) {
    case 'boolean':
      return 'true or false';
    case 'number':
      return 'number';
    case 'list':
      return 'list, separated by commas';
    case 'text':
    case 'coded':
      return 'text';
  }
}
