import { quoteName } from '../../../kernel/codec/sql-text.ts';
import type { TableName } from '../table-engine.ts';

/** With the catalog, which has the project's name: a schema of the same name would be ambiguous without it. */
export function quoteTable({ project, schema, name }: TableName): string {
  return `${quoteSchema({ project, schema })}.${quoteName(name)}`;
}

export function quoteSchema({ project, schema }: Pick<TableName, 'project' | 'schema'>): string {
  return `${quoteName(project)}.${quoteName(schema)}`;
}
