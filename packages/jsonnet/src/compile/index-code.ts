import { expectNumber, expectString } from '../run/expect.ts';
import { Fault, passing } from '../run/fault.ts';
import { getField } from '../run/object.ts';
import { type Code, Fn, force, isItems, Obj, type Run, type Value } from '../run/value.ts';
import { slice } from '../std/slice.ts';
import type { IndexNode, Node, SliceNode } from '../syntax/ast.ts';
import { pointAt, pointLength } from '../text/code-points.ts';
import type { At, Build } from './build.ts';

export function indexCode(build: Build, node: IndexNode, at: At): Code {
  const { scope, place } = at;
  const known = standardMember(build, node, at);
  if (known !== undefined) return () => known;
  const target = build.code(node.target, { scope, place: node.dotted ? place.forgotten() : place.part() });
  const site = build.site(node, place);
  if (node.index.kind === 'string') {
    const name = node.index.value;
    return (frame, run) => {
      const value = target(frame, run);
      try {
        return value instanceof Obj ? getField(value, name, run) : indexValue(value, name, run);
      } catch (error) {
        throw passing(error, site);
      }
    };
  }
  const index = build.code(node.index, { scope, place: node.dotted ? place.forgotten() : place.part() });
  return (frame, run) => {
    const value = target(frame, run);
    const key = index(frame, run);
    try {
      return indexValue(value, key, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

/** `std.name` where `std` is the library and the name one of its functions. */
export function standardMember(build: Build, node: Node, { scope }: At): Value | undefined {
  if (node.kind !== 'index' || node.index.kind !== 'string') return undefined;
  const { target } = node;
  if (target.kind !== 'variable' || target.name !== 'std' || scope.find('std') !== undefined) return undefined;
  return build.globals.builtin(node.index.value);
}

function indexValue(target: Value, index: Value, run: Run): Value {
  if (target instanceof Obj) return getField(target, expectString(index), run);
  if (typeof target === 'string') {
    const at = Math.trunc(expectNumber(index));
    run.chargeCharacters(target.length);
    const length = pointLength(target);
    checkBounds(at, length);
    return pointAt(target, at);
  }
  if (isItems(target)) {
    const at = Math.trunc(expectNumber(index));
    checkBounds(at, target.length);
    return force(target[at] ?? null, run);
  }
  throw new Fault(`Value non indexable: *jsonnet.value${typeWord(target)}`);
}

function checkBounds(index: number, length: number): void {
  if (index < 0 || index >= length) throw new Fault(`Index ${index === 0 ? 0 : index} out of bounds, not within [0, ${length})`);
}

function typeWord(value: null | boolean | number | Fn): string {
  if (value === null) return 'Null';
  if (value instanceof Fn) return 'Function';
  return typeof value === 'number' ? 'Number' : 'Boolean';
}

export function sliceCode(build: Build, node: SliceNode, { scope, place }: At): Code {
  const at = { scope, place: place.part() };
  const optional = (part: Node | undefined): Code => (part === undefined ? () => null : build.code(part, at));
  const target = build.code(node.target, at);
  const from = optional(node.from);
  const to = optional(node.to);
  const step = node.step === undefined ? () => null : build.code(node.step, { scope, place: place.forgotten() });
  const site = build.bareSite(node);
  return (frame, run) => {
    try {
      return slice(target(frame, run), { from: from(frame, run), to: to(frame, run), step: step(frame, run) }, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}
