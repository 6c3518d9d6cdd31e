import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteName, quoteText } from '../../../kernel/codec/sql-text.ts';
import { pathPattern } from '../../../kernel/duckdb/duckdb-file.ts';
import type { TableImport } from '../table-engine.ts';
import { isMissingFileError } from './duckdb-errors.ts';
import { quoteTable } from './quote-table.ts';
import { missingObject, type StagedFile } from './staged-files.ts';

/** Slack over the row limit, which is checked before a row is written. */
const lineMarginBytes = 4096;
/** By default a buffer is 16 lines long: at the row limit a fifth of the memory. Two lines are enough. */
const minBufferBytes = 4 * 1024 * 1024;

/** Inserts the rows of the files in the transaction of the connection; returns the number that the engine counted. */
export async function loadFiles(connection: DuckDBConnection, file: TableImport, staged: readonly StagedFile[]): Promise<number> {
  const columns = file.columns.map(quoteName).join(', ');
  let rows = 0;
  for (const codec of ['gzip', 'zstd', 'none'] as const) {
    const paths = staged.filter((one) => one.codec === codec).map((one) => quoteText(pathPattern(one.path)));
    if (paths.length === 0) continue;
    try {
      const result = await connection.run(
        `INSERT INTO ${quoteTable(file.table)} (${columns}) SELECT ${columns} FROM read_csv([${paths.join(', ')}], ${csvOptions(file, codec)})`,
      );
      rows += result.rowsChanged;
    } catch (error) {
      throw isMissingFileError(error) ? missingObject(error) : error;
    }
  }
  return rows;
}

/**
 * Every option that could be guessed from the data is fixed (record-path 6). `parallel` is the one that matters most:
 * the parallel scanner, the default even with one thread, begins at offsets inside quoted values and refuses files whose
 * long values look like ends of rows.
 */
function csvOptions({ columns, maxRowBytes }: TableImport, codec: StagedFile['codec']): string {
  const maxLineBytes = maxRowBytes + lineMarginBytes;
  return [
    'header = false',
    'auto_detect = false',
    `columns = {${columns.map((column) => `${quoteText(column)}: 'VARCHAR'`).join(', ')}}`,
    "delim = ','",
    `quote = '"'`,
    `escape = '"'`,
    "new_line = '\\n'",
    'allow_quoted_nulls = false',
    'parallel = false',
    `compression = '${codec}'`,
    `max_line_size = ${maxLineBytes}`,
    `buffer_size = ${Math.max(minBufferBytes, 2 * maxLineBytes)}`,
  ].join(', ');
}
