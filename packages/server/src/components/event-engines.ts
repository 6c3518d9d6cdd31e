import { join } from 'node:path';
import type { LogEngine } from '../engines/log/log-engine.ts';
import { logMetricTable } from '../engines/log/log-metrics.ts';
import { openLogEngine } from '../engines/log/registry.ts';
import { openSeriesStore } from '../engines/series/registry.ts';
import type { SeriesStore } from '../engines/series/series-store.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import { logConfigOf } from './log-settings.ts';
import type { NodeProcess } from './node.ts';
import { seriesConfigOf } from './series-settings.ts';

/** The routes that there are stores for. */
export const presetRouteNames = ['high', 'low'] as const;
export type PresetRoute = (typeof presetRouteNames)[number];

/** The engines of the events lane in one process; each is opened when it is asked for the first time: who is parked opens nothing. */
export interface EventEngines {
  readonly log: () => Promise<LogEngine>;
  readonly series: (route: PresetRoute) => Promise<SeriesStore>;
}

interface EngineOwner extends Pick<NodeProcess, 'config' | 'lifecycle' | 'logger' | 'metrics' | 'clock'> {
  /** Of the embedded engines; undefined: there is none. */
  readonly folder: { readonly path: string } | undefined;
}

export function eventEngines(owner: EngineOwner): EventEngines {
  const { config, lifecycle, logger, metrics, clock } = owner;
  const opened = new Map<PresetRoute, Promise<SeriesStore>>();
  let openedLog: Promise<LogEngine> | undefined;
  const folderOf = (name: string): string => {
    if (owner.folder) return join(owner.folder.path, name);
    throw new AppError(
      'configInvalid',
      config.engine.socket === ''
        ? 'The embedded engines belong to a data folder: name it by --data-dir, or configure others.'
        : 'An embedded store is open in the process that holds the data folder: run what uses it there, or configure another store.',
    );
  };
  const openLog = async (): Promise<LogEngine> => {
    const gone = Promise.withResolvers<void>();
    const deps = { logger: logger.child({ component: 'log' }), metrics: metrics.declare(logMetricTable), clock, onGone: gone.reject };
    const settings = logConfigOf(config, () => folderOf('log'));
    const log = lifecycle.use('log', await openLogEngine(settings, deps));
    if (settings.kind !== 'socket') return log;
    lifecycle.add(
      startPart('log', async (signal) => {
        signal.addEventListener('abort', () => gone.resolve(), { once: true });
        await gone.promise;
      }),
    );
    return log;
  };
  const openSeries = async (route: PresetRoute): Promise<SeriesStore> => {
    const settings = config.series[route];
    const store = seriesConfigOf(settings, { folder: settings.engine === 'embedded' ? folderOf('series') : '', series: route });
    const deps = { log: logger.child({ component: `series-${route}` }), clock };
    const series = lifecycle.use(`series ${route}`, await openSeriesStore(store, deps));
    // The process may be one that only reads, and nobody else can make the tables of a store that is its own.
    if (settings.engine === 'embedded') await series.ensureSchema(new AbortController().signal);
    return series;
  };
  return {
    log: async () => {
      openedLog ??= openLog();
      try {
        return await openedLog;
      } catch (error) {
        openedLog = undefined;
        throw error;
      }
    },
    series: async (route) => {
      try {
        return await opened.getOrInsertComputed(route, openSeries);
      } catch (error) {
        opened.delete(route);
        throw error;
      }
    },
  };
}
