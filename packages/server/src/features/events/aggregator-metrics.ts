import type { SeriesType } from '@sluice/contract/event-series';
import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';

export const aggregatorMetricTable = {
  sluice_aggregator_requests_total: {
    type: 'counter',
    help: 'Answers of the aggregator; a stream counts when it begins.',
    labels: ['status'],
  },
  sluice_aggregator_read_seconds: {
    type: 'histogram',
    help: 'How long a store took for a read that it answered.',
    labels: ['type'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  sluice_aggregator_read_failures_total: {
    type: 'counter',
    help: 'Reads that a store did not answer, or not in time.',
    labels: ['type', 'code'],
  },
  sluice_aggregator_store_up: { type: 'gauge', help: '1 while the store answers, else 0.', labels: ['type'] },
  sluice_aggregator_streams: { type: 'gauge', help: 'Clients of streams that are connected.', labels: [] },
  sluice_aggregator_live_series: { type: 'gauge', help: 'Different series that streams follow.', labels: [] },
  sluice_aggregator_streams_ended_total: {
    type: 'counter',
    help: 'Streams that ended: the client left (gone), took nothing for too long (slow), or the service stopped (stopped).',
    labels: ['reason'],
  },
} as const satisfies MetricTable;

export type StreamEnd = 'gone' | 'slow' | 'stopped';

/** What the aggregator counts. */
export interface AggregatorMeter {
  answered(status: number): void;
  read(type: SeriesType, seconds: number): void;
  readFailed(type: SeriesType, code: string): void;
  storeUp(type: SeriesType, isUp: boolean): void;
  streamEnded(reason: StreamEnd): void;
  /** Gauges of what is open now. */
  watch(open: { readonly clients: () => number; readonly series: () => number }): void;
}

export function createAggregatorMeter(metrics: Metrics<typeof aggregatorMetricTable>): AggregatorMeter {
  return {
    answered: (status) => metrics.counter('sluice_aggregator_requests_total', { status: String(status) }).inc(),
    read: (type, seconds) => metrics.histogram('sluice_aggregator_read_seconds', { type }).observe(seconds),
    readFailed: (type, code) => metrics.counter('sluice_aggregator_read_failures_total', { type, code }).inc(),
    storeUp: (type, isUp) => metrics.gauge('sluice_aggregator_store_up', { type }).set(isUp ? 1 : 0),
    streamEnded: (reason) => metrics.counter('sluice_aggregator_streams_ended_total', { reason }).inc(),
    watch: ({ clients, series }) => {
      metrics.gaugeOf('sluice_aggregator_streams', {}, clients);
      metrics.gaugeOf('sluice_aggregator_live_series', {}, series);
    },
  };
}
