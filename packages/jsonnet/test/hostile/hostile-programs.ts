const steps = 'max steps exceeded.';
const frames = 'max stack frames exceeded.';
const output = 'output too large.';
const longString = 'string too long.';
const longArray = 'array too long.';

/** A program that wants more time or memory than anyone should give it, and the budget error that ends it. */
export interface HostileProgram {
  readonly title: string;
  readonly code: string;
  readonly error: string;
}

/** Few objects that are many when they are walked: 2 ** depth. */
const tree = 'local tree(n, leaf) = if n == 0 then leaf else local below = tree(n - 1, leaf);';
const arrays = `${tree} [below, below];`;
const objects = `${tree} { a: below, b: below };`;
/** One in another, 100,000 times. */
const nested = 'local nested = std.foldl(function(inside, i) [inside], std.range(1, 100000), 0);';
const nestedObjects = 'local nested = std.foldl(function(inside, i) { a: inside }, std.range(1, 50000), 0);';
/** Elements are lazy: this one looks at all of them. */
const sum = (expression: string): string => `std.foldl(function(sum, i) sum + ${expression}, std.range(1, 100000), 0)`;
/** A long text that costs little: 2 ** times as long. */
const doubled = (text: string, times: number): string => `std.foldl(function(s, i) s + s, std.range(1, ${times}), '${text}')`;
const mega = `local mega = ${doubled('a', 20)};`;

const loops: Readonly<Record<string, readonly [string, string]>> = {
  'endless tail calls': ['local f(n) = f(n + 1) tailstrict; f(0)', steps],
  'endless calls': ['local f(n) = f(n + 1); f(0)', frames],
  'endless calls of two': ['local f(n) = g(n) + 1, g(n) = f(n) + 1; f(0)', frames],
  'deep recursion': ['local f(n) = if n == 0 then 0 else 1 + f(n - 1); f(1000000)', frames],
  'exponential recursion': ['local fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2); fib(60)', steps],
  'a function that calls its argument with itself': ['(function(f) f(f))(function(f) f(f))', frames],
  Ackermann: ['local a(m, n) = if m == 0 then n + 1 else if n == 0 then a(m - 1, 1) else a(m - 1, a(m, n - 1)); a(4, 4)', frames],
  'nested comprehensions': ['std.length([1 for a in std.range(1, 1000) for b in std.range(1, 1000) for c in std.range(1, 1000)])', steps],
  'a comprehension that keeps nothing': ['[1 for a in std.range(1, 10000) for b in std.range(1, 10000) if a + b < 0]', steps],
  'a fold in a fold': ['std.foldl(function(x, i) std.foldl(function(y, j) y + j, std.range(1, 10000), x), std.range(1, 10000), 0)', steps],
  'a long fold from the right': ['std.foldr(function(i, sum) i + sum, std.range(1, 3000000), 0)', steps],
  'every element needs the one before': [
    'local all = std.makeArray(100000, function(i) if i == 0 then 0 else all[i - 1] + 1); all[99999]',
    frames,
  ],
  'maps of maps': ['std.foldl(function(all, i) std.map(function(x) x + 1, all), std.range(1, 20000), [1])[0]', frames],
  'ever more maps of maps': ['std.foldl(function(all, i) std.map(function(x) x + 1, all), std.range(1, 50000), [1])[0]', steps],
};

const endlessValues: Readonly<Record<string, readonly [string, string]>> = {
  'an object in itself': ['{ a: self }', frames],
  'the outermost object inside': ['{ a: { b: $ } }', frames],
  'an array in itself': ['local a = [a]; a', frames],
  'an object for each level': ['local f(n) = { n: n, next: f(n + 1) }; f(0)', frames],
  'an endless object as text': ['local o = { a: o }; std.toString(o)', frames],
  'endless objects compared': ['local a = { x: a }, b = { x: b }; a == b', frames],
  'endless arrays in order': ['local a = [a], b = [b]; a < b', frames],
  'a field of itself': ['{ a: self.a }.a', frames],
  'fields of each other': ['{ a: self.b, b: self.c, c: self.a }.a', frames],
  'an assertion that needs itself': ['{ assert self.a == 1, a: self.b, b: self.a }', frames],
  'an assertion for each level': ['local f(n) = { assert f(n + 1).x, x: true }; f(0).x', frames],
  'a chain of super': ['std.foldl(function(o, i) o + { a: super.a + 1 }, std.range(1, 2000), { a: 0 }).a', frames],
  'a long chain of layers': ["std.foldl(function(o, i) o + { ['k' + i]: i }, std.range(1, 200000), {}).k1", steps],
  'a file that imports itself': ["import 'endless'", frames],
};

const deep: Readonly<Record<string, readonly [string, string]>> = {
  'deep arrays manifested': [`${nested} nested`, frames],
  'deep objects manifested': [`${nestedObjects} nested`, frames],
  'ever deeper objects': ['std.foldl(function(inside, i) { a: inside }, std.range(1, 100000), 0)', steps],
  'deep arrays as text': [`${nested} std.toString(nested)`, frames],
  'deep arrays compared': [`${nested} nested == [nested]`, frames],
  'deep arrays in order': [`${nested} nested < [nested]`, frames],
  'deep arrays flattened': [`${nested} std.flattenDeepArray(nested)`, frames],
  'deep arrays pruned': [`${nested} std.prune(nested)`, frames],
  'deep objects merged': [`${nestedObjects} std.mergePatch(nested, nested)`, frames],
  'deep objects as YAML': [`${nestedObjects} std.manifestYamlDoc(nested)`, frames],
  'deep objects as TOML': [`${nestedObjects} std.manifestToml(nested)`, frames],
  'deep arrays as Python': [`${nested} std.manifestPython(nested)`, frames],
  'deep arrays as XML': ["std.manifestXmlJsonml(std.foldl(function(inside, i) ['a', inside], std.range(1, 100000), 'x'))", frames],
  'deep arrays joined': ["std.deepJoin(std.foldl(function(inside, i) [inside], std.range(1, 100000), 'x'))", frames],
  'deep JSON parsed': [`std.parseJson(${doubled('[', 17)} + ${doubled(']', 17)})`, frames],
  'deep YAML parsed': [`std.parseYaml(${doubled('[', 17)})`, steps],
};

const shared: Readonly<Record<string, readonly [string, string]>> = {
  'a shared tree manifested': [`${arrays} tree(40, [])`, output],
  'a shared tree of objects manifested': [`${objects} tree(40, {})`, output],
  'a shared tree of texts manifested': [`${arrays} tree(20, ${doubled('x', 13)})`, output],
  'a shared tree as text': [`${arrays} std.length(std.toString(tree(40, 1)))`, steps],
  'a shared tree added to text': [`${arrays} std.length('' + tree(40, 1))`, steps],
  'a shared tree formatted': [`${arrays} std.length('%s' % [tree(40, 1)])`, steps],
  'shared trees compared': [`${arrays} tree(40, 1) == tree(40, 1)`, steps],
  'shared trees of objects compared': [`${objects} tree(40, 1) == tree(40, 1)`, steps],
  'shared trees in order': [`${arrays} tree(40, 1) < tree(40, 1)`, steps],
  'a shared tree flattened': [`${arrays} std.length(std.flattenDeepArray(tree(40, 1)))`, steps],
  'a shared tree pruned': [`${arrays} std.length(std.prune(tree(40, 1)))`, steps],
  'shared trees merged': [`${objects} std.mergePatch(tree(40, 1), tree(40, 1))`, steps],
  'a shared tree joined': [`${arrays} std.length(std.deepJoin(tree(40, 'x')))`, steps],
  'a shared tree as JSON': [`${objects} std.length(std.manifestJsonEx(tree(40, 1), '  '))`, output],
  'a shared tree as YAML': [`${objects} std.length(std.manifestYamlDoc(tree(40, 1)))`, output],
  'a shared tree as TOML': [`${objects} std.length(std.manifestToml(tree(40, { a: 1 })))`, steps],
  'a shared tree as Python': [`${arrays} std.length(std.manifestPython(tree(40, 1)))`, output],
};

const long: Readonly<Record<string, readonly [string, string]>> = {
  'a doubled string': ["std.length(std.foldl(function(s, i) s + s, std.range(1, 40), 'x'))", longString],
  'a doubled array': ['std.length(std.foldl(function(a, i) a + a, std.range(1, 40), [1]))', steps],
  'a doubled array by flatMap': ['std.length(std.foldl(function(a, i) std.flatMap(function(x) [x, x], a), std.range(1, 40), [1]))', steps],
  'a range': ['std.length(std.range(0, 1000000000))', longArray],
  'a made array': ['std.length(std.makeArray(1000000000, function(i) i))', longArray],
  'a repeated string': ["std.length(std.repeat('xy', 1000000000))", longString],
  'a repeated array': ['std.length(std.repeat([1], 1000000000))', longArray],
  'a join of long separators': [`${mega} std.length(std.join(mega, std.repeat([''], 10000)))`, longString],
  'a join of arrays': ['std.length(std.join(std.range(1, 1000), std.repeat([[]], 1000000)))', steps],
  lines: [`${mega} std.length(std.lines(std.repeat([mega], 100)))`, longString],
  'a long replacement': [`${mega} std.length(std.strReplace(mega, 'a', mega))`, longString],
  'a wide number': ["std.length('%999999999d' % 1)", longString],
  'a width from the values': ["std.length('%*d' % [999999999, 1])", longString],
  'a wide text': ["std.length('%-999999999s' % 'x')", longString],
  'a wide text by name': ["std.length('%(a)999999999s' % { a: 1 })", longString],
  'long texts formatted': [`${mega} std.length(std.repeat('%s', 1000) % std.repeat([mega], 1000))`, longString],
  'arrays flattened': ['std.length(std.flattenArrays(std.repeat([std.range(1, 100000)], 100)))', steps],
  'an array encoded': [`${mega} ${sum('std.length(std.encodeUTF8(mega))')}`, steps],
  'a long output': [`${mega} std.repeat([mega], 100)`, output],
  'a long output of text': [`${doubled('x', 21)} + ${doubled('\\u0001', 21)}`, longString],
  'escapes that make it longer': [doubled('\\u0001', 21), output],
};

const slow: Readonly<Record<string, readonly [string, string]>> = {
  'a long sort': ['std.length(std.sort(std.makeArray(1000000, function(i) (i * 7919) % 1000003)))', steps],
  'a sort by a slow key': [
    'std.length(std.sort(std.range(1, 100000), function(x) std.foldl(function(a, b) a + b, std.range(1, 100), x)))',
    steps,
  ],
  'a sort of long arrays': ['local a = std.range(1, 10000); std.length(std.sort([a + [-i] for i in std.range(1, 300)]))', steps],
  'a sort of long texts': [`${mega} std.length(std.sort([mega[:900000] + i for i in std.range(1, 2000)]))`, steps],
  'a set of many': ['std.length(std.set(std.makeArray(1000000, function(i) -i)))', steps],
  'a union of many': ['std.length(std.setUnion(std.range(1, 2000000), std.range(1, 2000000)))', steps],
  'text that grows by one': ["std.length(std.foldl(function(s, i) s + 'x', std.range(1, 2000000), ''))", steps],
  'an array that grows by one': ['std.length(std.foldl(function(a, i) a + [i], std.range(1, 1000000), []))', steps],
  'an array that loses one': ['std.length(std.foldl(function(a, i) a[1:], std.range(1, 100000), std.range(1, 100000)))', steps],
  'text that loses one': [`${mega} std.length(std.foldl(function(s, i) s[1:], std.range(1, 500000), mega + '😀'))`, steps],
  'every character of a long text': [`local s = ${doubled('😀', 18)}; ${sum('std.codepoint(s[i])')}`, steps],
  'every part of a long text': [`local s = ${doubled('😀', 18)}; ${sum('std.length(std.substr(s, i, 1000))')}`, steps],
  'lengths of a long text': [`local s = ${doubled('😀', 18)}; ${sum('std.length(s + i)')}`, steps],
  'a text found everywhere': [`${mega} std.length(std.findSubstr(mega[:10000], mega))`, steps],
  'a text found nowhere': [`${mega} ${sum("std.length(std.findSubstr('b' + mega[:10000], mega))")}`, steps],
  'a replacement found nowhere': [`${mega} ${sum("std.length(std.strReplace(mega, 'b' + mega[:10000], ''))")}`, steps],
  'a split into characters': [`${mega} ${sum("std.length(std.split(mega, 'a'))")}`, steps],
  'a split at nothing': [`${mega} ${sum("std.length(std.splitLimit(mega, 'b' + mega[:10000], -1))")}`, steps],
  'characters stripped': [`${mega} local letters = ${doubled('b', 17)} + 'a'; ${sum('std.length(std.stripChars(mega, letters))')}`, steps],
  'white space trimmed': [`local s = ${doubled(' ', 20)} + 'x'; ${sum('std.length(std.trim(s))')}`, steps],
  'characters of a text': [`${mega} ${sum('std.length(std.stringChars(mega))')}`, steps],
  'letters made big': [`${mega} ${sum('std.length(std.asciiUpper(mega))')}`, steps],
  hashes: [`${mega} ${sum('std.length(std.md5(mega))')}`, steps],
  'long hashes': [`${mega} ${sum('std.length(std.sha3(mega))')}`, steps],
  'base64 there and back': [`${mega} ${sum('std.length(std.base64Decode(std.base64(mega)))')}`, steps],
  'texts escaped': [`${mega} ${sum('std.length(std.escapeStringXML(mega))')}`, steps],
  'texts compared': [`${mega} local other = ${doubled('a', 20)}; ${sum('if mega == other then 1 else 0')}`, steps],
  'texts in order': [`${mega} local other = ${doubled('a', 20)}; ${sum('if mega < other then 1 else 0')}`, steps],
  'a member looked for': [`local a = std.range(1, 100000); ${sum('if std.member(a, -1) then 1 else 0')}`, steps],
  'long members counted': [`local a = std.range(1, 10000); std.count(std.repeat([a], 10000), a + [])`, steps],
  'a big number parsed': [`local s = ${doubled('1', 20)}; ${sum('std.parseHex(s)')}`, steps],
  'huge JSON': [`local s = '[' + ${doubled('1,', 20)} + '1]'; ${sum('std.length(std.parseJson(s))')}`, steps],
  'huge YAML': [`local s = ${doubled('- a\\n', 19)}; ${sum('std.length(std.parseYaml(s))')}`, steps],
  'YAML of aliases': [
    "std.length(std.toString(std.parseYaml(std.join('\\n', ['a0: &a0 [x, x]'] + ['a%d: &a%d [*a%d, *a%d]' % [i, i, i - 1, i - 1] for i in std.range(1, 40)]))))",
    steps,
  ],
  'many fields': [`std.length({ ['k' + i]: i for i in std.range(1, 1000000) })`, steps],
  'fields listed again and again': [
    `local o = { ['k' + i]: i for i in std.range(1, 10000) }; ${sum('std.length(std.objectFields(o))')}`,
    steps,
  ],
  'fields removed one by one': [
    "local o = { ['k' + i]: i for i in std.range(1, 10000) }; std.foldl(function(o, i) std.objectRemoveKey(o, 'k' + i), std.range(1, 10000), o)",
    steps,
  ],
  'wide objects merged': [`local o = { ['k' + i]: i for i in std.range(1, 10000) }; ${sum('std.length(std.mergePatch(o, o))')}`, steps],
  'big numbers as text': [`${sum("std.length('' + 1.7976931348623157e308)")} + ${sum("std.length('%f' % 1e200)")}`, output],
  'a flood of traces': [`${mega} ${sum('std.trace(mega, 1)')}`, steps],
};

/** A sum of 2 ** depth numbers that is not nested deep. */
const wideSum = (depth: number): string => (depth === 0 ? 'i' : `(${wideSum(depth - 1)} + ${wideSum(depth - 1)})`);

/** What looks small: each call, value or operation costs more than its few steps. */
const dear: Readonly<Record<string, readonly [string, string]>> = {
  'many small hashes': [sum("std.length(std.md5('a' + i))"), steps],
  'many small YAML documents': [sum("std.length(std.parseYaml('- a'))"), steps],
  'many small numbers parsed': [sum("std.parseInt('-1')"), steps],
  'empty objects parsed': [`std.length(std.parseJson('[' + ${doubled('{},', 19)} + '{}]'))`, steps],
  'fewer empty objects parsed': [`std.length(std.parseJson('[' + ${doubled('{},', 18)} + ${doubled('{},', 17)} + '{}]'))`, steps],
  'a field of many layers': [`local o = std.foldl(function(o, i) o + { ['k' + i]: i }, std.range(1, 1500), {}); ${sum('o.k1')}`, steps],
  'a field looked for among many': [
    `local o = { ['k' + i]: i for i in std.range(1, 10000) }; ${sum("if std.objectHas(o, 'k' + i) then 1 else 0")}`,
    steps,
  ],
  'long numbers formatted': [sum("std.length('%d' % 1e300)"), steps],
  'fractions as text': [sum("std.length('' + (i + 0.1))"), steps],
  'a wide sum': [`local f(i) = ${wideSum(12)}; ${sum('f(i)')}`, steps],
  'many variables of a call': [
    `local f(i) = local ${Array.from({ length: 1000 }, (_, index) => `x${index} = [i]`).join(', ')}; i; ${sum('f(i)')}`,
    steps,
  ],
  'white space at the end': [`local s = 'x' + ${doubled(' ', 20)}; ${sum('std.length(std.trim(s))')}`, steps],
  'objects made': ['std.length([{ a: i } for i in std.range(1, 1000000)])', steps],
  'arrays made': ['std.length([[i] for i in std.range(1, 1000000)])', steps],
  'values that wait': ['std.length([i + 1 for i in std.range(1, 1000000)])', steps],
  'calls that wait': ['std.length(std.makeArray(900000, function(i) i))', steps],
};

/** Sources that are hostile before anything is evaluated. */
const sources: Readonly<Record<string, readonly [string, string]>> = {
  'nested arrays': [`${'['.repeat(20_000)}${']'.repeat(20_000)}`, frames],
  'nested objects': [`${'{a:'.repeat(20_000)}1${'}'.repeat(20_000)}`, frames],
  'nested conditions': [`${'if true then '.repeat(20_000)}1`, frames],
  'nested functions': [`${'function(x) '.repeat(20_000)}1`, frames],
  'nested locals': [`${'local x = 1; '.repeat(20_000)}x`, frames],
  signs: [`${'-'.repeat(20_000)}1`, frames],
  'a long sum': [`1${' + 1'.repeat(20_000)}`, frames],
  'a long chain of fields': [`{}${'.a'.repeat(20_000)}`, frames],
  'a long chain of calls': [`(function() 1)${'()'.repeat(20_000)}`, frames],
  'a long chain of empty layers': [`{}${'{}'.repeat(20_000)}`, frames],
  'a long chain of comparisons': [`1${' < 1'.repeat(20_000)}`, frames],
  'a comprehension of many loops': [`[1 ${'for x in [1, 2] '.repeat(20_000)}]`, frames],
  'an error in an error': [`${'error '.repeat(20_000)}1`, frames],
};

export const hostilePrograms: readonly HostileProgram[] = [loops, endlessValues, deep, shared, long, slow, dear, sources].flatMap((group) =>
  Object.entries(group).map(([title, [code, error]]) => ({ title, code, error })),
);
