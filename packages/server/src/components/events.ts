import { componentMetricTable } from '../features/events/component-metrics.ts';
import { consumerMetricTable } from '../features/events/consumer-metrics.ts';
import { startAggregator } from './aggregator.ts';
import { type ComponentName, eventComponents } from './component-names.ts';
import { startEventApi } from './event-api.ts';
import { startEventConsumer } from './event-consumer.ts';
import { type EventEngines, presetRouteNames } from './event-engines.ts';
import { startEventProducer } from './event-producer.ts';
import type { NodeProcess } from './node.ts';

interface EventsStart {
  readonly components: ReadonlySet<ComponentName>;
  readonly engines: EventEngines;
  /** Stops the process. */
  readonly end: () => void;
}

/** The components of the events lane, in their order. Returns their URLs. */
export async function startEvents(node: NodeProcess, { components, engines, end }: EventsStart): Promise<Record<string, string>> {
  const { config, metrics } = node;
  const urls: Record<string, string> = {};
  if (!eventComponents.some((name) => components.has(name))) return urls;
  const states = metrics.declare(componentMetricTable);
  const consumerMetrics = metrics.declare(consumerMetricTable);
  for (const route of presetRouteNames) {
    const name = `consumer-${route}` as const;
    if (!components.has(name)) continue;
    const { disable } = config.events.consumer[route];
    states.gauge('sluice_disabled', { component: name }).set(disable ? 1 : 0);
    const given = disable ? undefined : { log: await engines.log(), store: await engines.series(route), metrics: consumerMetrics };
    urls[name] = await startEventConsumer(node, route, given);
  }
  if (components.has('event-api')) {
    const { disable } = config.events.api;
    states.gauge('sluice_disabled', { component: 'event-api' }).set(disable ? 1 : 0);
    urls['event-api'] = await startEventApi(node, disable ? undefined : await engines.log());
  }
  if (components.has('aggregator')) {
    const { disable } = config.events.aggregator;
    states.gauge('sluice_disabled', { component: 'aggregator' }).set(disable ? 1 : 0);
    const stores = async () => ({ low: await engines.series('low'), high: await engines.series('high') });
    urls['aggregator'] = await startAggregator(node, disable ? undefined : { log: await engines.log(), stores: await stores() });
  }
  if (components.has('event-producer')) {
    states.gauge('sluice_disabled', { component: 'event-producer' }).set(config.events.producer.disable ? 1 : 0);
    await startEventProducer(node, end);
  }
  return urls;
}
