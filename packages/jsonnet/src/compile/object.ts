import { Fault, passing } from '../run/fault.ts';
import { stepsPerObject } from '../run/object.ts';
import type { Site } from '../run/site.ts';
import {
  type Binding,
  type Code,
  type Field,
  Frame,
  type Layer,
  type Lazy,
  Obj,
  type Run,
  type Slot,
  typeName,
  type Value,
} from '../run/value.ts';
import type { Bind, FieldNode, ObjectAssertNode, ObjectNode } from '../syntax/ast.ts';
import { quoteJson } from '../text/quote.ts';
import type { At, Build } from './build.ts';
import { type CodeField, type FieldBody, fieldBody, isCodeField, makeField } from './field.ts';
import { unwrap, waitingCode } from './lazy.ts';
import { notBoolean, raiseCode } from './raise.ts';
import type { FrameLayout, Scope } from './scope.ts';

/** What all objects of one literal have in common. */
interface Shape {
  readonly asserts: readonly Code[];
  readonly locals: readonly { readonly slot: number; readonly lazy: Lazy }[];
  readonly layout: FrameLayout;
}

/** The part of an object that a literal made, with the frame in which it was made. */
class LiteralLayer implements Layer {
  readonly retained = undefined;
  readonly #shape: Shape;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #parent: Frame;
  /** The last frame: a part mostly belongs to one object. */
  #frame: Frame | undefined;

  constructor(shape: Shape, fields: ReadonlyMap<string, Field>, parent: Frame) {
    this.#shape = shape;
    this.#fields = fields;
    this.#parent = parent;
  }

  get hasAsserts(): boolean {
    return this.#shape.asserts.length > 0;
  }

  find(name: string): Field | undefined {
    return this.#fields.get(name);
  }

  fields(): Iterable<Field> {
    return this.#fields.values();
  }

  evaluate(field: Field, binding: Binding, run: Run): Value {
    return isCodeField(field) ? field.code(this.#frameOf(binding, run), run) : null;
  }

  check(binding: Binding, run: Run): void {
    for (const code of this.#shape.asserts) {
      run.enter();
      code(this.#frameOf(binding, run), run);
      run.depth -= 1;
    }
  }

  #frameOf(binding: Binding, run: Run): Frame {
    const last = this.#frame;
    if (last !== undefined && last.self === binding.self && last.level === binding.level) return last;
    const { layout, locals } = this.#shape;
    run.charge(layout.size);
    const slots: Slot[] = new Array<Slot>(layout.size).fill(null);
    const frame = new Frame(slots, this.#parent, binding);
    for (const { slot, lazy } of locals) slots[slot] = lazy(frame, run);
    this.#frame = frame;
    return frame;
  }
}

export function objectCode(build: Build, node: ObjectNode, at: At): Code {
  const scope = at.scope.object();
  const inside: At = { scope, place: at.place.inside('object') };
  const locals = objectLocals(build, node.locals, { scope, outer: at });
  const bodies = node.fields.map((field) => fieldBody(build, field, inside));
  const asserts = node.asserts.map((check) => assertCode(build, check, inside));
  const shape: Shape = { asserts, locals, layout: scope.layout };
  const fixed = fixedFields(node, bodies);
  if (fixed !== undefined) {
    return (frame, run) => {
      run.charge(stepsPerObject);
      return new Obj([new LiteralLayer(shape, fixed, frame)]);
    };
  }
  const names = node.fields.map((field) => build.code(field.name, { scope: at.scope, place: at.place.part() }));
  const site = build.site(node, at.place);
  return (frame, run) => {
    const fields = new Map<string, Field>();
    run.charge(stepsPerObject + stepsPerField * (1 + names.length));
    for (const [index, field] of node.fields.entries()) {
      const body = bodies[index];
      const name = names[index]?.(frame, run) ?? null;
      if (body !== undefined) addField(fields, name, { field, body, site });
    }
    return new Obj([new LiteralLayer(shape, fields, frame)]);
  };
}

/** The bodies of local binds, which stand in the surroundings of the object. */
export function objectLocals(build: Build, binds: readonly Bind[], { scope, outer }: { scope: Scope; outer: At }): Shape['locals'] {
  const slots = binds.map((bind) => scope.declare(bind.name));
  const place = outer.place.inside('object');
  return binds.map((bind, index) => ({ slot: slots[index] ?? 0, lazy: waitingCode(build, bind.body, { scope, place }) }));
}

/** The fields where all names are written; a name that stands twice is an error of the evaluation. */
function fixedFields(node: ObjectNode, bodies: readonly FieldBody[]): ReadonlyMap<string, CodeField> | undefined {
  const fields = new Map<string, CodeField>();
  for (const [index, field] of node.fields.entries()) {
    const name = unwrap(field.name);
    const body = bodies[index];
    if (name.kind !== 'string' || body === undefined || fields.has(name.value)) return undefined;
    fields.set(name.value, makeField(name.value, field, body));
  }
  return fields;
}

/** What a field costs whose name is computed. */
const stepsPerField = 4;

interface Named {
  readonly field: FieldNode;
  readonly body: FieldBody;
  readonly site: Site;
}

/** A field with a computed name; with the name `null` there is none. */
export function addField(fields: Map<string, Field>, name: Value, { field, body, site }: Named): void {
  if (name === null) return;
  if (typeof name !== 'string') throw passing(new Fault(`Field name must be string, got ${typeName(name)}`), site);
  if (fields.has(name)) throw passing(duplicate(name), site);
  fields.set(name, makeField(name, field, body));
}

export function duplicate(name: string): Fault {
  return new Fault(`Duplicate field name: ${quoteJson(name)}`);
}

function assertCode(build: Build, node: ObjectAssertNode, { scope, place }: At): Code {
  const condition = build.code(node.condition, { scope, place: place.part() });
  const message = node.message && build.code(node.message, { scope, place: place.part() });
  const site = build.bareSite(node);
  const raise = raiseCode(message ?? (() => 'Object assertion failed.'), site);
  return (frame, run) => {
    const value = condition(frame, run);
    if (value === true) return true;
    if (value === false) return raise(frame, run);
    throw notBoolean(value, site);
  };
}
