import type { MetricTable } from '../../kernel/observe/metrics.ts';

/** Sources and order of the channels. */
export const orderMetricTable = {
  sluice_channels_source_connected: { type: 'gauge', help: '1 while the source is connected, else 0.', labels: ['source'] },
  sluice_channels_source_connects_total: { type: 'counter', help: 'Connections to the source.', labels: ['source'] },
  sluice_channels_source_disconnects_total: {
    type: 'counter',
    help: 'Connections, also attempts, that ended: refused, ended or reset by the source, silent for too long (stalled), not readable (protocol).',
    labels: ['source', 'reason'],
  },
  sluice_channels_source_bytes_total: { type: 'counter', help: 'Bytes that came from the source.', labels: ['source'] },
  sluice_channels_source_pauses_total: {
    type: 'counter',
    help: 'How often the source was not read, because the buffers were nearly full.',
    labels: ['source'],
  },
  sluice_channels_source_out_of_range_total: {
    type: 'counter',
    help: 'Packets that were dropped, because their number is over 2^53-1.',
    labels: ['source'],
  },
  sluice_channels_source_resyncs_total: {
    type: 'counter',
    help: 'How often the place in the stream was lost, and looked for by the magic.',
    labels: ['source'],
  },
  sluice_channels_source_skipped_bytes_total: {
    type: 'counter',
    help: 'Bytes that were passed over to find the magic.',
    labels: ['source'],
  },
  sluice_channels_source_prefix: {
    type: 'gauge',
    help: 'The five bytes that the newest frame begins with, as a number.',
    labels: ['source'],
  },
  sluice_channels_refused_packets_total: {
    type: 'counter',
    help: 'Packets that were dropped, because there are as many channels as may be.',
    labels: [],
  },
  sluice_channels_frames_total: { type: 'counter', help: 'Packets that came.', labels: ['channel'] },
  sluice_channels_reordered_total: { type: 'counter', help: 'Packets that waited for an earlier number.', labels: ['channel'] },
  sluice_channels_duplicates_total: { type: 'counter', help: 'Packets whose number came before.', labels: ['channel'] },
  sluice_channels_late_total: {
    type: 'counter',
    help: 'Packets that were dropped: passed over before they came, or out of count.',
    labels: ['channel'],
  },
  sluice_channels_gaps_total: { type: 'counter', help: 'Gaps that were given up.', labels: ['channel'] },
  sluice_channels_gap_packets_total: { type: 'counter', help: 'Numbers in these gaps.', labels: ['channel'] },
  sluice_channels_epoch: { type: 'gauge', help: 'How often the channel has begun to count.', labels: ['channel'] },
  sluice_channels_reorder_depth: { type: 'gauge', help: 'Packets that wait.', labels: ['channel'] },
  sluice_channels_reorder_delay_seconds: {
    type: 'histogram',
    help: 'How long packets that came before their turn have waited.',
    labels: [],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
  sluice_channels_buffer_slabs: { type: 'gauge', help: 'Slabs of 256 kB that are in use, for order and for replay.', labels: ['use'] },
} as const satisfies MetricTable;
