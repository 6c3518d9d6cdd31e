import { totalmem } from 'node:os';
import { basename, dirname, extname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { quoteName, quoteText } from '../codec/sql-text.ts';
import { AppError } from '../errors/app-error.ts';
import { fsyncDirectory } from '../folder/durable-file.ts';
import { isFatalDuckdbError, isOutOfMemoryError } from './duckdb-errors.ts';

/**
 * Instead of 122,880. A commit past the size limit of the log compresses whole row groups in memory, and the last one, which is not full,
 * again and again: with rows of 1 kB that was half as much memory again and more than twice the CPU time of an import.
 */
const rowGroupRows = 16_384;
const allocatorKeeps = '8MB';

export interface DuckdbFileOptions {
  /** Path of the database file. */
  readonly file: string;
  /** Memory for ordinary rows, and the most that it may be raised to for large ones. */
  readonly memoryLimitMb: number;
  /** Half of the machine's memory by default. */
  readonly maxMemoryLimitMb?: number;
  /** How long it is open before it is closed in a moment without users. A minute by default. */
  readonly renewAfterMs?: number;
  /** Where large operations spill; not used when opened to read only. */
  readonly tempFolder: string;
  /** The only folders that statements may read besides the database itself. */
  readonly readableFolders: readonly string[];
  readonly readOnly: boolean;
  /** A connection whose work has succeeded does the next work, too. Such work must leave nothing in it. Default: each has its own. */
  readonly keepsConnections?: boolean;
  /** Runs each time that the file was opened, before anything else; where it fails, the file is closed again. */
  readonly prepare?: (connection: DuckDBConnection) => Promise<void>;
  /** The error of the engine's port for one of DuckDB; `what` begins its message. */
  readonly toError: (error: unknown, what: string) => unknown;
}

/**
 * One DuckDB file. Opened at the first use; after a fatal error, and about every minute, it is closed when its last user has left,
 * and the next use opens it again. Read-only, it also reads what a killed process left in the write-ahead log, without changing it.
 *
 * DuckDB handles 2048 rows at a time, in loading, committing, replaying its log and reading alike, and holds them whole.
 * Rows of more than about 50 kB on average therefore do not fit into the ordinary limit: the limit is raised fourfold,
 * as often as needed, for the operation that fails, and lowered when the database is idle.
 *
 * It is closed every minute because an open one keeps ever more: its cache grows to the limit, and about one block of each row group that
 * was filled since it was opened is pinned (seen with 1.5.5), until the limit is used up. To checkpoint, close and open takes 60 ms.
 */
export class DuckdbFile implements AsyncDisposable {
  readonly #options: DuckdbFileOptions;
  readonly #connections = new Set<DuckDBConnection>();
  /** Kept for the next work. */
  #idle: DuckDBConnection[] = [];
  #instance: Promise<DuckDBInstance> | undefined;
  #users = 0;
  #limitMb: number;
  #openedAt = 0;
  /** Settles when a broken, old or disposed database is closed. */
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: DuckdbFileOptions) {
    this.#options = options;
    this.#limitMb = options.memoryLimitMb;
  }

  /**
   * Runs the work on a connection that nobody else uses meanwhile; again from its beginning with more memory where that was short, perhaps
   * after its commit, so the work must be idempotent. Errors of DuckDB become the port's.
   */
  async use<T>(what: string, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const { memoryLimitMb, maxMemoryLimitMb = halfOfMemoryMb() } = this.#options;
    let wasShort = false;
    for (let limitMb = memoryLimitMb; ; ) {
      while (this.#closing !== undefined) await this.#closing.promise;
      this.#users += 1;
      try {
        if (limitMb > this.#limitMb) await this.#limit(limitMb);
        return await this.#attempt(work);
      } catch (error) {
        const isFatal = isFatalDuckdbError(error);
        if (isFatal) this.#closing ??= Promise.withResolvers();
        const isShort = isOutOfMemoryError(error) && limitMb < maxMemoryLimitMb;
        // Short memory in a checkpoint is told to the commit as such, and to everything later as fatal.
        if (!isShort && !(isFatal && wasShort)) throw this.#options.toError(error, what);
        wasShort = isShort;
        if (isShort) limitMb = Math.min(Math.max(limitMb, this.#limitMb) * 4, maxMemoryLimitMb);
      } finally {
        if (this.#users === 1 && this.#isOld()) await this.#retire();
        this.#users -= 1;
        if (this.#users === 0) await this.#rest();
      }
    }
  }

  /** Makes the names of the database and its log durable; DuckDB syncs their contents only. */
  async syncNames(): Promise<void> {
    await fsyncDirectory(dirname(this.#options.file));
  }

  /** Interrupts what runs, waits for it, and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.interrupt();
    const closing = this.#closing ?? Promise.withResolvers<void>();
    this.#closing = closing;
    if (this.#users === 0) await this.#close(closing);
    await closing.promise;
  }

  async #attempt<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    this.#instance ??= this.#open();
    const instance = await this.#instance;
    const connection = this.#idle.pop() ?? (await connect(instance, this.#options));
    this.#connections.add(connection);
    let isKept = false;
    try {
      const result = await work(connection);
      isKept = this.#options.keepsConnections === true;
      return result;
    } finally {
      this.#connections.delete(connection);
      if (isKept) this.#idle.push(connection);
      else connection.closeSync();
    }
  }

  async #limit(limitMb: number): Promise<void> {
    if (this.#instance !== undefined) {
      const connection = await (await this.#instance).connect();
      try {
        await connection.run(`SET memory_limit = '${limitMb}MB'`);
      } finally {
        connection.closeSync();
      }
    }
    this.#limitMb = limitMb;
  }

  #isOld(): boolean {
    const { readOnly, renewAfterMs = 60_000 } = this.#options;
    return !readOnly && this.#instance !== undefined && this.#closing === undefined && performance.now() - this.#openedAt >= renewAfterMs;
  }

  /** Has it closed by the last user, who calls this. Whoever comes meanwhile waits for that. */
  async #retire(): Promise<void> {
    this.#closing = Promise.withResolvers();
    try {
      const connection = await (await this.#instance)?.connect();
      try {
        // Closing does it otherwise, in the main thread; where it fails, the log stays, and is read again.
        await connection
          ?.run(`CHECKPOINT ${catalogOf(this.#options)}`)
          .catch(() => connection.run('PRAGMA disable_checkpoint_on_shutdown'));
      } finally {
        // An open one would keep the file locked.
        connection?.closeSync();
      }
    } catch {
      // It is broken, and says so to the next user if it still is.
    }
  }

  async #rest(): Promise<void> {
    if (this.#closing !== undefined) await this.#close(this.#closing);
    else if (this.#limitMb !== this.#options.memoryLimitMb) {
      // Refused where the memory is still in use; the next rest tries again.
      await this.#limit(this.#options.memoryLimitMb).catch(() => {});
    }
  }

  async #open(): Promise<DuckDBInstance> {
    try {
      this.#openedAt = performance.now();
      return await openInstance(this.#options, this.#limitMb);
    } catch (error) {
      this.#instance = undefined;
      throw error;
    }
  }

  async #close(closing: PromiseWithResolvers<void>): Promise<void> {
    const [instance] = await Promise.allSettled([this.#instance]);
    this.#instance = undefined;
    for (const connection of this.#idle) connection.closeSync();
    this.#idle = [];
    if (instance.status === 'fulfilled') instance.value?.closeSync();
    this.#limitMb = this.#options.memoryLimitMb;
    this.#closing = undefined;
    closing.resolve();
  }
}

async function openInstance(options: DuckdbFileOptions, limitMb: number): Promise<DuckDBInstance> {
  const { file, tempFolder, readableFolders, readOnly } = options;
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${limitMb}MB`,
    threads: '1',
    temp_directory: readOnly ? '' : tempFolder,
    // Keeping the order of rows would hold whole row groups back; a table has no order.
    preserve_insertion_order: 'false',
    // What is freed goes back to the system: a third less memory for a seventh more CPU time of an import.
    allocator_flush_threshold: allocatorKeeps,
    allocator_bulk_deallocation_flush_threshold: allocatorKeeps,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    // Only an attached database takes this option.
    const access = readOnly ? 'READ_ONLY, ' : '';
    await connection.run(`ATTACH ${quoteText(file)} AS ${catalogOf(options)} (${access}ROW_GROUP_SIZE ${rowGroupRows})`);
    // Statements of people may not read the machine's files; this cannot be undone while the database is open.
    // Patterns are checked as they are written, then what they match.
    const allowed = new Set(readableFolders.flatMap((folder) => [folder, pathPattern(folder)]));
    await connection.run(`SET allowed_directories = [${[...allowed].map(quoteText).join(', ')}]`);
    await connection.run('SET enable_external_access = false');
    connection.closeSync();
    if (options.prepare) {
      const preparing = await connect(instance, options);
      await options.prepare(preparing);
      preparing.closeSync();
    }
    return instance;
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

async function connect(instance: DuckDBInstance, options: DuckdbFileOptions): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  try {
    await connection.run(`USE ${catalogOf(options)}`);
    return connection;
  } catch (error) {
    connection.closeSync();
    throw error;
  }
}

/** The name of the file, as DuckDB itself calls a database that it opens. */
function catalogOf({ file }: DuckdbFileOptions): string {
  return quoteName(basename(file, extname(file)));
}

/** `configInvalid` for a folder that DuckDB does not take: it reads what follows a `?` as parameters, and puts its log elsewhere. */
export function assertDuckdbFolder(folder: string, content: string): void {
  if (folder.includes('?')) throw new AppError('configInvalid', `The folder of the ${content} must have no "?" in its path: ${folder}.`);
}

/** File names are patterns in table functions; this one matches the path only. */
export function pathPattern(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}

/** Commits what the work has done, or leaves nothing of it. */
export async function inTransaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN TRANSACTION');
  try {
    const result = await work();
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    // Refused where the failure has ended the transaction already.
    await connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

function halfOfMemoryMb(): number {
  const constrained = process.constrainedMemory();
  const bytes = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  return Math.floor(bytes / 2 / 1024 / 1024);
}
