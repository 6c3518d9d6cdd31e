import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { ImportObject } from '../table-engine.ts';

export interface StagedFile {
  readonly path: string;
  readonly codec: ImportObject['codec'] | 'none';
}

interface StagedFilesOptions {
  readonly objects: ObjectStore;
  /** For copies. */
  readonly folder: string;
  /** Whether gzip objects become copies without compression. */
  readonly unpackGzip: boolean;
}

/** The objects of an import as files: where they lie, or copies in the folder, which are deleted with this. */
export class StagedFiles implements AsyncDisposable {
  readonly files: StagedFile[] = [];
  readonly #copies: string[] = [];
  readonly #options: StagedFilesOptions;

  constructor(options: StagedFilesOptions) {
    this.#options = options;
  }

  async add({ key, codec }: ImportObject, signal: AbortSignal): Promise<void> {
    const { objects, unpackGzip } = this.#options;
    if (codec === 'gzip' && unpackGzip) {
      this.files.push({ path: await this.#copy(unpacked(objects.get(key)), signal), codec: 'none' });
      return;
    }
    const { directory } = objects;
    this.files.push({ path: directory === undefined ? await this.#copy(objects.get(key), signal) : directory.pathOf(key), codec });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#copies) await rm(path, { force: true });
  }

  async #copy(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
    const path = join(this.#options.folder, randomUUID());
    this.#copies.push(path);
    try {
      await using file = await open(path, 'wx', 0o600);
      for await (const chunk of content) {
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

async function* unpacked(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(content);
  const gunzip = createGunzip();
  // What fails in the source fails here, too.
  source.once('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip);
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw new AppError('importRejected', `An object cannot be unpacked: ${errorText(error)}.`, { cause: error });
    }
    throw error;
  }
}

/** Retry, not quarantine: a store that lost its mount looks the same, and nothing was imported. */
export function missingObject(cause: unknown): AppError {
  return new AppError('tablesUnavailable', 'An object of the import is missing in the object store; it will be tried again.', { cause });
}
