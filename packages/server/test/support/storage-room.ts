import { join } from 'node:path';
import type { MetadataStore } from '../../src/engines/metadata/metadata-store.ts';
import { LocalObjectStore } from '../../src/engines/objects/local/local-object-store.ts';
import type { ObjectStore } from '../../src/engines/objects/object-store.ts';
import type { TableEngine } from '../../src/engines/tables/table-engine.ts';
import { definitionPrefix } from '../../src/features/definitions/keys.ts';
import { type Sink, sinkSchema } from '../../src/features/definitions/sink.ts';
import { openVolumes } from '../../src/features/storage/open-volumes.ts';
import type { BlockRow, PartEncoder } from '../../src/features/storage/part-encoder.ts';
import { partNameText } from '../../src/features/storage/part-name.ts';
import type { AppendRequest, AppendResult } from '../../src/features/storage/slice-writer.ts';
import { Storage, type StorageSettings } from '../../src/features/storage/storage.ts';
import type { StorageView } from '../../src/features/storage/storage-view.ts';
import type { Volume } from '../../src/features/storage/volume.ts';
import type { LocalSliceWriter } from '../../src/features/storage/writer/local-slice-writer.ts';
import { type Checkpoint, noCheckpoint } from '../../src/kernel/observe/checkpoint.ts';
import type { Logger } from '../../src/kernel/observe/logger.ts';
import { type Clock, systemClock } from '../../src/kernel/time/clock.ts';
import { MemoryMetadataStore } from './memory-metadata-store.ts';
import { MemoryTableEngine } from './memory-table-engine.ts';
import { silentLogger } from './silent-logger.ts';
import { openTempFolder } from './temp-folder.ts';

export const testSinkKey = '1/1/source/sink';
const made = { at: '2026-06-24T10:00:00.000Z', by: { type: 'system' as const } };
export const testSink: Sink = sinkSchema.parse({
  projectId: 1,
  branchId: 1,
  sourceId: 'source',
  sinkId: 'sink',
  type: 'table',
  name: 'sink',
  description: '',
  table: { type: 'keboola', tableId: 'in.c-bucket.table', mapping: { columns: [{ type: 'body', name: 'body' }] } },
  version: { number: 1, hash: '0', description: '', ...made },
  created: made,
});

/** Nothing rotates by itself. */
const neverMs = 1e9;
export const quietSettings: StorageSettings = {
  file: {
    maxRowBytes: 1000,
    upload: { minIntervalMs: 0, intervalMs: neverMs, count: 1_000_000, bytes: 1e9 },
    import: { minIntervalMs: 0, intervalMs: neverMs, count: 1_000_000, bytes: 1e9, slices: 90, maxSlices: 90 },
  },
  compression: { codec: 'gzip', levels: { gzip: 1, zstd: 1 } },
  dataRetentionMs: neverMs,
  recordRetentionMs: neverMs,
  statisticsIntervalMs: 20,
  unknownGraceMs: neverMs,
  reencode: false,
};

/** Rotation by count: slices behind `sliceRows`, files behind `fileRows`. */
export const rotatingSettings = (sliceRows: number, fileRows: number): StorageSettings => ({
  ...quietSettings,
  file: {
    ...quietSettings.file,
    upload: { ...quietSettings.file.upload, count: sliceRows },
    import: { ...quietSettings.file.import, count: fileRows },
  },
});

interface RoomOptions {
  readonly settings?: StorageSettings;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly checkpoint?: Checkpoint;
}

/** What outlives a process: folder and engines. */
export interface StorageRoom extends AsyncDisposable {
  readonly folder: string;
  readonly metadata: MemoryMetadataStore;
  readonly objects: ObjectStore;
  readonly tables: MemoryTableEngine;
  readonly volume: Volume;
  /** Starts storage as a process would; `components` are those that work. */
  start(components?: readonly Component[], options?: RoomOptions): Promise<RunningStorage>;
}

export type Component = 'writer' | 'statistics' | 'uploader' | 'coordinator';
export const allComponents: readonly Component[] = ['coordinator', 'writer', 'statistics', 'uploader'];

export async function openStorageRoom(options: RoomOptions & { readonly nulInText?: boolean } = {}): Promise<StorageRoom> {
  const temp = await openTempFolder();
  const metadata = new MemoryMetadataStore();
  const objects = await LocalObjectStore.open({ folder: join(temp.path, 'staging') });
  const tables = new MemoryTableEngine(objects, { nulInText: options.nulInText ?? true });
  const volumes = await openVolumes(join(temp.path, 'volumes'));
  const [volume] = volumes;
  if (!volume) throw new Error('no volume');
  return {
    folder: temp.path,
    metadata,
    objects,
    tables,
    volume,
    start: (components = allComponents, more = {}) =>
      startStorage({ metadata, objects, tables, volumes }, components, { ...options, ...more }),
    [Symbol.asyncDispose]: async () => {
      await metadata[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

export interface Engines {
  readonly metadata: MetadataStore;
  readonly objects: ObjectStore;
  readonly tables: TableEngine;
  readonly volumes: readonly Volume[];
}

export interface RunningStorage extends AsyncDisposable {
  readonly storage: Storage;
  readonly view: StorageView;
  readonly writer: LocalSliceWriter;
  /** Appends rows of one field as a source does: to the sink's newest slice, one block, repeated in the next slice when sealed. */
  append(values: readonly (string | Buffer)[]): Promise<Sent>;
  /** Resolves as soon as the view shows it. */
  until(condition: () => boolean): Promise<void>;
}

export interface Sent {
  readonly request: AppendRequest;
  readonly result: AppendResult;
}

const quotes = Buffer.from('"');
/** A row of one field. A buffer is taken as it is, its quotes doubled already. */
export const rowOf = (value: string | Buffer): BlockRow => ({
  bytes: Buffer.concat([quotes, typeof value === 'string' ? Buffer.from(value.replaceAll('"', '""')) : value, Buffer.from('"\n')]),
  invalidUtf8: typeof value !== 'string' && !value.equals(Buffer.from(value.toString())),
  nul: value.includes('\0'),
  receivedAt: Date.now(),
});

let epochs = 0;

export async function startStorage(engines: Engines, components: readonly Component[], options: RoomOptions): Promise<RunningStorage> {
  const { settings = quietSettings, clock = systemClock, logger = silentLogger, checkpoint = noCheckpoint } = options;
  const storage = new Storage({ ...engines, settings, clock, random: () => 0.5, checkpoint, logger });
  await createSink(engines.metadata, storage);
  const stop = new AbortController();
  const { view } = storage;
  const running = view.run(stop.signal);
  running.catch(() => undefined);
  await view.ready;
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => {
    stop.abort();
    await running;
  });
  stack.use(storage);
  if (components.includes('coordinator')) stack.use(storage.openCoordinator());
  const writer = stack.use(components.includes('writer') ? storage.openWriter() : silentWriter());
  if (components.includes('statistics')) stack.use(storage.openStatistics(writer));
  if (components.includes('uploader')) stack.use(storage.openUploader());
  const moved = stack.move();
  return {
    storage,
    view,
    writer,
    append: sourceOf(storage, writer),
    until: (condition) => until(view, condition),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

function silentWriter(): LocalSliceWriter {
  return {
    append: () => Promise.reject(new Error('no writer runs')),
    openFigures: () => [],
    [Symbol.asyncDispose]: async () => {},
  } as never;
}

/** The first start creates the sink with its first file and slice, as the API does. */
async function createSink(metadata: MetadataStore, storage: Storage): Promise<void> {
  const key = definitionPrefix.activeSink + testSinkKey;
  if (await metadata.get(key)) return;
  const { prepareTarget, sinkActivated } = storage.definitionHooks;
  await prepareTarget(testSink);
  const { checks, writes } = await sinkActivated(testSink);
  await metadata.transact({ checks, writes: [{ type: 'put', key, value: JSON.stringify(testSink) }, ...writes] });
}

/** One incarnation of a source: a part for each slice, and the next one whenever a block was not stored. */
function sourceOf(storage: Storage, writer: LocalSliceWriter): RunningStorage['append'] {
  epochs += 1;
  const epoch = epochs.toString(16).padStart(16, '0');
  let number = 0;
  let part: { slice: string; name: string; encoder: PartEncoder; offset: number } | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  const append = async (values: readonly (string | Buffer)[]): Promise<Sent> => {
    for (let avoid: string | undefined; ; ) {
      const target = await storage.view.findWritingSlice(testSinkKey, { avoid, timeoutMs: 10_000 });
      if (!target) throw new Error('no slice takes rows');
      if (part?.slice !== target.key) {
        const name = partNameText({ nodeId: 'node', epoch, number: ++number });
        part = { slice: target.key, name, encoder: storage.encoderOf(name, target.slice.codec), offset: 0 };
      }
      const block = await part.encoder.encode(values.map(rowOf));
      const { sinkVersion, codec } = target.slice;
      const request = { slice: part.slice, part: part.name, offset: part.offset, block, sinkVersion, codec };
      const result = await writer.append(request);
      if (result.type === 'durable') part.offset += block.length;
      else part = undefined;
      if (result.type !== 'sealed') return { request, result };
      avoid = target.key;
    }
  };
  return (values) => {
    const sent = tail.then(() => append(values));
    tail = sent.catch(() => undefined);
    return sent;
  };
}

async function until(view: StorageView, condition: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = view.subscribe(() => condition() && resolve());
  if (condition()) resolve();
  await promise.finally(unsubscribe);
}
