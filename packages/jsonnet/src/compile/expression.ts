import { expectString } from '../run/expect.ts';
import { Fault, passing } from '../run/fault.ts';
import { fieldValue, hasFieldFrom } from '../run/object.ts';
import { Site } from '../run/site.ts';
import type { Code } from '../run/value.ts';
import type { AssertNode, ConditionalNode, ErrorNode, ImportNode, InSuperNode, LocalNode, Node, SuperIndexNode } from '../syntax/ast.ts';
import { applyCode } from './apply.ts';
import type { At, Build } from './build.ts';
import { arrayCompCode, objectCompCode } from './comprehension.ts';
import { functionCode } from './function.ts';
import { indexCode, sliceCode } from './index-code.ts';
import { waitingCode } from './lazy.ts';
import { objectCode } from './object.ts';
import { binaryCode, plusOf, unaryCode } from './operator.ts';
import { notBoolean, raiseCode } from './raise.ts';
import { replacingCode } from './tail.ts';
import { variableCode } from './variable.ts';

/** The code of an expression. Its parts are compiled in the order in which the reference checks them. */
export function expressionCode(build: Build, node: Node, at: At): Code {
  switch (node.kind) {
    case 'null':
      return () => null;
    case 'boolean':
    case 'string': {
      const { value } = node;
      return () => value;
    }
    case 'number':
      return numberCode(build, node, at);
    case 'parens':
      return parensCode(build, node, at);
    case 'variable':
      return variableCode(build, node, at);
    case 'self':
      if (!at.scope.inObject) return build.fail(node, "Can't use self outside of an object.");
      return (frame) => frame.self ?? null;
    case 'dollar':
      return variableCode(build, node, at);
    case 'super-index':
      return superIndexCode(build, node, at);
    case 'in-super':
      return inSuperCode(build, node, at);
    case 'array': {
      const place = at.place.waiting();
      const elements = node.elements.map((element) => build.lazy(element, { scope: at.scope, place }));
      const steps = 1 + elements.length;
      const [only] = elements;
      if (only !== undefined && elements.length === 1) {
        return (frame, run) => {
          run.charge(steps);
          return [only(frame, run)];
        };
      }
      return (frame, run) => {
        run.charge(steps);
        return elements.map((element) => element(frame, run));
      };
    }
    case 'array-comp':
      return replacingCode(arrayCompCode(build, node, at), at.place);
    case 'object':
      return objectCode(build, node, at);
    case 'object-comp':
      return replacingCode(objectCompCode(build, node, at), at.place);
    case 'local':
      return localCode(build, node, at);
    case 'function':
      return functionCode(build, node, at);
    case 'apply':
      return applyCode(build, node, at);
    case 'apply-brace':
      return plusOf(build, node, at);
    case 'index':
      return indexCode(build, node, at);
    case 'slice':
      return replacingCode(sliceCode(build, node, at), at.place);
    case 'binary':
      return binaryCode(build, node, at);
    case 'unary':
      return unaryCode(build, node, at);
    case 'conditional':
      return conditionalCode(build, node, at);
    case 'assert':
      return assertCode(build, node, at);
    case 'error':
      return errorCode(build, node, at);
    case 'import':
      return importCode(build, node, at);
  }
}

/** Parentheses may be nested deeper than the call stack is. */
function parensCode(build: Build, node: Node, at: At): Code {
  let inner = node;
  while (inner.kind === 'parens') inner = inner.inner;
  return build.code(inner, { scope: at.scope, place: at.place.part(at.place.tail) });
}

function numberCode(build: Build, node: Extract<Node, { kind: 'number' }>, { place }: At): Code {
  const { value } = node;
  if (Number.isFinite(value)) return () => value;
  const site = build.site(node, place);
  return () => {
    throw passing(new Fault('overflow'), site);
  };
}

function localCode(build: Build, node: LocalNode, { scope, place }: At): Code {
  const inner = scope.block();
  const slots = node.binds.map((bind) => inner.declare(bind.name));
  const binds = node.binds.map((bind) => waitingCode(build, bind.body, { scope: inner, place: place.bind(bind.name) }));
  const body = build.code(node.body, { scope: inner, place });
  const [slot = 0] = slots;
  const [bind] = binds;
  if (binds.length === 1 && bind !== undefined) {
    return (frame, run) => {
      run.charge(1);
      frame.slots[slot] = bind(frame, run);
      return body(frame, run);
    };
  }
  return (frame, run) => {
    run.charge(binds.length);
    for (const [index, code] of binds.entries()) frame.slots[slots[index] ?? 0] = code(frame, run);
    return body(frame, run);
  };
}

function conditionalCode(build: Build, node: ConditionalNode, { scope, place }: At): Code {
  const condition = build.code(node.condition, { scope, place: place.part() });
  const yes = build.code(node.yes, { scope, place: place.part(place.tail) });
  const no = node.no === undefined ? () => null : build.code(node.no, { scope, place: place.part(place.tail) });
  const site = build.site(node, place);
  return (frame, run) => {
    const value = condition(frame, run);
    run.charge(1);
    if (value === true) return yes(frame, run);
    if (value === false) return no(frame, run);
    throw notBoolean(value, site);
  };
}

function assertCode(build: Build, node: AssertNode, { scope, place }: At): Code {
  const condition = build.code(node.condition, { scope, place: place.part() });
  const rest = build.code(node.rest, { scope, place: place.part(place.tail) });
  const message = node.message && build.code(node.message, { scope, place: place.part() });
  const raise = raiseCode(message ?? (() => 'Assertion failed'), build.bareSite(node));
  const site = Site.inWords('');
  return (frame, run) => {
    const value = condition(frame, run);
    run.charge(1);
    if (value === true) return rest(frame, run);
    if (value === false) return raise(frame, run);
    throw notBoolean(value, site);
  };
}

function errorCode(build: Build, node: ErrorNode, { scope, place }: At): Code {
  return raiseCode(build.code(node.message, { scope, place: place.part() }), build.site(node, place));
}

function superIndexCode(build: Build, node: SuperIndexNode, { scope, place }: At): Code {
  if (!scope.inObject) return build.fail(node, "Can't use super outside of an object.");
  const index = build.code(node.index, { scope, place: node.dotted ? place.forgotten() : place.part() });
  const site = build.site(node, place);
  return (frame, run) => {
    const name = index(frame, run);
    run.charge(1);
    try {
      if (frame.self === undefined) throw new Fault('Attempt to use super when there is no super class.');
      return fieldValue(frame.self, expectString(name), { level: frame.level + 1, run });
    } catch (error) {
      throw passing(error, site);
    }
  };
}

function inSuperCode(build: Build, node: InSuperNode, { scope, place }: At): Code {
  if (!scope.inObject) return build.fail(node, "Can't use super outside of an object.");
  const index = build.code(node.index, { scope, place: place.part() });
  const site = build.site(node, place);
  return (frame, run) => {
    const name = index(frame, run);
    try {
      run.charge(1);
      return frame.self !== undefined && hasFieldFrom(frame.self, frame.level + 1, { name: expectString(name), run });
    } catch (error) {
      throw passing(error, site);
    }
  };
}

function importCode(build: Build, node: ImportNode, { place }: At): Code {
  const site = build.site(node, place);
  const request = { from: build.source.path, path: node.path };
  return (_frame, run) => {
    try {
      if (node.of === 'import') return run.host.importCode(request, run);
      const { content } = run.host.importSource(request);
      run.chargeCharacters(content.length);
      if (node.of === 'importstr') {
        run.checkString(content.length);
        return typeof content === 'string' ? content.toWellFormed() : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
      }
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      run.checkArray(bytes.length);
      return Array.from(bytes);
    } catch (error) {
      throw passing(error, site);
    }
  };
}
