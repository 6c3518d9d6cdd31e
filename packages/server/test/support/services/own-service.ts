import { makePlace, removePlace } from './service-place.ts';
import { killService, type ProcessMark, startService, stopService } from './service-process.ts';
import type { ServiceRecipe } from './service-recipe.ts';

/** An instance of one test, which may do with it what it likes: nobody else uses it. */
export interface OwnService<Address> extends AsyncDisposable {
  /** Stays as it is over all starts. */
  readonly address: Address;
  /** Of the present or last process. */
  pid(): number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** In an orderly way. */
  stop(): Promise<void>;
  /** After `kill` or `stop`, with the same ports and data; resolves when it answers. */
  start(): Promise<void>;
}

/** Starts an instance with an empty folder. Disposing kills it and removes the folder; it also ends with the test's process. */
export async function openOwnService<Address>(recipe: ServiceRecipe<Address>): Promise<OwnService<Address>> {
  await recipe.install();
  const place = await makePlace(recipe);
  let mark: ProcessMark = { pid: 0, startedAt: 'never' };
  const start = () =>
    startService(recipe, place, {
      diesWithParent: true,
      onSpawn: async (spawned) => {
        mark = spawned;
      },
    });
  const dispose = async () => {
    await killService(mark);
    await removePlace(place);
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    address: recipe.address(place),
    pid: () => mark.pid,
    kill: () => killService(mark),
    stop: () => stopService(mark, recipe.stopSignal),
    start,
    [Symbol.asyncDispose]: dispose,
  };
}
