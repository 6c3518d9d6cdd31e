import { join } from 'node:path';
import type { LogEngine } from '../engines/log/log-engine.ts';
import { logMetricTable } from '../engines/log/log-metrics.ts';
import { openLogEngine } from '../engines/log/registry.ts';
import { componentMetricTable } from '../features/events/component-metrics.ts';
import { type ComponentName, eventComponents } from './component-names.ts';
import { startEventApi } from './event-api.ts';
import { startEventProducer } from './event-producer.ts';
import { logConfig } from './kafka-settings.ts';
import type { NodeProcess } from './node.ts';

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
  if (components.has('event-api')) {
    const { disable } = config.events.api;
    states.gauge('sluice_disabled', { component: 'event-api' }).set(disable ? 1 : 0);
    urls['event-api'] = await startEventApi(node, disable ? undefined : await log());
  }
  if (components.has('event-producer')) {
    states.gauge('sluice_disabled', { component: 'event-producer' }).set(config.events.producer.disable ? 1 : 0);
    await startEventProducer(node, end);
  }
  return urls;
}

/** The log of this process. */
async function openEventLog({ config, folder, lifecycle, logger, metrics, clock }: NodeProcess): Promise<LogEngine> {
  const deps = { logger: logger.child({ component: 'log' }), metrics: metrics.declare(logMetricTable), clock };
  return lifecycle.use('log', await openLogEngine(logConfig(config, join(folder.path, 'log')), deps));
}
