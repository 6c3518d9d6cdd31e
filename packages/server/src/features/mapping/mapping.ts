import type { ErrorCode } from '../../kernel/errors/error-table.ts';
import type { IngestRecord } from './record.ts';

/**
 * Mapping: a sink's columns, compiled once per sink version into one function record -> CSV row.
 *
 * A record is parsed at most once however many columns and sinks ask (see record.ts), and only if one asks.
 * Client faults are values: the caller decides whether they refuse the request (ingest) or are shown (preview).
 */
export interface CompiledMapping {
  /** Column names in order. */
  readonly columns: readonly string[];
  /** The CSV row, `\n` included. Fields are always quoted; no value but the row limit is judged here. */
  render(record: IngestRecord): RenderedRow | ColumnFault;
  /** The values before quoting, for the preview. */
  preview(record: IngestRecord): { readonly ok: true; readonly values: readonly string[] } | ColumnFault;
}

export interface RenderedRow {
  readonly ok: true;
  readonly bytes: Buffer;
  /** The row holds bytes that are no UTF-8; the upload rewrites them. */
  readonly invalidUtf8: boolean;
  /** The row holds U+0000. */
  readonly nul: boolean;
}

export interface ColumnFault {
  readonly ok: false;
  readonly column: string;
  /** badRequest, unsupportedMediaType, payloadTooLarge or unprocessableContent. */
  readonly code: ErrorCode;
  /** `path "a.b" not found in the body`: lower case, no full stop. */
  readonly reason: string;
}

/** `Invalid value for column "<name>": <reason>.`, the same text in ingest answers and in the preview. */
export function columnFaultMessage(fault: ColumnFault): string {
  return `Invalid value for column "${fault.column}": ${fault.reason}.`;
}
