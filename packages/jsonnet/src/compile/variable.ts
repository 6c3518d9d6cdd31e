import { type Code, type Frame, forceAt, type Lazy, type Slot, Thunk } from '../run/value.ts';
import type { DollarNode, VariableNode } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';
import type { Variable } from './scope.ts';

type Read = (frame: Frame) => Slot;

/** Reads the slot of a variable. */
function reader({ hops, slot }: Variable): Read {
  if (hops === 0) return (frame) => frame.slots[slot] ?? null;
  if (hops === 1) return (frame) => frame.parent?.slots[slot] ?? null;
  if (hops === 2) return (frame) => frame.parent?.parent?.slots[slot] ?? null;
  return (frame) => frameAbove(frame, hops)?.slots[slot] ?? null;
}

function frameAbove(frame: Frame, hops: number): Frame | undefined {
  let found: Frame | undefined = frame;
  for (let left = hops; left > 0; left -= 1) found = found?.parent;
  return found;
}

export function variableCode(build: Build, node: VariableNode | DollarNode, { scope, place }: At): Code {
  if (node.kind === 'dollar') {
    const root = scope.find('$');
    if (root === undefined) throw build.error(node, 'No top-level object found.');
    return (frame) => frameAbove(frame, root.hops)?.self ?? null;
  }
  const variable = scope.find(node.name);
  if (variable === undefined) return globalCode(build, node);
  const site = build.site(node, place);
  const read = reader(variable);
  if (variable.hops === 0) {
    const { slot } = variable;
    return (frame, run) => forceAt(frame.slots[slot] ?? null, run, site);
  }
  return (frame, run) => forceAt(read(frame), run, site);
}

function globalCode(build: Build, node: VariableNode): Code {
  const { globals } = build;
  const value = node.name === 'std' ? globals.std : globals.native(node.name);
  if (value === undefined) return build.fail(node, `Unknown variable: ${node.name}`);
  return () => value;
}

/** A variable as an argument: its value, or, where that still waits, a thunk of its own, which the stack shows. */
export function variableLazy(build: Build, node: VariableNode, at: At): Lazy {
  const code = variableCode(build, node, at);
  const variable = at.scope.find(node.name);
  if (variable === undefined) return code;
  const read = reader(variable);
  return (frame, run) => {
    const slot = read(frame);
    if (!(slot instanceof Thunk)) return slot;
    return slot.waits ? new Thunk(code, frame) : slot.force(run);
  };
}
