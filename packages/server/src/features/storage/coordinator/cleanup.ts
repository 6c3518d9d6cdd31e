import type { MetadataEntry, MetadataWrite } from '../../../engines/metadata/metadata-store.ts';
import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import type { TableEngine } from '../../../engines/tables/table-engine.ts';
import { decodeJson } from '../../../kernel/codec/json.ts';
import type { Checkpoint } from '../../../kernel/observe/checkpoint.ts';
import { sinkKeyText } from '../../definitions/keys.ts';
import { addFigures, zeroFigures } from '../state/figures.ts';
import { type FinishedFile, isFinished } from '../state/file.ts';
import { ledgerIdsOf } from '../state/ledger-id.ts';
import { acceptedRowsOf, type SinkSum, sentRowsOf, sinkSumSchema } from '../state/row-counts.ts';
import type { Slice } from '../state/slice.ts';
import {
  fileMetadataKey,
  fileSliceMetadataKey,
  objectFolder,
  sinkSumMetadataKey,
  sliceKeyText,
  sliceMetadataKey,
  sliceStatsMetadataKey,
} from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import { tableSpaceOf } from '../table-name.ts';
import { slicesOfFile } from './file-slices.ts';

interface CleanupOptions {
  readonly store: StorageStore;
  readonly objects: ObjectStore;
  readonly tables: TableEngine;
  readonly checkpoint: Checkpoint;
}

/** Slices whose three keys go in one transaction. */
const slicesPerTransaction = 30;

/**
 * Removes an imported or discarded file, in the one order that can be cut off anywhere: local parts of all slices (confirmed by their
 * volumes), staged objects, the ledger rows, the slices' records, last the file's record, whose figures join the sink's sum.
 */
export class Cleanup {
  readonly #options: CleanupOptions;

  constructor(options: CleanupOptions) {
    this.#options = options;
  }

  /** False while a volume has not confirmed yet. */
  async remove(fileKey: string, file: FinishedFile): Promise<boolean> {
    const { store, tables, checkpoint } = this.#options;
    const slices = (await slicesOfFile(store, fileKey)).map(({ value }) => value);
    if (slices.some((slice) => slice.state !== 'uploaded' || slice.localRemovedAt === undefined)) return false;
    for (const slice of slices) await this.#removeObjects(slice);
    checkpoint('cleanup.afterObjects');
    for (const id of ledgerIdsOf(file)) await tables.forgetImport(tableSpaceOf(file.sink), id);
    checkpoint('cleanup.afterLedger');
    await this.#removeSlices(fileKey, slices);
    return this.#removeFile(fileKey);
  }

  /** All attempts of the slice, also those that were never named because a process died. */
  async #removeObjects(slice: Slice): Promise<void> {
    const { objects } = this.#options;
    const page = await objects.list({ prefix: `${objectFolder(slice)}/`, limit: 1000 });
    for (const { key } of page.objects) await objects.delete(key);
    if (page.more) await this.#removeObjects(slice);
  }

  async #removeSlices(fileKey: string, slices: readonly Slice[]): Promise<void> {
    const keys = slices.map(sliceKeyText);
    for (let from = 0; from < keys.length; from += slicesPerTransaction) {
      const writes = keys.slice(from, from + slicesPerTransaction).flatMap((key): MetadataWrite[] => [
        { type: 'delete', key: sliceMetadataKey(key) },
        { type: 'delete', key: sliceStatsMetadataKey(key) },
        { type: 'delete', key: fileSliceMetadataKey(fileKey, key) },
      ]);
      await this.#options.store.metadata.transact({ checks: [], writes });
    }
  }

  async #removeFile(fileKey: string): Promise<boolean> {
    const { store } = this.#options;
    const stored = await store.file(fileKey);
    if (!stored || !isFinished(stored.value)) return true;
    const sumKey = sinkSumMetadataKey(sinkKeyText(stored.value.sink));
    const sum = await store.metadata.get(sumKey);
    const total = addFile(decodeSum(sum), stored.value);
    const { committed } = await store.metadata.transact({
      checks: [
        { key: fileMetadataKey(fileKey), modRevision: stored.modRevision },
        { key: sumKey, modRevision: sum?.modRevision ?? 0 },
      ],
      writes: [
        { type: 'delete', key: fileMetadataKey(fileKey) },
        { type: 'put', key: sumKey, value: JSON.stringify(total) },
      ],
    });
    return committed;
  }
}

const decodeSum = (entry: MetadataEntry | undefined): SinkSum =>
  entry ? decodeJson(entry.value, { schema: sinkSumSchema, what: entry.key, code: 'invariantBroken' }) : zeroFigures;

function addFile(sum: SinkSum, file: FinishedFile): SinkSum {
  const { goodRows } = file.figures;
  const isDiscarded = file.state === 'discarded';
  const discarded = (sum.discardedRows ?? 0) + (isDiscarded ? goodRows : 0);
  return {
    ...addFigures(sum, isDiscarded ? { ...zeroFigures, damagedRows: file.figures.damagedRows } : file.figures),
    acceptedRows: acceptedRowsOf({ ...sum, figures: sum }) + acceptedRowsOf(file),
    sentRows: sentRowsOf({ ...sum, figures: sum }) + sentRowsOf(file),
    importedRows: (sum.importedRows ?? sum.goodRows) + (isDiscarded ? 0 : file.importedRows),
    ...(discarded > 0 && { discardedRows: discarded }),
  };
}
