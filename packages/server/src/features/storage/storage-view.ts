import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { MetadataMirror, type MetadataMirrorOptions, type MirrorBatch } from '../../engines/metadata/mirror.ts';
import { decodeJson } from '../../kernel/codec/json.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { type Figures, type SinkSum, sinkSumSchema, sumFigures, zeroFigures } from './state/figures.ts';
import type { File } from './state/file.ts';
import type { Slice } from './state/slice.ts';
import { sinkTextOf, storagePrefix } from './state/storage-keys.ts';
import { decodeFile, decodeSlice } from './state/storage-store.ts';

export interface StorageChange {
  readonly files: readonly string[];
  readonly slices: readonly string[];
}

export interface WritingSlice {
  readonly key: string;
  readonly slice: Slice;
}

/**
 * Files, slices and live statistics in memory, a moment behind metadata. A hint for everyone: what it leads to is fenced
 * by the revisions of the entities. Keys are the key texts of `state/storage-keys.ts`.
 */
export class StorageView {
  readonly #files: MetadataMirror<File>;
  readonly #slices: MetadataMirror<Slice>;
  readonly #stats: MetadataMirror<SinkSum>;
  readonly #slicesOfFile = new Map<string, Set<string>>();
  readonly #writingOfSink = new Map<string, Set<string>>();
  readonly #filesOfSink = new Map<string, Set<string>>();
  readonly #listeners = new Set<(change: StorageChange) => void>();

  constructor(store: MetadataStore, logger: Logger) {
    const common = {
      store,
      onUndecodable: (problem: { key: string; error: unknown }) =>
        logger.error({ key: problem.key, error: String(problem.error) }, 'an entity of storage cannot be read'),
      onInterrupted: (interruption: object) => logger.warn({ ...interruption }, 'the view of storage is interrupted'),
    };
    const mirror = <T>(options: Pick<MetadataMirrorOptions<T>, 'prefix' | 'decode' | 'onChange'>) =>
      new MetadataMirror<T>({ ...common, ...options });
    this.#files = mirror({
      prefix: storagePrefix.file,
      decode: (key, value) => decodeFile(key, value),
      onChange: (batch) => this.#filesChanged(batch),
    });
    this.#slices = mirror({
      prefix: storagePrefix.slice,
      decode: (key, value) => decodeSlice(key, value),
      onChange: (batch) => this.#slicesChanged(batch),
    });
    this.#stats = mirror({
      prefix: storagePrefix.stats,
      decode: (key, value) => decodeJson(value, { schema: sinkSumSchema, what: key, code: 'invariantBroken' }),
      onChange: ({ changes }) => {
        const slices = changes.map((change) => keyOf(change).slice(storagePrefix.stats.length));
        this.#announce({ files: slices.flatMap((key) => this.slice(key)?.file ?? []), slices: [] });
      },
    });
  }

  /** Follows metadata until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#files.run(signal), this.#slices.run(signal), this.#stats.run(signal)]);
  }

  get ready(): Promise<unknown> {
    return Promise.all([this.#files.ready, this.#slices.ready, this.#stats.ready]);
  }

  /** Called after every change; must not throw. Returns the way out. */
  subscribe(listener: (change: StorageChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  file(key: string): File | undefined {
    return this.#files.get(storagePrefix.file + key)?.value;
  }

  *files(): Iterable<File> {
    for (const { value } of this.#files.entries()) yield value;
  }

  slice(key: string): Slice | undefined {
    return this.#slices.get(storagePrefix.slice + key)?.value;
  }

  *slices(): Iterable<Slice> {
    for (const { value } of this.#slices.entries()) yield value;
  }

  slicesOf(fileKey: string): readonly Slice[] {
    return [...(this.#slicesOfFile.get(fileKey) ?? [])].flatMap((key) => this.slice(key) ?? []);
  }

  filesOf(sinkKey: string): readonly File[] {
    return [...(this.#filesOfSink.get(sinkKey) ?? [])].flatMap((key) => this.file(key) ?? []);
  }

  /** The sink's newest slice that takes rows, with its key. */
  writingSlice(sinkKey: string): WritingSlice | undefined {
    let newest: WritingSlice | undefined;
    for (const key of this.#writingOfSink.get(sinkKey) ?? []) {
      const slice = this.slice(key);
      if (slice && (!newest || slice.openedAt > newest.slice.openedAt)) newest = { key, slice };
    }
    return newest;
  }

  /** As `writingSlice`, but not `avoid`; waits for one up to `timeoutMs`. */
  async findWritingSlice(
    sinkKey: string,
    { avoid, timeoutMs }: { avoid: string | undefined; timeoutMs: number },
  ): Promise<WritingSlice | undefined> {
    const find = () => {
      const found = this.writingSlice(sinkKey);
      return found?.key === avoid ? undefined : found;
    };
    const known = find();
    if (known) return known;
    const { promise, resolve } = Promise.withResolvers<WritingSlice | undefined>();
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    const unsubscribe = this.subscribe(() => {
      const found = find();
      if (found) resolve(found);
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      unsubscribe();
    }
  }

  /** Figures of a slice: from its sealing, or live from its writer. */
  figures(key: string): Figures {
    const slice = this.slice(key);
    if (slice && 'figures' in slice) return slice.figures;
    return this.#stats.get(storagePrefix.stats + key)?.value ?? zeroFigures;
  }

  /** Figures of records that are cleaned up. */
  sinkSum(sinkKey: string): SinkSum {
    return this.#stats.get(`${storagePrefix.stats}${sinkKey}/_sum`)?.value ?? zeroFigures;
  }

  fileFigures(sliceKeys: Iterable<string>): Figures {
    return sumFigures([...sliceKeys].map((key) => this.figures(key)));
  }

  #filesChanged({ changes }: MirrorBatch<File>): void {
    for (const change of changes) {
      const key = keyOf(change).slice(storagePrefix.file.length);
      const file = change.type === 'put' ? change.entry.value : change.previous.value;
      index(this.#filesOfSink, sinkTextOf(file), { key, present: change.type === 'put' });
    }
    this.#announce({ files: changes.map((change) => keyOf(change).slice(storagePrefix.file.length)), slices: [] });
  }

  #slicesChanged({ changes }: MirrorBatch<Slice>): void {
    const files = new Set<string>();
    for (const change of changes) {
      const key = keyOf(change).slice(storagePrefix.slice.length);
      const slice = change.type === 'put' ? change.entry.value : change.previous.value;
      const before = change.previous?.value;
      if (before && before.file !== slice.file) index(this.#slicesOfFile, before.file, { key, present: false });
      index(this.#slicesOfFile, slice.file, { key, present: change.type === 'put' });
      index(this.#writingOfSink, sinkTextOf(slice), { key, present: change.type === 'put' && slice.state === 'writing' });
      files.add(slice.file);
    }
    this.#announce({ files: [...files], slices: changes.map((change) => keyOf(change).slice(storagePrefix.slice.length)) });
  }

  #announce(change: StorageChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const keyOf = (change: MirrorBatch<unknown>['changes'][number]): string => (change.type === 'put' ? change.entry.key : change.key);

function index(sets: Map<string, Set<string>>, group: string, { key, present }: { key: string; present: boolean }): void {
  const set = sets.get(group) ?? new Set();
  if (present) set.add(key);
  else set.delete(key);
  if (set.size > 0) sets.set(group, set);
  else sets.delete(group);
}
