import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { ImportObject } from '../table-engine.ts';

export interface StagedFile {
  readonly path: string;
  readonly codec: ImportObject['codec'];
}

/** The objects of an import as files: where they lie, or copies in the folder, which are deleted with this. */
export class StagedFiles implements AsyncDisposable {
  readonly files: StagedFile[] = [];
  readonly #copies: string[] = [];
  readonly #objects: ObjectStore;
  readonly #folder: string;

  constructor(objects: ObjectStore, folder: string) {
    this.#objects = objects;
    this.#folder = folder;
  }

  async add({ key, codec }: ImportObject, signal: AbortSignal): Promise<void> {
    const { directory } = this.#objects;
    this.files.push({ path: directory === undefined ? await this.#copy(key, signal) : directory.pathOf(key), codec });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#copies) await rm(path, { force: true });
  }

  async #copy(key: string, signal: AbortSignal): Promise<string> {
    const path = join(this.#folder, randomUUID());
    this.#copies.push(path);
    try {
      await using file = await open(path, 'wx', 0o600);
      for await (const chunk of this.#objects.get(key)) {
        signal.throwIfAborted();
        await file.writeFile(chunk);
      }
    } catch (error) {
      if (isAppError(error, 'objectNotFound')) throw missingObject(error);
      throw error;
    }
    return path;
  }
}

/** Retry, not quarantine: a store that lost its mount looks the same, and nothing was imported. */
export function missingObject(cause: unknown): AppError {
  return new AppError('tablesUnavailable', 'An object of the import is missing in the object store; it will be tried again.', { cause });
}
