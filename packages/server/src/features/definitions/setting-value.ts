import type { SettingAnswer, SettingDeclaration, SettingForm } from '@sluice/contract/settings';
import { formatByteSize, parseByteSize } from '../../kernel/codec/byte-size.ts';
import { formatDuration, parseDuration } from '../../kernel/codec/duration.ts';
import { notParsed, type Parsed, parsed } from '../../kernel/codec/parsed.ts';
import { AppError } from '../../kernel/errors/app-error.ts';

/** Sizes in bytes, durations in milliseconds. */
export type SettingValue = number | boolean | string;

/** What a client gave as a value. The reason goes on behind the quoted key. */
export function parseSettingValue({ form, validation }: SettingDeclaration, value: unknown): Parsed<SettingValue> {
  switch (form) {
    case 'size':
    case 'duration': {
      if (typeof value === 'number') return bounded(form === 'size' ? value : value / 1e6, { form, value, validation });
      if (typeof value !== 'string') return wrongType(form, value);
      const result = form === 'size' ? parseByteSize(value) : parseDuration(value);
      if (!result.ok) return notParsed(form === 'size' ? ` value ${JSON.stringify(value)}: ${result.reason}` : `: ${result.reason}`);
      return bounded(result.value, { form, value, validation });
    }
    case 'int':
      return Number.isSafeInteger(value) ? bounded(Number(value), { form, value, validation }) : wrongType(form, value);
    case 'bool':
      return typeof value === 'boolean' ? parsed(value) : wrongType(form, value);
    case 'text': {
      if (typeof value !== 'string') return wrongType(form, value);
      const allowed = ruleOf(validation, 'oneof')?.split(' ');
      return allowed && !allowed.includes(value) ? outside(value, `must be one of ${quoted(allowed)}`) : parsed(value);
    }
    case 'texts':
      return wrongType(form, value);
  }
}

interface Bounded {
  readonly form: 'size' | 'duration' | 'int';
  readonly value: unknown;
  readonly validation: string | undefined;
}

function bounded(number: number, { form, value, validation }: Bounded): Parsed<SettingValue> {
  const suffix = { size: 'Bytes', duration: 'Duration', int: '' }[form];
  const [least, most] = [ruleOf(validation, `min${suffix}`), ruleOf(validation, `max${suffix}`)];
  if (least !== undefined && number < boundOf(form, least)) return outside(value, `must be at least ${least}`);
  if (most !== undefined && number > boundOf(form, most)) return outside(value, `must be at most ${most}`);
  return parsed(number);
}

function boundOf(form: Bounded['form'], text: string): number {
  const result = form === 'size' ? parseByteSize(text) : form === 'duration' ? parseDuration(text) : parsed(Number(text));
  if (result.ok) return result.value;
  throw new AppError('invariantBroken', `The bound ${text} of a setting is no value: ${result.reason}.`);
}

const ruleOf = (validation: string | undefined, name: string): string | undefined =>
  validation
    ?.split(',')
    .find((rule) => rule.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const outside = (value: unknown, rule: string): Parsed<never> => notParsed(` value ${JSON.stringify(value)}: ${rule}`);
const wrongType = (form: SettingForm, value: unknown): Parsed<never> =>
  notParsed(` value: found type "${foundType(value)}", expected "${expectedTypes[form]}"`);

/** Clients know the types of values by their names in Go. */
const expectedTypes = {
  size: 'datasize.ByteSize',
  duration: 'time.Duration',
  int: 'int',
  bool: 'bool',
  text: 'string',
  texts: '[]string',
} as const satisfies Record<SettingForm, string>;
export const settingTypes = {
  size: 'string',
  duration: 'string',
  int: 'int',
  bool: 'bool',
  text: 'string',
  texts: '[]string',
} as const satisfies Record<SettingForm, SettingAnswer['type']>;

function foundType(value: unknown): string {
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** As clients see it. */
export function settingText(form: SettingForm, value: SettingValue): SettingValue {
  if (typeof value !== 'number') return value;
  if (form === 'size') return formatByteSize(value);
  return form === 'duration' ? formatDuration(value) : value;
}

export const quoted = (texts: readonly string[]): string => texts.map((text) => `"${text}"`).join(', ');
