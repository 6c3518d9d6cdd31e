import { AppError } from '../../kernel/errors/app-error.ts';
import type { Checkpoint } from '../../kernel/observe/checkpoint.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { TableEngine } from './table-engine.ts';
import { type TablesConfig, tablesConfigSchema } from './tables-config.ts';

export interface TableEngineDeps {
  /** Where imports read their objects. */
  readonly objects: ObjectStore;
  readonly checkpoint?: Checkpoint;
  /** Only `query` and `probe`, and no file is changed: for commands that look at the folder of a stopped service. */
  readonly readOnly?: boolean;
}

/** Opens the configured tables engine. `configInvalid` for an unknown kind or setting, `tablesUnavailable` where it cannot be opened. */
export async function openTableEngine(config: TablesConfig, deps: TableEngineDeps): Promise<TableEngine> {
  const parsed = tablesConfigSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `tables.${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('configInvalid', problems.join('; '));
  }
  const { DuckdbTableEngine } = await import('./duckdb/duckdb-table-engine.ts');
  const { folder, memoryLimitMb } = parsed.data;
  return DuckdbTableEngine.open({ folder, memoryLimitMb, ...deps });
}
