import type { Node } from './node.ts';

/** Component `storage-reader`: sealed slices of this process's volumes to the object store. */
export function startStorageReader({ lifecycle, storage }: Node): void {
  lifecycle.use('storage-reader', storage.openUploader());
}
