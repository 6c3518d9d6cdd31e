import { describe, expect, test } from 'vitest';
import { compile } from '../compile.ts';
import { JsonnetError } from '../jsonnet-error.ts';
import type { Limits } from '../limits.ts';

function errorOf(program: string, limits?: Partial<Limits>): { kind: string; message: string } {
  try {
    compile(program).toJson({}, limits);
  } catch (error) {
    if (error instanceof JsonnetError) return { kind: error.kind, message: error.message };
    throw error;
  }
  throw new Error('nothing failed');
}

const shared = (leaf: string, node: string): string => `local t(n) = if n == 0 then ${leaf} else local c = t(n - 1); ${node}; t(40)`;
const doubling = (start: string): string => `local d(s, n) = if n == 0 then s else d(s + s, n - 1); d(${start}, 40)`;
const steps = 'max steps exceeded.';
const frames = 'max stack frames exceeded.';
const output = 'output too large.';

describe('A program that would not end, or eats memory', () => {
  test.each([
    ['local f(x) = f(x); f(1)', frames],
    ['local f(x) = f(x + 1) tailstrict; f(1)', steps],
    ['local a = a; a', frames],
    ['{ a: self }', frames],
    ['local x = [x]; x', frames],
    [doubling('"0123456789"'), 'string too long.'],
    [doubling('[1]'), steps],
    [shared('[]', '[c, c]'), output],
    [shared('{}', '{ a: c, b: c }'), output],
    [`std.toString(${shared('"x"', '[c, c]')})`, steps],
    [`std.manifestJsonEx(${shared('"x"', '[c, c]')}, "  ")`, output],
    [`std.manifestYamlDoc(${shared('"x"', '[c, c]')})`, output],
    [`std.manifestTomlEx(${shared('"x"', '{ a: c, b: c }')}, " ")`, steps],
    ['local s = std.repeat("x", 3000000); std.length(std.manifestTomlEx({ a: s, b: { c: s, d: [s] } }, " "))', output],
    [`std.manifestPython(${shared('"x"', '[c, c]')})`, output],
    [`std.deepJoin(${shared('"x"', '[c, c]')})`, steps],
    [`std.flattenDeepArray(${shared('"x"', '[c, c]')})`, steps],
    [`std.prune(${shared('"x"', '[c, c]')})`, steps],
    [`local a = (${shared('"x"', '[c, c]')}); a == a`, steps],
    ['std.range(0, 1e9)', 'array too long.'],
    ['std.makeArray(1e9, function(i) i)', 'array too long.'],
    ['std.repeat("a", 1e9)', 'string too long.'],
    ['"%1000000000d" % 1', 'string too long.'],
    ['"%.999999999f" % 1', 'Overflow'],
    ['"%*d" % [1e12, 1]', 'string too long.'],
    ['std.sort(std.range(1, 1000000), function(x) -x)', steps],
    ['local a = std.range(1, 1000); [x + y for x in a for y in a]', steps],
    ['std.foldl(function(a, b) a + [b], std.range(1, 100000), [])', steps],
    ['std.foldl(function(a, b) a { [std.toString(b)]: b }, std.range(1, 3000), {})', steps],
    ['std.parseYaml(std.repeat("[", 100000))', steps],
    ['std.parseJson(std.repeat("[", 100000))', 'failed to parse JSON: unexpected end of JSON input'],
    ['std.strReplace(std.repeat("a", 100000), "a", std.repeat("b", 1000))', 'string too long.'],
    ['std.stringChars(std.repeat("a", 4000000))', steps],
    ['std.flatMap(function(x) std.range(1, 100000), std.range(1, 1000))', steps],
    ['local s = std.repeat("é", 1000000); [s[i] for i in std.range(1, 100000)]', steps],
    ['local o = { a(n):: if n == 0 then 0 else self.a(n - 1) }; o.a(1e6)', frames],
    ['std.foldl(function(a, b) a + { x: super.x + 1 }, std.range(1, 100000), { x: 0 }).x', steps],
  ])('%s', (program, message) => {
    expect(errorOf(program).message).toBe(message);
  });
});

test('What is over a limit is of kind budget', () => {
  expect(errorOf('[1, 2]', { steps: 1 })).toEqual({ kind: 'budget', message: steps });
  expect(errorOf('[[1]]', { frames: 2 })).toEqual({ kind: 'budget', message: frames });
  expect(errorOf('"abcdef"', { outputBytes: 7 })).toEqual({ kind: 'budget', message: output });
  expect(errorOf('"ab" + "cd"', { length: 3 })).toEqual({ kind: 'budget', message: 'string too long.' });
  expect(errorOf('[1, 2] + [3]', { length: 2 })).toEqual({ kind: 'budget', message: 'array too long.' });
});

test.each([
  ['local f(n) = if n == 0 then 0 else f(n - 1) + 1; f(497)', 'local f(n) = if n == 0 then 0 else f(n - 1) + 1; f(498)'],
  [
    'local f(n) = if n == 0 then 0 else local a = f(n - 1); a + 1; f(248)',
    'local f(n) = if n == 0 then 0 else local a = f(n - 1); a + 1; f(249)',
  ],
])('Frames are counted as the reference does: %s', (fits, fails) => {
  expect(compile(fits).evaluate()).toBeTypeOf('number');
  expect(errorOf(fails).message).toBe(frames);
});

test('The text of an output is paid for with each of its bytes', () => {
  const program = compile('[{ a: 1, b: "x" }, null]');
  const { length } = program.toCompactJson();
  expect(program.toCompactJson({}, { outputBytes: length })).toHaveLength(length);
  expect(() => program.toCompactJson({}, { outputBytes: length - 1 })).toThrow(output);
});
