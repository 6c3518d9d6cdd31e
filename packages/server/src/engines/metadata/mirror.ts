import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { AppError, errorText, isAppError } from '../../kernel/errors/app-error.ts';
import type { MetadataEntry, MetadataStore, WatchEvent } from './metadata-store.ts';
import { RevisionWaiters } from './revision-waiters.ts';

export interface MetadataMirrorOptions<T> {
  readonly store: MetadataStore;
  readonly prefix: string;
  /** Throws on a value that it cannot read; such a key is reported and absent from the mirror. */
  readonly decode: (key: string, value: string) => T;
  /** Called in order, never concurrently; the mirror reads on when it has settled. A rejection ends `run`. */
  readonly onChange?: (batch: MirrorBatch<T>) => void | Promise<void>;
  readonly onUndecodable?: (problem: { readonly key: string; readonly modRevision: number; readonly error: unknown }) => void;
  /** The store did not answer, or the watched revision was compacted; the mirror tries again after `waitMs`. */
  readonly onInterrupted?: (interruption: { readonly reason: string; readonly waitMs: number }) => void;
  readonly backoff?: Backoff;
}

export interface MirrorEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
}

export type MirrorChange<T> =
  | { readonly type: 'put'; readonly entry: MirrorEntry<T>; readonly previous: MirrorEntry<T> | undefined }
  | { readonly type: 'delete'; readonly key: string; readonly previous: MirrorEntry<T> };

export interface MirrorBatch<T> {
  readonly revision: number;
  /** The differences to what the mirror held before; a first listing is all puts. */
  readonly changes: readonly MirrorChange<T>[];
}

const pageSize = 500;

/**
 * The keys of a prefix, decoded, in memory, as they were at `revision`.
 *
 * List, then watch from the first page's revision + 1. Pages show different revisions, so the draft becomes visible only when
 * the watch has passed the newest page; then the whole content is exchanged at once. Interruptions (store unavailable, revision
 * compacted) keep the old content readable and end in a new listing.
 */
export class MetadataMirror<T> {
  readonly #options: MetadataMirrorOptions<T>;
  readonly #backoff: Backoff;
  readonly #waiters = new RevisionWaiters();
  #entries: ReadonlyMap<string, MirrorEntry<T>> | undefined;
  #revision = 0;
  readonly #ready = Promise.withResolvers<void>();

  constructor(options: MetadataMirrorOptions<T>) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff({ initialMs: 50, maxMs: 5000, holdMs: 5000 });
    // `run` reports the end to its own caller too.
    this.#ready.promise.catch(() => {});
  }

  /** Resolves with the first complete content; rejects when `run` ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Everything up to this revision is visible; 0 before the mirror is ready. */
  get revision(): number {
    return this.#revision;
  }

  get(key: string): MirrorEntry<T> | undefined {
    return this.#entries?.get(key);
  }

  entries(): IterableIterator<MirrorEntry<T>> {
    return (this.#entries ?? new Map<string, MirrorEntry<T>>()).values();
  }

  /** Resolves when everything up to the revision is visible and `onChange` has settled for it. Rejects with the signal's reason. */
  waitForRevision(revision: number, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(revision, signal);
  }

  /** Follows the store until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        try {
          await this.#follow(signal);
        } catch (error) {
          if (!(isAppError(error) && error.disposition === 'retry')) throw error;
          const waitMs = this.#backoff.next();
          this.#options.onInterrupted?.({ reason: errorText(error), waitMs });
          await sleep(waitMs, signal);
        }
      }
    } catch (error) {
      this.#ready.reject(error);
      throw error;
    }
    this.#ready.reject(signal.reason);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, prefix } = this.#options;
    const { draft, oldest, newest } = await this.#list(signal);
    if (signal.aborted) return;
    let isDraft = oldest !== newest;
    if (!isDraft) await this.#exchange(draft, newest);
    for await (const { revision, events } of store.watch({ prefix, fromRevision: oldest + 1, signal })) {
      const changes = events.flatMap((event) => this.#apply(draft, event));
      if (!isDraft) await this.#announce({ revision, changes });
      else if (revision >= newest) {
        isDraft = false;
        await this.#exchange(draft, revision);
      }
      this.#backoff.succeeded();
    }
  }

  async #list(signal: AbortSignal): Promise<{ draft: Map<string, MirrorEntry<T>>; oldest: number; newest: number }> {
    const { store, prefix } = this.#options;
    const draft = new Map<string, MirrorEntry<T>>();
    const first = await store.range({ prefix, limit: pageSize });
    for (let page = first; ; ) {
      for (const entry of page.entries) {
        const decoded = this.#decode(entry);
        if (decoded !== undefined) draft.set(entry.key, decoded);
      }
      const after = page.entries.at(-1)?.key;
      if (!page.more || after === undefined || signal.aborted) return { draft, oldest: first.revision, newest: page.revision };
      page = await store.range({ prefix, after, limit: pageSize });
    }
  }

  /** Events older than what a page showed of their key are in the draft already. */
  #apply(entries: Map<string, MirrorEntry<T>>, event: WatchEvent): MirrorChange<T>[] {
    const key = event.type === 'put' ? event.entry.key : event.key;
    const modRevision = event.type === 'put' ? event.entry.modRevision : event.modRevision;
    const previous = entries.get(key);
    if (previous !== undefined && previous.modRevision >= modRevision) return [];
    const entry = event.type === 'put' ? this.#decode(event.entry) : undefined;
    if (entry !== undefined) {
      entries.set(key, entry);
      return [{ type: 'put', entry, previous }];
    }
    entries.delete(key);
    return previous === undefined ? [] : [{ type: 'delete', key, previous }];
  }

  #decode({ key, value, createRevision, modRevision }: MetadataEntry): MirrorEntry<T> | undefined {
    try {
      return { key, value: this.#options.decode(key, value), createRevision, modRevision };
    } catch (error) {
      this.#options.onUndecodable?.({ key, modRevision, error });
      return undefined;
    }
  }

  async #exchange(entries: ReadonlyMap<string, MirrorEntry<T>>, revision: number): Promise<void> {
    const changes = differences(this.#entries ?? new Map(), entries);
    this.#entries = entries;
    await this.#announce({ revision, changes });
    this.#ready.resolve();
  }

  async #announce(batch: MirrorBatch<T>): Promise<void> {
    this.#revision = batch.revision;
    try {
      if (batch.changes.length > 0) await this.#options.onChange?.(batch);
    } catch (error) {
      // Not to be taken for a fault of the store: a new listing would not tell these changes again.
      throw new AppError('invariantBroken', `A listener of the keys "${this.#options.prefix}" failed: ${errorText(error)}.`, {
        cause: error,
      });
    }
    this.#waiters.reach(batch.revision);
  }
}

function differences<T>(before: ReadonlyMap<string, MirrorEntry<T>>, after: ReadonlyMap<string, MirrorEntry<T>>): MirrorChange<T>[] {
  const changes: MirrorChange<T>[] = [];
  for (const [key, previous] of before) {
    if (!after.has(key)) changes.push({ type: 'delete', key, previous });
  }
  for (const [key, entry] of after) {
    const previous = before.get(key);
    if (previous?.modRevision !== entry.modRevision) changes.push({ type: 'put', entry, previous });
  }
  return changes;
}
