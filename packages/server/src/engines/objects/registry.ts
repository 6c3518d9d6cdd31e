import { AppError } from '../../kernel/errors/app-error.ts';
import type { ObjectStore } from './object-store.ts';
import { type ObjectsConfig, objectsConfigSchema } from './objects-config.ts';

/** Opens the configured objects engine. `configInvalid` for an unknown kind or setting, `objectsUnavailable` where it cannot be opened. */
export async function openObjectStore(config: ObjectsConfig): Promise<ObjectStore> {
  const parsed = objectsConfigSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `objects.${issue.path.join('.')}: ${issue.message}`);
    throw new AppError('configInvalid', problems.join('; '));
  }
  const { LocalObjectStore } = await import('./local/local-object-store.ts');
  return LocalObjectStore.open({ folder: parsed.data.folder });
}
