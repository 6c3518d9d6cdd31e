import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';
import { rowPlaces } from './conservation.ts';
import { storageStatus } from './storage-status.ts';
import type { StorageView } from './storage-view.ts';

export const storageMetricTable = {
  sluice_storage_rows: {
    type: 'gauge',
    help: 'Rows by where they are: local, staged, imported, quarantined, damaged, discarded.',
    labels: ['place'],
  },
  sluice_storage_files: { type: 'gauge', help: 'Files that are retried or in quarantine.', labels: ['trouble'] },
  sluice_storage_oldest_row_seconds: { type: 'gauge', help: 'Age of the oldest row that is not imported yet.', labels: [] },
  sluice_storage_conservation_violations: {
    type: 'gauge',
    help: 'Files, slices and sums whose accepted rows are not those that are found. Anything but 0 is a bug.',
    labels: [],
  },
  sluice_storage_lost_folders: {
    type: 'gauge',
    help: 'Slice folders in lost+found of the volumes: metadata did not know them.',
    labels: [],
  },
} as const satisfies MetricTable;

interface Sources {
  readonly view: StorageView;
  readonly lostAndFound: { readonly count: number };
}

/** Read at each scrape from the view in memory; nothing is counted beside the states. */
export function exposeStorageMetrics(
  metrics: Metrics<typeof storageMetricTable>,
  { view, lostAndFound }: Sources,
  now: () => number,
): void {
  const sum = (read: (sink: ReturnType<typeof storageStatus>[number]) => number) =>
    storageStatus(view).reduce((total, sink) => total + read(sink), 0);
  for (const place of rowPlaces) metrics.gaugeOf('sluice_storage_rows', { place }, () => sum((sink) => sink.rows[place]));
  metrics.gaugeOf('sluice_storage_conservation_violations', {}, () => sum((sink) => sink.conservation.violations.length));
  metrics.gaugeOf('sluice_storage_files', { trouble: 'retrying' }, () => sum((sink) => sink.retrying));
  metrics.gaugeOf('sluice_storage_files', { trouble: 'quarantined' }, () => sum((sink) => sink.quarantined.length));
  metrics.gaugeOf('sluice_storage_lost_folders', {}, () => lostAndFound.count);
  metrics.gaugeOf('sluice_storage_oldest_row_seconds', {}, () => {
    const oldest = Math.min(...storageStatus(view).flatMap((sink) => sink.oldestAt ?? []));
    return Number.isFinite(oldest) ? Math.max(0, (now() - oldest) / 1000) : 0;
  });
}
