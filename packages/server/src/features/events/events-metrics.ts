import type { ByteBudget } from '../../kernel/async/byte-budget.ts';
import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';

export const eventsMetricTable = {
  sluice_events_requests_total: { type: 'counter', help: 'Answers of the events API.', labels: ['status'] },
  sluice_events_accepted_total: { type: 'counter', help: 'Events that are in the log and were acknowledged.', labels: [] },
  sluice_events_rejected_total: { type: 'counter', help: 'Events that are not valid.', labels: [] },
  sluice_events_append_seconds: {
    type: 'histogram',
    help: 'How long the log took for the events of a request.',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
  },
  sluice_events_pending_bytes: { type: 'gauge', help: 'Events in memory that wait for the log.', labels: [] },
} as const satisfies MetricTable;

/** What the events API counts. */
export interface EventsMeter {
  answered(status: number): void;
  accepted(events: number, seconds: number): void;
  rejected(events: number): void;
}

export function createEventsMeter(metrics: Metrics<typeof eventsMetricTable>, budget: ByteBudget): EventsMeter {
  const accepted = metrics.counter('sluice_events_accepted_total', {});
  const rejected = metrics.counter('sluice_events_rejected_total', {});
  const seconds = metrics.histogram('sluice_events_append_seconds', {});
  metrics.gaugeOf('sluice_events_pending_bytes', {}, () => budget.bytes);
  return {
    answered: (status) => metrics.counter('sluice_events_requests_total', { status: String(status) }).inc(),
    accepted: (events, took) => {
      accepted.inc(events);
      seconds.observe(took);
    },
    rejected: (events) => rejected.inc(events),
  };
}
