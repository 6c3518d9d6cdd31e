import { asFault, passing } from '../run/fault.ts';
import { call } from '../run/functions.ts';
import { Site } from '../run/site.ts';
import { type Fn, Frame, isItems, type Run, type Slot, Thunk, type Value } from '../run/value.ts';
import { allPoints } from '../text/code-points.ts';

const noFrame = new Frame([], undefined);

/** A value that `work` gives when it is needed. */
export function later(work: (run: Run) => Value): Thunk {
  return new Thunk((_frame, run) => work(run), noFrame);
}

const blank = Site.inWords('');

/** `fn(...args)` when it is needed; `place` is where the reference's own code calls it, if it has a line for that. */
export function laterCall(fn: Fn, args: () => Slot[], place: Site | undefined): Thunk {
  return later((run) => {
    try {
      return call(fn, args(), run);
    } catch (error) {
      throw passing(place === undefined ? asFault(error) : passing(error, place), blank);
    }
  });
}

/** Elements of an array, or characters of a string; `undefined` for anything else. Pays for them. */
export function elementsOf(value: Value, run: Run): readonly Slot[] | undefined {
  if (isItems(value)) {
    run.chargeElements(value.length);
    return value;
  }
  if (typeof value !== 'string') return undefined;
  run.checkArray(value.length);
  return allPoints(value);
}
