import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ObjectStore } from '../../../engines/objects/object-store.ts';
import { KeyedJobs } from '../../../kernel/async/keyed-jobs.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { Checkpoint } from '../../../kernel/observe/checkpoint.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { extensionOf } from '../block/block-codec.ts';
import type { BlockCodecs } from '../block/create-codec.ts';
import { EngineRetries } from '../engine-retries.ts';
import { Checksum, checksumOf } from '../object-checksum.ts';
import { nextRetry } from '../state/retry.ts';
import { type Slice, stagingOf } from '../state/slice.ts';
import { objectFolder, sliceKeyText } from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import type { StorageView } from '../storage-view.ts';
import type { Volume } from '../volume.ts';
import { readSlice } from './read-slice.ts';
import { whyKeep } from './why-keep.ts';

interface SliceUploaderOptions {
  readonly volumes: readonly Volume[];
  readonly view: StorageView;
  readonly store: StorageStore;
  readonly objects: ObjectStore;
  readonly codecs: BlockCodecs;
  /** Whether texts of the target may hold U+0000. */
  readonly nulInText: boolean;
  /** Whether slices of small blocks may be encoded anew at this moment. */
  readonly mayReencode: () => boolean;
  readonly random: () => number;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
}

const concurrency = 2;
const probeKey = 'probe';

/**
 * The reader: streams sealed slices to the object store, verifying every member, and names the attempt in metadata
 * by compare-and-write. An attempt that was not named is no object of the slice; the cleanup removes it.
 */
export class SliceUploader implements AsyncDisposable {
  readonly #options: SliceUploaderOptions;
  readonly #jobs: KeyedJobs;
  readonly #retries: EngineRetries;
  readonly #unsubscribe: () => void;

  constructor(options: SliceUploaderOptions) {
    this.#options = options;
    this.#jobs = new KeyedJobs({
      concurrency,
      work: (key, signal) => this.#follow(key, signal),
      onError: (slice, error) => options.logger.error({ slice, error: errorText(error) }, 'a slice could not be uploaded yet'),
    });
    this.#retries = new EngineRetries({
      store: options.store,
      probe: () => this.#probe(),
      wake: (key) => this.#jobs.request(key),
    });
    this.#unsubscribe = options.view.subscribe(({ slices }) => {
      for (const key of slices) this.#request(options.view.slice(key));
    });
    for (const slice of options.view.slices()) this.#request(slice);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#retries[Symbol.dispose]();
    await this.#jobs[Symbol.asyncDispose]();
  }

  #request(slice: Slice | undefined): void {
    if (slice?.state === 'uploading' && this.#volumeOf(slice)) this.#jobs.request(sliceKeyText(slice));
  }

  #volumeOf(slice: Slice): Volume | undefined {
    return this.#options.volumes.find((volume) => volume.id === slice.volumeId);
  }

  async #follow(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { view, store, logger } = this.#options;
    const slice = view.slice(key);
    if (slice?.state !== 'uploading' || !slice.retry) this.#retries.forget(key);
    if (slice?.state !== 'uploading') return undefined;
    const retryInMs = this.#retries.waitMs(key, slice.retry);
    if (retryInMs > 0) return retryInMs;
    try {
      await this.#upload(key, slice, signal);
      this.#retries.succeeded(key);
    } catch (error) {
      if (signal.aborted) return undefined;
      const retry = nextRetry(slice.retry, { now: store.now(), reason: errorText(error), random: this.#options.random() });
      logger.warn({ slice: key, reason: retry.reason, attempt: retry.attempt }, 'an upload failed and is tried again');
      await store.changeSlice(key, () => ({ type: 'failed', retry }));
      this.#retries.failed(key);
    }
    return undefined;
  }

  /** Writes, since a store without room answers reads all the same. */
  async #probe(): Promise<void> {
    const { objects } = this.#options;
    await objects.put(probeKey, Readable.from([Buffer.from('probe')]));
    await objects.delete(probeKey);
  }

  async #upload(key: string, slice: Slice & { state: 'uploading' }, signal: AbortSignal): Promise<void> {
    const { store, objects, codecs, nulInText, checkpoint, logger } = this.#options;
    const volume = this.#volumeOf(slice);
    if (!volume) return;
    const objectKey = `${objectFolder(slice)}/${randomBytes(4).toString('hex')}${extensionOf(slice.codec)}`;
    const codec = codecs[slice.codec];
    const reading = await readSlice({ slice, volumePath: volume.path, codec, nulInText, reencode: this.#options.mayReencode() });
    const staging = stagingOf(slice);
    const keptBecause = slice.refused && (await whyKeep(objects, { ...slice.refused, slice, reading }));
    if (slice.refused && keptBecause !== undefined) {
      logger.warn({ slice: key, keptBecause }, 'a slice is not staged again');
      const { object, sentRows } = slice.refused;
      await store.changeSlice(key, (at) => ({ type: 'upload', at, staging, object, figures: slice.figures, sentRows, keptBecause }));
      return;
    }
    checkpoint('upload.beforePut');
    let sentRows = 0;
    const countRows = (rows: number) => {
      sentRows += rows;
    };
    const linked = reading.wholeFile !== undefined && (await objects.directory?.link(objectKey, reading.wholeFile)) === true;
    const checksum = new Checksum();
    const stored = linked
      ? await objects.head(objectKey)
      : await objects.put(objectKey, checksum.of(reading.content(countRows)), { signal });
    const crc = linked ? await checksumOf(objects.get(objectKey)) : checksum.value;
    if (linked) sentRows = reading.wholeFileRows;
    checkpoint('upload.afterPut');
    if (!stored) throw new AppError('objectsUnavailable', `The object ${objectKey} is not there after it was linked.`);
    const { goodRows } = reading.figures;
    if (goodRows < slice.figures.goodRows) {
      logger.error({ slice: key, lostRows: slice.figures.goodRows - goodRows }, 'the disk destroyed rows of a sealed slice');
    }
    const damagedRows = slice.figures.damagedRows + slice.figures.goodRows - goodRows;
    const figures = { ...slice.figures, goodRows, damagedRows };
    const object = goodRows > 0 ? { key: objectKey, bytes: stored.size, crc, isLinked: linked } : undefined;
    const changed = await store.changeSlice(key, (at) => ({ type: 'upload', at, staging, object, figures, sentRows }));
    if (!changed || !object) await objects.delete(objectKey);
    // No import can need it: the ledger id that it was listed under is burnt.
    if (changed && slice.refused) await objects.delete(slice.refused.object.key);
  }
}
