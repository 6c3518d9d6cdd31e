import { everyService } from '../support/services/every-service.ts';
import { sharedServices } from '../support/services/shared-services.ts';

/** Around a run of the tests: services that it has started end with it, those that ran before stay. */
export async function setup(): Promise<() => Promise<void>> {
  const before = await Promise.all(everyService.map((recipe) => sharedServices.isRunning(recipe)));
  return async () => {
    await Promise.all(everyService.filter((_, index) => !before[index]).map((recipe) => sharedServices.stop(recipe)));
  };
}
