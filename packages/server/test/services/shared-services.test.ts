import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectAnswer } from '../support/services/expect-answer.ts';
import type { ServiceRecipe } from '../support/services/service-recipe.ts';
import { SharedServices } from '../support/services/shared-services.ts';
import { victoriaService } from '../support/services/victoria-service.ts';
import { openTempFolder } from '../support/temp-folder.ts';

/** A service of a state folder of its own: nobody else's is touched. */
const recipe = victoriaService;
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let services: SharedServices;
beforeEach(async () => {
  folder = await openTempFolder();
  services = new SharedServices(folder.path);
});
afterEach(async () => {
  await services.stop(recipe);
  await folder[Symbol.asyncDispose]();
});

test('a second start finds the first one, also when both come at once', async () => {
  const places = await Promise.all([services.ensure(recipe), new SharedServices(folder.path).ensure(recipe)]);
  const pid = await pidOf();
  expect(places[1]).toEqual(places[0]);
  expect(await services.ensure(recipe)).toEqual(places[0]);
  expect(await pidOf()).toBe(pid);
});

test('two clones have instances of their own', async () => {
  await using elsewhere = await openTempFolder();
  const others = new SharedServices(elsewhere.path);
  const [mine, theirs] = await Promise.all([services.ensure(recipe), others.ensure(recipe)]);
  expect(theirs.port).not.toBe(mine.port);
  expect(theirs.folder).not.toBe(mine.folder);
  await others.stop(recipe);
  expect(await services.isRunning(recipe)).toBe(true);
});

test('a killed service is started again with its port and data', async () => {
  const place = await services.ensure(recipe);
  const marker = join(place.folder, randomUUID());
  await writeFile(marker, 'kept');
  process.kill(await pidOf(), 'SIGKILL');
  expect(await services.ensure(recipe)).toEqual(place);
  expect(await readFile(marker, 'utf8')).toBe('kept');
  await expectAnswer(`${recipe.address(place).url}/health`);
});

test('a process that runs but does not answer is replaced', async () => {
  const place = await services.ensure(recipe);
  const pid = await pidOf();
  process.kill(pid, 'SIGSTOP');
  expect(await new SharedServices(folder.path, 100).ensure(recipe)).toEqual(place);
  expect(await pidOf()).not.toBe(pid);
});

test('a recipe whose settings have changed restarts its service', async () => {
  await services.ensure(recipe);
  const pid = await pidOf();
  const changed = { ...recipe, settings: () => ({ 'notes.txt': 'new' }) };
  await services.ensure(changed);
  expect(await pidOf()).not.toBe(pid);
});

test('a stopped service is gone with its data, and stopping again does nothing', async () => {
  const place = await services.ensure(recipe);
  expect(await services.stop(recipe)).toBe(true);
  expect(await services.isRunning(recipe)).toBe(false);
  await expect(readFile(join(place.folder, 'log'))).rejects.toThrow('ENOENT');
  expect(await services.stop(recipe)).toBe(false);
});

test('a service that ends at once is reported with its log, and is not left behind', async () => {
  const broken: ServiceRecipe<unknown> = { ...recipe, command: async () => ({ program: 'sh', args: ['-c', 'echo no such disk; exit 3'] }) };
  await expect(services.ensure(broken)).rejects.toThrow(/victoria ended before it was ready.*no such disk/s);
  expect(await services.isRunning(broken)).toBe(false);
});

async function pidOf(): Promise<number> {
  return JSON.parse(await readFile(join(folder.path, `${recipe.name}.json`), 'utf8')).mark.pid;
}
