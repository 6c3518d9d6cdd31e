import type { z } from 'zod';
import { configFileSetting, describeConfig, type Setting } from './setting.ts';

/** Two lines for each setting: its flag and form; what it is, its default and its environment name. */
export function helpText(schema: z.ZodObject): string {
  return [configFileSetting, ...describeConfig(schema)].map(settingHelp).join('\n');
}

function settingHelp({ flag, kind, form, description, defaultText, required, env }: Setting): string {
  const usage = kind === 'boolean' ? `--${flag}, --no-${flag}` : `--${flag} <${form}>`;
  const preset = defaultText === undefined || defaultText === '' ? [] : [`default ${defaultText}`];
  const facts = [...(required ? ['required'] : preset), ...env].join('; ');
  return `  ${usage}\n      ${description === '' ? '' : `${description} `}(${facts})`;
}
