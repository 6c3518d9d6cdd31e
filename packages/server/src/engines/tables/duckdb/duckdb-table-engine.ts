import { access, constants, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { quoteText } from '../../../kernel/codec/sql-text.ts';
import { assertDuckdbFolder, DuckdbFile, inTransaction } from '../../../kernel/duckdb/duckdb-file.ts';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import { makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import { type Checkpoint, noCheckpoint } from '../../../kernel/observe/checkpoint.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { BurnOutcome, ImportOutcome, QueryResult, TableCapabilities, TableEngine, TableImport, TableName } from '../table-engine.ts';
import { tablesError } from './duckdb-errors.ts';
import { ensureColumns } from './ensure-columns.ts';
import { burnImport, completeImport, createLedger, deleteImport, enterImport } from './import-ledger.ts';
import { loadFiles } from './load-files.ts';
import { quoteSchema, quoteTable } from './quote-table.ts';
import { type QueryLimits, readOnlyQuery } from './read-only-query.ts';
import { StagedFiles } from './staged-files.ts';

export interface DuckdbTableOptions {
  /** Folder of the project files; its parent must exist. */
  readonly folder: string;
  readonly memoryLimitMb: number;
  /** What the limit may be raised to for large rows; half of the machine's memory by default. */
  readonly maxMemoryLimitMb?: number;
  readonly objects: ObjectStore;
  readonly checkpoint?: Checkpoint;
  readonly readOnly?: boolean;
  readonly queryLimits?: QueryLimits;
}

const defaultQueryLimits: QueryLimits = { maxRows: 10_000, maxCharacters: 50_000_000 };
const projectPattern = /^[A-Za-z0-9_-]{1,100}$/;

/**
 * Tables in one DuckDB file for each project: `<folder>/<project>.duckdb`.
 *
 * DuckDB works on the four threads of libuv, which also sync the parts of the record path. So at most one import
 * and one query run at a time, whatever the number of projects; this also makes a second importer of an id wait.
 */
export class DuckdbTableEngine implements TableEngine {
  readonly capabilities: TableCapabilities = { exactlyOnce: 'transactional', nulInText: true };
  readonly #options: DuckdbTableOptions;
  readonly #folder: string;
  readonly #tempFolder: string;
  readonly #checkpoint: Checkpoint;
  readonly #end = new AbortController();
  readonly #projects = new Map<string, DuckdbFile>();
  readonly #writing = new Semaphore({ permits: 1, maxWaiting: 1000 });
  readonly #querying = new Semaphore({ permits: 1, maxWaiting: 16 });

  private constructor(options: DuckdbTableOptions) {
    this.#options = options;
    this.#folder = resolve(options.folder);
    this.#tempFolder = join(this.#folder, 'temp');
    this.#checkpoint = options.checkpoint ?? noCheckpoint;
  }

  static async open(options: DuckdbTableOptions): Promise<DuckdbTableEngine> {
    const engine = new DuckdbTableEngine(options);
    assertDuckdbFolder(engine.#folder, 'tables');
    if (options.readOnly === true) return engine;
    try {
      await makeDirectoryDurable(engine.#folder, dirname(engine.#folder));
      await mkdir(engine.#tempFolder, { recursive: true, mode: 0o700 });
      for (const name of await readdir(engine.#tempFolder)) await rm(join(engine.#tempFolder, name), { recursive: true });
    } catch (error) {
      throw new AppError('tablesUnavailable', `The folder ${engine.#folder} cannot be used: ${errorText(error)}.`, { cause: error });
    }
    return engine;
  }

  async ensureTable(table: TableName, columns: readonly string[]): Promise<void> {
    const what = `The table ${table.schema}.${table.name} cannot be prepared`;
    await this.#write(table.project, what, (connection) => inTransaction(connection, () => ensureColumns(connection, table, columns)));
  }

  async importFile(file: TableImport, signal: AbortSignal): Promise<ImportOutcome> {
    using _permit = await this.#writing.acquire(signal);
    const project = this.#writable(file.table.project);
    try {
      const outcome = await project.use(`The import ${file.importId} failed`, (connection) => this.#import(connection, file, signal));
      await project.syncNames();
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  async burnImport(file: Pick<TableImport, 'importId' | 'table' | 'rows' | 'checksum'>): Promise<BurnOutcome> {
    return this.#write(file.table.project, `The import ${file.importId} cannot be given up`, (connection) => burnImport(connection, file));
  }

  async forgetImport(project: string, importId: string): Promise<void> {
    if (!(await this.#hasFile(project))) return;
    await this.#write(project, `The import ${importId} cannot be forgotten`, (connection) => deleteImport(connection, importId));
  }

  async dropTable(table: TableName): Promise<void> {
    if (!(await this.#hasFile(table.project))) return;
    await this.#write(table.project, `The table ${table.schema}.${table.name} cannot be dropped`, async (connection) => {
      await connection.run(`DROP TABLE IF EXISTS ${quoteTable(table)}`);
      if (await isEmptySchema(connection, table)) await connection.run(`DROP SCHEMA IF EXISTS ${quoteSchema(table)}`);
    });
  }

  async query(project: string, sql: string): Promise<QueryResult> {
    if (!(await this.#hasFile(project))) throw new AppError('badRequest', `The project ${project} has no tables yet.`);
    using _permit = await this.#querying.acquire();
    const limits = this.#options.queryLimits ?? defaultQueryLimits;
    return this.#project(project).use('The query failed', (connection) => readOnlyQuery(connection, sql, limits));
  }

  async probe(): Promise<void> {
    try {
      await access(this.#folder, this.#options.readOnly === true ? constants.R_OK : constants.W_OK);
    } catch (error) {
      throw new AppError('tablesUnavailable', `The folder ${this.#folder} cannot be used: ${errorText(error)}.`, { cause: error });
    }
    for (const project of this.#projects.values()) {
      await project.use('The database does not answer', (connection) => connection.run('SELECT 1'));
    }
  }

  /** Interrupts what runs (it leaves nothing) and closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new AppError('tablesUnavailable', 'The table engine is closed.'));
    const projects = [...this.#projects.values()];
    this.#projects.clear();
    await Promise.all(projects.map((project) => project[Symbol.asyncDispose]()));
  }

  /**
   * DuckDB ends a gzip file too early, and without a word, where at the end of a member the file has been read whole and the rest of it
   * fills the reader's buffer of 32 kB exactly (seen in 1.5; about one file in some thousands). The count of the rows tells. Then,
   * and whenever the reader refuses a file, it gets copies that are no gzip.
   */
  async #import(connection: DuckDBConnection, file: TableImport, signal: AbortSignal): Promise<ImportOutcome> {
    try {
      return await this.#importOnce(connection, file, { signal, unpackGzip: false });
    } catch (error) {
      const isRefused = isAppError(tablesError(error, ''), 'importRejected');
      if (!isRefused || signal.aborted || !file.objects.some(({ codec }) => codec === 'gzip')) throw error;
      return this.#importOnce(connection, file, { signal, unpackGzip: true });
    }
  }

  async #importOnce(connection: DuckDBConnection, file: TableImport, { signal, unpackGzip }: Attempt): Promise<ImportOutcome> {
    await createLedger(connection);
    const outcome = await inTransaction<ImportOutcome>(connection, async () => {
      const repeatedRows = await enterImport(connection, file);
      if (repeatedRows !== undefined) return { outcome: 'repeated', rows: repeatedRows };
      this.#checkpoint('import.afterLedger');
      await ensureColumns(connection, file.table, file.columns);
      const rows = await this.#load(connection, file, { signal, unpackGzip });
      if (rows !== file.rows) {
        throw new AppError('importRejected', `The import ${file.importId} has ${rows} rows instead of the ${file.rows} that were counted.`);
      }
      await completeImport(connection, file.importId, rows);
      signal.throwIfAborted();
      this.#checkpoint('import.beforeCommit');
      return { outcome: 'imported', rows };
    });
    this.#checkpoint('import.afterCommit');
    return outcome;
  }

  /** An abort interrupts the load, not the commit. */
  async #load(connection: DuckDBConnection, file: TableImport, { signal, unpackGzip }: Attempt): Promise<number> {
    const onAbort = (): void => connection.interrupt();
    signal.addEventListener('abort', onAbort);
    try {
      await using staged = new StagedFiles({ objects: this.#options.objects, folder: this.#tempFolder, unpackGzip });
      for (const object of file.objects) await staged.add(object, signal);
      signal.throwIfAborted();
      return await loadFiles(connection, file, staged.files);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #write<T>(project: string, what: string, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    using _permit = await this.#writing.acquire();
    const database = this.#writable(project);
    const result = await database.use(what, work);
    await database.syncNames();
    return result;
  }

  #writable(project: string): DuckdbFile {
    if (this.#options.readOnly === true) throw new AppError('invariantBroken', 'The tables are opened to read only.');
    return this.#project(project);
  }

  #project(project: string): DuckdbFile {
    this.#end.signal.throwIfAborted();
    const known = this.#projects.get(project);
    if (known !== undefined) return known;
    const { objects, memoryLimitMb, maxMemoryLimitMb, readOnly } = this.#options;
    const objectFolder = objects.directory === undefined ? [] : [dirname(objects.directory.pathOf('any'))];
    const database = new DuckdbFile({
      file: this.#fileOf(project),
      memoryLimitMb,
      ...(maxMemoryLimitMb === undefined ? {} : { maxMemoryLimitMb }),
      tempFolder: join(this.#tempFolder, 'spill'),
      readableFolders: [...objectFolder, this.#tempFolder],
      readOnly: readOnly === true,
      toError: tablesError,
    });
    this.#projects.set(project, database);
    return database;
  }

  #fileOf(project: string): string {
    if (!projectPattern.test(project)) throw new AppError('invariantBroken', `"${project.slice(0, 100)}" is no project id.`);
    return join(this.#folder, `${project}.duckdb`);
  }

  async #hasFile(project: string): Promise<boolean> {
    try {
      await access(this.#fileOf(project));
      return true;
    } catch (error) {
      if (error instanceof AppError) throw error;
      return false;
    }
  }
}

interface Attempt {
  readonly signal: AbortSignal;
  readonly unpackGzip: boolean;
}

/** The engine's own schemas never count as empty. */
async function isEmptySchema(connection: DuckDBConnection, { project, schema }: TableName): Promise<boolean> {
  const isIn = `database_name = ${quoteText(project)} AND lower(schema_name) = lower(${quoteText(schema)})`;
  const content = `SELECT 1 FROM duckdb_tables() WHERE ${isIn} UNION ALL SELECT 1 FROM duckdb_views() WHERE ${isIn}`;
  const empty = `SELECT 1 FROM duckdb_schemas() WHERE ${isIn} AND NOT internal AND NOT EXISTS (${content})`;
  return (await connection.runAndReadAll(empty)).getRows().length > 0;
}
