import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';
import { type DeadReason, deadReasons } from './consume/dead-letter.ts';
import type { JudgedBatch } from './consume/judged-batch.ts';

export const consumerMetricTable = {
  sluice_consumer_records_total: { type: 'counter', help: 'Records that the route is through with.', labels: ['route'] },
  sluice_consumer_stored_total: { type: 'counter', help: 'Events in the store of the route.', labels: ['route'] },
  sluice_consumer_repeats_total: {
    type: 'counter',
    help: 'Records that repeat an earlier one, by their idempotency key.',
    labels: ['route'],
  },
  sluice_consumer_unmatched_total: { type: 'counter', help: 'Events that no route takes.', labels: ['route'] },
  sluice_consumer_multiple_total: { type: 'counter', help: 'Events that more than one route takes.', labels: ['route'] },
  sluice_consumer_dead_letters_total: { type: 'counter', help: 'Records that were sent to the dead letters.', labels: ['route', 'reason'] },
  sluice_consumer_expired_total: { type: 'counter', help: 'Events that are older than what the store keeps.', labels: ['route'] },
  sluice_consumer_lost_total: {
    type: 'counter',
    help: 'Records that were gone or damaged in the log before the route had read them.',
    labels: ['route'],
  },
  sluice_consumer_fenced_total: {
    type: 'counter',
    help: 'Batches that were dropped, because another process had stored their records.',
    labels: ['route'],
  },
  sluice_consumer_new_partitions_total: {
    type: 'counter',
    help: 'Partitions that were read from their begin, because the topic was new to the store.',
    labels: ['route'],
  },
  sluice_consumer_lag_records: {
    type: 'gauge',
    help: 'Records of the partitions of this process that the route has still to read.',
    labels: ['route'],
  },
  sluice_consumer_partitions: { type: 'gauge', help: 'Partitions that this process reads.', labels: ['route'] },
} as const satisfies MetricTable;

/** What the consumer of a route counts. */
export interface ConsumerMeter {
  /** A batch is behind us; `refused` of its points were not taken by the store. */
  stored(batch: JudgedBatch, refused: number): void;
  dead(reason: DeadReason, letters: number): void;
  lost(records: number): void;
  fenced(): void;
  newPartition(): void;
  watch(read: { readonly lag: () => number; readonly partitions: () => number }): void;
}

export function createConsumerMeter(metrics: Metrics<typeof consumerMetricTable>, route: string): ConsumerMeter {
  const records = metrics.counter('sluice_consumer_records_total', { route });
  const stored = metrics.counter('sluice_consumer_stored_total', { route });
  const repeats = metrics.counter('sluice_consumer_repeats_total', { route });
  const unmatched = metrics.counter('sluice_consumer_unmatched_total', { route });
  const multiple = metrics.counter('sluice_consumer_multiple_total', { route });
  const expired = metrics.counter('sluice_consumer_expired_total', { route });
  const lost = metrics.counter('sluice_consumer_lost_total', { route });
  const fenced = metrics.counter('sluice_consumer_fenced_total', { route });
  const newPartitions = metrics.counter('sluice_consumer_new_partitions_total', { route });
  for (const reason of deadReasons) metrics.counter('sluice_consumer_dead_letters_total', { route, reason });
  return {
    stored: ({ points, counts }, refused) => {
      records.inc(counts.records);
      stored.inc(points.length - refused);
      repeats.inc(counts.repeats);
      unmatched.inc(counts.unmatched);
      multiple.inc(counts.multiple);
      lost.inc(counts.unreadable);
    },
    dead: (reason, letters) => {
      metrics.counter('sluice_consumer_dead_letters_total', { route, reason }).inc(letters);
      if (reason === 'expired') expired.inc(letters);
    },
    lost: (count) => lost.inc(count),
    fenced: () => fenced.inc(),
    newPartition: () => newPartitions.inc(),
    watch: ({ lag, partitions }) => {
      metrics.gaugeOf('sluice_consumer_lag_records', { route }, lag);
      metrics.gaugeOf('sluice_consumer_partitions', { route }, partitions);
    },
  };
}
