import type { MetadataStore, MetadataWrite } from '../../../engines/metadata/metadata-store.ts';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { type File, type FileEvent, fileSchema, transitionFile } from './file.ts';
import type { Retry } from './retry.ts';
import { type Slice, type SliceEvent, sliceSchema, transitionSlice } from './slice.ts';
import { fileMetadataKey, sliceMetadataKey } from './storage-keys.ts';

export interface Stored<T> {
  readonly value: T;
  readonly modRevision: number;
}

const maxConflicts = 20;
const rememberedAges = 100_000;
/** UTC texts of fixed width, so text order is time order. */
const timeFields = ['openedAt', 'closingAt', 'uploadingAt', 'uploadedAt', 'importingAt', 'discardingAt'] as const;
type EntityTimes = Readonly<Partial<Record<(typeof timeFields)[number], string | undefined>>>;

/** Files and slices in metadata. Every change is a transition fenced by the entity's revision. */
export class StorageStore {
  readonly metadata: MetadataStore;
  readonly #clock: Clock;
  readonly #firstSeen = new Map<string, { readonly monotonic: number; readonly ageMs: number }>();

  constructor(metadata: MetadataStore, clock: Clock) {
    this.metadata = metadata;
    this.#clock = clock;
  }

  now(): string {
    return utcTime(this.#clock.now());
  }

  async file(key: string): Promise<Stored<File> | undefined> {
    const entry = await this.metadata.get(fileMetadataKey(key));
    return entry && { value: decodeFile(entry.key, entry.value), modRevision: entry.modRevision };
  }

  async slice(key: string): Promise<Stored<Slice> | undefined> {
    const entry = await this.metadata.get(sliceMetadataKey(key));
    return entry && { value: decodeSlice(entry.key, entry.value), modRevision: entry.modRevision };
  }

  /** The file after the event, or undefined where it is gone or in a state that does not know the event: somebody else acted. */
  async changeFile(key: string, eventAt: (now: string) => FileEvent): Promise<File | undefined> {
    return this.#change(fileMetadataKey(key), {
      read: async () => {
        const stored = await this.file(key);
        const after = stored && transitionFile(stored.value, eventAt(this.#notBefore(stored.value)));
        return stored && after && { after, modRevision: stored.modRevision };
      },
    });
  }

  /** As `changeFile`. `writes` join the transaction. */
  async changeSlice(key: string, eventAt: (now: string) => SliceEvent, writes: readonly MetadataWrite[] = []): Promise<Slice | undefined> {
    return this.#change(sliceMetadataKey(key), {
      writes,
      read: async () => {
        const stored = await this.slice(key);
        const after = stored && transitionSlice(stored.value, eventAt(this.#notBefore(stored.value)));
        return stored && after && { after, modRevision: stored.modRevision };
      },
    });
  }

  /**
   * Milliseconds of `durationMs` that are left since `at`. Ages use the monotonic clock from the moment this process
   * first asked, so that a step of the wall clock moves no trigger.
   */
  restMs(key: string, at: string, durationMs: number): number {
    return durationMs - this.ageMs(key, at);
  }

  /** Milliseconds until the next attempt; not positive where it is due, or nothing has failed. */
  retryInMs(key: string, retry: Retry | undefined): number {
    return retry ? this.restMs(key, retry.lastFailedAt, Date.parse(retry.after) - Date.parse(retry.lastFailedAt)) : 0;
  }

  ageMs(key: string, at: string): number {
    const monotonic = this.#clock.monotonic();
    const id = `${key}@${at}`;
    const seen = this.#firstSeen.get(id);
    if (seen) return seen.ageMs + monotonic - seen.monotonic;
    const ageMs = Math.max(0, this.#clock.now() - Date.parse(at));
    const oldest = this.#firstSeen.size >= rememberedAges ? this.#firstSeen.keys().next().value : undefined;
    if (oldest !== undefined) this.#firstSeen.delete(oldest);
    this.#firstSeen.set(id, { monotonic, ageMs });
    return ageMs;
  }

  /** Now, or the entity's latest time where the wall clock has stepped back behind it. */
  #notBefore(entity: EntityTimes): string {
    return timeFields.reduce((latest, field) => (latest < (entity[field] ?? '') ? (entity[field] ?? '') : latest), this.now());
  }

  async #change<T>(
    key: string,
    { read, writes = [] }: { read: () => Promise<{ after: T; modRevision: number } | undefined>; writes?: readonly MetadataWrite[] },
  ): Promise<T | undefined> {
    for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
      const change = await read();
      if (!change) return undefined;
      const result = await this.metadata.transact({
        checks: [{ key, modRevision: change.modRevision }],
        writes: [{ type: 'put', key, value: JSON.stringify(change.after) }, ...writes],
      });
      if (result.committed) return change.after;
    }
    throw new AppError('transactionConflict', `${key} was changed by others ${maxConflicts} times in a row.`);
  }
}

export const decodeFile = (key: string, value: string): File =>
  decodeJson(value, { schema: fileSchema, what: key, code: 'invariantBroken' });
export const decodeSlice = (key: string, value: string): Slice =>
  decodeJson(value, { schema: sliceSchema, what: key, code: 'invariantBroken' });
