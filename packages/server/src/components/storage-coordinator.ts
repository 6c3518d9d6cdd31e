import { exposeStorageMetrics, storageMetricTable } from '../features/storage/storage-metrics.ts';
import type { Node } from './node.ts';

/** Component `storage-coordinator`: rotation, import and cleanup. */
export function startStorageCoordinator({ lifecycle, storage, metrics, clock }: Node): void {
  exposeStorageMetrics(metrics.declare(storageMetricTable), storage, () => clock.now());
  lifecycle.use('storage-coordinator', storage.openCoordinator());
}
