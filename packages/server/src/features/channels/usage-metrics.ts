import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';

export const usageMetricTable = {
  sluice_channels_usage_flush_seconds: {
    type: 'histogram',
    help: 'Time of a flush of usage that the store took.',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  sluice_channels_usage_ranges_total: { type: 'counter', help: 'Ranges of usage that the store took.', labels: [] },
  sluice_channels_usage_failures_total: { type: 'counter', help: 'Flushes of usage that failed; they are repeated.', labels: ['code'] },
  sluice_channels_usage_waiting_ranges: { type: 'gauge', help: 'Ranges of usage that the store does not have yet.', labels: [] },
  sluice_channels_usage_accounts: { type: 'gauge', help: 'Sessions that are open, and so are billed.', labels: [] },
  sluice_channels_usage_lost_packets_total: {
    type: 'counter',
    help: 'Packets that were delivered and will not be billed: the store was away for too long.',
    labels: [],
  },
  sluice_channels_usage_journal_failures_total: {
    type: 'counter',
    help: 'Flushes that could not be written to the journal first; a crash then may lose more than one of them.',
    labels: [],
  },
  sluice_channels_packet_log_lost_total: { type: 'counter', help: 'Runs of packets that the packet log does not have.', labels: [] },
  sluice_channels_user_lookups_total: {
    type: 'counter',
    help: 'Questions whether a user is registered: answered from memory (fresh), by the store (asked), from memory because the store did not answer (stale), or not at all (failed).',
    labels: ['answer'],
  },
  sluice_channels_http_requests_total: { type: 'counter', help: 'Requests of the HTTP API of channels by status.', labels: ['status'] },
} as const satisfies MetricTable;

type UserLookup = 'fresh' | 'asked' | 'stale' | 'failed';

/** What usage counts. */
export interface UsageMeter {
  flushed(ranges: number, seconds: number): void;
  flushFailed(code: string): void;
  lost(packets: number): void;
  journalFailed(): void;
  packetLogLost(runs: number): void;
  lookedUp(answer: UserLookup): void;
  answered(status: number): void;
  /** Gauges of what is now. */
  watch(now: { readonly waiting: () => number; readonly accounts: () => number }): void;
}

export function createUsageMeter(metrics: Metrics<typeof usageMetricTable>): UsageMeter {
  return {
    flushed: (ranges, seconds) => {
      metrics.counter('sluice_channels_usage_ranges_total', {}).inc(ranges);
      metrics.histogram('sluice_channels_usage_flush_seconds', {}).observe(seconds);
    },
    flushFailed: (code) => metrics.counter('sluice_channels_usage_failures_total', { code }).inc(),
    lost: (packets) => metrics.counter('sluice_channels_usage_lost_packets_total', {}).inc(packets),
    journalFailed: () => metrics.counter('sluice_channels_usage_journal_failures_total', {}).inc(),
    packetLogLost: (runs) => metrics.counter('sluice_channels_packet_log_lost_total', {}).inc(runs),
    lookedUp: (answer) => metrics.counter('sluice_channels_user_lookups_total', { answer }).inc(),
    answered: (status) => metrics.counter('sluice_channels_http_requests_total', { status: String(status) }).inc(),
    watch: ({ waiting, accounts }) => {
      metrics.gaugeOf('sluice_channels_usage_waiting_ranges', {}, waiting);
      metrics.gaugeOf('sluice_channels_usage_accounts', {}, accounts);
    },
  };
}
