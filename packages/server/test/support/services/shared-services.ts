import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { writeFileDurably } from '../../../src/kernel/folder/durable-file.ts';
import { areFree } from '../free-ports.ts';
import { withLock } from './lock-file.ts';
import { findPorts, makePlace, removePlace } from './service-place.ts';
import { answers, isAlive, killService, startService, stopService } from './service-process.ts';
import type { ServicePlace, ServiceRecipe } from './service-recipe.ts';

/** What is known of an instance between processes. */
const stateSchema = z.object({
  place: z.object({ folder: z.string(), port: z.int() }),
  mark: z.object({ pid: z.int(), startedAt: z.string() }),
  /** Of settings and command line: a changed recipe restarts the service. */
  recipe: z.string(),
});
type State = z.infer<typeof stateSchema>;

/**
 * The instances that all tests of a clone share: one of each service, known by a state file, running until somebody stops it.
 * Tests keep to topics, tables and names of their own in them and do not kill them.
 */
export class SharedServices {
  readonly #folder: string;
  readonly #patienceMs: number;

  /** The folder of the state files, and how long a process may leave requests unanswered before it is replaced: others may be using it. */
  constructor(folder: string, patienceMs = 20_000) {
    this.#folder = folder;
    this.#patienceMs = patienceMs;
  }

  /** The place of the service, which answers there. Starts it where it does not run; its data outlives its process. */
  async ensure(recipe: ServiceRecipe<unknown>): Promise<ServicePlace> {
    return this.#alone(recipe, async () => {
      const state = await this.#read(recipe);
      if (state && (await isCurrent(recipe, state))) {
        if (await answersWithin(recipe, state, this.#patienceMs)) return state.place;
        await killService(state.mark);
      }
      await recipe.install();
      if (state) await stopService(state.mark, recipe.stopSignal);
      const place = await this.#keepPlace(recipe, state);
      const known = await fingerprint(recipe, place);
      await startService(recipe, place, {
        diesWithParent: false,
        onSpawn: (mark) => this.#write(recipe, { place, mark, recipe: known }),
      });
      return place;
    });
  }

  /** Whether its process is there. */
  async isRunning(recipe: ServiceRecipe<unknown>): Promise<boolean> {
    const state = await this.#read(recipe);
    return state !== undefined && (await isAlive(state.mark));
  }

  /** Ends it and removes its data; false where there was nothing. */
  async stop(recipe: ServiceRecipe<unknown>): Promise<boolean> {
    return this.#alone(recipe, async () => {
      const state = await this.#read(recipe);
      if (!state) return false;
      await stopService(state.mark, recipe.stopSignal);
      await removePlace(state.place);
      await rm(this.#file(recipe));
      return true;
    });
  }

  /** The old folder with its data, at the old ports where they are still free. */
  async #keepPlace(recipe: ServiceRecipe<unknown>, state: State | undefined): Promise<ServicePlace> {
    if (state && (await isThere(state.place.folder))) {
      const { folder, port } = state.place;
      return { folder, port: (await becomeFree(port, recipe.ports)) ? port : await findPorts(recipe.ports) };
    }
    return makePlace(recipe);
  }

  async #alone<T>(recipe: ServiceRecipe<unknown>, work: () => Promise<T>): Promise<T> {
    await mkdir(this.#folder, { recursive: true });
    return withLock(join(this.#folder, `${recipe.name}.lock`), work);
  }

  readonly #file = (recipe: ServiceRecipe<unknown>): string => join(this.#folder, `${recipe.name}.json`);

  async #read(recipe: ServiceRecipe<unknown>): Promise<State | undefined> {
    const text = await readFile(this.#file(recipe), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : stateSchema.parse(JSON.parse(text));
  }

  #write(recipe: ServiceRecipe<unknown>, state: State): Promise<void> {
    return writeFileDurably(this.#file(recipe), `${JSON.stringify(state)}\n`);
  }
}

const freeWithinMs = 2000;

/** Those of this clone: what `make services` starts. */
export const sharedServices = new SharedServices(fileURLToPath(new URL('../../../../../.services', import.meta.url)));

/** Address of the clone's instance of the service; starts, and where need be installs it, if it is not there. */
export async function sharedService<Address>(recipe: ServiceRecipe<Address>): Promise<Address> {
  return recipe.address(await sharedServices.ensure(recipe));
}

/** Whether its process is there and was started as the recipe says today. */
async function isCurrent(recipe: ServiceRecipe<unknown>, { place, mark, recipe: known }: State): Promise<boolean> {
  return (await isAlive(mark)) && (await isThere(place.folder)) && known === (await fingerprint(recipe, place));
}

/** A process that was killed may be gone before its last thread has given up its ports. */
async function becomeFree(first: number, count: number): Promise<boolean> {
  const until = performance.now() + freeWithinMs;
  while (!(await areFree(first, count))) {
    if (performance.now() > until) return false;
    await sleep(20);
  }
  return true;
}

/** Does not wait for a process that has ended meanwhile. */
async function answersWithin(recipe: ServiceRecipe<unknown>, { place, mark }: State, patienceMs: number): Promise<boolean> {
  const until = performance.now() + patienceMs;
  while (!(await answers(recipe, place))) {
    if (performance.now() > until || !(await isAlive(mark))) return false;
    await sleep(100);
  }
  return true;
}

async function fingerprint(recipe: ServiceRecipe<unknown>, place: ServicePlace): Promise<string> {
  return createHash('sha256')
    .update(JSON.stringify([recipe.settings(place), await recipe.command(place)]))
    .digest('hex');
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
