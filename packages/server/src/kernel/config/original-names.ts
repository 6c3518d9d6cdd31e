import { type Environment, isServiceLink } from './environment.ts';
import { type GivenValue, type GivenValues, inputOf } from './given-value.ts';
import type { Setting } from './setting.ts';

/**
 * Names that an earlier program had for a setting: environment variables, and flags of the same words (`KAFKA_TOPIC`, `--kafka-topic`).
 * They have no prefix, so they hold only where one component is meant.
 */
export interface OriginalNames {
  /** Of the setting. */
  readonly key: string;
  /** Those that were not given are missing from `toText`'s argument. */
  readonly names: readonly string[];
  /** One letter, such as `-x`, for the first name. */
  readonly short?: string;
  /** A flag without a value means true. */
  readonly isSwitch?: boolean;
  /** The text form of the setting. */
  readonly toText: (given: Readonly<Record<string, string | undefined>>) => string;
}

interface ReadOptions {
  readonly originals: readonly OriginalNames[];
  readonly settings: readonly Setting[];
  readonly env: Environment;
  readonly flags: readonly string[];
}

interface OriginalValues {
  readonly env: GivenValues;
  readonly flags: GivenValues;
  /** The arguments that are none of these flags. */
  readonly rest: readonly string[];
}

/** What the original names say. A flag that a setting has as its own is left to it. */
export function readOriginalNames({ originals, settings, env, flags }: ReadOptions): OriginalValues {
  const { given: byFlag, rest } = takeFlags(originals, { flags, own: new Set(settings.map(({ flag }) => flag)) });
  const warnings: string[] = [];
  const byEnv: Record<string, string> = {};
  for (const name of originals.flatMap(({ names }) => names)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    if (isServiceLink(text))
      warnings.push(`Environment variable ${name} is ignored: its value is a Kubernetes service link; set enableServiceLinks: false.`);
    else byEnv[name] = text;
  }
  const fromFlags = new Map<string, GivenValue>();
  const fromEnv = new Map<string, GivenValue>();
  for (const { key, names, toText } of originals) {
    const setting = settings.find((candidate) => candidate.key === key);
    if (!setting) continue;
    const flagged = names.filter((name) => byFlag[name] !== undefined);
    const found = names.filter((name) => byEnv[name] !== undefined);
    const value = inputOf(setting, toText({ ...byEnv, ...byFlag }));
    if (flagged.length > 0) fromFlags.set(key, { value, source: `flag ${flagged.map((name) => `--${flagOf(name)}`).join(' and ')}` });
    else if (found.length > 0) fromEnv.set(key, { value, source: `environment variable ${found.join(' and ')}` });
  }
  return {
    env: { values: fromEnv, problems: [], warnings },
    flags: { values: fromFlags, problems: [], warnings: [] },
    rest,
  };
}

/** One warning where several components run: whose HOST would HOST be? Service links are none of ours. */
export function ignoredOriginalNames(originals: readonly OriginalNames[], env: Environment, settings: readonly Setting[]): string[] {
  const isGiven = (name: string): boolean => {
    const text = env[name];
    return text !== undefined && text !== '' && !isServiceLink(text);
  };
  const given = originals.filter(({ names }) => names.some(isGiven));
  if (given.length === 0) return [];
  const names = new Set(given.flatMap((original) => original.names.filter(isGiven)));
  const better = new Set(given.map(({ key }) => settings.find((setting) => setting.key === key)?.env[0] ?? key));
  return [
    `Environment variables ${[...names].join(', ')} are ignored, because they hold for a single component; here use ${[...better].join(', ')}.`,
  ];
}

const flagOf = (name: string): string => name.toLowerCase().replaceAll('_', '-');

function takeFlags(
  originals: readonly OriginalNames[],
  { flags, own }: { readonly flags: readonly string[]; readonly own: ReadonlySet<string> },
): { given: Record<string, string>; rest: string[] } {
  const byFlag = new Map<string, { readonly name: string; readonly isSwitch: boolean }>();
  for (const { names, short, isSwitch = false } of originals) {
    for (const name of names) if (!own.has(flagOf(name))) byFlag.set(`--${flagOf(name)}`, { name, isSwitch });
    if (short !== undefined && names[0] !== undefined) byFlag.set(short, { name: names[0], isSwitch });
  }
  const given: Record<string, string> = {};
  const rest: string[] = [];
  const left = [...flags];
  for (let flag = left.shift(); flag !== undefined; flag = left.shift()) {
    const [head = '', ...tail] = flag.split('=');
    const found = byFlag.get(head);
    if (flag === '--') {
      rest.push(flag, ...left.splice(0));
    } else if (!found) {
      rest.push(flag);
    } else if (tail.length > 0) {
      given[found.name] = tail.join('=');
    } else {
      given[found.name] = found.isSwitch || left[0]?.startsWith('-') === true ? 'true' : (left.shift() ?? '');
    }
  }
  return { given, rest };
}
