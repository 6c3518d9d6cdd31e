import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { parseFlags } from './flags.ts';
import type { GivenValue, GivenValues } from './given-value.ts';
import { configFileSetting, describeConfig, type Setting, settingText } from './setting.ts';
import { readYamlFile } from './yaml-file.ts';

export interface LoadOptions<Schema extends z.ZodObject> {
  readonly schema: Schema;
  /** Arguments of the command line; those that belong to no flag come back as `positionals`. */
  readonly flags: readonly string[];
  readonly env: Environment;
  /** The text of the file named by `--config-file`; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
  /** What other names than the settings' own say; each comes directly behind its like. */
  readonly originals?: { readonly flags: GivenValues; readonly env: GivenValues };
}

export interface LoadedConfig<Schema extends z.ZodObject> {
  readonly config: z.output<Schema>;
  /** By key of each setting, where its value comes from: `flag --x`, `environment variable X`, `file x.yaml`, `default`. */
  readonly sources: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  readonly positionals: readonly string[];
}

/** Flags before environment before file before default. `configInvalid` lists every problem of all places at once. */
export function loadConfig<Schema extends z.ZodObject>({
  schema,
  flags,
  env,
  readFile,
  originals = { flags: nothingGiven, env: nothingGiven },
}: LoadOptions<Schema>): LoadedConfig<Schema> {
  const settings = describeConfig(schema);
  const known = [...settings, configFileSetting];
  const fromFlags = parseFlags(flags, known);
  const fromEnv = readEnvironment(env, known);
  const file = fromFlags.values.get(configFileSetting.key) ?? fromEnv.values.get(configFileSetting.key);
  const fromFile = file ? readYamlFile(String(file.value), { schema, settings, readFile }) : nothingGiven;
  const places = [fromFlags, originals.flags, fromEnv, originals.env, fromFile];

  const problems = places.flatMap((place) => place.problems);
  const sources = new Map<string, string>();
  const input = {};
  for (const setting of settings) {
    const given = places.map(({ values }) => values.get(setting.key)).find((value) => value !== undefined);
    problems.push(...problemsOf(setting, given));
    sources.set(setting.key, given?.source ?? 'default');
    setIn(input, setting.path, given?.value);
  }
  if (problems.length > 0) throw configInvalid(problems);
  const result = schema.safeParse(input);
  if (!result.success)
    throw configInvalid(result.error.issues.map(({ path, message }) => `${path.join('.') || 'The configuration'}: ${message}`));
  return { config: result.data, sources, warnings: places.flatMap(({ warnings }) => warnings), positionals: fromFlags.positionals };
}

const nothingGiven: GivenValues = { values: new Map(), problems: [], warnings: [] };

function problemsOf(setting: Setting, given: GivenValue | undefined): string[] {
  const { key, flag, env, form, secret, schema } = setting;
  const result = schema.safeParse(given?.value);
  if (result.success) return [];
  if (!given)
    return [`${key} is required (${form}): set it by flag --${flag}, environment variable ${env[0]}, or in the configuration file.`];
  const shown = secret ? 'has a value that is not shown' : `is ${JSON.stringify(settingText(given.value))}`;
  const reasons = result.error.issues.map(({ message }) => message).join('; ');
  return [`${key} ${shown}, from ${given.source}: ${reasons}. Expected: ${form}.`];
}

function setIn(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    if (value !== undefined) target[name] = value;
    return;
  }
  const child = isRecord(target[name]) ? target[name] : {};
  target[name] = child;
  setIn(child, rest, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function configInvalid(problems: readonly string[]): AppError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new AppError('configInvalid', `The configuration has ${count}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
}
