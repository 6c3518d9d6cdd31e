import { compile } from '../../src/compile.ts';
import type { Json } from '../../src/json.ts';
import type { NativeFunction } from '../../src/native-function.ts';

/** As the runner of the benchmarks takes it. */
export interface Figure {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** The largest value that is good enough. */
  readonly bar?: number;
}

/** About 1 kB. */
export const benchBody = JSON.stringify({
  id: '0195c3f0-1111-7abc-8def-0123456789ab',
  type: 'order.created',
  customer: { id: 123456, name: 'Jané Doe', email: 'jane.doe@example.com', tags: ['a', 'b', 'vip'] },
  items: Array.from({ length: 10 }, (_, index) => ({
    sku: `SKU-${index}`,
    amount: index,
    price: 12.5,
    text: `a "fine" product, number ${index}`,
  })),
  total: 1234.5,
  shop: { number: 17, region: 'eu-central' },
});
const parsed: Json = { ...(JSON.parse(benchBody) as Record<string, Json>), many: Array.from({ length: 100 }, (_, index) => index) };

const paths = new Map<string, readonly string[]>();

function lookUp(value: Json, path: string): Json {
  let keys = paths.get(path);
  if (!keys) {
    keys = path.split('.');
    paths.set(path, keys);
  }
  return follow(value, keys);
}

function follow(value: Json, keys: readonly string[]): Json {
  let at: Json | undefined = value;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) throw new Error(`there is no "${key}"`);
    at = (at as Readonly<Record<string, Json>>)[key];
    if (at === undefined) throw new Error(`there is no "${key}"`);
  }
  return at;
}

const bodyFunction: NativeFunction = {
  parameters: [{ name: 'path' }],
  call: ([path], { context }) => {
    if (typeof path !== 'string') throw new Error('a path is a string');
    return lookUp(context as Json, path);
  },
};

const text = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
const at = (path: string): ((value: Json) => Json) => {
  const keys = path.split('.');
  return (value) => follow(value, keys);
};
const [name, region, type, number, total, many] = ['customer.name', 'shop.region', 'type', 'shop.number', 'total', 'many'].map(at) as [
  Getter,
  Getter,
  Getter,
  Getter,
  Getter,
  Getter,
];
type Getter = (value: Json) => Json;

interface Template {
  readonly id: string;
  readonly source: string;
  /** The same by hand: look-up, type check and quoting. */
  readonly byHand: (value: Json) => string;
  /** How many times slower than by hand is good enough. */
  readonly ratioBar?: number;
}

const tenFields = [
  'id',
  'type',
  'total',
  'customer.id',
  'customer.name',
  'customer.email',
  'customer.tags',
  'shop',
  'shop.region',
  'shop.number',
];
const tenGetters = tenFields.map((path, index) => [`f${index}`, at(path)] as const);

const templates: readonly Template[] = [
  { id: 'literal', source: "'text'", byHand: () => JSON.stringify('text') },
  { id: 'path', source: "Body('customer.name')", byHand: (value) => JSON.stringify(name(value)) },
  {
    id: 'two-paths',
    source: "Body('customer.name') + '-' + Body('shop.region')",
    byHand: (value) => JSON.stringify(`${text(name(value))}-${text(region(value))}`),
    ratioBar: 5,
  },
  {
    id: 'three-paths',
    source: "Body('customer.name') + '-' + Body('shop.region') + '-' + Body('type')",
    byHand: (value) => JSON.stringify(`${text(name(value))}-${text(region(value))}-${text(type(value))}`),
  },
  {
    id: 'ten-fields',
    source: `{ ${tenFields.map((path, index) => `f${index}: Body('${path}')`).join(', ')} }`,
    byHand: (value) => JSON.stringify(Object.fromEntries(tenGetters.map(([field, get]) => [field, get(value)]))),
  },
  {
    id: 'comprehension-100',
    source: "[x * 2 for x in Body('many') if x != 50]",
    byHand: (value) => {
      const all = many(value);
      if (!Array.isArray(all)) throw new Error('not an array');
      const doubled: number[] = [];
      for (const x of all) {
        if (typeof x !== 'number') throw new Error('not a number');
        if (x !== 50) doubled.push(x * 2);
      }
      return JSON.stringify(doubled);
    },
  },
  {
    id: 'format',
    source: "std.format('%s-%05d-%.2f', [Body('customer.name'), Body('shop.number'), Body('total')])",
    byHand: (value) => {
      const [integer, fraction] = [number(value), total(value)];
      if (typeof integer !== 'number' || typeof fraction !== 'number') throw new Error('not a number');
      return JSON.stringify(`${text(name(value))}-${String(Math.trunc(integer)).padStart(5, '0')}-${fraction.toFixed(2)}`);
    },
  },
];

const rounds = 60;
const roundMs = 10;

/** Nanoseconds of one call: the best of many short rounds, so that other work on the machine disturbs little. */
export function measure(call: () => string): number {
  let count = 1;
  const time = (): number => {
    const start = performance.now();
    for (let index = 0; index < count; index += 1) call();
    return performance.now() - start;
  };
  while (time() < roundMs) count *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) best = Math.min(best, time());
  return (best * 1e6) / count;
}

/** ns of an evaluation, as text and after the body was parsed where nothing else is said, beside closures written by hand. */
export async function benchJsonnet(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { id, source, byHand, ratioBar } of templates) {
    const program = compile(source, { natives: { Body: bodyFunction } });
    const inputs = { context: parsed };
    const expected = byHand(parsed);
    const got = program.toCompactJson(inputs);
    if (got !== expected) throw new Error(`${source} gives ${got}, by hand it is ${expected}`);
    const hand = measure(() => byHand(parsed));
    const ours = measure(() => program.toCompactJson(inputs));
    figures.push({ id: `jsonnet-${id}`, value: ours, unit: 'ns' }, { id: `jsonnet-${id}-by-hand`, value: hand, unit: 'ns' });
    if (ratioBar === undefined) continue;
    figures.push({ id: `jsonnet-${id}-ratio`, value: ours / hand, unit: 'times by hand', bar: ratioBar });
    // For comparison: the bar is that of `jsonnet-record-two-paths`, with the parse that the columns of a record share.
    const parsing = measure(() => program.toCompactJson({ context: JSON.parse(benchBody) }));
    figures.push({ id: `jsonnet-${id}-with-json-parse`, value: parsing, unit: 'ns' });
    figures.push({ id: 'jsonnet-json-parse-alone', value: measure(() => String(JSON.parse(benchBody))), unit: 'ns' });
  }
  const source = templates.find(({ id }) => id === 'ten-fields')?.source ?? '';
  figures.push({
    id: 'jsonnet-compile-ten-fields',
    value: measure(() => String(compile(source, { natives: { Body: bodyFunction } }))),
    unit: 'ns',
  });
  return figures;
}
