import type { TableEngine } from '../../../engines/tables/table-engine.ts';
import { type File, stagingOf as stagingOfFile } from '../state/file.ts';
import { ledgerIdOf } from '../state/ledger-id.ts';
import type { Slice } from '../state/slice.ts';
import { stagingOf } from '../state/slice.ts';
import { sliceKeyText } from '../state/storage-keys.ts';
import type { StorageStore, Stored } from '../state/storage-store.ts';
import { tableNameOf } from '../table-name.ts';

interface StagingAgainOptions {
  readonly store: StorageStore;
  readonly tables: TableEngine;
  /** Whether somebody can read the local parts of the volume. */
  readonly hasVolume: (volumeId: string) => boolean;
}

/**
 * A file that the table engine refuses is staged once more from its local parts: what was staged may be damaged since (I3).
 * Three steps, each repeatable: its id in the ledger is burnt, so that no importer with the list of before loads a row (I2);
 * the file is `closing` again, under the next id; each slice joins the new staging by a transaction of its own. Which slices have
 * not joined can be told at any moment, so a death between the steps costs nothing.
 */
export class StagingAgain {
  readonly #options: StagingAgainOptions;

  constructor(options: StagingAgainOptions) {
    this.#options = options;
  }

  /** Burns the ledger id of the refused file and closes the file again. What the ledger knows better decides: imported, or quarantine. */
  async begin(fileKey: string, file: File & { readonly state: 'importing' }): Promise<File | undefined> {
    const { store, tables } = this.#options;
    const staging = stagingOfFile(file);
    const burn = await tables.burnImport({
      importId: ledgerIdOf(file),
      table: tableNameOf(file.sink, file.tableId),
      rows: file.figures.goodRows,
      checksum: file.checksum,
    });
    switch (burn.outcome) {
      case 'burnt':
        return store.changeFile(fileKey, (at) => ({ type: 'stageAgain', at, staging }));
      case 'imported':
        return store.changeFile(fileKey, (at) => ({ type: 'imported', at, rows: burn.rows }));
      case 'mismatch': {
        const reason = `the ledger has its import with other rows, so it is not tried under another id: ${file.refused?.reason ?? ''}`;
        return store.changeFile(fileKey, (at) => ({ type: 'quarantine', at, staging, reason }));
      }
    }
  }

  /** Lets the slices join the staging of their file that have not; resolves to whether there were any. */
  async join(staging: number, slices: readonly Stored<Slice>[]): Promise<boolean> {
    const late = slices.flatMap(({ value }) => (value.state === 'uploaded' && value.object && stagingOf(value) < staging ? [value] : []));
    await Promise.all(late.map((slice) => this.#join(staging, slice)));
    return late.length > 0;
  }

  async #join(staging: number, slice: Slice): Promise<void> {
    const { store, hasVolume } = this.#options;
    const because = `volume ${slice.volumeId} is not there`;
    await store.changeSlice(sliceKeyText(slice), (at) =>
      hasVolume(slice.volumeId) ? { type: 'stageAgain', at, staging } : { type: 'keepObject', staging, because },
    );
  }
}
