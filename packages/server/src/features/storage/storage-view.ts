import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { MetadataMirror, type MirrorBatch } from '../../engines/metadata/mirror.ts';
import { decodeJson } from '../../kernel/codec/json.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { type Figures, sumFigures, zeroFigures } from './state/figures.ts';
import type { File } from './state/file.ts';
import { type SinkSum, sinkSumSchema } from './state/row-counts.ts';
import type { Slice } from './state/slice.ts';
import { sinkSumMetadataKey, sinkTextOf, storagePrefix } from './state/storage-keys.ts';
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
 * Files, slices and live statistics in memory, all of one revision of metadata, a moment behind it. A hint for everyone: what it leads to is fenced
 * by the revisions of the entities. Keys are the key texts of `state/storage-keys.ts`.
 */
export class StorageView {
  readonly #mirror: MetadataMirror<Entity>;
  readonly #slicesOfFile = new Map<string, Set<string>>();
  readonly #writingOfSink = new Map<string, Set<string>>();
  readonly #filesOfSink = new Map<string, Set<string>>();
  readonly #listeners = new Set<(change: StorageChange) => void>();

  constructor(store: MetadataStore, logger: Logger) {
    this.#mirror = new MetadataMirror<Entity>({
      store,
      prefix: storagePrefix.all,
      decode: decodeEntity,
      onChange: (batch) => this.#changed(batch),
      onUndecodable: (problem) => logger.error({ key: problem.key, error: String(problem.error) }, 'an entity of storage cannot be read'),
      onInterrupted: (interruption) => logger.warn({ ...interruption }, 'the view of storage is interrupted'),
    });
  }

  /** Follows metadata until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#mirror.run(signal);
  }

  get ready(): Promise<unknown> {
    return this.#mirror.ready;
  }

  /** Called after every change; must not throw. Returns the way out. */
  subscribe(listener: (change: StorageChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  file(key: string): File | undefined {
    return this.#mirror.get(storagePrefix.file + key)?.value.file;
  }

  *files(): Iterable<File> {
    for (const { value } of this.#mirror.entries()) if (value.file) yield value.file;
  }

  slice(key: string): Slice | undefined {
    return this.#mirror.get(storagePrefix.slice + key)?.value.slice;
  }

  *slices(): Iterable<Slice> {
    for (const { value } of this.#mirror.entries()) if (value.slice) yield value.slice;
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
    return this.#mirror.get(storagePrefix.stats + key)?.value.stats ?? zeroFigures;
  }

  /** Figures of records that are cleaned up. */
  sinkSum(sinkKey: string): SinkSum {
    return this.#mirror.get(sinkSumMetadataKey(sinkKey))?.value.stats ?? zeroFigures;
  }

  fileFigures(sliceKeys: Iterable<string>): Figures {
    return sumFigures([...sliceKeys].map((key) => this.figures(key)));
  }

  /** All of a revision is indexed before anybody hears of it. */
  #changed({ changes }: MirrorBatch<Entity>): void {
    const files = new Set<string>();
    const slices = new Set<string>();
    const measured: string[] = [];
    for (const change of changes) {
      const entity = change.type === 'put' ? change.entry.value : change.previous.value;
      const present = change.type === 'put';
      const id = keyOf(change);
      if (entity.file) {
        const key = id.slice(storagePrefix.file.length);
        index(this.#filesOfSink, sinkTextOf(entity.file), { key, present });
        files.add(key);
      }
      if (entity.slice) {
        const key = id.slice(storagePrefix.slice.length);
        this.#indexSlice(key, entity.slice, { present, before: change.previous?.value.slice });
        files.add(entity.slice.file);
        slices.add(key);
      }
      if (entity.stats) measured.push(id.slice(storagePrefix.stats.length));
    }
    for (const key of measured) {
      const file = this.slice(key)?.file;
      if (file !== undefined) files.add(file);
    }
    if (files.size > 0 || measured.length > 0) this.#announce({ files: [...files], slices: [...slices] });
  }

  #indexSlice(key: string, slice: Slice, { present, before }: { present: boolean; before: Slice | undefined }): void {
    if (before && before.file !== slice.file) index(this.#slicesOfFile, before.file, { key, present: false });
    index(this.#slicesOfFile, slice.file, { key, present });
    index(this.#writingOfSink, sinkTextOf(slice), { key, present: present && slice.state === 'writing' });
  }

  #announce(change: StorageChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** One of them; nothing for keys that only lead to others. */
interface Entity {
  readonly file?: File;
  readonly slice?: Slice;
  readonly stats?: SinkSum;
}

function decodeEntity(key: string, value: string): Entity {
  if (key.startsWith(storagePrefix.file)) return { file: decodeFile(key, value) };
  if (key.startsWith(storagePrefix.slice)) return { slice: decodeSlice(key, value) };
  if (key.startsWith(storagePrefix.stats))
    return { stats: decodeJson(value, { schema: sinkSumSchema, what: key, code: 'invariantBroken' }) };
  return {};
}

const keyOf = (change: MirrorBatch<unknown>['changes'][number]): string => (change.type === 'put' ? change.entry.key : change.key);

function index(sets: Map<string, Set<string>>, group: string, { key, present }: { key: string; present: boolean }): void {
  const set = sets.get(group) ?? new Set();
  if (present) set.add(key);
  else set.delete(key);
  if (set.size > 0) sets.set(group, set);
  else sets.delete(group);
}
