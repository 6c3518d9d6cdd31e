import { AppError } from '../../kernel/errors/app-error.ts';
import type { PortSession } from '../../kernel/link/port-session.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { type Clock, systemClock } from '../../kernel/time/clock.ts';
import { type StartTimer, systemTimer } from '../../kernel/time/start-timer.ts';
import { type SeriesConfig, seriesConfigSchema } from './series-config.ts';
import type { SeriesStore } from './series-store.ts';

export interface SeriesStoreDeps {
  readonly log: Logger;
  readonly startTimer?: StartTimer;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Told where the store is gone for good, so that the process must end. */
  readonly onGone?: (error: AppError) => void;
}

/**
 * Opens the configured store of a series, without a connection yet: `ensureSchema` and `probe` say whether it answers.
 * `configInvalid` for an unknown kind or setting, `seriesUnavailable` where a folder cannot be used, `ownerUnavailable` or `forbidden`
 * where it is another process's.
 */
export async function openSeriesStore(
  config: SeriesConfig,
  { log, startTimer = systemTimer, clock = systemClock, random = Math.random, onGone = () => {} }: SeriesStoreDeps,
): Promise<SeriesStore> {
  const parsed = seriesConfigSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `series.${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('configInvalid', problems.join('; '));
  }
  switch (parsed.data.kind) {
    case 'duckdb': {
      const { DuckdbSeriesStore } = await import('./duckdb/duckdb-series-store.ts');
      return DuckdbSeriesStore.open({ ...parsed.data, startTimer });
    }
    case 'postgres': {
      const { PostgresSeriesStore } = await import('./postgres/postgres-series-store.ts');
      return PostgresSeriesStore.open({ ...parsed.data, startTimer, clock, random, log });
    }
    case 'influx': {
      const { InfluxSeriesStore } = await import('./influx/influx-series-store.ts');
      // The path of a URL is of its server; the paths of the API are below it.
      return new InfluxSeriesStore({ ...parsed.data, url: parsed.data.url.replace(/\/+$/, ''), startTimer, clock, random });
    }
    case 'socket': {
      const { SocketSeriesStore } = await import('./socket/socket-series-store.ts');
      return SocketSeriesStore.open({ ...parsed.data, startTimer, clock, logger: log, onGone });
    }
  }
}

/** An embedded series for one client of the engine socket. */
export async function openSeriesSession(store: SeriesStore): Promise<PortSession> {
  const { seriesSession } = await import('./socket/series-session.ts');
  return seriesSession(store);
}
