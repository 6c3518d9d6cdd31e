import type { MetricTable } from '../../kernel/observe/metrics.ts';

export const logMetricTable = {
  sluice_log_lost_records: {
    type: 'counter',
    help: 'Records of the embedded log that went by its cap in bytes before a known group had read them.',
    labels: ['topic'],
  },
} as const satisfies MetricTable;
