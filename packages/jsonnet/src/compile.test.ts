import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from './compile.ts';
import { JsonnetError } from './jsonnet-error.ts';

function errorOf(work: () => unknown): JsonnetError {
  try {
    work();
  } catch (error) {
    if (error instanceof JsonnetError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('The value of a program', () => {
  test.each([
    ['1 + 2 * 3', '7'],
    ['"a" + 1 + null', '"a1null"'],
    ['local f(x, y=x + 1) = x * y; [f(2), f(2, 5), f(y=1, x=3)]', '[6,10,3]'],
    ['local a = b + 1, b = 1; a', '2'],
    ['{ a: 1, b: self.a + 1, c:: 3, d: $.b + self.c }', '{"a":1,"b":2,"d":5}'],
    ['{ a: { b: 1, c: 2 } } + { a+: { b: 3 } }', '{"a":{"b":3,"c":2}}'],
    ['{ a: 1 } + { a: super.a + 1, b: "a" in super, c: "b" in super }', '{"a":2,"b":true,"c":false}'],
    ['local x = { a: 1, b: self.a }; x { a: 2 }', '{"a":2,"b":2}'],
    ['{ local x = 1, assert self.a == x : "no", a: x }', '{"a":1}'],
    ['{ ["a" + i]: i for i in [1, 2, 3] if i != 2 }', '{"a1":1,"a3":3}'],
    ['[x + y for x in [1, 2] for y in [10, 20] if x < y]', '[11,21,12,22]'],
    ['[1, 2, 3, 4][1:3] + [5][::1]', '[2,3,5]'],
    ['"h\\u00e9llo"[1:3]', '"él"'],
    ['if false then 1', 'null'],
    ['(function(x) x)(1) tailstrict', '1'],
    ['local f(n) = if n == 0 then 0 else f(n - 1) tailstrict; f(5000)', '0'],
    ['local a = [error "never", 1]; a[1]', '1'],
    ['|||\n  a\n   b\n|||', '"a\\n b\\n"'],
    ['@"a\\b" + \'c"d\'', '"a\\\\bc\\"d"'],
    ['{ a:: 1 } + { a: 2 }', '{}'],
    ['{ a:: 1 } + { a::: 2 }', '{"a":2}'],
    ['{ [null]: 1, b: 2 }', '{"b":2}'],
    ['1_000.5_0 + 1e1_0', '10000001000.5'],
    ['!true || 1 < 2 && "b" > "a"', 'true'],
    ['[~1, 5 & 3, 5 | 3, 5 ^ 3, 1 << 3, -8 >> 1]', '[-2,1,7,6,8,-4]'],
    ['assert 1 == 1 : "no"; 2', '2'],
    ['local o = { f(x):: x + self.y, y:: 1 }; o.f(2)', '3'],
    [
      '[42.1, 1e-5, 1e21, -0, 100000000000000000000, 0.1]',
      '[42.100000000000001,1.0000000000000001e-05,1000000000000000000000,-0,100000000000000000000,0.10000000000000001]',
    ],
  ])('%s', (program, value) => {
    expect(compile(program).toCompactJson()).toBe(value);
  });
});

describe('A program that does not compile', () => {
  test.each([
    ['Invalid', 'static', '1:1-8 Unknown variable: Invalid'],
    ['1 +', 'parse', '1:4 Unexpected end of file'],
    ['{ a: 1, a: 2 }', 'parse', '1:9-10 Duplicate field: a'],
    ['local x = 1, x = 2; x', 'parse', '1:14-15 Duplicate local var: x'],
    ['"abc', 'lex', '1:1 Unterminated String'],
    ['1 1 "abc', 'lex', '1:5 Unterminated String'],
    ['f(a "abc', 'lex', '1:5 Unterminated String'],
    ['1_', 'lex', "1:3 Couldn't lex number, junk after '_': '\\ufffd'"],
    ['\u0001', 'lex', "1:1 Could not lex the character '\\x01'"],
    ['self.a', 'static', "1:1-5 Can't use self outside of an object."],
    ['super.a', 'static', "1:1-6 Can't use super outside of an object."],
    ['$.a', 'static', '1:1-2 No top-level object found.'],
    ['import "a" + "b"', 'parse', '1:8-17 Computed imports are not allowed'],
    ['{ a: 1,\n  b: y }', 'static', '2:6-7 Unknown variable: y'],
    ['"é" + y', 'static', '1:8-9 Unknown variable: y'],
    ['f(a=1, 2)', 'parse', '1:8-9 Positional argument after a named argument is not allowed'],
    ['[1 2]', 'parse', '1:4-5 Expected a comma before next array element'],
    ['a[1:2:3:4]', 'parse', '1:8-9 Invalid slice: too many colons'],
    ['1==-1', 'parse', '1:2-3 Not a binary operator: ='],
  ])('%s', (program, kind, summary) => {
    const error = errorOf(() => compile(program));
    expect(error.kind).toBe(kind);
    expect(error.summary).toBe(summary);
  });

  test('names the source and shows its lines', () => {
    expect(errorOf(() => compile('[\n  a +\n]', { name: 'f.jsonnet' })).format()).toBe(
      'f.jsonnet:3:1-2 Unexpected: "]" while parsing terminal\n\n]\n\n',
    );
  });
});

describe('An error of the evaluation', () => {
  test('has a line for each call and each value that was forced', () => {
    const program = 'local f(x) = { a: error "no " + x };\n[f(1).a]';
    expect(errorOf(() => compile(program, { name: 'f' }).toJson()).format()).toBe(
      [
        'RUNTIME ERROR: no 1',
        '\tf:1:19-34\tobject <anonymous>',
        '\tf:2:2-8\tthunk from <$>',
        '\tArray element 0\t',
        '\tDuring manifestation\t',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['local f(x) = (function(y) y)(x, z=1); f(1) tailstrict', ['1:14-37\tfunction <f>', 'During evaluation\t']],
    [
      'local f(n) = if n == 0 then error "x" else f(n - 1) tailstrict; f(3)',
      ['1:29-38\tfunction <f>', '1:44-52\tfunction <f>', '1:65-69\t$', 'During evaluation\t'],
    ],
    ['{ a+: (assert false; 1) }.a', ['1:8-23\t', '\t+:', '1:1-28\t$', 'During evaluation\t']],
  ])('has no line for a call that another one has replaced: %s', (program, lines) => {
    const { frames } = errorOf(() => compile(program).toJson());
    expect(frames.map((frame) => `${frame.place}\t${frame.context}`)).toEqual(lines);
  });

  test('leaves out the middle of a long stack', () => {
    const { frames, format } = errorOf(() => compile('local f(n) = if n == 0 then error "x" else 1 + f(n - 1); f(100)').toJson());
    expect(frames.length).toBeGreaterThan(100);
    expect(format).toBeTypeOf('function');
    const text = errorOf(() => compile('local f(n) = if n == 0 then error "x" else 1 + f(n - 1); f(100)').toJson()).format();
    expect(text.split('\n')).toHaveLength(1 + 21 + 1);
    expect(text).toContain('\t...\n');
  });

  test.each([
    ['1 + {}', 'Unexpected type object, expected number'],
    ['{}.a', 'Field does not exist: a'],
    ['[1][-9.93048659384309888e17]', 'Index -993048659384309888 out of bounds, not within [0, 1)'],
    ['[1][1]', 'Index 1 out of bounds, not within [0, 1)'],
    ['(function(x) x)()', 'Missing argument: x'],
    ['(function(x) x)(1, 2)', 'function expected 1 positional argument(s), but got 2'],
    ['(function(x) x)(y=1)', 'function has no parameter y'],
    ['(function(x) x)(1, x=1)', 'Argument x already provided'],
    ['{ assert false, a: 1 }', 'Object assertion failed.'],
    ['assert false; 1', 'Assertion failed'],
    ['{ [1]: 2 }', 'Field name must be string, got number'],
    ['{ [x]: 1 for x in ["a", "a"] }', 'Duplicate field name: "a"'],
    ['[x for x in "abc"]', 'Unexpected type string, expected array'],
    ['1 / 0', 'Division by zero.'],
    ['1e308 * 10', 'Overflow'],
    ['1e999', 'overflow'],
    ['function(x) x', 'Missing argument: x'],
    ['[function(x) x]', "couldn't manifest function as JSON"],
    ['import "a"', 'imports are not enabled'],
    ['{ a: super.b }.a', 'Attempt to use super when there is no super class.'],
    ['if 1 then 2', 'Unexpected type number, expected boolean'],
    ['std.nope', 'Field does not exist: nope'],
  ])('%s', (program, message) => {
    const error = errorOf(() => compile(program).toJson());
    expect(error.kind).toBe('runtime');
    expect(error.message).toBe(message);
  });
});

test('A comprehension has at most 2,000 loops', () => {
  const loops = (count: number): string => `[x ${'for x in [] '.repeat(count)}]`;
  expect(compile(loops(2000)).toCompactJson()).toBe('[]');
  const error = errorOf(() => compile(loops(2001)));
  expect([error.kind, error.message]).toEqual(['budget', 'max stack frames exceeded.']);
});

test('2,000 nested parentheses parse', () => {
  expect(compile(`${'('.repeat(2000)}1${')'.repeat(2000)}`).evaluate()).toBe(1);
});

test('A source that is nested too deep is an error of the budget', () => {
  expect(errorOf(() => compile('['.repeat(100_000))).kind).toBe('budget');
});

test('JSON is a program that gives itself', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.parse(compile(text).toJson())).toEqual(JSON.parse(text));
    }),
    { numRuns: 200 },
  );
});
