import type { LogEngine } from '../engines/log/log-engine.ts';
import type { SeriesStore } from '../engines/series/series-store.ts';
import { type consumerMetricTable, createConsumerMeter } from '../features/events/consumer-metrics.ts';
import { createConsumerProbe } from '../features/events/consumer-probe.ts';
import { EventConsumer } from '../features/events/event-consumer.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { settleWithin } from '../kernel/lifecycle/settle-within.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import type { Metrics } from '../kernel/observe/metrics.ts';
import { systemTimer } from '../kernel/time/start-timer.ts';
import type { PresetRoute } from './event-engines.ts';
import type { NodeProcess } from './node.ts';
import { urlOf } from './public-url.ts';

interface ConsumerEngines {
  readonly log: LogEngine;
  readonly store: SeriesStore;
  readonly metrics: Metrics<typeof consumerMetricTable>;
}

/** How long a start waits for the group: a store that is away must not keep the others from starting. */
const joinWaitMs = 10_000;

/**
 * Component `consumer-high` or `consumer-low`: the events of one route into its store. Without engines it is parked: only its probe answers.
 * Returns the URL of the probe.
 */
export async function startEventConsumer(node: NodeProcess, route: PresetRoute, engines: ConsumerEngines | undefined): Promise<string> {
  const { config, lifecycle, readiness, clock } = node;
  const { topic, partitions, consumer, ...events } = config.events;
  const settings = consumer[route];
  const name = `consumer-${route}`;
  const logger = node.logger.child({ component: name });
  if (engines) {
    const { log, store, metrics } = engines;
    const part = new EventConsumer(
      {
        name,
        route,
        group: settings.group,
        topic: { name: topic, partitions },
        deadLetterTopic: consumer.deadLetterTopic === '' ? `${topic}.dlq` : consumer.deadLetterTopic,
        watermark: consumer.watermark,
        batch: { maxRows: settings.batchSize, maxAgeMs: settings.batchAge },
        maxBytes: settings.maxBuffer,
        maxFutureSkewMs: events.api.maxFutureSkew,
        unmatched: consumer.unmatched,
        // On Kafka it is the topic's own.
        logRetentionMs: config.kafka.brokers.length > 0 ? undefined : config.eventLog.retention,
      },
      { log, store, meter: createConsumerMeter(metrics, route), logger, clock, startTimer: systemTimer, random: Math.random },
    );
    readiness.add(name, () => part.check());
    lifecycle.add({
      ...startPart(name, (signal) => part.run(signal)),
      stopAccepting: () => part.stopAccepting(),
      drain: () => part.drain(),
    });
    await settleWithin(() => part.joined, { timeoutMs: joinWaitMs, startTimer: systemTimer });
  } else logger.info({}, 'processing disabled');
  const probe = await openHttpServerPart({ name: `${name} probe`, server: createConsumerProbe(), at: settings.listen });
  lifecycle.add(probe);
  return urlOf(probe.address);
}
