import type { Operation } from '@sluice/contract/operation';

/** Which methods a path takes, to tell "no such path" from "not this method". What can be got can be asked for by HEAD as well. */
export class RouteTable {
  readonly #routes: readonly { readonly segments: readonly string[]; readonly method: string }[];

  constructor(operations: readonly Pick<Operation, 'method' | 'path'>[]) {
    this.#routes = operations.map(({ method, path }) => ({ method, segments: path.split('/') }));
  }

  methodsOf(path: string): readonly string[] {
    const segments = path.split('/');
    const found = this.#routes.filter((route) => matches(route.segments, segments));
    return [...new Set(found.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const rest = pattern.at(-1)?.endsWith('...}') ?? false;
  const isLongEnough = rest ? segments.length >= pattern.length : segments.length === pattern.length;
  return isLongEnough && pattern.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]));
}

/** `{name}` and `{name...}` in the framework's spelling. */
export const frameworkPath = (path: string): string => path.replace(/\{\w+\.\.\.\}$/, '*').replace(/\{(\w+)\}/g, ':$1');

/** Name of the parameter that takes the rest of the path. */
export const restParameter = (path: string): string | undefined => /\{(\w+)\.\.\.\}$/.exec(path)?.[1];
