import { chargePoints } from '../run/charge-points.ts';
import { asFault, passing } from '../run/fault.ts';
import { call } from '../run/functions.ts';
import { Site } from '../run/site.ts';
import { type Code, type Fn, Frame, isItems, type Run, type Slot, Thunk, type Value } from '../run/value.ts';
import { allPoints } from '../text/code-points.ts';

const noFrame = new Frame([], undefined);

/** A value that `work` gives when it is needed. */
export function later(work: (run: Run) => Value): Thunk {
  return new Thunk((_frame, run) => work(run), noFrame);
}

const blank = Site.inWords('');

/** What a call that waits costs beside what it does later; paid by who makes it. */
export const stepsPerCall = 5;

/** Makes calls `fn(...args)` that wait until they are needed; `place` is where the reference's own code calls it, if it has a line for that. */
export function laterCalls(fn: Fn, place: Site | undefined): (args: Slot[]) => Thunk {
  const code: Code = ({ slots }, run) => {
    try {
      return call(fn, slots, run);
    } catch (error) {
      throw passing(place === undefined ? asFault(error) : passing(error, place), blank);
    }
  };
  return (args) => new Thunk(code, new Frame(args, undefined));
}

/** Elements of an array, or characters of a string; `undefined` for anything else. Pays for them. */
export function elementsOf(value: Value, run: Run): readonly Slot[] | undefined {
  if (isItems(value)) {
    run.chargeElements(value.length);
    return value;
  }
  if (typeof value !== 'string') return undefined;
  chargePoints(value, run);
  run.checkLength(value.length);
  run.charge(value.length);
  return allPoints(value);
}
