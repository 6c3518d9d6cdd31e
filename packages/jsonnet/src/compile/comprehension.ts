import { expectArray } from '../run/expect.ts';
import { passing } from '../run/fault.ts';
import { Site } from '../run/site.ts';
import { type Binding, type Code, type Field, Frame, type Layer, Obj, type Run, type Slot, type Value } from '../run/value.ts';
import type { ArrayCompNode, ForSpec, ObjectCompNode } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';
import { fieldBody, isCodeField } from './field.ts';
import { addField, duplicate, objectLocals } from './object.ts';
import { notBoolean } from './raise.ts';
import type { FrameLayout, Scope } from './scope.ts';

/** One `for` with its conditions, compiled; each item is evaluated in a frame of its own. */
interface Level {
  readonly items: Code;
  readonly conditions: readonly Code[];
  readonly layout: FrameLayout;
}

/** Calls `visit` with the frame of each combination of items that meets the conditions. */
class Loops {
  readonly #levels: readonly Level[];
  readonly #site: Site;

  constructor(levels: readonly Level[], site: Site) {
    this.#levels = levels;
    this.#site = site;
  }

  each(frame: Frame, run: Run, visit: (frame: Frame) => void): void {
    this.#each(0, frame, { run, visit });
  }

  #each(depth: number, frame: Frame, at: { run: Run; visit: (frame: Frame) => void }): void {
    const level = this.#levels[depth];
    if (level === undefined) {
      at.visit(frame);
      return;
    }
    const { run } = at;
    try {
      run.enter();
      const items = level.items(frame, run);
      const { size } = level.layout;
      run.depth -= 1;
      for (const item of expectArray(items)) {
        run.enter();
        run.charge(size);
        const slots: Slot[] = size === 1 ? [item] : new Array<Slot>(size).fill(null, 1);
        slots[0] = item;
        const inner = new Frame(slots, frame);
        if (meets(level.conditions, inner, run)) this.#each(depth + 1, inner, at);
        run.depth -= 1;
      }
    } catch (error) {
      throw passing(error, this.#site);
    }
  }
}

const nowhere = Site.inWords('');

function meets(conditions: readonly Code[], frame: Frame, run: Run): boolean {
  for (const condition of conditions) {
    const value = condition(frame, run);
    if (value === false) return false;
    if (value !== true) throw notBoolean(value, nowhere);
  }
  return true;
}

interface Compiled<Inside> {
  readonly levels: readonly Level[];
  readonly inside: Inside;
}

/** Compiles from the inside out, as the reference checks: conditions, what is inside, then the items. */
function compileLevels<Inside>(
  build: Build,
  specs: readonly ForSpec[],
  { at, inside }: { at: At; inside: (scope: Scope) => Inside },
): Compiled<Inside> {
  const levels: Level[] = [];
  const place = at.place.part();
  const compileFrom = (index: number, outer: Scope): Inside => {
    const spec = specs[index];
    if (spec === undefined) return inside(outer);
    const scope = outer.frame();
    scope.declare(spec.name);
    const conditions = spec.conditions.map((condition) => build.code(condition, { scope, place }));
    const compiled = compileFrom(index + 1, scope);
    levels[index] = { items: build.code(spec.items, { scope: outer, place }), conditions, layout: scope.layout };
    return compiled;
  };
  return { inside: compileFrom(0, at.scope), levels };
}

export function arrayCompCode(build: Build, node: ArrayCompNode, at: At): Code {
  const place = at.place.waiting();
  const { levels, inside: element } = compileLevels(build, node.specs, {
    at,
    inside: (scope) => build.lazy(node.body, { scope, place }),
  });
  const loops = new Loops(levels, build.bareSite(node));
  return (frame, run) => {
    const items: Slot[] = [];
    loops.each(frame, run, (inner) => {
      run.charge(2);
      items.push(element(inner, run));
    });
    run.checkLength(items.length);
    return items;
  };
}

/** A part of which each field has the frame of its iteration. */
class CompLayer implements Layer {
  readonly retained = undefined;
  readonly hasAsserts = false;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #frames: ReadonlyMap<string, Frame>;
  readonly #layout: FrameLayout;

  constructor(fields: ReadonlyMap<string, Field>, frames: ReadonlyMap<string, Frame>, layout: FrameLayout) {
    this.#fields = fields;
    this.#frames = frames;
    this.#layout = layout;
  }

  find(name: string): Field | undefined {
    return this.#fields.get(name);
  }

  fields(): Iterable<Field> {
    return this.#fields.values();
  }

  evaluate(field: Field, binding: Binding, run: Run): Value {
    run.charge(this.#layout.size);
    const slots: Slot[] = new Array<Slot>(this.#layout.size).fill(null);
    return isCodeField(field) ? field.code(new Frame(slots, this.#frames.get(field.name), binding), run) : null;
  }

  check(): void {
    // A comprehension has no assertions.
  }
}

/** What a field of a comprehension costs beside its iteration: it keeps a frame and is found by a name that was just made. */
const stepsPerFound = 20;

export function objectCompCode(build: Build, node: ObjectCompNode, at: At): Code {
  const { field } = node;
  const { levels, inside } = compileLevels(build, node.specs, {
    at,
    inside: (scope) => compField(build, node, { scope, place: at.place }),
  });
  const outer = build.bareSite(node);
  const site = build.site(node, at.place);
  const loops = new Loops(levels, outer);
  return (frame, run) => {
    const frames = new Map<string, Frame>();
    const fields = new Map<string, Field>();
    try {
      const found: Frame[] = [];
      loops.each(frame, run, (inner) => {
        run.charge(4);
        found.push(inner);
      });
      run.checkLength(found.length);
      for (const inner of found) {
        run.enter();
        run.charge(stepsPerFound);
        const name = inside.name(inner, run);
        run.depth -= 1;
        if (typeof name === 'string' && fields.has(name)) throw duplicate(name);
        addField(fields, name, { field, body: inside.body, site });
        if (typeof name === 'string') frames.set(name, inner);
      }
    } catch (error) {
      throw passing(error, outer);
    }
    return new Obj([new CompLayer(fields, frames, inside.layout)]);
  };
}

interface CompField {
  readonly name: Code;
  readonly body: ReturnType<typeof fieldBody>;
  readonly layout: FrameLayout;
}

/** The field of a comprehension; its locals are those of its body. */
function compField(build: Build, node: ObjectCompNode, at: At): CompField {
  const scope = at.scope.object();
  const locals = objectLocals(build, node.locals, { scope, outer: at });
  const body = fieldBody(build, node.field, { scope, place: at.place.inside('object') });
  const name = build.code(node.field.name, { scope: at.scope, place: at.place.part() });
  if (locals.length === 0) return { name, body, layout: scope.layout };
  const code = (field: string): Code => {
    const inner = body.code(field);
    return (frame, run) => {
      for (const { slot, lazy } of locals) frame.slots[slot] = lazy(frame, run);
      return inner(frame, run);
    };
  };
  return { name, body: { code, value: body.value }, layout: scope.layout };
}
