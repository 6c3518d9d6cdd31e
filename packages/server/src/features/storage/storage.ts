import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import type { ObjectStore } from '../../engines/objects/object-store.ts';
import type { TableEngine } from '../../engines/tables/table-engine.ts';
import type { Checkpoint } from '../../kernel/observe/checkpoint.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { DefinitionHooks } from '../definitions/definition-hooks.ts';
import type { CodecName } from './block/block-codec.ts';
import { Compressor } from './block/compressor.ts';
import { type BlockCodecs, type CodecLevels, createCodecs } from './block/create-codec.ts';
import { Cleanup } from './coordinator/cleanup.ts';
import { Importer } from './coordinator/importer.ts';
import { Rotation } from './coordinator/rotation.ts';
import { StagingAgain } from './coordinator/staging-again.ts';
import { StorageCoordinator } from './coordinator/storage-coordinator.ts';
import { TargetRemoval } from './coordinator/target-removal.ts';
import { DiskWatch } from './disk/disk-watch.ts';
import { type DiskSettings, VolumeRoom, type VolumeSpace } from './disk/volume-room.ts';
import { Fsck } from './fsck/fsck.ts';
import { type LocalPart, localParts } from './local-parts.ts';
import { Adopter } from './lost/adopter.ts';
import { LostAndFound } from './lost/lost-and-found.ts';
import { PartEncoder } from './part-encoder.ts';
import { Quarantine } from './quarantine.ts';
import type { FileSettings } from './state/file.ts';
import { StorageStore } from './state/storage-store.ts';
import { StorageView } from './storage-view.ts';
import { tableNameOfSink } from './table-name.ts';
import { SliceUploader } from './upload/slice-uploader.ts';
import type { Volume } from './volume.ts';
import { LocalSliceWriter } from './writer/local-slice-writer.ts';
import { StatisticsPublisher } from './writer/statistics-publisher.ts';

export interface StorageOptions {
  readonly metadata: MetadataStore;
  readonly objects: ObjectStore;
  readonly tables: TableEngine;
  readonly volumes: readonly Volume[];
  readonly settings: StorageSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
}

export interface StorageSettings {
  readonly file: FileSettings;
  readonly compression: CompressionSettings;
  /** How long local parts, and records with their staged objects, outlive the import. */
  readonly dataRetentionMs: number;
  readonly recordRetentionMs: number;
  readonly statisticsIntervalMs: number;
  /** Slice folders that metadata does not know go to `lost+found` once nobody has changed them for this time. */
  readonly unknownGraceMs: number;
  /** Without it no block is refused, and there is no ballast. */
  readonly disk?: DiskSettings;
  /** Encode slices of small blocks anew on upload, where no block waits. */
  readonly reencode: boolean;
}

interface CompressionSettings {
  /** Of slices that are opened from now on. Those that are there keep theirs. */
  readonly codec: CodecName;
  readonly levels: CodecLevels;
}

const noReserve: DiskSettings = { reserve: { percent: 0, minBytes: 0, maxBytes: 0 }, ballastBytes: 0 };

/**
 * Storage: the record path from an encoded block to rows in a table. This class hands its rooms out to the components.
 *
 * - `slice-writer.ts`: the append protocol between a source and the writer that owns a volume.
 * - `part-encoder.ts`, `block/`, `part/`: blocks, members and part files; their walk and recovery.
 * - `state/`: files and slices, their states, transitions and metadata keys; `storage-view.ts` shows them in memory.
 * - `writer/`: appends, sealing and local removal. `upload/`: sealed slices to the object store.
 * - `disk/`: reserve and ballast of the volumes.
 * - `coordinator/`: rotation by triggers, import through the ledger, cleanup of what was imported.
 *
 * Normative text: docs/design/10-record-path.md; its invariants I1..I5 are cited where they are upheld.
 */
export class Storage implements AsyncDisposable {
  readonly view: StorageView;
  readonly #options: StorageOptions;
  readonly #store: StorageStore;
  readonly #rotation: Rotation;
  readonly #importer: Importer;
  readonly #stagingAgain: StagingAgain;
  /** Checks the volumes against metadata. */
  readonly fsck: Fsck;
  /** What the volumes have and metadata does not know. */
  readonly lostAndFound: LostAndFound;
  /** Files that the table engine refused, and what operators decide about them. */
  readonly quarantine: Quarantine;
  readonly #codecs: BlockCodecs;
  readonly #rooms: ReadonlyMap<string, VolumeRoom>;
  readonly #compressor = new Compressor();
  #writer: LocalSliceWriter | undefined;

  constructor(options: StorageOptions) {
    const { metadata, clock, logger, settings, volumes } = options;
    this.#options = options;
    this.#codecs = createCodecs(settings.compression.levels);
    this.view = new StorageView(metadata, logger);
    this.#store = new StorageStore(metadata, clock);
    this.#rooms = new Map(
      volumes.map((volume) => [volume.id, new VolumeRoom({ volume, settings: settings.disk ?? noReserve, clock, logger })]),
    );
    const hasVolume = (id: string) => volumes.some((volume) => volume.id === id);
    this.#stagingAgain = new StagingAgain({ store: this.#store, tables: options.tables, hasVolume });
    this.#importer = new Importer({
      store: this.#store,
      tables: options.tables,
      objects: options.objects,
      stagingAgain: this.#stagingAgain,
    });
    this.quarantine = new Quarantine({ view: this.view, store: this.#store, importer: this.#importer, logger });
    this.fsck = new Fsck({ view: this.view, volumes, clock, writer: () => this.#writer });
    this.lostAndFound = new LostAndFound({
      volumes,
      store: this.#store,
      adopter: new Adopter({ store: this.#store, settings: settings.file }),
      graceMs: settings.unknownGraceMs,
      clock,
      logger,
    });
    this.#rotation = new Rotation({
      store: this.#store,
      settings: settings.file,
      codec: settings.compression.codec,
      assignVolume: () => assignVolume(volumes),
      knownFiles: (sinkKey) => this.view.filesOf(sinkKey),
    });
  }

  /** Encodes the blocks of the named part, with the codec of its slice. */
  readonly encoderOf = (partName: string, codec: CodecName): PartEncoder =>
    new PartEncoder(partName, { codec: this.#codecs[codec], compressor: this.#compressor });

  /** Storage's share in operations on sinks. The view should be running: what it does not show is listed from metadata. */
  get definitionHooks(): DefinitionHooks {
    const { tables } = this.#options;
    const removal = new TargetRemoval({ store: this.#store, view: this.view, tables });
    return {
      prepareTarget: (sink) =>
        tables.ensureTable(
          tableNameOfSink(sink),
          sink.table.mapping.columns.map((column) => column.name),
        ),
      sinkActivated: (sink) => this.#rotation.succession(sink),
      sinkChanged: (sink) => this.#rotation.succession(sink),
      sinkDeactivated: (sink) => this.#rotation.deactivation(sink),
      dropTargets: (sinks, signal) => removal.drop(sinks, signal),
    };
  }

  /** The view must be ready and running. */
  openWriter(): LocalSliceWriter {
    const { volumes, settings, checkpoint, logger } = this.#options;
    const { view } = this;
    const writer = new LocalSliceWriter({
      volumes,
      view,
      store: this.#store,
      roomOf: (volumeId) => this.#rooms.get(volumeId),
      retentionMs: settings.dataRetentionMs,
      checkpoint,
      logger: logger.child({ component: 'storage-writer' }),
    });
    for (const room of this.rooms) room.onFull((volumeId) => writer.relieve(volumeId));
    this.#writer = writer;
    return writer;
  }

  /** Free space, reserve and ballast of the volumes, by the last measurement of the disk watch. */
  get rooms(): readonly VolumeRoom[] {
    return [...this.#rooms.values()];
  }

  /** Measures the volumes and keeps their ballast until disposed; only beside a writer. Resolves after the first measurement. */
  openDiskWatch(): Promise<DiskWatch> {
    return DiskWatch.open(this.rooms);
  }

  /** Publishes the writer's live figures until disposed. */
  openStatistics(writer: LocalSliceWriter): StatisticsPublisher {
    const { metadata, settings, logger } = this.#options;
    return new StatisticsPublisher({ metadata, writer, intervalMs: settings.statisticsIntervalMs, logger });
  }

  openUploader(): SliceUploader {
    const { volumes, objects, tables, settings, random, checkpoint, logger } = this.#options;
    const { view } = this;
    return new SliceUploader({
      volumes,
      view,
      store: this.#store,
      objects,
      codecs: this.#codecs,
      nulInText: tables.capabilities.nulInText,
      mayReencode: () => settings.reencode && !(this.#writer?.isAppending ?? false),
      random,
      checkpoint,
      logger: logger.child({ component: 'storage-reader' }),
    });
  }

  openCoordinator(): StorageCoordinator {
    const { objects, tables, random, checkpoint, logger, settings } = this.#options;
    const store = this.#store;
    const coordinator = new StorageCoordinator({
      view: this.view,
      store,
      rotation: this.#rotation,
      importer: this.#importer,
      stagingAgain: this.#stagingAgain,
      cleanup: new Cleanup({ store, objects, tables, checkpoint }),
      tables,
      retentionMs: settings.recordRetentionMs,
      random,
      logger: logger.child({ component: 'storage-coordinator' }),
      isFull: (volumeId) => this.#rooms.get(volumeId)?.isFull === true,
    });
    for (const room of this.rooms) room.onFull(() => coordinator.relieve());
    return coordinator;
  }

  /** Head-room of this process's volumes, in bytes, and the folders in their `lost+found`. */
  async volumeSpace(): Promise<(VolumeSpace & { readonly lostFolders: number })[]> {
    await Promise.all(this.rooms.map((room) => room.measure()));
    const spaces = this.rooms.flatMap(({ space }) => space ?? []);
    return Promise.all(
      spaces.map(async (space) => {
        const volume = this.#options.volumes.find(({ id }) => id === space.id);
        return { ...space, lostFolders: volume ? await this.lostAndFound.countOf(volume) : 0 };
      }),
    );
  }

  /** The local part files of a slice with the bytes that count, for `sluice cat`. `sliceNotFound`. */
  partsOf(sliceKey: string): Promise<LocalPart[]> {
    return localParts({ sliceKey, view: this.view, volumes: this.#options.volumes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compressor[Symbol.asyncDispose]();
  }
}

/** The first volume of all: a node has one unless its operator added more, and moving sinks between them comes with the cluster. */
function assignVolume(volumes: readonly Volume[]): string {
  return volumes[0]?.id ?? '';
}
