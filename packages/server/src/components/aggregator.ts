import { type AggregatorTarget, createAggregator } from '../features/events/aggregator.ts';
import { aggregatorMetricTable, createAggregatorMeter } from '../features/events/aggregator-metrics.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import { systemTimer } from '../kernel/time/start-timer.ts';
import { openCertificate, schemeOf } from './listener-certificate.ts';
import type { NodeProcess } from './node.ts';
import { urlOf } from './public-url.ts';

const maxHeaderBytes = 16 * 1024;
const headerTimeoutMs = 10_000;

/** Component `aggregator`: both stores of the events lane as one series. Without engines it is parked. Returns its base URL. */
export async function startAggregator(node: NodeProcess, engines: Pick<AggregatorTarget, 'log' | 'stores'> | undefined): Promise<string> {
  const { config, lifecycle, metrics, readiness, clock } = node;
  const { aggregator: settings, consumer, topic, api } = config.events;
  const { stream } = settings;
  const logger = node.logger.child({ component: 'aggregator' });
  const { server, parts, check } = createAggregator({
    rules: {
      rangeMs: settings.range,
      stepMs: settings.step,
      maxPoints: settings.maxPoints,
      alignment: settings.align,
      partialMessage: settings.partialMessage,
      storeTimeoutMs: settings.storeTimeout,
      cacheMs: settings.cache,
      pollMs: stream.poll,
      maxStreams: stream.maxClients,
      heartbeatMs: stream.heartbeat,
      maxBlockedMs: stream.maxBlocked,
      maxFutureSkewMs: api.maxFutureSkew,
    },
    target: engines ? { ...engines, topic, groupOf: (type) => consumer[type].group } : 'disabled',
    meter: createAggregatorMeter(metrics.declare(aggregatorMetricTable)),
    clock,
    startTimer: systemTimer,
    logger,
    certificate: await openCertificate(node, { listener: 'aggregator', tls: settings.tls }),
    settings: {
      maxHeaderBytes,
      headerTimeoutMs,
      requestTimeoutMs: settings.requestTimeout,
      idleTimeoutMs: settings.idleTimeout,
      maxConnections: settings.maxConnections,
    },
  });
  if (engines) readiness.add('aggregator', check);
  else logger.info({}, 'processing disabled');
  for (const part of parts) lifecycle.add({ ...part, ...startPart(part.name, (signal) => part.run(signal)) });
  const listening = await openHttpServerPart({ name: 'aggregator', server, at: settings.listen });
  lifecycle.add(listening);
  return urlOf(listening.address, schemeOf(settings.tls));
}
