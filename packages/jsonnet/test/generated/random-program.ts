import type { Decisions } from './decisions.ts';
import {
  arrayOf,
  boolean,
  fits,
  nothing,
  number,
  numbers,
  type ObjectType,
  someObject,
  string,
  strings,
  type Type,
} from './program-type.ts';
import { stdSignatures } from './std-signatures.ts';

interface Variable {
  readonly name: string;
  readonly type: Type;
}

/** What an expression may use. */
interface Scope {
  readonly variables: readonly Variable[];
  /** Levels that may still be nested. */
  readonly depth: number;
  /** Whether `$` means something here. */
  readonly inObject?: boolean;
}

const texts = [
  '',
  'a',
  'b',
  'ab',
  'aab ',
  'é',
  '😀',
  'x😀y',
  '𝒳a',
  '\uffff',
  'a"b\\',
  "it's",
  'line\nline',
  '%s %d',
  '<&>',
  '\t',
  '$x',
  '0',
  'true',
  '- a: b',
];
const numberTexts = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '7',
  '10',
  '0.5',
  '-2.5',
  '1e3',
  '42.1',
  '1e-5',
  '0.1',
  '100',
  '1e15',
  '1e21',
  '255',
  '9007199254740993',
  '-0',
  '1.5e300',
];
const fieldNames = ['a', 'b', 'c', 'd', 'e'];

/** A random program, nearly always well-typed: what decisions choose first is always a literal. */
export function randomProgram(decisions: Decisions): string {
  return new ProgramWriter(decisions).program();
}

class ProgramWriter {
  readonly #choose: Decisions;
  #names = 0;

  constructor(decisions: Decisions) {
    this.#choose = decisions;
  }

  program(): string {
    return this.#expression(this.#type(2), { variables: [], depth: 5 });
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  #type(depth: number): Type {
    const plain = [number, string, boolean, nothing, numbers, strings, someObject];
    if (depth === 0) return this.#choose.of(plain);
    const index = this.#choose.below(plain.length + 2);
    if (index === plain.length) return arrayOf(this.#type(depth - 1));
    if (index > plain.length) return this.#objectType(depth - 1);
    return plain[index] ?? number;
  }

  #objectType(depth: number): ObjectType {
    const names = fieldNames.filter(() => this.#choose.oneIn(2));
    return { type: 'object', fields: Object.fromEntries(names.map((name) => [name, this.#type(depth)])) };
  }

  #expression(type: Type, scope: Scope): string {
    const { depth } = scope;
    const inner: Scope = { ...scope, depth: depth - 1 };
    if (depth <= 0) return this.#terminal(type, scope);
    switch (this.#choose.below(18)) {
      case 0:
      case 1:
        return this.#terminal(type, scope);
      case 2:
        return `(if ${this.#expression(boolean, inner)} then ${this.#expression(type, inner)} else ${this.#expression(type, inner)})`;
      case 3:
        return this.#local(type, inner);
      case 4:
        return this.#localFunction(type, inner);
      case 5:
        return this.#fieldAccess(type, inner);
      case 6:
        return this.#element(type, inner);
      case 7:
      case 8:
        return this.#std(type, inner);
      case 10:
        return this.#method(type, inner);
      case 11:
        return this.#host(type, inner);
      case 9:
        return this.#choose.oneIn(4) ? this.#wrong(type, inner) : this.#terminal(type, inner);
      default:
        return this.#operation(type, inner);
    }
  }

  #terminal(type: Type, scope: Scope): string {
    const fitting = scope.variables.filter((variable) => fits(variable.type, type));
    if (fitting.length > 0 && this.#choose.below(3) > 0) return this.#choose.of(fitting).name;
    return this.#literal(type, scope);
  }

  #literal(type: Type, scope: Scope): string {
    const inner: Scope = { ...scope, depth: scope.depth - 1 };
    switch (type.type) {
      case 'number':
        return this.#choose.of(numberTexts);
      case 'string':
        return this.#string(this.#choose.of(texts));
      case 'boolean':
        return this.#choose.of(['true', 'false']);
      case 'null':
        return 'null';
      case 'array':
        return `[${this.#choose.list(3, () => this.#expression(type.of, inner)).join(', ')}]`;
      case 'object':
        return this.#object(type, inner);
      case 'function':
        return `function(${type.parameters.map(({ name }) => name).join(', ')}) ${this.#literal(type.result, inner)}`;
    }
  }

  /** Fields see `self` fields of smaller names only, whatever is laid over them, so that none needs itself. */
  #object(type: ObjectType, scope: Scope): string {
    const fields: Record<string, Type> = { ...type.fields };
    for (const name of fieldNames)
      if (!(name in fields) && this.#choose.oneIn(4)) fields[name] = this.#choose.of([number, string, numbers]);
    const names = fieldNames.filter((name) => name in fields);
    const parts: string[] = [];
    const isOutermost = !scope.inObject;
    let variables = scope.variables.filter((variable) => !/^(self|super)\./.test(variable.name));
    if (this.#choose.oneIn(5)) {
      const name = this.#name('l');
      parts.push(`local ${name} = ${this.#expression(number, { ...scope, variables, inObject: true })}`);
      variables = [...variables, { name, type: number }];
    }
    if (this.#choose.oneIn(8))
      parts.push(`assert ${this.#expression(boolean, { ...scope, variables })} : ${this.#expression(string, { ...scope, variables })}`);
    for (const [index, name] of names.entries()) {
      const before = names.slice(0, index).flatMap((other) => {
        const type = fields[other] ?? number;
        return [{ name: `self.${other}`, type }, ...(isOutermost ? [{ name: `$.${other}`, type }] : [])];
      });
      const inside = { ...scope, variables: [...variables, ...before], inObject: true };
      const key = this.#choose.of([name, name, `"${name}"`, `["${name}"]`]);
      parts.push(`${key}${this.#choose.of([':', ':', ':', '::', ':::'])} ${this.#expression(fields[name] ?? number, inside)}`);
    }
    const separator = this.#choose.oneIn(3) ? ',\n  ' : ', ';
    return `{ ${parts.join(separator)} }`;
  }

  #string(text: string): string {
    switch (this.#choose.below(10)) {
      case 7:
        return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
      case 8:
        return `@'${text.replaceAll("'", "''")}'`;
      case 9:
        return '|||\n  text\n    block\n|||';
      default:
        return JSON.stringify(text);
    }
  }

  #method(type: Type, scope: Scope): string {
    const name = this.#name('m');
    const parameter = { name: this.#name('p'), type: this.#type(0) };
    const outer = scope.variables.filter((variable) => !/^(self|super)\./.test(variable.name));
    const body = this.#expression(type, { ...scope, variables: [...outer, parameter], inObject: true });
    const value = this.#expression(parameter.type, scope);
    return `({ ${name}(${parameter.name})${this.#choose.of([':', '::'])} ${body} }).${name}(${value})`;
  }

  /** Through a function of the host, which sees no hidden field; or past the trace. */
  #host(type: Type, scope: Scope): string {
    const value = this.#expression(type, scope);
    if (this.#choose.oneIn(3)) return `std.trace(${this.#expression(string, scope)}, ${value})`;
    if (type.type === 'object' || type.type === 'function') return value;
    return this.#choose.oneIn(3)
      ? `std.native("pair")(${this.#expression(this.#type(0), scope)}, ${value})[1]`
      : `std.native("echo")(${value})`;
  }

  #local(type: Type, scope: Scope): string {
    const name = this.#name('x');
    const own = this.#type(1);
    const value = this.#expression(own, scope);
    const body = this.#expression(type, { ...scope, variables: [...scope.variables, { name, type: own }] });
    return `(local ${name} = ${value};${this.#choose.of([' ', '\n'])}${body})`;
  }

  #localFunction(type: Type, scope: Scope): string {
    const name = this.#name('f');
    const parameters = [0, 1].slice(0, 1 + this.#choose.below(2)).map(() => ({
      name: this.#name('p'),
      type: this.#type(0),
      hasDefault: this.#choose.oneIn(3),
    }));
    const inside = { ...scope, variables: [...scope.variables, ...parameters] };
    const heads = parameters.map((parameter) =>
      parameter.hasDefault ? `${parameter.name}=${this.#expression(parameter.type, scope)}` : parameter.name,
    );
    const body = this.#expression(type, inside);
    let isNamed = false;
    const given = parameters.flatMap((parameter) => {
      if (parameter.hasDefault && this.#choose.oneIn(2)) {
        isNamed = true;
        return [];
      }
      isNamed ||= this.#choose.oneIn(3);
      const value = this.#expression(parameter.type, scope);
      return [isNamed ? `${parameter.name}=${value}` : value];
    });
    const tail = this.#choose.oneIn(2) ? ' tailstrict' : '';
    if (this.#choose.oneIn(3)) return `((function(${heads.join(', ')}) ${body})(${given.join(', ')})${tail})`;
    return `(local ${name}(${heads.join(', ')}) = ${body}; ${name}(${given.join(', ')})${tail})`;
  }

  #fieldAccess(type: Type, scope: Scope): string {
    const name = this.#choose.of(fieldNames);
    const object = this.#expression({ type: 'object', fields: { [name]: type } }, scope);
    return this.#choose.oneIn(3) ? `(${object})["${name}"]` : `(${object}).${name}`;
  }

  #element(type: Type, scope: Scope): string {
    const elements = [this.#expression(type, scope), ...this.#choose.list(2, () => this.#expression(type, scope))];
    return `[${elements.join(', ')}][${this.#choose.below(elements.length)}]`;
  }

  #std(type: Type, scope: Scope): string {
    const fitting = stdSignatures.filter((signature) => fits(signature.result, type));
    if (fitting.length === 0) return this.#terminal(type, scope);
    const { call, arguments: types } = this.#choose.of(fitting);
    const values = types.map((one) => this.#expression(one, scope));
    return `(${call.replace(/\$(\d)/g, (_, index: string) => values[Number(index)] ?? '')})`;
  }

  /** What must fail, or fails where it is evaluated. */
  #wrong(type: Type, scope: Scope): string {
    const other = this.#type(1);
    return this.#choose.of([
      () => `(error ${this.#expression(string, scope)})`,
      () => this.#expression(other, scope),
      () => `(${this.#expression(number, scope)} + ${this.#expression(nothing, scope)})`,
      () => `{ a: 1 }.${this.#choose.of(fieldNames)}`,
      () => `[1, 2][${this.#expression(number, scope)}]`,
      () => `(${this.#expression(number, scope)} / 0)`,
      () => `(assert ${this.#expression(boolean, scope)} : ${this.#expression(string, scope)}; ${this.#expression(type, scope)})`,
      () => `std.map(${this.#expression(other, scope)}, [1])`,
      () => `(function(x) x)(${this.#expression(other, scope)}, y=1)`,
      () => (this.#choose.oneIn(4) ? 'unknown' : 'std.unknown'),
    ])();
  }

  #operation(type: Type, scope: Scope): string {
    const one = (wanted: Type): string => this.#expression(wanted, scope);
    const choose = this.#choose;
    switch (type.type) {
      case 'number':
        return choose.of([
          () =>
            `(${one(number)} ${choose.of(['+', '-', '*', '/', '%'])} ${one(number)} ${choose.of(['+', '-', '*', '/', '%'])} ${one(number)})`,
          () => `(${one(number)} ${choose.of(['+', '-', '*', '/', '%'])} ${one(number)})`,
          () => `(std.floor(${one(number)}) ${choose.of(['&', '|', '^', '<<', '>>'])} (std.floor(${one(number)}) % 20))`,
          () => `(-${one(number)})`,
          () => `(~std.floor(${one(number)} % 1000))`,
          () => this.#countDown(one(number)),
        ])();
      case 'string':
        return choose.of([
          () => `(${one(string)} + ${one(this.#type(1))})`,
          () => `(${one(string)} + ${one(string)})`,
          () => `("${choose.of(['%s', 'a%sb', '%5s|', '%-4s|', '%%%s'])}" % [${one(this.#type(1))}])`,
          () => `("${choose.of(['%d', '%05d', '%+.2f', '%e', '%g', '%x', '%-8.1f|', '%#o', '% d', '%10.3e'])}" % [${one(number)}])`,
          () => `(${one(string)} + "abc")[${choose.of(['0:2', '1:', ':1', '::2', '1:3:1', '-2:', ':-1'])}]`,
          () => `(${one(string)} + "x")[0]`,
        ])();
      case 'boolean':
        return choose.of([
          () => `(${one(number)} ${choose.of(['<', '<=', '>', '>=', '==', '!='])} ${one(number)})`,
          () => `(${one(string)} ${choose.of(['<', '<=', '>', '>=', '==', '!='])} ${one(string)})`,
          () => `(${one(numbers)} ${choose.of(['<', '<=', '>', '>=', '==', '!='])} ${one(numbers)})`,
          () => `(${one(someObject)} ${choose.of(['==', '!='])} ${one(someObject)})`,
          () => `(${one(boolean)} ${choose.of(['&&', '||', '=='])} ${one(boolean)})`,
          () => `(!${one(boolean)})`,
          () => `(${one(string)} in ${one(someObject)})`,
        ])();
      case 'null':
        return `(null)`;
      case 'array':
        return this.#arrayOperation(type.of, scope);
      case 'object':
        return this.#objectOperation(type, scope);
      case 'function':
        return this.#literal(type, scope);
    }
  }

  #countDown(start: string): string {
    const name = this.#name('r');
    return `(local ${name}(n, sum=0) = if n <= 0 then sum else ${name}(n - 1, sum + n); ${name}(std.floor(std.abs(${start})) % 12))`;
  }

  #arrayOperation(of: Type, scope: Scope): string {
    const array = (): string => this.#expression(arrayOf(of), scope);
    const comprehension = (): string => {
      const name = this.#name('e');
      const source = this.#choose.of([number, string, of]);
      const list = this.#expression(arrayOf(source), scope);
      const inside = { ...scope, variables: [...scope.variables, { name, type: source }] };
      const condition = this.#choose.oneIn(2) ? ` if ${this.#expression(boolean, inside)}` : '';
      return `[${this.#expression(of, inside)} for ${name} in ${list}${condition}]`;
    };
    return this.#choose.of([
      () => `(${array()} + ${array()})`,
      comprehension,
      comprehension,
      () => `(${array()})[${this.#choose.of(['0:2', '1:', ':1', '::2', '1:3:1', '-2:', ':-1', '::'])}]`,
    ])();
  }

  /** What is laid over an object may read `super` for fields that are there. */
  #objectOperation(type: ObjectType, scope: Scope): string {
    const base = (): string => this.#expression(type, scope);
    const outer = scope.variables.filter((variable) => !/^(self|super)\./.test(variable.name));
    const over = (): string => {
      const names = Object.keys(type.fields);
      if (names.length === 0) return '{ e+: 1 }';
      const name = this.#choose.of(names);
      const own = type.fields[name] ?? number;
      const inside = { ...scope, variables: [...outer, { name: `super.${name}`, type: own }], inObject: true };
      const isAdded = own.type === 'number' || own.type === 'string' || own.type === 'array';
      const colon = this.#choose.of([':', '::', ':::', isAdded ? '+:' : ':', isAdded ? '+::' : ':']);
      return `{ ${name}${colon} ${this.#expression(own, inside)} }`;
    };
    const names = Object.keys(type.fields);
    if (names.length === 0 && this.#choose.oneIn(4)) {
      const name = this.#name('k');
      const inside = { ...scope, variables: [...scope.variables, { name, type: string }] };
      return `{ [${name}]: ${this.#expression(this.#choose.of([number, string]), inside)} for ${name} in std.set(${this.#expression(strings, scope)}) }`;
    }
    return this.#choose.of([
      () => `(${base()} + ${over()})`,
      () => `(${base()}) ${over()}`,
      () => `(${this.#expression(someObject, scope)} + ${base()})`,
    ])();
  }
}
