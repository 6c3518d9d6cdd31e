import { everyClient, everyService } from '../packages/server/test/support/services/every-service.ts';
import type { ServiceRecipe } from '../packages/server/test/support/services/service-recipe.ts';
import { sharedServices } from '../packages/server/test/support/services/shared-services.ts';

/**
 * The real engines that tests use, one instance of each for this clone.
 *
 * `start` installs what is missing, starts what does not run, and prints the addresses as lines `NAME=value` in the order of the
 * services; `stop` ends them and removes their data. Both may be repeated. What cannot be had is said on standard error, exit 1.
 */
const [, , command = 'start'] = process.argv;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

async function start(): Promise<void> {
  const clients = Object.entries(everyClient).map(([name, install]) => orComplaint(name, install));
  const lines = await Promise.all(everyService.map((recipe) => orComplaint(recipe.name, () => startOne(recipe))));
  await Promise.all(clients);
  const known = lines.flatMap((of) => of ?? []);
  if (known.length > 0) say(known.join('\n'));
}

async function startOne(recipe: ServiceRecipe<unknown>): Promise<readonly string[]> {
  const place = await sharedServices.ensure(recipe);
  return Object.entries(recipe.environment(place)).map(([name, value]) => `${name}=${value}`);
}

async function stop(): Promise<void> {
  await Promise.all(
    everyService.map((recipe) =>
      orComplaint(recipe.name, async () => {
        if (await sharedServices.stop(recipe)) say(`${recipe.name} is stopped`);
      }),
    ),
  );
}

async function orComplaint<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    process.exitCode = 1;
    complain(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

if (command === 'start') await start();
else if (command === 'stop') await stop();
else {
  complain(`There is no command ${command}: start or stop.`);
  process.exitCode = 1;
}
