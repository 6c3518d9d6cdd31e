import type { TableEngine } from '../../../engines/tables/table-engine.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import { backgroundTimer, type StartTimer } from '../../../kernel/time/start-timer.ts';
import { sinkKeyText } from '../../definitions/keys.ts';
import { type Sink, sinkKeyOf } from '../../definitions/sink.ts';
import { isFinished, quarantineOf } from '../state/file.ts';
import { fileKeyText, fileMetadataKey } from '../state/storage-keys.ts';
import { decodeFile, type StorageStore } from '../state/storage-store.ts';
import type { StorageView } from '../storage-view.ts';
import { tableNameOfSink } from '../table-name.ts';

interface TargetRemovalOptions {
  readonly store: StorageStore;
  readonly view: StorageView;
  readonly tables: TableEngine;
  readonly startTimer?: StartTimer;
}

const pageSize = 100;
const timeoutMs = 60_000;

/**
 * Drops the tables of deleted sinks. An import creates a table that is missing, so each table waits until the files of its
 * sinks are imported or discarded; deleted sinks get no new ones.
 */
export class TargetRemoval {
  readonly #options: TargetRemovalOptions;

  constructor(options: TargetRemovalOptions) {
    this.#options = options;
  }

  /** `tablesNotDropped` with every table that is left and the reason, after all others are dropped. */
  async drop(sinks: readonly Sink[], signal: AbortSignal): Promise<void> {
    const timeout = new AbortController();
    const cancelTimer = (this.#options.startTimer ?? backgroundTimer)(timeoutMs, () =>
      timeout.abort(new AppError('tablesNotDropped', `its rows were not imported within ${timeoutMs / 1000} s`)),
    );
    const patience = AbortSignal.any([signal, timeout.signal]);
    const left: string[] = [];
    for (const [tableId, writers] of Map.groupBy(sinks, ({ table }) => table.tableId)) {
      try {
        await this.#drop(writers, patience);
      } catch (error) {
        left.push(`"${tableId}" (${errorText(error).replace(/\.$/, '')})`);
      }
    }
    cancelTimer();
    if (left.length > 0) throw new AppError('tablesNotDropped', `The source is deleted, but not these tables: ${left.join(', ')}.`);
  }

  /** All of them write to one table. */
  async #drop(sinks: readonly Sink[], signal: AbortSignal): Promise<void> {
    for (const sink of sinks) {
      for (const fileKey of await this.#unfinishedFiles(sink)) await this.#untilFinished(fileKey, signal);
    }
    const [writer] = sinks;
    if (writer) await this.#options.tables.dropTable(tableNameOfSink(writer));
  }

  /** From metadata, for the view is a moment behind it. */
  async #unfinishedFiles(sink: Sink): Promise<string[]> {
    const { metadata } = this.#options.store;
    const prefix = fileMetadataKey(`${sinkKeyText(sinkKeyOf(sink))}/`);
    const unfinished: string[] = [];
    for (let after: string | undefined; ; ) {
      const { entries, more } = await metadata.range({ prefix, limit: pageSize, ...(after !== undefined && { after }) });
      const files = entries.map(({ key, value }) => decodeFile(key, value));
      unfinished.push(...files.filter((file) => !isFinished(file)).map(fileKeyText));
      after = entries.at(-1)?.key;
      if (!more || after === undefined) return unfinished;
    }
  }

  /** Looks at the file again whenever the view shows a change of it. */
  async #untilFinished(fileKey: string, signal: AbortSignal): Promise<void> {
    const { store, view } = this.#options;
    let changed = Promise.withResolvers<void>();
    const wake = () => changed.resolve();
    const unsubscribe = view.subscribe(({ files }) => {
      if (files.includes(fileKey)) wake();
    });
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        changed = Promise.withResolvers();
        signal.throwIfAborted();
        const file = (await store.file(fileKey))?.value;
        if (file === undefined || isFinished(file)) return;
        if (quarantineOf(file)) throw new AppError('tablesNotDropped', `the file ${fileKey} is in quarantine, retry or discard it first`);
        await changed.promise;
      }
    } finally {
      signal.removeEventListener('abort', wake);
      unsubscribe();
    }
  }
}
