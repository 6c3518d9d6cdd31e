import { exposeStorageMetrics, storageMetricTable } from '../features/storage/storage-metrics.ts';
import type { Node } from './node.ts';

/** Component `storage-coordinator`: rotation, import and cleanup. */
export function startStorageCoordinator({ lifecycle, storage, metrics, readiness, clock }: Node): void {
  // Others go on: what a table refuses is no reason to send no rows.
  readiness.add('quarantine', () => {
    const detail = storage.quarantine.describe();
    return { ready: true, ...(detail !== undefined && { detail }) };
  });
  exposeStorageMetrics(metrics.declare(storageMetricTable), storage, () => clock.now());
  lifecycle.use('storage-coordinator', storage.openCoordinator());
}
