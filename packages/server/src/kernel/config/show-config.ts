import { Document, isScalar } from 'yaml';
import { z } from 'zod';
import { describeConfig } from './setting.ts';

interface ShowOptions {
  readonly schema: z.ZodObject;
  readonly config: unknown;
  /** As `loadConfig` gives them. */
  readonly sources: ReadonlyMap<string, string>;
}

const redacted = '*****';

/** The configuration as a YAML file that could be loaded again, but for the secrets that are set; a comment says where a value comes from. */
export function showConfig({ schema, config, sources }: ShowOptions): string {
  const document = new Document({});
  for (const setting of describeConfig(schema)) {
    const value = valueAt(config, setting.path);
    if (value === undefined) continue;
    document.setIn(
      setting.path,
      document.createNode(setting.secret && value !== '' ? redacted : z.encode(setting.schema, value), { flow: true }),
    );
    const node = document.getIn(setting.path, true);
    const source = sources.get(setting.key);
    if (isScalar(node) && source !== undefined && source !== 'default') node.comment = ` ${source}`;
  }
  return document.toString();
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  let value = config;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === name)?.[1];
  }
  return value;
}
