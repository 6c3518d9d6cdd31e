import type { MetricTable } from '../../kernel/observe/metrics.ts';

export const producerMetricTable = {
  sluice_producer_generated_total: { type: 'counter', help: 'Events that were made.', labels: [] },
  sluice_producer_acknowledged_total: { type: 'counter', help: 'Events that the events API has taken.', labels: [] },
  sluice_producer_dropped_total: {
    type: 'counter',
    help: 'Events that were dropped before they were sent: parked, or more than the buffer holds.',
    labels: ['reason'],
  },
  sluice_producer_dead_letters_total: { type: 'counter', help: 'Events that the events API refused for good.', labels: [] },
  sluice_producer_pending_events: { type: 'gauge', help: 'Events that wait for their acknowledgement.', labels: [] },
} as const satisfies MetricTable;
