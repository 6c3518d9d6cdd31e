/**
 * Port: the target of imports.
 *
 * Every project has a namespace of its own (a DuckDB file, a database, a schema prefix), and every further branch of it another one.
 * Exactly once: `importFile` inserts the ledger row of its import id first, in the transaction that loads the rows
 * (engines without transactions declare another `exactlyOnce`). A second importer of the same id waits and becomes a no-op.
 * Durability: when a promise settles, its effect survives the death of the process.
 * Errors: `tablesUnavailable` (retry); `tableMismatch`, `importMismatch`, `importRejected` (terminal: quarantine).
 */
export interface TableEngine extends AsyncDisposable {
  readonly capabilities: TableCapabilities;
  /** Creates schema and table with text columns where missing, adds missing columns, never drops. Idempotent. */
  ensureTable(table: TableName, columns: readonly string[]): Promise<void>;
  /**
   * Loads the rows of all objects in one transaction, once per import id. Creates table and columns where missing.
   * An abort before the commit leaves nothing and rejects with the signal's reason. A missing object is `tablesUnavailable`.
   */
  importFile(file: TableImport, signal: AbortSignal): Promise<ImportOutcome>;
  /**
   * Takes an import id away from every importer, now and later: waits for one that runs, then enters the id in the ledger with
   * values of no import, so that `importFile` rejects with `importMismatch`. Where the ledger has the id already, nothing is
   * changed. Idempotent.
   */
  burnImport(file: Pick<TableImport, 'importId' | 'table' | 'rows' | 'checksum'>): Promise<BurnOutcome>;
  /** Deletes the ledger row; only after nothing can import the id again. Idempotent. */
  forgetImport(project: string, importId: string): Promise<void>;
  /** Drops the table, and its schema once nothing else is in it. Idempotent. */
  dropTable(table: TableName): Promise<void>;
  /**
   * Rows of one read-only statement, values as JSON can hold them. Only engines that are part of this process.
   * `badRequest` for any other statement, for a result over the engine's limits and for a project without tables.
   */
  query?(project: string, sql: string): Promise<QueryResult>;
  /** Resolves when the engine answers. */
  probe(): Promise<void>;
}

export interface TableCapabilities {
  readonly exactlyOnce: 'transactional' | 'token' | 'jobId';
  /** Whether a text may hold the character U+0000; where not, it is rewritten to U+FFFD before the import. */
  readonly nulInText: boolean;
}

/** Table id `in.c-bucket.table` is schema `in.c-bucket`, name `table`. */
export interface TableName {
  /** The namespace: a project, or one of its branches. */
  readonly project: string;
  readonly schema: string;
  readonly name: string;
}

export interface TableImport {
  readonly importId: string;
  readonly table: TableName;
  /** Names of the CSV fields, in order. */
  readonly columns: readonly string[];
  /** Rows that the objects hold together, from block headers. */
  readonly rows: number;
  /** Checksum of the slice list; with `rows` it tells a repeat from a mix-up. */
  readonly checksum: string;
  /** Upper bound of one CSV row in bytes. */
  readonly maxRowBytes: number;
  /** CSV without header: every field quoted with `"`, `"` doubled, separator `,`, row end `\n`, valid UTF-8. */
  readonly objects: readonly ImportObject[];
}

export interface ImportObject {
  readonly key: string;
  readonly codec: 'gzip' | 'zstd';
}

export interface ImportOutcome {
  /** `repeated`: the ledger had the id with the same values. */
  readonly outcome: 'imported' | 'repeated';
  /** The engine's own count of the rows of this import, kept in the ledger. */
  readonly rows: number;
}

/**
 * `burnt`: no import of this id has loaded a row, and none will. `imported`: it was done with these values.
 * `mismatch`: it was done with other values; these cannot be imported under it any more.
 */
export type BurnOutcome =
  | { readonly outcome: 'burnt' }
  | { readonly outcome: 'imported'; readonly rows: number }
  | { readonly outcome: 'mismatch' };

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}
