import { z } from 'zod';
import type { FolderOptions, FolderTools } from './folder-command.ts';

interface QueryOptions extends FolderOptions {
  readonly sql: string;
  readonly project: string;
  readonly branch: string;
}

const resultSchema = z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) });
const maxCellWidth = 60;

/** Prints a table, or with --json one array of row objects. */
export async function printQuery({ ask, out }: FolderTools, { sql, project, branch, dataDir, json }: QueryOptions): Promise<void> {
  const { columns, rows } = resultSchema.parse(await ask({ dataDir, command: 'query', input: { project, branch, sql } }));
  if (json === true) {
    out(`${JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null]))))}\n`);
    return;
  }
  const lines = [columns, ...rows.map((row) => row.map(cell))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  for (const [index, line] of lines.entries()) {
    out(
      `${line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
    if (index === 0) out(`${widths.map((width) => '-'.repeat(width)).join('  ')}\n`);
  }
}

function cell(value: unknown): string {
  const text = typeof value === 'string' ? value : value === null ? 'NULL' : JSON.stringify(value);
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > maxCellWidth ? `${line.slice(0, maxCellWidth - 1)}…` : line;
}
