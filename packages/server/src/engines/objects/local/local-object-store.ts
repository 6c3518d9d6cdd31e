import { randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { fsyncDirectory, makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import { assertObjectKey } from '../object-key.ts';
import type { ObjectDirectory, ObjectPage, ObjectStore, StoredObject } from '../object-store.ts';
import { abortableChunks } from './abortable-chunks.ts';
import { ContentSource } from './content-source.ts';
import { errnoOf, objectError } from './file-errors.ts';
import { listKeys } from './list-keys.ts';

/** What file systems say that have no hard links between the two places. */
const cannotLink: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);
const readChunkBytes = 256 * 1024;
/** A concurrent delete may take the emptied folder away between its creation and the rename into it. */
const renameAttempts = 5;

/**
 * Objects as files: `data/<key>`, written as `temp/<random>` first, synced, renamed, and the name synced.
 * What a killed process left in `temp` is deleted at the next opening. One process owns the folder.
 */
export class LocalObjectStore implements ObjectStore {
  readonly directory: ObjectDirectory;
  readonly #data: string;
  readonly #temp: string;

  private constructor(folder: string) {
    this.#data = join(folder, 'data');
    this.#temp = join(folder, 'temp');
    this.directory = { pathOf: (key) => this.#pathOf(key), link: (key, file) => this.#link(key, file) };
  }

  static async open({ folder }: { readonly folder: string }): Promise<LocalObjectStore> {
    const root = resolve(folder);
    const store = new LocalObjectStore(root);
    try {
      await makeDirectoryDurable(store.#data, dirname(root));
      await mkdir(store.#temp, { recursive: true, mode: 0o700 });
      for (const name of await readdir(store.#temp)) await rm(join(store.#temp, name), { recursive: true });
    } catch (error) {
      throw objectError(error, folder);
    }
    return store;
  }

  async put(key: string, content: AsyncIterable<Uint8Array>, options: { readonly signal?: AbortSignal } = {}): Promise<StoredObject> {
    const target = this.#pathOf(key);
    const temporary = join(this.#temp, randomUUID());
    const source = new ContentSource(options.signal === undefined ? content : abortableChunks(content, options.signal));
    try {
      await using file = await open(temporary, 'wx', 0o600);
      await file.writeFile(source);
      await file.datasync();
      const { size } = await file.stat();
      options.signal?.throwIfAborted();
      await this.#publish(temporary, target);
      return { key, size };
    } catch (error) {
      await rm(temporary, { force: true });
      throw source.failure === undefined ? objectError(error, key) : source.failure.reason;
    }
  }

  async *get(key: string, range?: { readonly offset: number; readonly length: number }): AsyncGenerator<Uint8Array> {
    const path = this.#pathOf(key);
    try {
      await using file = await open(path, 'r');
      yield* readRange(file, range ?? { offset: 0, length: Number.POSITIVE_INFINITY });
    } catch (error) {
      throw objectError(error, key);
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const path = this.#pathOf(key);
    try {
      const stats = await stat(path);
      return stats.isFile() ? { key, size: stats.size } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw objectError(error, key);
    }
  }

  async list({ prefix, after, limit }: { readonly prefix: string; readonly after?: string; readonly limit: number }): Promise<ObjectPage> {
    const objects: StoredObject[] = [];
    try {
      for await (const key of listKeys(this.#data, { prefix, after: after ?? '' })) {
        if (objects.length === limit) return { objects, more: true };
        const object = await this.head(key);
        if (object !== undefined) objects.push(object);
      }
    } catch (error) {
      throw objectError(error, prefix);
    }
    return { objects, more: false };
  }

  async delete(key: string): Promise<void> {
    const path = this.#pathOf(key);
    try {
      await unlink(path);
      await this.#syncUpwards(dirname(path));
    } catch (error) {
      if (!isAbsent(error) && errnoOf(error) !== 'EISDIR') throw objectError(error, key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #pathOf(key: string): string {
    assertObjectKey(key);
    return join(this.#data, key);
  }

  async #link(key: string, file: string): Promise<boolean> {
    const target = this.#pathOf(key);
    const temporary = join(this.#temp, randomUUID());
    try {
      await using source = await open(file, 'r');
      await source.datasync();
      await link(file, temporary);
      await this.#publish(temporary, target);
      return true;
    } catch (error) {
      if (cannotLink.has(errnoOf(error) ?? '')) return false;
      throw objectError(error, key);
    } finally {
      // A rename between two names of one file leaves both.
      await rm(temporary, { force: true });
    }
  }

  /** Gives the finished file its name and makes the name durable. */
  async #publish(temporary: string, target: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await makeDirectoryDurable(dirname(target), this.#data);
        await rename(temporary, target);
        await fsyncDirectory(dirname(target));
        return;
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        if (attempt < renameAttempts) continue;
        throw new AppError('objectsUnavailable', `The folder of ${target} vanishes again and again.`, { cause: error });
      }
    }
  }

  /** Removes folders that became empty, and makes the last removal durable. */
  async #syncUpwards(folder: string): Promise<void> {
    let current = folder;
    for (; current !== this.#data; current = dirname(current)) {
      try {
        await rmdir(current);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') continue;
        break;
      }
    }
    await fsyncDirectory(current);
  }
}

async function* readRange(file: FileHandle, { offset, length }: { offset: number; length: number }): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const size = Math.min(readChunkBytes, length - done);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, offset + done);
    if (bytesRead === 0) return;
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function isAbsent(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
}
