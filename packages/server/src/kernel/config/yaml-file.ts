import { parseDocument } from 'yaml';
import { z } from 'zod';
import { errorText } from '../errors/app-error.ts';
import type { GivenValue, GivenValues } from './given-value.ts';
import { didYouMean, nearestName } from './nearest-name.ts';
import type { Setting } from './setting.ts';

interface YamlFileOptions {
  readonly schema: z.ZodObject;
  readonly settings: readonly Setting[];
  /** The text of a file; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
}

/** Values of a YAML file that is nested as the schema is. A key without a value counts as not set; an unknown one is a problem. */
export function readYamlFile(path: string, { schema, settings, readFile }: YamlFileOptions): GivenValues {
  const values = new Map<string, GivenValue>();
  const problems: string[] = [];
  const kinds = new Map(settings.map(({ key, kind }) => [key, kind]));
  const source = `file ${path}`;
  readInto();
  return { values, problems, warnings: [] };

  function readInto(): void {
    let text: string;
    try {
      text = readFile(path);
    } catch (error) {
      problems.push(`The configuration file ${path} cannot be read: ${errorText(error)}; check the path and its permissions.`);
      return;
    }
    const document = parseDocument(text);
    problems.push(...document.errors.map(({ message }) => `The configuration file ${path} is not valid YAML: ${message.trim()}`));
    if (document.errors.length > 0) return;
    try {
      walk(schema, document.toJS({ maxAliasCount: 100 }), []);
    } catch (error) {
      problems.push(`The configuration file ${path} is not valid YAML: ${errorText(error)}.`);
    }
  }

  function walk(node: z.ZodObject, content: unknown, parents: readonly string[]): void {
    if (content === null || content === undefined) return;
    if (typeof content !== 'object' || Array.isArray(content)) {
      problems.push(`${parents.join('.') || 'The whole content'} in ${source} must be a mapping of keys to values.`);
      return;
    }
    for (const [name, value] of Object.entries(content)) {
      const child = Object.hasOwn(node.shape, name) ? node.shape[name] : undefined;
      const key = [...parents, name].join('.');
      if (child instanceof z.ZodObject) walk(child, value, [...parents, name]);
      else if (child) takeValue(key, value);
      else problems.push(`Unknown key ${key} in ${source}: ${didYouMean(nearestKey(node, parents, name), 'see --help for all settings.')}`);
    }
  }

  function takeValue(key: string, value: unknown): void {
    if (value === null || value === undefined) return;
    // `1000` for a size is a number for YAML, but means the text.
    const isNumberOfCoded = kinds.get(key) === 'coded' && typeof value === 'number';
    values.set(key, { value: isNumberOfCoded ? String(value) : value, source });
  }

  function nearestKey(node: z.ZodObject, parents: readonly string[], name: string): string | undefined {
    const nearest = nearestName(name, Object.keys(node.shape));
    return nearest === undefined ? undefined : [...parents, nearest].join('.');
  }
}
