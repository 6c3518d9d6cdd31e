import type { TableEngine } from '../../../engines/tables/table-engine.ts';
import { KeyedJobs } from '../../../kernel/async/keyed-jobs.ts';
import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { EngineRetries } from '../engine-retries.ts';
import { type File, type FinishedFile, finishedAt, isFinished, quarantineOf, stagingOf } from '../state/file.ts';
import { nextRetry } from '../state/retry.ts';
import type { Slice } from '../state/slice.ts';
import { fileKeyText, sliceKeyText } from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import { judgeFile, judgeSlice, type RotationVerdict } from '../state/triggers.ts';
import type { StorageView } from '../storage-view.ts';
import type { Cleanup } from './cleanup.ts';
import type { Importer } from './importer.ts';
import type { Rotation } from './rotation.ts';
import type { StagingAgain } from './staging-again.ts';

interface StorageCoordinatorOptions {
  readonly view: StorageView;
  readonly store: StorageStore;
  readonly rotation: Rotation;
  readonly importer: Importer;
  readonly stagingAgain: StagingAgain;
  readonly cleanup: Cleanup;
  readonly tables: TableEngine;
  /** How long the record of an imported file stays. */
  readonly retentionMs: number;
  /** Whether the volume refuses blocks for want of room. */
  readonly isFull: (volumeId: string) => boolean;
  readonly random: () => number;
  readonly logger: Logger;
}

const concurrency = 8;
/** After a transaction that met somebody else's. */
const lookAgainMs = 100;

/**
 * Decides when slices and files rotate, imports closed files and cleans up imported ones.
 * One look at a file's state for each change of it or its slices, and one when its next age trigger is due; no polling.
 */
export class StorageCoordinator implements AsyncDisposable {
  readonly #options: StorageCoordinatorOptions;
  readonly #jobs: KeyedJobs;
  readonly #unsubscribe: () => void;
  readonly #retries: EngineRetries;

  constructor(options: StorageCoordinatorOptions) {
    this.#options = options;
    this.#jobs = new KeyedJobs({
      concurrency,
      work: (key, signal) => this.#follow(key, signal),
      onError: (file, error) => options.logger.error({ file, error: errorText(error) }, 'a file could not be moved on yet'),
    });
    this.#retries = new EngineRetries({
      store: options.store,
      probe: () => options.tables.probe(),
      wake: (key) => this.#jobs.request(key),
    });
    this.#unsubscribe = options.view.subscribe(({ files }) => {
      for (const key of files) this.#jobs.request(key);
    });
    for (const file of options.view.files()) this.#jobs.request(fileKeyText(file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#retries[Symbol.dispose]();
    this.#unsubscribe();
    await this.#jobs[Symbol.asyncDispose]();
  }

  /** A volume has become full: what was kept for its retention time goes at once. */
  relieve(): void {
    for (const file of this.#options.view.files()) if (isFinished(file)) this.#jobs.request(fileKeyText(file));
  }

  /** Does what is due for the file; resolves to the milliseconds until the next look, if time alone can bring something. */
  async #follow(key: string, signal: AbortSignal): Promise<number | undefined> {
    const file = this.#options.view.file(key);
    if (!file?.retry) this.#retries.forget(key);
    if (!file) return undefined;
    const retryInMs = this.#retries.waitMs(key, file.retry);
    if (retryInMs > 0) return retryInMs;
    switch (file.state) {
      case 'writing':
        return this.#rotate(key, file);
      case 'closing':
        await this.#options.importer.begin(key);
        return undefined;
      case 'importing':
        if (file.refused) return this.#stageAgain(key, file);
        return file.quarantine ? undefined : this.#import(key, file, signal);
      case 'discarding':
        return this.#discard(key, file);
      case 'imported':
      case 'discarded':
        return this.#cleanUp(key, file);
    }
  }

  async #rotate(key: string, file: File): Promise<number | undefined> {
    const { view, store, rotation, logger } = this.#options;
    const slices = view.slicesOf(key);
    const figures = view.fileFigures(slices.map(sliceKeyText));
    const ageMs = store.ageMs(key, file.openedAt);
    const verdict = judgeFile({ figures, slices: slices.length }, ageMs, file.settings.import);
    if ('rotate' in verdict) {
      logger.debug({ file: key, cause: verdict.rotate, rows: figures.goodRows }, 'rotate a file');
      return (await rotation.rotateFile(key)) ? undefined : lookAgainMs;
    }
    const waits = [waitOf(verdict, ageMs)];
    for (const slice of slices) if (slice.state === 'writing') waits.push(await this.#rotateSlice(slice, file));
    const due = waits.filter((wait) => wait !== undefined);
    return due.length > 0 ? Math.min(...due) : undefined;
  }

  async #rotateSlice(slice: Slice, file: File): Promise<number | undefined> {
    const { view, store, rotation, logger } = this.#options;
    const key = sliceKeyText(slice);
    const ageMs = store.ageMs(key, slice.openedAt);
    const verdict = judgeSlice(view.figures(key), ageMs, file.settings.upload);
    if (!('rotate' in verdict)) return waitOf(verdict, ageMs);
    logger.debug({ slice: key, cause: verdict.rotate }, 'rotate a slice');
    return (await rotation.rotateSlice(key)) ? undefined : lookAgainMs;
  }

  async #import(key: string, file: File & { state: 'importing' }, signal: AbortSignal): Promise<undefined> {
    const { importer, logger } = this.#options;
    try {
      await importer.import(key, file, signal);
      logger.debug({ file: key, rows: file.figures.goodRows }, 'imported a file');
      this.#retries.succeeded(key);
    } catch (error) {
      if (signal.aborted) return undefined;
      await this.#noteFailure(key, file, error);
    }
    return undefined;
  }

  /**
   * What is refused for good is staged again once, or as often as the disk changes what was staged; then it is in quarantine, where
   * an operator decides. Anything else is tried again. An import that the ledger has with other values is never tried under another id: its rows may be in the table.
   */
  async #noteFailure(key: string, file: File, error: unknown): Promise<void> {
    const { store, logger } = this.#options;
    if (!isAppError(error) || error.disposition !== 'terminal') return this.#noteRetry(key, file, errorText(error));
    const kept = this.#keptObjects(key);
    const why = { staging: stagingOf(file), reason: errorText(error) + kept };
    const isDamage = isAppError(error, 'objectChanged') && kept === '';
    const noted = await store.changeFile(key, (at) =>
      isAppError(error, 'importMismatch') ? { type: 'quarantine', at, ...why } : { type: 'refused', at, ...why, isDamage },
    );
    if (noted && quarantineOf(noted))
      logger.error({ file: key, reason: why.reason }, 'quarantine: the table engine refuses a file; its rows are kept');
    else logger.warn({ file: key, reason: why.reason }, 'the table engine refuses a file: it is staged again from its local parts');
  }

  /** Why slices of the file were not staged again, as the end of a sentence. */
  #keptObjects(key: string): string {
    const reasons = this.#options.view.slicesOf(key).flatMap((slice) => ('keptBecause' in slice && slice.keptBecause) || []);
    return reasons.length === 0 ? '' : ` (${reasons.length} of its slices could not be staged again: ${[...new Set(reasons)].join(', ')})`;
  }

  async #stageAgain(key: string, file: File & { state: 'importing' }): Promise<undefined> {
    try {
      await this.#options.stagingAgain.begin(key, file);
    } catch (error) {
      await this.#noteRetry(key, file, errorText(error));
    }
    return undefined;
  }

  async #noteRetry(key: string, file: File, reason: string): Promise<void> {
    const { store, logger } = this.#options;
    const retry = nextRetry(file.retry, { now: store.now(), reason, random: this.#options.random() });
    logger.warn({ file: key, reason, attempt: retry.attempt, after: retry.after }, 'a step of a file failed and is tried again');
    await store.changeFile(key, () => ({ type: 'failed', retry }));
    this.#retries.failed(key);
  }

  async #discard(key: string, file: File & { state: 'discarding' }): Promise<undefined> {
    const { importer, logger } = this.#options;
    try {
      const ended = await importer.discard(key, file);
      logger.info({ file: key, rows: file.figures.goodRows, state: ended?.state }, 'ended the discard of a file');
    } catch (error) {
      await this.#noteRetry(key, file, errorText(error));
    }
    return undefined;
  }

  async #cleanUp(key: string, file: FinishedFile): Promise<number | undefined> {
    const { store, cleanup, retentionMs, isFull, view } = this.#options;
    const slices = view.slicesOf(key);
    const restMs = store.restMs(key, finishedAt(file), retentionMs);
    // Staged objects may be names of the local parts: these free nothing as long as those stay.
    if (restMs > 0 && !slices.some(({ volumeId }) => isFull(volumeId))) return restMs;
    const confirmed = slices.every((slice) => slice.state === 'uploaded' && slice.localRemovedAt !== undefined);
    return confirmed && !(await cleanup.remove(key, file)) ? lookAgainMs : undefined;
  }
}

const waitOf = (verdict: RotationVerdict, ageMs: number): number | undefined =>
  'lookAtAgeMs' in verdict ? Math.max(1, verdict.lookAtAgeMs - ageMs) : undefined;
