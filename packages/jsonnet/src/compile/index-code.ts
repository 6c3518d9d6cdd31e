import { passing } from '../run/fault.ts';
import { indexValue } from '../run/index-value.ts';
import { getField } from '../run/object.ts';
import { type Code, type Frame, Obj, type Slot, Thunk, type Value } from '../run/value.ts';
import { slice } from '../std/slice.ts';
import type { IndexNode, Node, SliceNode } from '../syntax/ast.ts';
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
      run.charge(1);
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
    run.charge(1);
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

const later = (code: Code | null, frame: Frame): Slot => (code === null ? null : new Thunk(code, frame));

export function sliceCode(build: Build, node: SliceNode, { scope, place }: At): Code {
  const at = { scope, place: place.part() };
  const optional = (part: Node | undefined): Code | null => (part === undefined ? null : build.code(part, at));
  const target = build.code(node.target, at);
  const from = optional(node.from);
  const to = optional(node.to);
  const step = node.step === undefined ? null : build.code(node.step, { scope, place: place.forgotten() });
  const site = build.bareSite(node);
  return (frame, run) => {
    run.charge(2);
    try {
      return slice(later(target, frame), { from: later(from, frame), to: later(to, frame), step: later(step, frame) }, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}
