import type { QuarantinedFile, QuarantineOutcome } from '@sluice/contract/quarantine';
import { AppError, errorText } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Importer } from './coordinator/importer.ts';
import { type File, quarantineOf } from './state/file.ts';
import { fileKeyText, sinkTextOf } from './state/storage-keys.ts';
import type { StorageStore } from './state/storage-store.ts';
import type { StorageView } from './storage-view.ts';

interface QuarantineOptions {
  readonly view: StorageView;
  readonly store: StorageStore;
  readonly importer: Importer;
  readonly logger: Logger;
}

/** Files that the table engine refused for good, and the two decisions about them. */
export class Quarantine {
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** In order of their keys; `prefix` is the beginning of a key up to a `/`, or empty. */
  list(prefix: string): QuarantinedFile[] {
    return [...this.#options.view.files()]
      .flatMap((file) => entryOf(file) ?? [])
      .filter(({ file }) => file.startsWith(prefix))
      .sort((one, other) => (one.file < other.file ? -1 : 1));
  }

  /** For people: how many files of which sinks; undefined where there are none. */
  describe(): string | undefined {
    const files = [...this.#options.view.files()].filter((file) => quarantineOf(file));
    const counts = [...Map.groupBy(files, sinkTextOf)].map(([sink, { length }]) => `${length} of ${sink}`);
    return counts.length === 0 ? undefined : `files that the table engine refuses: ${counts.join(', ')}; see \`sluice quarantine list\``;
  }

  /** Ends the quarantine; the coordinator stages and imports the file again as soon as it sees that. `quarantinedFileNotFound`. */
  async retry(key: string): Promise<QuarantineOutcome> {
    const released = await this.#options.store.changeFile(key, (at) => ({ type: 'retry', at }));
    if (!released) throw notInQuarantine(key);
    this.#options.logger.info({ file: key }, 'a file is released from quarantine');
    return outcomeOf(key, released);
  }

  /**
   * Gives the rows up. The state `discarding` keeps every later importer away; the ledger then decides between the discard and
   * an importer that runs right now. Where the table engine does not answer, the coordinator ends the discard later.
   * `quarantinedFileNotFound`.
   */
  async discard(key: string): Promise<QuarantineOutcome> {
    const { store, importer, logger } = this.#options;
    const discarding = await store.changeFile(key, (at) => ({ type: 'discard', at }));
    if (discarding?.state !== 'discarding') throw notInQuarantine(key);
    logger.warn({ file: key, rows: discarding.figures.goodRows }, 'the rows of a file are given up');
    try {
      await importer.discard(key, discarding);
    } catch (error) {
      logger.warn({ file: key, error: errorText(error) }, 'a discard could not be ended yet');
    }
    // The coordinator may have ended it first.
    return outcomeOf(key, (await store.file(key))?.value ?? discarding);
  }
}

function entryOf(file: File): QuarantinedFile | undefined {
  const quarantine = quarantineOf(file);
  if (!quarantine || !('figures' in file)) return undefined;
  const { sourceId, sinkId } = file.sink;
  return {
    file: fileKeyText(file),
    sourceId,
    sinkId,
    tableId: file.tableId,
    rows: file.figures.goodRows,
    quarantinedAt: quarantine.at,
    reason: quarantine.reason,
    isDiscarding: file.state === 'discarding',
  };
}

function outcomeOf(key: string, file: File): QuarantineOutcome {
  if (file.state === 'writing' || file.state === 'closing') {
    throw new AppError('invariantBroken', `The file ${key} was in quarantine and is ${file.state}.`);
  }
  return { file: key, rows: file.figures.goodRows, state: file.state };
}

const notInQuarantine = (key: string): AppError =>
  new AppError('quarantinedFileNotFound', `There is no file "${key}" in quarantine: see \`sluice quarantine list\`.`);
