import { isUtf8 } from 'node:buffer';
import type { Column } from '@sluice/contract/mapping';
import { formatByteSize } from '../../kernel/codec/byte-size.ts';
import { createUtcFormatter } from '../../kernel/codec/utc-time.ts';
import { compileTemplate } from './compile-template.ts';
import { CsvRow } from './csv.ts';
import type { BodyFault } from './document/json-document.ts';
import { compilePath, findNode } from './document/path.ts';
import type { ColumnFault, CompiledMapping } from './mapping.ts';
import type { IngestRecord } from './record.ts';
import type { UuidSource } from './uuid.ts';

export interface MappingOptions {
  /** Upper bound of the row with its quotes and separators, row end included. */
  readonly maxRowBytes: number;
  readonly uuid: UuidSource;
}

/** The service's default for `maxRowBytes`. */
export const defaultMaxRowBytes = 1536 * 1024;

/** The column's value, or why it has none. */
type FieldReader = (record: IngestRecord) => Uint8Array | BodyFault;

/** Compiles a sink's columns, at least one. The result may be used for any number of records and keeps none. */
export function compileMapping(columns: readonly Column[], options: MappingOptions): CompiledMapping {
  const readers = columns.map((column) => ({ name: column.name, read: compileColumn(column, options.uuid) }));
  /** The other columns are text of our own making. */
  const carriesForeignBytes = columns.some(({ type }) => type === 'body' || type === 'path' || type === 'template');

  const fill = (record: IngestRecord): CsvRow | ColumnFault => {
    const row = new CsvRow();
    for (const { name, read } of readers) {
      const field = read(record);
      if ('ok' in field) return { ok: false, column: name, code: field.code, reason: field.reason };
      row.add(field);
      if (row.size > options.maxRowBytes) return rowTooBig(name, options.maxRowBytes);
    }
    return row;
  };

  return {
    columns: columns.map(({ name }) => name),
    render: (record) => {
      const row = fill(record);
      if (!(row instanceof CsvRow)) return row;
      const bytes = row.encode();
      return {
        ok: true,
        bytes,
        invalidUtf8: carriesForeignBytes && !isUtf8(bytes),
        nul: carriesForeignBytes && bytes.includes(0),
      };
    },
    preview: (record) => {
      const row = fill(record);
      return row instanceof CsvRow ? { ok: true, values: row.values() } : row;
    },
  };
}

function rowTooBig(column: string, maxRowBytes: number): ColumnFault {
  const reason = `too big CSV row, column: "${column}", row limit: ${formatByteSize(maxRowBytes)}`;
  return { ok: false, column, code: 'payloadTooLarge', reason };
}

function compileColumn(column: Column, uuid: UuidSource): FieldReader {
  switch (column.type) {
    case 'uuid':
      return () => Buffer.from(uuid());
    case 'datetime': {
      const format = createUtcFormatter();
      return ({ receivedAt }) => Buffer.from(format(receivedAt));
    }
    case 'ip':
      return ({ clientIp }) => Buffer.from(clientIp);
    case 'body':
      return ({ body }) => body;
    case 'headers':
      return ({ headersJson }) => headersJson;
    case 'path':
      return compilePathColumn(column);
    case 'template':
      return compileTemplateColumn(column);
  }
}

/**
 * The value as compact JSON text; with `rawString`, strings are unescaped and without quotes. The default stands in
 * where nothing is found, not for JSON null, and not for a body that cannot be parsed.
 */
function compilePathColumn({ path, defaultValue, rawString }: Extract<Column, { type: 'path' }>): FieldReader {
  const steps = compilePath(path);
  const notFound: BodyFault = { ok: false, code: 'unprocessableContent', reason: `path "${path}" not found in the body` };
  const fallback = defaultValue === undefined ? notFound : Buffer.from(rawString ? defaultValue : JSON.stringify(defaultValue));

  return (record) => {
    const body = record.document;
    if (!body.ok) return body;
    const { document } = body;
    const node = findNode(document, steps);
    if (node === undefined) return fallback;
    return rawString && document.isString(node) ? document.text(node) : document.json(node);
  };
}

/** The result as compact JSON text; with `rawString` a result that is a string is left without quotes and escapes. */
function compileTemplateColumn({ template: { content }, rawString }: Extract<Column, { type: 'template' }>): FieldReader {
  const template = compileTemplate(content);
  return (record) => {
    const json = template(record);
    if (typeof json !== 'string') return json;
    return Buffer.from(rawString && json.startsWith('"') ? String(JSON.parse(json)) : json);
  };
}
