import type { JsonnetError } from '../jsonnet-error.ts';
import { Site, Surroundings } from '../run/site.ts';
import type { Code, Fn, Lazy, Obj, Value } from '../run/value.ts';
import type { Node } from '../syntax/ast.ts';
import { type Source, type Span, sourceError } from '../syntax/source.ts';
import type { Scope } from './scope.ts';

/** Where an expression stands: for stack lines, and for tail calls. */
export class Place {
  /** `undefined` where the reference forgets the surroundings: left of a dot. */
  readonly surroundings: Surroundings | undefined;
  /** What a function or an object here is called in stack lines. */
  readonly name: string;
  /** Whether the value of the expression is the value of the function around it. */
  readonly tail: 'no' | 'operand' | 'yes';

  constructor(surroundings: Surroundings | undefined, name = 'anonymous', tail: Place['tail'] = 'no') {
    this.surroundings = surroundings;
    this.name = name;
    this.tail = tail;
  }

  /** A part that is evaluated with the whole. */
  part(tail: Place['tail'] = 'no'): Place {
    return new Place(this.surroundings, 'anonymous', tail);
  }

  /** A part that waits: an argument or an element. */
  waiting(): Place {
    return new Place(this.surroundings && new Surroundings('thunk from <', this.surroundings, '>'));
  }

  bind(name: string): Place {
    return new Place(this.surroundings && new Surroundings(`thunk <${name}> from <`, this.surroundings, '>'), name);
  }

  forgotten(): Place {
    return new Place(undefined);
  }

  /** The body of a function or the inside of an object that stands here. */
  inside(kind: 'function' | 'object'): Place {
    return new Place(this.surroundings && new Surroundings(`${kind} <${this.name}>`), 'anonymous', kind === 'function' ? 'yes' : 'no');
  }
}

/** What names mean that the program does not declare. */
export interface Globals {
  readonly std: Obj;
  readonly builtin: (name: string) => Fn | Value | undefined;
  readonly native: (name: string) => Fn | undefined;
}

/** Compiles the parts of an expression; what the parts of the compiler share. */
export interface Rules {
  readonly code: (build: Build, node: Node, at: At) => Code;
  readonly lazy: (build: Build, node: Node, at: At) => Lazy;
}

export interface At {
  readonly scope: Scope;
  readonly place: Place;
}

export class Build {
  readonly source: Source;
  readonly globals: Globals;
  readonly #rules: Rules;
  #problem: JsonnetError | undefined;

  constructor(source: Source, globals: Globals, rules: Rules) {
    this.source = source;
    this.globals = globals;
    this.#rules = rules;
  }

  /** The first problem that was found, in the order in which the reference looks. */
  get problem(): JsonnetError | undefined {
    return this.#problem;
  }

  code(node: Node, at: At): Code {
    return this.#rules.code(this, node, at);
  }

  /** A value where that needs no evaluation, else a thunk. Every variable in scope must have its value. */
  lazy(node: Node, at: At): Lazy {
    return this.#rules.lazy(this, node, at);
  }

  site(span: Span, place: Place): Site {
    return Site.inSource(this.source, span, place.surroundings);
  }

  /** A site for what the language makes of an expression, which has no surroundings. */
  bareSite(span: Span): Site {
    return Site.inSource(this.source, span, undefined);
  }

  error(span: Span, message: string): JsonnetError {
    return sourceError(this.source, span, { kind: 'static', message });
  }

  /** Notes a problem; the code is never run. */
  fail(span: Span, message: string): Code {
    this.#problem ??= this.error(span, message);
    return () => null;
  }
}
