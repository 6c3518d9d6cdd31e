import type { TableName } from '../table-engine.ts';

/** A quoted identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A quoted text literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** With the catalog, which has the project's name: a schema of the same name would be ambiguous without it. */
export function quoteTable({ project, schema, name }: TableName): string {
  return `${quoteSchema({ project, schema })}.${quoteName(name)}`;
}

export function quoteSchema({ project, schema }: Pick<TableName, 'project' | 'schema'>): string {
  return `${quoteName(project)}.${quoteName(schema)}`;
}

/** File names are patterns in table functions; this one matches the path only. */
export function pathPattern(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}
