import { asFault, Fault } from '../run/fault.ts';
import { readyLayer } from '../run/object.ts';
import { Surroundings } from '../run/site.ts';
import { type Code, type Field, type Fn, Frame, Obj, type Slot, type Value } from '../run/value.ts';
import { library } from '../std/library.ts';
import { parse } from '../syntax/parser.ts';
import type { Source } from '../syntax/source.ts';
import { Build, Place } from './build.ts';
import { expressionCode } from './expression.ts';
import { lazyCode } from './lazy.ts';
import { Scope } from './scope.ts';

/** A compiled source, without state: it may be evaluated any number of times. */
export interface Unit {
  readonly code: Code;
  frame(): Frame;
}

export type Natives = ReadonlyMap<string, Fn>;

/** Throws JsonnetError of kind `lex`, `parse` or `static`, and `budget` where the source is nested too deep. */
export function compileSource(source: Source, natives: Natives): Unit {
  try {
    return build(source, natives);
  } catch (error) {
    const fault = asFault(error);
    throw fault instanceof Fault ? fault.toError() : fault;
  }
}

function build(source: Source, natives: Natives): Unit {
  const node = parse(source);
  const globals = {
    std: standardObject(source.path),
    builtin: (name: string): Value | undefined => library.get(name),
    native: (name: string) => natives.get(name),
  };
  const compiled = new Build(source, globals, { code: expressionCode, lazy: lazyCode });
  const scope = Scope.program();
  const code = compiled.code(node, { scope, place: new Place(new Surroundings('$')) });
  if (compiled.problem !== undefined) throw compiled.problem;
  const { layout } = scope;
  return {
    code,
    frame: () => {
      const slots: Slot[] = [];
      for (let left = layout.size; left > 0; left -= 1) slots.push(null);
      return new Frame(slots, undefined);
    },
  };
}

const libraryLayer = readyLayer(
  new Map([...library].map(([name, value]): [string, Field] => [name, { name, value, visibility: 'hidden' }])),
);

/** `std` as a source at `path` sees it. */
function standardObject(path: string): Obj {
  const file: Field = { name: 'thisFile', value: path, visibility: 'hidden' };
  return new Obj([readyLayer(new Map([[file.name, file]])), libraryLayer]);
}
