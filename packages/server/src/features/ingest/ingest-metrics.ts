import type { ByteBudget } from '../../kernel/async/byte-budget.ts';
import type { BoundCounter } from '../../kernel/observe/metric-cell.ts';
import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';

export const ingestMetricTable = {
  sluice_ingest_requests_total: { type: 'counter', help: 'Answers of the HTTP source.', labels: ['status'] },
  sluice_ingest_bytes_total: { type: 'counter', help: 'Body bytes of records that were routed to sinks.', labels: [] },
  sluice_ingest_dropped_total: { type: 'counter', help: 'Records whose source had no enabled sink.', labels: [] },
  sluice_ingest_lost_total: {
    type: 'counter',
    help: 'Rows that were answered with 202 and not stored, or may not be.',
    labels: ['reason'],
  },
  sluice_ingest_pending_rows: { type: 'gauge', help: 'Rows that wait for their sync.', labels: [] },
  sluice_ingest_pending_bytes: { type: 'gauge', help: 'Bytes of rows and bodies that wait for their sync.', labels: [] },
} as const satisfies MetricTable;

/** What the HTTP source counts. */
export interface IngestMeter {
  answered(status: number, bytes: number): void;
  withoutSink(): void;
  lost(reason: string): void;
}

export function createIngestMeter(metrics: Metrics<typeof ingestMetricTable>, rows: ByteBudget): IngestMeter {
  const bytes = metrics.counter('sluice_ingest_bytes_total', {});
  const dropped = metrics.counter('sluice_ingest_dropped_total', {});
  metrics.gaugeOf('sluice_ingest_pending_rows', {}, () => rows.items);
  metrics.gaugeOf('sluice_ingest_pending_bytes', {}, () => rows.bytes);
  const answers = new Map<number, BoundCounter>();
  const answersOf = (status: number): BoundCounter => {
    const counter = answers.get(status) ?? metrics.counter('sluice_ingest_requests_total', { status: String(status) });
    answers.set(status, counter);
    return counter;
  };
  return {
    answered: (status, bodyBytes) => {
      answersOf(status).inc();
      bytes.inc(bodyBytes);
    },
    withoutSink: () => dropped.inc(),
    lost: (reason) => metrics.counter('sluice_ingest_lost_total', { reason }).inc(),
  };
}
