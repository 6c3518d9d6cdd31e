import type { LogEngine } from '../engines/log/log-engine.ts';
import { EventAppender } from '../features/events/event-appender.ts';
import type { EventTarget } from '../features/events/event-request-options.ts';
import { EventTopic } from '../features/events/event-topic.ts';
import { createEventsApi } from '../features/events/events-api.ts';
import { createEventsMeter, eventsMetricTable } from '../features/events/events-metrics.ts';
import { RoutesLog } from '../features/events/routes-log.ts';
import { ByteBudget } from '../kernel/async/byte-budget.ts';
import { openHttpServerPart } from '../kernel/lifecycle/http-server-part.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import type { Logger } from '../kernel/observe/logger.ts';
import { RateLimitedLog } from '../kernel/observe/rate-limited-log.ts';
import { systemTimer } from '../kernel/time/start-timer.ts';
import { openCertificate, schemeOf } from './listener-certificate.ts';
import type { NodeProcess } from './node.ts';
import { urlOf } from './public-url.ts';

const linesPerMinute = 10;
const maxHeaderBytes = 16 * 1024;
const headerTimeoutMs = 10_000;

/** Component `event-api`: events over HTTP into the log. Without a log it is parked. Returns its base URL. */
export async function startEventApi(node: NodeProcess, log: LogEngine | undefined): Promise<string> {
  const { config, lifecycle, metrics, clock } = node;
  const { api } = config.events;
  const logger = node.logger.child({ component: 'event-api' });
  const budget = new ByteBudget({ maxBytes: api.maxBuffered, maxItems: Number.POSITIVE_INFINITY });
  const server = createEventsApi({
    rules: {
      maxBodyBytes: api.maxBodySize,
      maxEvents: api.maxEvents,
      onInvalid: api.onInvalid,
      amountEncoding: api.amountEncoding,
      textPassthrough: api.textPassthrough,
      compatStatus: api.compatStatus,
      maxFutureSkewMs: api.maxFutureSkew,
    },
    target: log ? await eventTarget(node, { log, logger }) : 'disabled',
    budget,
    meter: createEventsMeter(metrics.declare(eventsMetricTable), budget),
    rejections: new RateLimitedLog({ logger, linesPerMinute }),
    logger,
    clock,
    certificate: await openCertificate(node, { listener: 'event-api', tls: api.tls }),
    settings: {
      maxHeaderBytes,
      headerTimeoutMs,
      requestTimeoutMs: api.requestTimeout,
      idleTimeoutMs: api.idleTimeout,
      maxConnections: api.maxConnections,
    },
  });
  if (!log) logger.info({}, 'processing disabled');
  const part = await openHttpServerPart({ name: 'event-api', server, at: api.listen });
  lifecycle.add(part);
  return urlOf(part.address, schemeOf(api.tls));
}

/** A log that does not answer yet is waited for by requests only. */
async function eventTarget(node: NodeProcess, { log, logger }: { log: LogEngine; logger: Logger }): Promise<EventTarget> {
  const { config, lifecycle, readiness, clock } = node;
  const { events } = config;
  const topic = new EventTopic({ log, spec: { name: events.topic, partitions: events.partitions }, logger });
  lifecycle.add(startPart('event-topic', (signal) => topic.run(signal)));
  readiness.add('event-api', () => topic.check());
  await topic.looked;
  let routes: { readonly topicId: string; readonly log: RoutesLog } | undefined;
  return {
    appender: new EventAppender({ log, topic, timeoutMs: events.api.appendTimeout, startTimer: systemTimer }),
    trouble: () => (topic.current ? undefined : topic.check().detail),
    currentRoutes: async () => {
      const current = await topic.known;
      if (routes?.topicId !== current.id)
        routes = { topicId: current.id, log: await RoutesLog.open({ log, topic: current, clock, logger }) };
      else await routes.log.catchUp();
      return routes.log.current;
    },
  };
}
