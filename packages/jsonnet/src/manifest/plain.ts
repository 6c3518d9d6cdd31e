import type { Json } from '../json.ts';
import { Fault, passing } from '../run/fault.ts';
import { checkAsserts, getField, stepsPerReadyField, stepsPerReadyObject, visibleNames } from '../run/object.ts';
import { Site } from '../run/site.ts';
import { force, isItems, Obj, type Run, type Value } from '../run/value.ts';
import { quoteString } from '../text/go-quote.ts';

/** A value as plain data with everything in it evaluated. Each level counts as a frame, strings and members as output. */
export function toPlain(value: Value, run: Run): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'string') {
    run.output(value.length);
    return value;
  }
  run.enter();
  const plain = value instanceof Obj ? plainObject(value, run) : plainArray(value, run);
  run.depth -= 1;
  return plain;
}

function plainArray(value: Value, run: Run): Json {
  if (!isItems(value)) throw new Fault("couldn't manifest function as JSON");
  run.output(value.length);
  run.charge(2 + value.length);
  return value.map((item, index) => {
    try {
      return toPlain(force(item, run), run);
    } catch (error) {
      throw passing(error, Site.inWords(`Array element ${index}`));
    }
  });
}

function plainObject(object: Obj, run: Run): Json {
  const names = visibleNames(object, run);
  try {
    checkAsserts(object, run);
  } catch (error) {
    throw passing(error, Site.inWords('Checking object assertions'));
  }
  run.charge(stepsPerReadyObject + names.length * stepsPerReadyField);
  const plain: Record<string, Json> = Object.create(null);
  for (const name of names) {
    run.output(name.length);
    try {
      plain[name] = toPlain(getField(object, name, run), run);
    } catch (error) {
      throw passing(error, Site.inWords(`Field ${quoteString(name)}`));
    }
  }
  return plain;
}
