import { logPort } from '../engines/log/log-config.ts';
import { openLogSession } from '../engines/log/registry.ts';
import { openSeriesSession } from '../engines/series/registry.ts';
import { seriesPort } from '../engines/series/series-config.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import type { OpenPort } from '../kernel/link/port-session.ts';
import type { Config } from './config.ts';
import { type EventEngines, presetRouteNames } from './event-engines.ts';

/**
 * The embedded engines of this process, by their names on a link; each is opened when a client asks it for the first time.
 * `configInvalid` for one that is not embedded: everybody reaches it without this process.
 */
export function enginePorts({ kafka, series }: Pick<Config, 'kafka' | 'series'>, engines: EventEngines): ReadonlyMap<string, OpenPort> {
  const ports = new Map<string, OpenPort>();
  ports.set(logPort, async (notify) => {
    if (kafka.brokers.length > 0) throw elsewhere('its log on Kafka: set kafka.brokers');
    return await openLogSession(await engines.log(), notify);
  });
  for (const route of presetRouteNames) {
    ports.set(seriesPort(route), async () => {
      const { engine } = series[route];
      if (engine !== 'embedded') throw elsewhere(`the series of ${route} in ${engine}: set series.${route}`);
      return await openSeriesSession(await engines.series(route));
    });
  }
  return ports;
}

const elsewhere = (what: string): AppError =>
  new AppError('configInvalid', `The process that holds the data folder has ${what} as that process has it.`);
