import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { areFree } from '../free-ports.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

/**
 * A new folder, filled, and free ports. The folder is in the system's temporary one: PostgreSQL never runs as root, and its own user may
 * not reach the clone. The ports lie below those of tests and of outgoing connections, so they are still free after a restart.
 */
export async function makePlace(recipe: ServiceRecipe<unknown>): Promise<ServicePlace> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-${recipe.name}-`));
  const place = { folder, port: await findPorts(recipe.ports) };
  try {
    await chmod(folder, 0o755);
    await writeSettings(recipe, place);
    await recipe.prepare(place);
  } catch (error) {
    await removePlace(place);
    throw error;
  }
  return place;
}

export async function writeSettings(recipe: ServiceRecipe<unknown>, place: ServicePlace): Promise<void> {
  for (const [file, text] of Object.entries(recipe.settings(place))) await writeFile(join(place.folder, file), text);
}

export async function findPorts(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(10_000, 20_000 - count);
    if (await areFree(first, count)) return first;
  }
}

/** The processes of a service that was killed may hold on for a moment. */
export const removePlace = (place: ServicePlace): Promise<void> =>
  rm(place.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
