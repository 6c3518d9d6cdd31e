import { stringText } from '../manifest/json-text.ts';
import { expectBoolean } from '../run/expect.ts';
import { Fault, passing } from '../run/fault.ts';
import type { Site } from '../run/site.ts';
import type { Code, Value } from '../run/value.ts';

/** What to throw for a condition that is not a boolean. */
export function notBoolean(value: Value, site: Site): unknown {
  try {
    return expectBoolean(value);
  } catch (error) {
    return passing(error, site);
  }
}

/** Fails with the value of `message` as text. */
export function raiseCode(message: Code, site: Site): Code {
  return (frame, run) => {
    const value = message(frame, run);
    let problem: unknown;
    try {
      problem = new Fault(stringText(value, run));
    } catch (error) {
      problem = error;
    }
    throw passing(problem, site);
  };
}
