import { exposeVolumeMetrics, volumeMetricTable } from '../features/storage/volume-metrics.ts';
import type { Node } from './node.ts';

/** Component `storage-writer`: appends, sealing and local removal on the volumes of this process. */
export async function startStorageWriter(node: Node): Promise<void> {
  const { lifecycle, storage, metrics, readiness } = node;
  lifecycle.use('disk-watch', await storage.openDiskWatch());
  exposeVolumeMetrics(metrics.declare(volumeMetricTable), storage.rooms);
  for (const room of storage.rooms) {
    // A full node stays ready: its own 503 says more than a balancer's.
    readiness.add(`volume ${room.id}`, () => {
      const refusal = room.space?.refusal;
      return { ready: true, ...(refusal !== undefined && { detail: `rows are refused: ${refusal}` }) };
    });
  }
  const writer = lifecycle.use('storage-writer', storage.openWriter());
  lifecycle.use('storage-statistics', storage.openStatistics(writer));
  lifecycle.use('lost+found', storage.lostAndFound.openScans());
  node.writer = writer;
}
