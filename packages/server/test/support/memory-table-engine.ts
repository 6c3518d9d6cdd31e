import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ObjectStore } from '../../src/engines/objects/object-store.ts';
import type {
  BurnOutcome,
  ImportObject,
  ImportOutcome,
  TableCapabilities,
  TableEngine,
  TableImport,
  TableName,
} from '../../src/engines/tables/table-engine.ts';
import { AppError, isAppError } from '../../src/kernel/errors/app-error.ts';
import { readStrictCsv } from './strict-csv.ts';

/** Tables in memory for tests of what leads to them: strict about text, row limit, row count, and import ids. */
export class MemoryTableEngine implements TableEngine {
  readonly capabilities: TableCapabilities;
  /** Rows in the order of their import. */
  readonly rows: string[][] = [];
  readonly ledger = new Map<string, { readonly rows: number; readonly checksum: string }>();
  /** Calls of `importFile`, whatever came of them. */
  attempts = 0;
  probes = 0;
  /** While set, imports fail with it; and probes, where `isDown`. */
  fault: AppError | undefined;
  isDown = false;
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore, capabilities: Partial<TableCapabilities> = {}) {
    this.#objects = objects;
    this.capabilities = { exactlyOnce: 'transactional', nulInText: true, ...capabilities };
  }

  async ensureTable(): Promise<void> {}

  async importFile(file: TableImport, signal: AbortSignal): Promise<ImportOutcome> {
    this.attempts += 1;
    signal.throwIfAborted();
    if (this.fault) throw this.fault;
    const known = this.ledger.get(file.importId);
    if (known && (known.rows !== file.rows || known.checksum !== file.checksum)) throw new AppError('importMismatch', 'other values');
    if (known) return { outcome: 'repeated', rows: known.rows };
    const rows: string[][] = [];
    for (const object of file.objects) rows.push(...parseRows(await this.#read(object), file.maxRowBytes));
    if (rows.length !== file.rows) throw new AppError('importRejected', `${rows.length} rows instead of ${file.rows}`);
    if (rows.some((row) => row.length !== file.columns.length)) throw new AppError('importRejected', 'a row has other columns');
    this.ledger.set(file.importId, { rows: rows.length, checksum: file.checksum });
    this.rows.push(...rows);
    return { outcome: 'imported', rows: rows.length };
  }

  async burnImport(file: Pick<TableImport, 'importId' | 'rows' | 'checksum'>): Promise<BurnOutcome> {
    if (this.isDown) throw new AppError('tablesUnavailable', 'down');
    const known = this.ledger.get(file.importId);
    if (!known) this.ledger.set(file.importId, { rows: 0, checksum: 'discarded' });
    if (!known || known.checksum === 'discarded') return { outcome: 'burnt' };
    return known.rows === file.rows && known.checksum === file.checksum
      ? { outcome: 'imported', rows: known.rows }
      : { outcome: 'mismatch' };
  }

  async forgetImport(_project: string, importId: string): Promise<void> {
    this.ledger.delete(importId);
  }

  async dropTable(_table: TableName): Promise<void> {}

  async probe(): Promise<void> {
    this.probes += 1;
    if (this.isDown) throw new AppError('tablesUnavailable', 'down');
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #read({ key, codec }: ImportObject): Promise<Buffer> {
    try {
      const bytes = Buffer.concat(await Array.fromAsync(this.#objects.get(key)));
      return codec === 'zstd' ? zstdDecompressSync(bytes) : gunzipSync(bytes);
    } catch (error) {
      if (isAppError(error, 'objectNotFound')) throw new AppError('tablesUnavailable', 'an object is missing');
      if (error instanceof Error && 'errno' in error) throw new AppError('importRejected', `an object is damaged: ${error.message}`);
      throw error;
    }
  }
}

function parseRows(csv: Buffer, maxRowBytes: number): string[][] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return readStrictCsv(csv).map((fields) => {
    const row = fields.map((field) => text.decode(field));
    const bytes = row.reduce((sum, field) => sum + Buffer.byteLength(field.replaceAll('"', '""')) + 3, 0);
    if (bytes > maxRowBytes) throw new AppError('importRejected', `a row of ${bytes} bytes is over the limit`);
    return row;
  });
}
