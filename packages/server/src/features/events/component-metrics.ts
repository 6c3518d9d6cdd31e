import type { MetricTable } from '../../kernel/observe/metrics.ts';

export const componentMetricTable = {
  sluice_disabled: { type: 'gauge', help: '1 while the component is parked by its setting `disable`, else 0.', labels: ['component'] },
} as const satisfies MetricTable;
