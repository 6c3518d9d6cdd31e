import type { Node } from './node.ts';

/** Component `storage-writer`: appends, sealing and local removal on the volumes of this process. */
export function startStorageWriter(node: Node): void {
  const { lifecycle, storage } = node;
  const writer = lifecycle.use('storage-writer', storage.openWriter());
  lifecycle.use('storage-statistics', storage.openStatistics(writer));
  lifecycle.use('lost+found', storage.lostAndFound.openScans());
  node.writer = writer;
}
