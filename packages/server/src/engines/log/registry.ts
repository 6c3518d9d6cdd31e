import { AppError } from '../../kernel/errors/app-error.ts';
import type { PortSession } from '../../kernel/link/port-session.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Metrics } from '../../kernel/observe/metrics.ts';
import { type Clock, systemClock } from '../../kernel/time/clock.ts';
import { backgroundTimer } from '../../kernel/time/start-timer.ts';
import { type LogConfig, logConfigSchema } from './log-config.ts';
import type { LogEngine } from './log-engine.ts';
import type { logMetricTable } from './log-metrics.ts';

export interface LogEngineDeps {
  readonly logger: Logger;
  readonly metrics: Metrics<typeof logMetricTable>;
  readonly clock?: Clock;
  /** Told where the engine is gone for good, so that the process must end. */
  readonly onGone?: (error: AppError) => void;
}

/**
 * Opens the configured log engine. `configInvalid` for an unknown kind or setting; `logUnavailable`, `logDenied` or `folderInUse`
 * where it cannot be opened; `ownerUnavailable` or `forbidden` where it is another process's.
 */
export async function openLogEngine(
  config: LogConfig,
  { logger, metrics, clock = systemClock, onGone = () => {} }: LogEngineDeps,
): Promise<LogEngine> {
  const parsed = logConfigSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `log.${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('configInvalid', problems.join('; '));
  }
  if (parsed.data.kind === 'kafka') {
    const { openKafkaLog } = await import('./kafka/open-kafka-log.ts');
    return openKafkaLog(parsed.data, { logger, clock });
  }
  if (parsed.data.kind === 'socket') {
    const { SocketLogEngine } = await import('./socket/socket-log-engine.ts');
    return SocketLogEngine.open({ ...parsed.data, logger, clock, onGone });
  }
  const { SqliteLogEngine } = await import('./sqlite/sqlite-log-engine.ts');
  const onLost = (topic: string, records: number) => metrics.counter('sluice_log_lost_records', { topic }).inc(records);
  return SqliteLogEngine.open({ ...parsed.data, logger, clock, startTimer: backgroundTimer, onLost });
}

/** The log for one client of the engine socket. */
export async function openLogSession(log: LogEngine, notify: (event: unknown) => void): Promise<PortSession> {
  const { LogSession } = await import('./socket/log-session.ts');
  return new LogSession(log, notify);
}
