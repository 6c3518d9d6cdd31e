import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';
import type { VolumeRoom } from './disk/volume-room.ts';

export const volumeMetricTable = {
  sluice_volume_free_bytes: { type: 'gauge', help: 'Free space of the disk of a volume.', labels: ['volume'] },
  sluice_volume_reserve_bytes: { type: 'gauge', help: 'Free space under which the volume refuses blocks.', labels: ['volume'] },
  sluice_volume_full: { type: 'gauge', help: '1 while the volume refuses blocks.', labels: ['volume'] },
  sluice_volume_refused_blocks: { type: 'gauge', help: 'Blocks that were refused for want of room, since the start.', labels: ['volume'] },
  sluice_volume_ballast_bytes: {
    type: 'gauge',
    help: 'Size of the ballast file; 0 while it is freed because the disk was full.',
    labels: ['volume'],
  },
} as const satisfies MetricTable;

/** Read at each scrape from the last measurement. */
export function exposeVolumeMetrics(metrics: Metrics<typeof volumeMetricTable>, rooms: Iterable<VolumeRoom>): void {
  for (const room of rooms) {
    const volume = room.id;
    metrics.gaugeOf('sluice_volume_free_bytes', { volume }, () => room.space?.freeBytes ?? 0);
    metrics.gaugeOf('sluice_volume_reserve_bytes', { volume }, () => room.space?.reserveBytes ?? 0);
    metrics.gaugeOf('sluice_volume_full', { volume }, () => (room.space?.refusal === undefined ? 0 : 1));
    metrics.gaugeOf('sluice_volume_refused_blocks', { volume }, () => room.refusedBlocks);
    metrics.gaugeOf('sluice_volume_ballast_bytes', { volume }, () => room.space?.ballastBytes ?? 0);
  }
}
