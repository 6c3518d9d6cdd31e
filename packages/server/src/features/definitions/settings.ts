import { type SettingAnswer, settingDeclarations, type UpdateSettings } from '@sluice/contract/settings';
import { z } from 'zod';
import { sentence } from '../../kernel/codec/sentence.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { parseSettingValue, quoted, type SettingValue, settingText, settingTypes } from './setting-value.ts';

/** Settings that a source or sink overrides, ordered by key, each as its client wrote it. */
export const settingOverridesSchema = z.array(z.object({ key: z.string(), value: z.json() }));
export type SettingOverrides = z.infer<typeof settingOverridesSchema>;

/** What the service is configured with, by key; other settings have the defaults of the contract. */
export type SettingDefaults = ReadonlyMap<string, SettingValue>;

/** Settings that change something here, in the order in which their problems are told. */
const used = [
  'local.encoding.sync.mode',
  'local.encoding.sync.wait',
  'staging.upload.trigger.count',
  'staging.upload.trigger.size',
  'staging.upload.trigger.interval',
  'target.import.trigger.count',
  'target.import.trigger.size',
  'target.import.trigger.interval',
  'target.import.trigger.slicesCount',
].map((key) => `storage.level.${key}`);

const declarations = new Map(settingDeclarations.map((declaration) => [declaration.key, declaration]));

/** The values of all overrides, those of later lists before those of earlier ones. */
export function overriddenSettings(...lists: readonly SettingOverrides[]): ReadonlyMap<string, SettingValue> {
  return new Map(lists.flat().flatMap(({ key, value }) => overriding(key, value)));
}

function overriding(key: string, value: unknown): [string, SettingValue][] {
  const declaration = declarations.get(key);
  const result = declaration && parseSettingValue(declaration, value);
  return result?.ok ? [[key, result.value]] : [];
}

export function settingAnswers(overrides: SettingOverrides, defaults: SettingDefaults): SettingAnswer[] {
  const values = overriddenSettings(overrides);
  return settingDeclarations.map((declaration) => {
    const { key, form, description, validation } = declaration;
    const configured = defaults.get(key);
    const defaultValue = configured === undefined ? declaration.defaultValue : settingText(form, configured);
    const own = values.get(key);
    return {
      key,
      type: settingTypes[form],
      description,
      value: jsonOf(own === undefined ? defaultValue : settingText(form, own)),
      defaultValue: jsonOf(defaultValue),
      overwritten: own !== undefined,
      protected: declaration.protected,
      ...(validation !== undefined && { validation }),
    };
  });
}

/**
 * The overrides after the request; a value that is absent, or an empty size or duration, ends an override.
 * `badRequest` with all that is wrong, `forbidden` for settings that the caller may not change.
 */
export function patchedSettings(
  before: SettingOverrides,
  { settings = [] }: UpdateSettings,
  { mayProtected }: { readonly mayProtected: boolean },
): SettingOverrides {
  assertKeys(settings.map(({ key }) => key));
  const problems = settings
    .flatMap(({ key, value }) => problemOf(key, value))
    .sort((one, other) => rank(one.key) - rank(other.key))
    .map(({ text }) => sentence(text));
  if (problems.length > 0) throw new AppError('badRequest', problems.length === 1 ? problems.join() : `- ${problems.join('\n- ')}`);
  const locked = settings.filter(({ key }) => declarations.get(key)?.protected !== false && !(mayProtected && used.includes(key)));
  if (locked.length > 0) throw new AppError('forbidden', `Cannot modify protected keys: ${quoted(locked.map(({ key }) => key))}.`);
  const after = new Map(before.map(({ key, value }) => [key, value]));
  for (const { key, value } of settings) {
    if (isReset(value)) after.delete(key);
    else after.set(key, value ?? null);
  }
  return [...after].map(([key, value]) => ({ key, value })).sort((one, other) => (one.key < other.key ? -1 : 1));
}

function assertKeys(keys: readonly string[]): void {
  const unknown = keys.filter((key) => !declarations.has(key));
  if (unknown.length > 0) throw new AppError('badRequest', `Key not found: ${quoted(unknown)}.`);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new AppError('badRequest', `Key "${twice}" is defined multiple times.`);
}

function problemOf(key: string, value: unknown): { key: string; text: string }[] {
  const declaration = declarations.get(key);
  if (!declaration || isReset(value)) return [];
  const result = parseSettingValue(declaration, value);
  return result.ok ? [] : [{ key, text: `Invalid "${key}"${result.reason}` }];
}

const jsonOf = (value: SettingValue | readonly string[]): SettingAnswer['value'] => (typeof value === 'object' ? [...value] : value);
const isReset = (value: unknown): boolean => value === undefined || value === null || value === '';
const rank = (key: string): number => (used.includes(key) ? used.indexOf(key) : used.length);
