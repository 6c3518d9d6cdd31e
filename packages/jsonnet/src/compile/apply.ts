import { toPlain } from '../manifest/plain.ts';
import { Builtin } from '../run/builtin.ts';
import { expectFunction } from '../run/expect.ts';
import { passing, replaced } from '../run/fault.ts';
import { arrange, type Named } from '../run/functions.ts';
import { Native } from '../run/native.ts';
import type { Site } from '../run/site.ts';
import type { Code, Fn, Frame, Lazy, Run, Slot, Value } from '../run/value.ts';
import type { ApplyNode, Node } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';
import { standardMember } from './index-code.ts';
import { constantOf, unwrap } from './lazy.ts';
import { replacingCode } from './tail.ts';

export function applyCode(build: Build, node: ApplyNode, at: At): Code {
  const known = knownFunction(build, node, at);
  if (known !== undefined) return replacingCode(known, at.place);
  const { scope, place } = at;
  const target = build.code(node.target, { scope, place: place.part() });
  const waiting = { scope, place: place.waiting() };
  const positional = node.positional.map((arg) => build.lazy(arg, waiting));
  const named = node.named.map(({ name, value }) => ({ name, lazy: build.lazy(value, waiting) }));
  const site = build.site(node, place);
  const args: Arguments = { positional, named };
  const call = callCode(target, args, { site, tailstrict: node.tailstrict });
  if (place.tail !== 'yes') return replacingCode(call, place);
  return tailCode(target, args, { site, tailstrict: node.tailstrict, call });
}

interface Arguments {
  readonly positional: readonly Lazy[];
  readonly named: readonly { readonly name: string; readonly lazy: Lazy }[];
}

interface CallKind {
  readonly site: Site;
  readonly tailstrict: boolean;
}

function callCode(target: Code, args: Arguments, { site, tailstrict }: CallKind): Code {
  const { positional, named } = args;
  return (frame, run) => {
    const value = target(frame, run);
    try {
      const fn = expectFunction(value);
      const slots: Slot[] = positional.map((lazy) => lazy(frame, run));
      const list = arrange(fn.parameters, slots, named.length === 0 ? none : namedSlots(named, frame, run));
      run.site = site;
      return fn.invoke(list, run, tailstrict);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

const none: readonly Named[] = [];

function namedSlots(named: Arguments['named'], frame: Frame, run: Run): Named[] {
  return named.map(({ name, lazy }) => ({ name, value: lazy(frame, run) }));
}

/** What it costs beside the call to leave one to the caller. */
const stepsPerTailCall = 4;

/** A call whose value is the value of a function: where that function was called `tailstrict` it is left to its caller. */
function tailCode(target: Code, args: Arguments, kind: CallKind & { call: Code }): Code {
  const { site, tailstrict, call } = kind;
  return (frame, run) => {
    if (!frame.replaceable) return call(frame, run);
    run.charge(stepsPerTailCall);
    const value = target(frame, run);
    const fn = functionAt(value, site);
    const slots: Slot[] = args.positional.map((lazy) => lazy(frame, run));
    try {
      run.tail = { fn, args: arrange(fn.parameters, slots, namedSlots(args.named, frame, run)), tailstrict, site };
      return null;
    } catch (error) {
      throw replaced(passing(error, site));
    }
  };
}

function functionAt(value: Value, site: Site): Fn {
  try {
    return expectFunction(value);
  } catch (error) {
    throw passing(error, site);
  }
}

/** Calls functions of the library and of the host without thunks for arguments that they evaluate anyway. */
function knownFunction(build: Build, node: ApplyNode, at: At): Code | undefined {
  const fn = knownTarget(build, node.target, at);
  if (!(fn instanceof Builtin || fn instanceof Native) || node.named.length > 0) return undefined;
  const { parameters } = fn;
  const count = node.positional.length;
  if (count > parameters.length || parameters.some(({ required }, index) => required && index >= count)) return undefined;
  const waiting = { scope: at.scope, place: at.place.waiting() };
  const site = build.site(node, at.place);
  if (fn instanceof Native)
    return nativeCode(
      fn,
      node.positional.map((arg) => eagerArgument(build, arg, waiting)),
      { site, node },
    );
  const lazily = fn.lazy !== undefined;
  const args = node.positional.map((arg) => (lazily ? build.lazy(arg, waiting) : eagerArgument(build, arg, waiting)));
  return (frame, run) => {
    try {
      const values = new Array<Slot | undefined>(parameters.length);
      for (let index = 0; index < count; index += 1) values[index] = args[index]?.(frame, run) ?? null;
      run.site = site;
      return fn.invoke(values, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

/** An argument that is evaluated at once. It counts as a frame meanwhile, unless it is there already. */
function eagerArgument(build: Build, node: Node, at: At): Code {
  const code = build.code(node, at);
  if (constantOf(node) !== undefined || unwrap(node).kind === 'variable') return code;
  return (frame, run) => {
    run.enter();
    const value = code(frame, run);
    run.depth -= 1;
    return value;
  };
}

/** A call of the host, whose arguments become data; those that are the same in each call are prepared. */
function nativeCode(fn: Native, args: readonly Code[], { site, node }: { site: Site; node: ApplyNode }): Code {
  const constants = node.positional.map(constantOf);
  const fixed = constants.every((value) => value !== undefined) ? Object.freeze(constants) : undefined;
  if (fixed !== undefined) {
    return (_frame, run) => {
      try {
        return fn.callWith(fixed, run);
      } catch (error) {
        throw passing(error, site);
      }
    };
  }
  return (frame, run) => {
    try {
      return fn.callWith(
        args.map((arg) => toPlain(arg(frame, run), run)),
        run,
      );
    } catch (error) {
      throw passing(error, site);
    }
  };
}

function knownTarget(build: Build, target: Node, at: At): Value | undefined {
  if (target.kind === 'variable' && target.name !== 'std' && at.scope.find(target.name) === undefined)
    return build.globals.native(target.name);
  return standardMember(build, target, at);
}
