import { AppError } from '../../kernel/errors/app-error.ts';
import type { Checkpoint } from '../../kernel/observe/checkpoint.ts';
import { type MetadataConfig, metadataConfigSchema } from './metadata-config.ts';
import type { MetadataStore } from './metadata-store.ts';

export interface MetadataStoreDeps {
  readonly checkpoint?: Checkpoint;
}

/** Opens the configured metadata engine. `configInvalid` for an unknown kind or setting, `metadataUnavailable` where it cannot be opened. */
export async function openMetadataStore(config: MetadataConfig, deps: MetadataStoreDeps = {}): Promise<MetadataStore> {
  const parsed = metadataConfigSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `metadata.${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('configInvalid', problems.join('; '));
  }
  const { SqliteMetadataStore } = await import('./sqlite/sqlite-metadata-store.ts');
  return SqliteMetadataStore.open({ file: parsed.data.file, historyRevisions: parsed.data.historyRevisions, ...deps });
}
