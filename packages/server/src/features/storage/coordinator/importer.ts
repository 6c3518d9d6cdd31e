import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import type { TableEngine } from '../../../engines/tables/table-engine.ts';
import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import { containerOf } from '../block/block-codec.ts';
import { isAsUploaded } from '../object-checksum.ts';
import { sumFigures } from '../state/figures.ts';
import { type File, stagingOf } from '../state/file.ts';
import { ledgerIdOf } from '../state/ledger-id.ts';
import { acceptedRowsOf, sentRowsOf } from '../state/row-counts.ts';
import type { Slice } from '../state/slice.ts';
import { sliceKeyText } from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import { tableNameOf } from '../table-name.ts';
import { slicesOfFile } from './file-slices.ts';
import type { StagingAgain } from './staging-again.ts';

/** The upload may have rewritten each byte of a row to U+FFFD, which is three. */
const rewrittenGrowth = 3;

interface ImporterOptions {
  readonly store: StorageStore;
  readonly tables: TableEngine;
  readonly objects: ObjectStore;
  readonly stagingAgain: StagingAgain;
}

/** From closing slices to rows in the table. */
export class Importer {
  readonly #store: StorageStore;
  readonly #tables: TableEngine;
  readonly #objects: ObjectStore;
  readonly #stagingAgain: StagingAgain;

  constructor({ store, tables, objects, stagingAgain }: ImporterOptions) {
    this.#objects = objects;
    this.#store = store;
    this.#tables = tables;
    this.#stagingAgain = stagingAgain;
  }

  /**
   * Moves a closing file on once all its slices are uploaded in its newest staging: to `importing`, or to `imported` if they hold nothing good.
   * Slices join a file only while it is writing, so the list that is read here is the whole one.
   */
  async begin(fileKey: string): Promise<boolean> {
    const file = (await this.#store.file(fileKey))?.value;
    if (file?.state !== 'closing') return false;
    const staging = stagingOf(file);
    const stored = await slicesOfFile(this.#store, fileKey);
    if (await this.#stagingAgain.join(staging, stored)) return false;
    const slices = stored.map(({ value }) => value);
    if (slices.some((slice) => slice.state !== 'uploaded')) return false;
    const figures = sumFigures(slices.map(figuresOfSlice));
    const checksum = checksumOf(slices);
    const counted = slices.flatMap((slice) => (slice.state === 'uploaded' ? [slice] : []));
    const counts = {
      figures,
      acceptedRows: counted.reduce((sum, slice) => sum + acceptedRowsOf(slice), 0),
      sentRows: counted.reduce((sum, slice) => sum + sentRowsOf(slice), 0),
    };
    const changed = await this.#store.changeFile(fileKey, (at) =>
      figures.goodRows > 0 ? { type: 'slicesUploaded', at, staging, ...counts, checksum } : { type: 'allEmpty', at, staging, ...counts },
    );
    return changed !== undefined;
  }

  /** Imports the file once, whoever else tries (I2): the engine's ledger decides. */
  async import(fileKey: string, file: File & { state: 'importing' }, signal: AbortSignal): Promise<void> {
    const slices = (await slicesOfFile(this.#store, fileKey)).map(({ value }) => value);
    const objects = slices.flatMap((slice) =>
      slice.state === 'uploaded' && slice.object ? [{ key: slice.object.key, codec: containerOf(slice.codec) }] : [],
    );
    await this.#verify(slices, signal);
    const { rows } = await this.#tables.importFile(
      {
        importId: ledgerIdOf(file),
        table: tableNameOf(file.sink, file.tableId),
        columns: file.columns,
        rows: file.figures.goodRows,
        checksum: file.checksum,
        maxRowBytes: file.settings.maxRowBytes * rewrittenGrowth,
        objects,
      },
      signal,
    );
    await this.#store.changeFile(fileKey, (at) => ({ type: 'imported', at, rows }));
  }

  /**
   * Table engines need not look at the checksums of gzip: DuckDB loads changed letters without a word. What is refused here although
   * the ledger has the import is found there when its id is to be burnt.
   */
  async #verify(slices: readonly Slice[], signal: AbortSignal): Promise<void> {
    for (const slice of slices) {
      signal.throwIfAborted();
      if (slice.state !== 'uploaded' || !slice.object) continue;
      const isWhole = await isAsUploaded(this.#objects, slice.object).catch((error: unknown) => {
        // The engine says what becomes of an import without its object.
        if (isAppError(error, 'objectNotFound')) return undefined;
        throw error;
      });
      if (isWhole === false) throw new AppError('objectChanged', `The staged object ${slice.object.key} was changed since its upload.`);
    }
  }

  /**
   * Ends a discard: takes the import id away from every importer, also from one that runs right now, and only then calls the
   * file discarded. Where an importer was faster, the rows are in the table and the file is imported.
   */
  async discard(fileKey: string, file: File & { state: 'discarding' }): Promise<File | undefined> {
    const burn = await this.#tables.burnImport({
      importId: ledgerIdOf(file),
      table: tableNameOf(file.sink, file.tableId),
      rows: file.figures.goodRows,
      checksum: file.checksum,
    });
    return this.#store.changeFile(fileKey, (at) =>
      burn.outcome === 'imported' ? { type: 'imported', at, rows: burn.rows } : { type: 'discarded', at },
    );
  }
}

const figuresOfSlice = (slice: Slice) => ('figures' in slice ? slice.figures : sumFigures([]));

function checksumOf(slices: readonly Slice[]): string {
  const hash = createHash('sha256');
  for (const slice of slices) {
    hash.update(`${sliceKeyText(slice)} ${figuresOfSlice(slice).goodRows} ${slice.state === 'uploaded' ? slice.object?.bytes : ''}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}
