import { join } from 'node:path';
import type { LogEngine } from '../engines/log/log-engine.ts';
import { logMetricTable } from '../engines/log/log-metrics.ts';
import { openLogEngine } from '../engines/log/registry.ts';
import { openSeriesStore } from '../engines/series/registry.ts';
import type { SeriesStore } from '../engines/series/series-store.ts';
import { componentMetricTable } from '../features/events/component-metrics.ts';
import { consumerMetricTable } from '../features/events/consumer-metrics.ts';
import { startAggregator } from './aggregator.ts';
import { type ComponentName, eventComponents } from './component-names.ts';
import { startEventApi } from './event-api.ts';
import { type PresetRoute, startEventConsumer } from './event-consumer.ts';
import { startEventProducer } from './event-producer.ts';
import { logConfigOf } from './log-settings.ts';
import type { NodeProcess } from './node.ts';
import { seriesConfigOf } from './series-settings.ts';

/** The components of the events lane, in their order. `end` stops the process. Returns their URLs. */
export async function startEvents(
  node: NodeProcess,
  components: ReadonlySet<ComponentName>,
  end: () => void,
): Promise<Record<string, string>> {
  const { config, metrics } = node;
  const urls: Record<string, string> = {};
  if (!eventComponents.some((name) => components.has(name))) return urls;
  const states = metrics.declare(componentMetricTable);
  let opened: Promise<LogEngine> | undefined;
  // A component that is parked opens nothing.
  const log = () => {
    opened ??= openEventLog(node);
    return opened;
  };
  const stores = new Map<PresetRoute, Promise<SeriesStore>>();
  const storeOf = (route: PresetRoute) => {
    const store = stores.get(route) ?? openSeries(node, route);
    stores.set(route, store);
    return store;
  };
  const consumerMetrics = metrics.declare(consumerMetricTable);
  for (const route of ['high', 'low'] as const) {
    const name = `consumer-${route}` as const;
    if (!components.has(name)) continue;
    const { disable } = config.events.consumer[route];
    states.gauge('sluice_disabled', { component: name }).set(disable ? 1 : 0);
    const engines = disable ? undefined : { log: await log(), store: await storeOf(route), metrics: consumerMetrics };
    urls[name] = await startEventConsumer(node, route, engines);
  }
  if (components.has('event-api')) {
    const { disable } = config.events.api;
    states.gauge('sluice_disabled', { component: 'event-api' }).set(disable ? 1 : 0);
    urls['event-api'] = await startEventApi(node, disable ? undefined : await log());
  }
  if (components.has('aggregator')) {
    const { disable } = config.events.aggregator;
    states.gauge('sluice_disabled', { component: 'aggregator' }).set(disable ? 1 : 0);
    const engines = disable ? undefined : { log: await log(), stores: { low: await storeOf('low'), high: await storeOf('high') } };
    urls['aggregator'] = await startAggregator(node, engines);
  }
  if (components.has('event-producer')) {
    states.gauge('sluice_disabled', { component: 'event-producer' }).set(config.events.producer.disable ? 1 : 0);
    await startEventProducer(node, end);
  }
  return urls;
}

/** The store of a route: once in a process, where it is embedded. */
async function openSeries({ config, folder, lifecycle, logger, clock }: NodeProcess, route: PresetRoute): Promise<SeriesStore> {
  const settings = seriesConfigOf(config.series[route], { folder: join(folder.path, 'series'), series: route });
  const store = await openSeriesStore(settings, { log: logger.child({ component: `series-${route}` }), clock });
  lifecycle.use(`series ${route}`, store);
  // The process may be one that only reads, and nobody else can make the tables of a store that is its own.
  if (settings.kind === 'duckdb') await store.ensureSchema(new AbortController().signal);
  return store;
}

/** The log of this process. */
async function openEventLog({ config, folder, lifecycle, logger, metrics, clock }: NodeProcess): Promise<LogEngine> {
  const deps = { logger: logger.child({ component: 'log' }), metrics: metrics.declare(logMetricTable), clock };
  return lifecycle.use('log', await openLogEngine(logConfigOf(config, join(folder.path, 'log')), deps));
}
