import { replaced } from '../run/fault.ts';
import type { Code, Frame, Run, Value } from '../run/value.ts';
import type { Place } from './build.ts';

/** A call that stands at `place`: where the function around it was called `tailstrict` it takes that call's place. */
export function replacingCode(code: Code, place: Place): Code {
  if (place.tail === 'no') return code;
  return (frame, run) => (frame.replaceable ? replace(code, frame, run) : code(frame, run));
}

/** The frame may still be needed, but it is no longer counted, nor shown in a stack. */
function replace(code: Code, frame: Frame, run: Run): Value {
  frame.replaceable = false;
  run.depth -= 1;
  try {
    return code(frame, run);
  } catch (error) {
    throw replaced(error);
  }
}
