import { Closure } from '../run/functions.ts';
import type { Code } from '../run/value.ts';
import type { FunctionNode } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';

export function functionCode(build: Build, node: FunctionNode, { scope, place }: At): Code {
  const inner = scope.frame();
  const parameters = node.parameters.map((parameter) => ({ name: parameter.name, required: parameter.default === undefined }));
  for (const { name } of parameters) inner.declare(name);
  const inside = place.inside('function');
  const defaults = node.parameters.map(
    (parameter) => parameter.default && build.code(parameter.default, { scope: inner, place: inside.part() }),
  );
  const body = build.code(node.body, { scope: inner, place: inside });
  const { layout } = inner;
  const shape = { parameters, defaults, body, size: layout.size };
  return (frame, run) => {
    run.charge(1);
    return new Closure(shape, frame);
  };
}
