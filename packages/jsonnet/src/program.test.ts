import { describe, expect, test } from 'vitest';
import { compile } from './compile.ts';
import type { Json } from './json.ts';
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

const program = compile('{ b: [1, "x"], a: { c: null } }');

test('A value comes as data or as text', () => {
  expect(program.evaluate()).toEqual({ b: [1, 'x'], a: { c: null } });
  expect(program.toCompactJson()).toBe('{"a":{"c":null},"b":[1,"x"]}');
  expect(program.toJson()).toBe('{\n   "a": {\n      "c": null\n   },\n   "b": [\n      1,\n      "x"\n   ]\n}\n');
  expect([...program.toFiles()]).toEqual([
    ['a', '{\n   "c": null\n}\n'],
    ['b', '[\n   1,\n   "x"\n]\n'],
  ]);
  expect(compile('"a\\nb"').toText()).toBe('a\nb\n');
  expect([...compile('{ a: "x" }').toTextFiles()]).toEqual([['a', 'x\n']]);
  expect(compile('[1, {}]').toDocuments()).toEqual(['1\n', '{ }\n']);
});

test.each([
  ['toText', '1', 'expected string result, got: number'],
  [
    'toFiles',
    '1',
    'multi mode: top-level object was a number, should be an object whose keys are filenames and values hold the JSON for that file.',
  ],
  ['toTextFiles', '{ a: 1 }', "multi mode: top-level object's key a has a value of type float64, should be a string"],
  [
    'toDocuments',
    '1',
    'stream mode: top-level object was a number, should be an array whose elements hold the JSON for each document in the stream.',
  ],
] as const)('%s wants another type than that of %s', (method, source, message) => {
  expect(errorOf(() => compile(source)[method]()).message).toBe(message);
});

describe('Inputs', () => {
  test('External variables are text, or code that is evaluated when it is used', () => {
    const externals = {
      text: { type: 'text', value: '1 + 1' },
      code: { type: 'code', source: '1 + 1' },
      broken: { type: 'code', source: ')' },
    } as const;
    expect(compile('[std.extVar("text"), std.extVar("code")]').evaluate({ externals })).toEqual(['1 + 1', 2]);
    const error = errorOf(() => compile('std.extVar("broken")').evaluate({ externals }));
    expect([error.kind, error.summary]).toEqual(['parse', '<extvar:broken>:1:1-2 Unexpected: ")" while parsing terminal']);
    expect(errorOf(() => compile('std.extVar("none")').evaluate({ externals })).message).toBe('Undefined external variable: none');
  });

  test('Top-level arguments go to a function and are ignored elsewhere', () => {
    const inputs = { arguments: { x: { type: 'code', source: '2' }, y: { type: 'text', value: 'a' } } } as const;
    expect(compile('function(x, y="b", z=3) [x, y, z]').evaluate(inputs)).toEqual([2, 'a', 3]);
    expect(compile('1').evaluate(inputs)).toBe(1);
    expect(errorOf(() => compile('function(x) x').evaluate(inputs)).format()).toBe(
      'RUNTIME ERROR: function has no parameter y\n\tTop-level function call\t\n',
    );
  });

  test('Traces go to the sink with the place of the call', () => {
    const traced: string[] = [];
    expect(compile('\nstd.trace("a", 1)', { name: 'f' }).evaluate({ trace: (line) => traced.push(line) })).toBe(1);
    expect(traced).toEqual(['TRACE: f:2 a']);
  });

  test('Imports come from the resolver, each source once', () => {
    const asked: unknown[] = [];
    const sources: Record<string, string> = {
      'lib/a': 'import "b"',
      'lib/b': '{ file: std.thisFile, text: importstr "c", bytes: importbin "c" }',
      'lib/c': 'é',
    };
    const imports = compile('[import "a", import "a"]', {
      path: 'lib/main',
      imports: (request) => {
        asked.push(request);
        return { path: `lib/${request.path}`, content: sources[`lib/${request.path}`] ?? '' };
      },
    });
    const member = { file: 'lib/b', text: 'é', bytes: [195, 169] };
    expect(imports.evaluate()).toEqual([member, member]);
    expect(asked[0]).toEqual({ from: 'lib/main', path: 'a' });
    expect(asked[1]).toEqual({ from: 'lib/a', path: 'b' });
  });

  test('A problem of an imported source, or of the resolver, is an error of the evaluation', () => {
    const broken = compile('import "x"', { imports: ({ path }) => ({ path, content: '1 +' }) });
    expect(errorOf(() => broken.evaluate()).summary).toBe('RUNTIME ERROR: x:1:4 Unexpected end of file');
    const missing = compile('import "x"', {
      imports: () => {
        throw new Error('no x');
      },
    });
    expect(errorOf(() => missing.evaluate()).summary).toBe('RUNTIME ERROR: no x');
  });
});

describe('Native functions', () => {
  const fail = (message: string): never => {
    throw new Error(message);
  };
  const natives = {
    Body: {
      parameters: [{ name: 'path' }, { name: 'default', optional: true }],
      call: ([path, fallback]: readonly (Json | undefined)[], { context }: { context: unknown }): Json =>
        (context as Record<string, Json>)[String(path)] ?? fallback ?? fail(`path "${String(path)}" not found in the body`),
    },
    Now: { parameters: [{ name: 'format', default: '%Y' }], call: ([format]: readonly (Json | undefined)[]) => format ?? null },
  };
  const run = (source: string): Json => compile(source, { natives }).evaluate({ context: { a: 'x', o: { n: [1, { m: 2 }] } } });

  test('are global variables, and known to std.native', () => {
    expect(run("Body('a') + '-' + std.native('Body')('a')")).toBe('x-x');
    expect(run("std.native('None')")).toBe(null);
    expect(run('local Body = 5; Body')).toBe(5);
  });

  test('take defaults, named arguments and data, and give data', () => {
    expect(run("[Now(), Now('%f'), Now(format='a'), Body('b', default={ x: 1 }), Body('b', [1, 2])]")).toEqual([
      '%Y',
      '%f',
      'a',
      { x: 1 },
      [1, 2],
    ]);
    expect(run("local o = Body('o'); [o.n[1].m, std.objectFields(o), o + { k: 1 }]")).toEqual([2, ['n'], { n: [1, { m: 2 }], k: 1 }]);
  });

  test('fail with their message; their arguments are evaluated first', () => {
    expect(errorOf(() => run("Body('b')")).format()).toBe(
      'RUNTIME ERROR: path "b" not found in the body\n\t1:1-10\t$\n\tDuring evaluation\t\n',
    );
    expect(errorOf(() => run("Body('a', error 'eager')")).message).toBe('eager');
    expect(errorOf(() => run('Body()')).message).toBe('Missing argument: path');
  });

  test('may be replaced for one evaluation', () => {
    expect(compile('Now()', { natives }).evaluate({ natives: { Now: () => 5 } })).toBe(5);
  });

  test('pay for their work', () => {
    const busy = { parameters: [], call: (_: unknown, call: { charge(amount: number): void }): Json => call.charge(2_000_000) ?? 1 };
    expect(errorOf(() => compile('Busy()', { natives: { Busy: busy } }).evaluate()).message).toBe('max steps exceeded.');
  });
});

test('An evaluation may start another one of the same program', () => {
  const inner = compile('function(n) if n == 0 then [] else [Again(n - 1)]', {
    natives: {
      Again: {
        parameters: [{ name: 'n' }],
        call: ([n]) => inner.evaluate({ arguments: { n: { type: 'code', source: String(n) } } }),
      },
    },
  });
  expect(inner.evaluate({ arguments: { n: { type: 'code', source: '3' } } })).toEqual([[[[]]]]);
});
