import { AppError } from '../../kernel/errors/app-error.ts';
import { type StartTimer, systemTimer } from '../../kernel/time/start-timer.ts';
import { type UsageConfig, usageConfigSchema } from './usage-config.ts';
import type { UsageStore } from './usage-store.ts';

export interface UsageStoreDeps {
  readonly startTimer?: StartTimer;
}

/** Opens the configured store of usage. Nothing is touched before the first call. `configInvalid` for an unknown kind or setting. */
export async function openUsageStore(config: UsageConfig, { startTimer = systemTimer }: UsageStoreDeps = {}): Promise<UsageStore> {
  const parsed = usageConfigSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `usage.${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('configInvalid', problems.join('; '));
  }
  switch (parsed.data.kind) {
    case 'sqlite': {
      const { SqliteUsageStore } = await import('./sqlite/sqlite-usage-store.ts');
      return new SqliteUsageStore({ ...parsed.data, startTimer });
    }
    case 'cassandra': {
      const { CassandraUsageStore } = await import('./cassandra/cassandra-usage-store.ts');
      return new CassandraUsageStore({ ...parsed.data, startTimer });
    }
  }
}
