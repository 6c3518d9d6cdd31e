import { join } from 'node:path';
import { KeyedJobs } from '../../../kernel/async/keyed-jobs.ts';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Checkpoint } from '../../../kernel/observe/checkpoint.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { extensionOf } from '../block/block-codec.ts';
import { type BlockRoom, boundlessRoom } from '../disk/volume-room.ts';
import type { AppendRequest, AppendResult, SliceWriter } from '../slice-writer.ts';
import type { Figures } from '../state/figures.ts';
import { finishedAt, isFinished } from '../state/file.ts';
import type { Slice } from '../state/slice.ts';
import { sliceFolder, sliceKeyText, sliceStatsMetadataKey } from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import type { StorageView } from '../storage-view.ts';
import type { Volume } from '../volume.ts';
import { isStored } from './is-stored.ts';
import { OpenSlice } from './open-slice.ts';
import { PartFile } from './part-file.ts';
import { removeLocal } from './remove-local.ts';

interface LocalSliceWriterOptions {
  readonly volumes: readonly Volume[];
  readonly view: StorageView;
  readonly store: StorageStore;
  /** Of the volume with this id. Without it nothing is refused. */
  readonly roomOf?: (volumeId: string) => BlockRoom | undefined;
  readonly retentionMs: number;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
}

/** Syncs at once on a volume: libuv's four threads also write, read and open. */
const syncsPerVolume = 2;
const maxWaitingSyncs = 100_000;

/**
 * The writer of this process's volumes: it alone appends to their slices, seals them and removes their local parts.
 * It follows the slices' states in metadata: `writing` is opened, `closing` is sealed, those of finished files go after the retention.
 */
export class LocalSliceWriter implements SliceWriter, AsyncDisposable {
  readonly #options: LocalSliceWriterOptions;
  readonly #volumes: ReadonlyMap<string, { volume: Volume; syncs: Semaphore }>;
  readonly #open = new Map<string, OpenSlice>();
  /** Of the open ones, those that are sealed in metadata, which the view need not show yet. */
  readonly #sealed = new Set<string>();
  readonly #jobs: KeyedJobs;
  readonly #unsubscribe: () => void;
  #appending = 0;

  constructor(options: LocalSliceWriterOptions) {
    this.#options = options;
    this.#volumes = new Map(
      options.volumes.map((volume) => [
        volume.id,
        { volume, syncs: new Semaphore({ permits: syncsPerVolume, maxWaiting: maxWaitingSyncs }) },
      ]),
    );
    this.#jobs = new KeyedJobs({
      concurrency: 8,
      work: (key) => this.#follow(key),
      onError: (slice, error) => options.logger.error({ slice, error: errorText(error) }, 'a slice could not be sealed or removed yet'),
    });
    this.#unsubscribe = options.view.subscribe((change) => {
      for (const key of change.slices) this.#changed(key);
      for (const key of change.files) for (const slice of options.view.slicesOf(key)) this.#changed(sliceKeyText(slice));
    });
    for (const slice of options.view.slices()) this.#changed(sliceKeyText(slice));
  }

  /** Appends are in progress. */
  get isAppending(): boolean {
    return this.#appending > 0;
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    this.#appending += 1;
    try {
      return await this.#append(request);
    } finally {
      this.#appending -= 1;
    }
  }

  async #append(request: AppendRequest): Promise<AppendResult> {
    const open = this.#open.get(request.slice);
    if (open) return open.append(request);
    const slice = this.#options.view.slice(request.slice);
    const place = slice && this.#volumes.get(slice.volumeId);
    if (!place || (slice.state !== 'uploading' && slice.state !== 'uploaded')) return { type: 'unknownSlice' };
    const length = slice.parts.find((part) => part.name === request.part)?.length ?? 0;
    const path = join(place.volume.path, sliceFolder(slice), request.part + extensionOf(slice.codec));
    return (await isStored(path, length, request)) ?? { type: 'sealed', sealedLength: length };
  }

  /** The parts of a slice that is not sealed, with their durable bytes; undefined where this writer does not have it open. */
  async durableParts(key: string): Promise<ReadonlyMap<string, number> | undefined> {
    return this.#open.get(key)?.durableParts();
  }

  /** Live figures of the slices that take rows. Not of closing ones: their sealing removes what was published. */
  *openFigures(): Iterable<{ readonly key: string; readonly figures: Figures }> {
    for (const [key, slice] of this.#open) if (slice.accepting) yield { key, figures: slice.figures };
  }

  /** The volume has become full: what was kept for its retention time goes at once. */
  relieve(volumeId: string): void {
    for (const slice of this.#options.view.slices()) if (slice.volumeId === volumeId) this.#changed(sliceKeyText(slice));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await this.#jobs[Symbol.asyncDispose]();
    for (const slice of this.#open.values()) await slice[Symbol.asyncDispose]();
  }

  #changed(key: string): void {
    const slice = this.#options.view.slice(key);
    if (!slice || !this.#volumes.has(slice.volumeId)) return;
    const open = this.#open.get(key);
    if (slice.state === 'writing' && !open) this.#openSlice(key, slice);
    if (slice.state === 'closing') open?.stopAccepting();
    if (slice.state === 'closing' || slice.state === 'uploaded' || (open && slice.state === 'uploading')) this.#jobs.request(key);
  }

  #openSlice(key: string, slice: Slice): OpenSlice {
    const { checkpoint, logger } = this.#options;
    const place = this.#volumes.get(slice.volumeId);
    const volumePath = place?.volume.path ?? '';
    const room = this.#options.roomOf?.(slice.volumeId) ?? boundlessRoom;
    const opened = new OpenSlice({
      slice,
      folder: join(volumePath, sliceFolder(slice)),
      logger: logger.child({ slice: key }),
      room,
      createPart: (path) =>
        new PartFile({
          path,
          volumePath,
          syncMode: slice.sync?.mode,
          checkpoint,
          room,
          sync: (work) => this.#sync(slice.volumeId, work),
        }),
    });
    this.#open.set(key, opened);
    return opened;
  }

  async #sync<T>(volumeId: string, work: () => Promise<T>): Promise<T> {
    using _permit = await this.#volumes.get(volumeId)?.syncs.acquire();
    return await work();
  }

  async #follow(key: string): Promise<number | undefined> {
    const slice = this.#options.view.slice(key);
    if (slice?.state === 'closing') await this.#seal(key, slice);
    if (slice?.state === 'uploading' || slice?.state === 'uploaded') await this.#close(key);
    if (slice?.state === 'uploaded' && slice.localRemovedAt === undefined) return this.#remove(key, slice);
    return undefined;
  }

  async #seal(key: string, slice: Slice): Promise<void> {
    if (this.#sealed.has(key)) return;
    const { checkpoint, store, logger } = this.#options;
    const open = this.#open.get(key) ?? this.#openSlice(key, slice);
    const { parts, figures, unknownDamage } = await open.seal();
    checkpoint('slice.beforeSeal');
    const sealed = await store.changeSlice(key, (now) => ({ type: 'seal', at: now, parts, figures }), [
      { type: 'delete', key: sliceStatsMetadataKey(key) },
    ]);
    checkpoint('slice.afterSeal');
    this.#sealed.add(key);
    if (!sealed) return;
    if (figures.damagedRows > 0 || unknownDamage) {
      logger.error({ slice: key, damagedRows: figures.damagedRows, unknownDamage }, 'the disk destroyed rows of a slice');
    }
  }

  /** Only once the view shows the sealed parts: between the two, nobody else could answer a repeat of a stored block. */
  async #close(key: string): Promise<void> {
    const open = this.#open.get(key);
    this.#open.delete(key);
    this.#sealed.delete(key);
    await open?.[Symbol.asyncDispose]();
  }

  async #remove(key: string, slice: Slice & { state: 'uploaded' }): Promise<number | undefined> {
    const { view, store, retentionMs, checkpoint } = this.#options;
    const file = view.file(slice.file);
    const place = this.#volumes.get(slice.volumeId);
    if (!isFinished(file) || !place) return undefined;
    const restMs = store.restMs(slice.file, finishedAt(file), retentionMs);
    // A full volume keeps nothing that is where it will be.
    if (restMs > 0 && this.#options.roomOf?.(slice.volumeId)?.isFull !== true) return restMs;
    await removeLocal(place.volume.path, join(place.volume.path, sliceFolder(slice)));
    checkpoint('cleanup.afterLocal');
    await store.changeSlice(key, (now) => ({ type: 'localRemoved', at: now }));
    return undefined;
  }
}
