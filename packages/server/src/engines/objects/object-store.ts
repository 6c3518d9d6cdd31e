/**
 * Port: staged files, written once and read whole.
 *
 * Keys are relative paths of `[A-Za-z0-9._-]` segments joined by `/`; a key must not be the folder of another (`invariantBroken`).
 * Atomicity: an object exists with its whole content or not at all; a put over an existing key replaces it.
 * Durability: when `put` or `link` settles, content and name survive a power loss.
 * Idempotency: put, link and delete may be repeated.
 * Errors: `objectsUnavailable` (retry), `objectNotFound` from `get`, `diskFull`.
 */
export interface ObjectStore extends AsyncDisposable {
  /** An abort rejects with the signal's reason, a failing content with its own error; the older object stays then. */
  put(key: string, content: AsyncIterable<Uint8Array>, options?: { readonly signal?: AbortSignal }): Promise<StoredObject>;
  /** The content, or `length` bytes from `offset`. */
  get(key: string, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array>;
  head(key: string): Promise<StoredObject | undefined>;
  /** Keys of a prefix in ascending byte order, one page. */
  list(query: { readonly prefix: string; readonly after?: string; readonly limit: number }): Promise<ObjectPage>;
  /** Absent keys are no error. */
  delete(key: string): Promise<void>;
  /** Only where objects are files of this machine. */
  readonly directory?: ObjectDirectory;
}

export interface ObjectDirectory {
  /** The absolute path of an object's file, whether it exists or not. */
  pathOf(key: string): string;
  /** Makes the object another name of an existing file. False where the file system cannot (the caller copies then). */
  link(key: string, file: string): Promise<boolean>;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
}

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  readonly more: boolean;
}
