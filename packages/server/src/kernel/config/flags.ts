import { type GivenValue, type GivenValues, inputOf } from './given-value.ts';
import { didYouMean, nearestName } from './nearest-name.ts';
import type { Setting } from './setting.ts';

export interface ParsedFlags extends GivenValues {
  /** Arguments that belong to no flag, in order. */
  readonly positionals: readonly string[];
}

/**
 * `--name value`, `--name=value`, `--switch`, `--no-switch`, `--switch=false`; `--` ends the flags.
 * A flag that comes again replaces the earlier one; a list grows.
 */
export function parseFlags(flags: readonly string[], settings: readonly Setting[]): ParsedFlags {
  const byFlag = new Map(settings.map((setting) => [setting.flag, setting]));
  const values = new Map<string, GivenValue>();
  const problems: string[] = [];
  const positionals: string[] = [];
  const rest = [...flags];
  for (let flag = rest.shift(); flag !== undefined; flag = rest.shift()) {
    if (flag === '--') positionals.push(...rest.splice(0));
    else if (!flag.startsWith('-') || flag === '-') positionals.push(flag);
    else takeFlag(flag);
  }
  return { values, problems, positionals, warnings: [] };

  function takeFlag(flag: string): void {
    const { name = '', text } = /^--?(?<name>[^=]*)(?:=(?<text>[\s\S]*))?$/.exec(flag)?.groups ?? {};
    const setting = flag.startsWith('--') ? byFlag.get(name) : undefined;
    const negated = name.startsWith('no-') ? byFlag.get(name.slice(3)) : undefined;
    if (setting) takeValue(setting, text ?? (setting.kind === 'boolean' ? 'true' : nextValue()));
    else if (negated?.kind === 'boolean' && text === undefined) takeValue(negated, 'false');
    else problems.push(`Unknown flag ${flag.split('=')[0]}: ${didYouMean(nearestFlag(name), 'see --help for all flags.')}`);
  }

  function nextValue(): string | undefined {
    return rest[0]?.startsWith('--') ? undefined : rest.shift();
  }

  function takeValue(setting: Setting, text: string | undefined): void {
    const source = `flag --${setting.flag}`;
    if (text === undefined) {
      problems.push(`Flag --${setting.flag} needs a value (${setting.form}); write --${setting.flag}=<value>.`);
      return;
    }
    const value = inputOf(setting, text);
    const before = values.get(setting.key)?.value;
    values.set(setting.key, { value: Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value, source });
  }

  function nearestFlag(name: string): string | undefined {
    const nearest = nearestName(name, [...byFlag.keys()]);
    return nearest === undefined ? undefined : `--${nearest}`;
  }
}
