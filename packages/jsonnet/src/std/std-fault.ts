import { Fault, passing } from '../run/fault.ts';
import { Site } from '../run/site.ts';

/** An error of a function that the reference writes in Jsonnet: `place` is where, and stands in the stack. */
export function stdFault(message: string, place: string, context = 'function <anonymous>'): Fault {
  const fault = new Fault(message);
  fault.sites.push(Site.inWords(`<std>:${place}`, context));
  return fault;
}

/** Does what the reference does in Jsonnet at `place`, which stands in the stack of what fails there. */
export function within<Result>(place: string, work: () => Result, context = 'function <anonymous>'): Result {
  try {
    return work();
  } catch (error) {
    throw passing(error, Site.inWords(`<std>:${place}`, context));
  }
}
